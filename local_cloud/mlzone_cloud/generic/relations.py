"""Which generic resources live inside of others: those must exist first, and go last."""

from typing import Any

from mlzone_cloud.errors import ApiError
from mlzone_cloud.generic.noun import Noun
from mlzone_cloud.operations import Call

PARENTS: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {
    ("sagemaker", "UserProfile"): {"Domain": ("DomainId",)},
    ("sagemaker", "Space"): {
        "Domain": ("DomainId",),
        "UserProfile": ("DomainId", "OwnershipSettings.OwnerUserProfileName"),
    },
    ("sagemaker", "App"): {
        "Domain": ("DomainId",),
        "UserProfile": ("DomainId", "UserProfileName"),
        "Space": ("DomainId", "SpaceName"),
    },
}
"""The kind of a parent, and the fields of the child that name it.

The parent has the same fields; what a child has within another field ends on the parent's, such as
`OwnerUserProfileName` on `UserProfileName`.
"""


def require_parents(call: Call, noun: Noun) -> None:
    """Refuse to make a child whose parent is missing.

    Raises:
        ApiError: it is.
    """
    for parent, fields in PARENTS.get((noun.service, noun.name), {}).items():
        names = [_value(call.params, field) for field in fields]
        if all(names) and "/".join(map(str, names)) not in _store(call, noun.service, parent):
            raise ApiError("ResourceNotFound", f"{parent} {'/'.join(map(str, names))} not found.")


def refuse_if_in_use(call: Call, noun: Noun, record: dict[str, Any]) -> None:
    """Refuse to delete a parent that still has children.

    Raises:
        ApiError: it has.
    """
    for (service, child), parents in PARENTS.items():
        fields = parents.get(noun.name)
        if service != noun.service or fields is None:
            continue
        for item in _store(call, service, child).values():
            named = [record.get(_of_parent(field)) for field in fields]
            if named == [_value(item, field) for field in fields]:
                raise ApiError(
                    "ResourceInUse",
                    f"Unable to delete {noun.name} {'/'.join(map(str, named))} "
                    f"because {child}(s) are associated with it.",
                )


def _value(params: dict[str, Any], field: str) -> Any:
    value: Any = params
    for part in field.split("."):
        value = (value or {}).get(part)
    return value


def _of_parent(field: str) -> str:
    return field.rpartition(".")[2].removeprefix("Owner")


def _store(call: Call, service: str, kind: str) -> dict[str, Any]:
    return call.cloud.store(f"{service}.{kind}", call.account, call.region)
