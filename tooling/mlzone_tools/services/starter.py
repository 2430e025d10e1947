"""Begins an estate: the smallest valid one, under the user's names."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from mlzone.errors import ConfigError
from mlzone.loading import EstateError, load_estate
from mlzone_tools.services.estate import write_text

_METADATA = """<?xml version="1.0" encoding="UTF-8"?>
<!-- A placeholder: replace it with the metadata of your identity provider. -->
<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.{domain}/saml">
  <IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <KeyDescriptor use="signing">
      <KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#">
        <X509Data><X509Certificate>{certificate}</X509Certificate></X509Data>
      </KeyInfo>
    </KeyDescriptor>
    <SingleSignOnService
      Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
      Location="https://idp.{domain}/saml/sso"/>
  </IDPSSODescriptor>
</EntityDescriptor>
"""


def start(folder: Path, *, name: str, prefix: str, region: str, domain: str) -> tuple[Path, ...]:
    """Write a new estate; return its files.

    Raises:
        ConfigError: the folder has an estate already, or a name is not allowed.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} is not empty", hint="name a new folder")
    organization = {
        "name": name,
        "prefix": prefix,
        "organization_id": "o-0000000000",
        "home_region": region,
        "allowed_regions": [region],
        "accounts": {
            "management": "000000000001",
            "shared_services": "000000000002",
            "log_archive": "000000000003",
        },
        "identity": {"email_domain": domain},
        "guardrails": {
            "training_instance_types": ["ml.m5.large"],
            "serving_instance_types": ["ml.m5.large"],
        },
    }
    unit = {
        "name": "first-unit",
        "title": "First business unit",
        "owner": "unit.owner",
        "cost_center": "CC-1",
        "environments": {
            stage: {
                "account": f"00000000001{number}",
                "network": {"create": {"cidr": f"10.0.{16 * number}.0/20"}},
            }
            for number, stage in enumerate(("dev", "staging", "prod"), start=1)
        },
        "approvers": ["risk.officer"],
        "teams": [
            {
                "name": "first-team",
                "title": "First team",
                "members": {"data-scientist": ["data.scientist"]},
                "budget": {"monthly_usd": 1000},
                "data_zones": [
                    {
                        "name": "first-zone",
                        "classification": "internal",
                        "owner": "data.scientist",
                        "purpose": "Say what the data may be used for",
                        "legal_basis": "contract",
                    }
                ],
            }
        ],
    }
    files = {
        folder / "organization.yaml": yaml.safe_dump(organization, sort_keys=False),
        folder / "business_units" / "first-unit.yaml": yaml.safe_dump(unit, sort_keys=False),
        folder / "waivers.yaml": "waivers: []\n",
        folder / "identity" / "saml-metadata.xml": _METADATA.format(
            domain=domain, certificate=_certificate(domain)
        ),
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
    try:
        load_estate(folder)
    except EstateError as error:
        shutil.rmtree(folder)
        problems = "; ".join(f"{item.path} {item.message}" for item in error.problems)
        raise ConfigError(f"these names are not allowed: {problems}") from error
    return tuple(files)


def _certificate(domain: str) -> str:
    """Return a self-made certificate, so that the metadata is well formed."""
    import base64  # noqa: PLC0415

    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"idp.{domain}")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    return base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()
