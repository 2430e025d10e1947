"""What a SAML assertion says of a person."""

import base64
import binascii
import xml.etree.ElementTree as ET
from dataclasses import dataclass

from mlzone_cloud.errors import ApiError

AUDIENCE = "https://signin.aws.amazon.com/saml"
_ATTRIBUTES = "https://aws.amazon.com/SAML/Attributes/"
_PRINCIPAL_TAG = f"{_ATTRIBUTES}PrincipalTag:"
_NAMESPACE = "{urn:oasis:names:tc:SAML:2.0:assertion}"
_LONGEST = 100_000


@dataclass(frozen=True, kw_only=True)
class Assertion:
    """The attributes that AWS reads."""

    roles: tuple[str, ...]
    """Pairs `role ARN,provider ARN`."""
    session_name: str
    source_identity: str
    tags: dict[str, str]
    transitive_tags: tuple[str, ...]
    subject: str
    audience: str
    """What `SAML:aud` holds: the sign-in endpoint that the assertion is for, its recipient."""

    @classmethod
    def parse(cls, encoded: str) -> "Assertion":
        """Read an assertion.

        Raises:
            ApiError: it is not base64 of XML, or lacks what AWS needs.
        """
        root = _parse_xml(encoded)
        attributes = {
            str(attribute.get("Name")): tuple(
                (value.text or "").strip()
                for value in attribute.iter(f"{_NAMESPACE}AttributeValue")
            )
            for attribute in root.iter(f"{_NAMESPACE}Attribute")
        }

        def first(name: str) -> str:
            return next(iter(attributes.get(f"{_ATTRIBUTES}{name}", ())), "")

        if not first("RoleSessionName"):
            raise ApiError("InvalidIdentityToken", "the assertion has no RoleSessionName")
        return cls(
            roles=attributes.get(f"{_ATTRIBUTES}Role", ()),
            session_name=first("RoleSessionName"),
            source_identity=first("SourceIdentity"),
            tags={
                name.removeprefix(_PRINCIPAL_TAG): values[0]
                for name, values in attributes.items()
                if name.startswith(_PRINCIPAL_TAG) and values
            },
            transitive_tags=attributes.get(f"{_ATTRIBUTES}TransitiveTagKeys", ()),
            subject=_text(root, "NameID") or first("RoleSessionName"),
            audience=_recipient(root),
        )

    def names(self, role_arn: str, provider_arn: str) -> bool:
        """Tell whether the person may have a role, in either order that AWS accepts."""
        return not {f"{role_arn},{provider_arn}", f"{provider_arn},{role_arn}"}.isdisjoint(
            role.replace(" ", "") for role in self.roles
        )


def _parse_xml(encoded: str) -> ET.Element:
    if len(encoded) > _LONGEST:
        raise ApiError("InvalidIdentityToken", "the assertion is longer than 100,000 characters")
    try:
        text = base64.b64decode(encoded, validate=True)
        if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
            raise ApiError("InvalidIdentityToken", "the assertion declares entities")
        return ET.fromstring(text)  # noqa: S314 - it declares no entities
    except (binascii.Error, ValueError, ET.ParseError) as error:
        raise ApiError("InvalidIdentityToken", f"the assertion cannot be read: {error}") from error


def _recipient(root: ET.Element) -> str:
    confirmations = root.iter(f"{_NAMESPACE}SubjectConfirmationData")
    return next((item.get("Recipient", "") for item in confirmations), "") or AUDIENCE


def _text(root: ET.Element, name: str) -> str:
    return next(((item.text or "").strip() for item in root.iter(f"{_NAMESPACE}{name}")), "")
