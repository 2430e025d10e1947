"""Closes what people have running in Studio before their profiles and spaces go.

SageMaker deletes no profile that has spaces or applications, and no space that has applications.
Templates know neither: people start them.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from mlzone.errors import DeploymentError

PROFILE, SPACE = "AWS::SageMaker::UserProfile", "AWS::SageMaker::Space"
TYPES = (PROFILE, SPACE)
"""What nobody can delete while somebody has something running in it."""
_GONE = ("Deleted", "Deleting", "Failed")
_LONGEST_SECONDS, _POLL_SECONDS = 600, 1.0

Json = Mapping[str, Any]


def close(
    sagemaker: Any, resources: Iterable[tuple[str, str]], *, talk: Callable[[str], None]
) -> None:
    """Delete applications, then private spaces, of what is about to go.

    Args:
        sagemaker: a client in the account.
        resources: type and physical id of each resource that goes: of a profile or a space, its
            domain and its name, such as `d-1|ana-souza`, in either order.
        talk: is told what goes.

    Raises:
        DeploymentError: something did not go in time.
    """
    chosen = [(kind, name.split("|")) for kind, name in resources if kind in TYPES]
    if not chosen:
        return
    domains = {it["DomainId"] for it in _listed(sagemaker, "list_domains", "Domains")}
    going = [
        (kind, domain, name)
        for kind, parts in chosen
        for domain, name in (parts, parts[::-1])
        if domain in domains
    ]
    spaces = {
        (domain, space)
        for kind, domain, owner in going
        if kind == PROFILE
        for space in _spaces_of(sagemaker, domain, owner)
    }
    apps = [
        app
        for domain in sorted({domain for _, domain, _ in going})
        for app in _apps(sagemaker, domain)
        if (PROFILE, domain, app.get("UserProfileName")) in going
        or (SPACE, domain, app.get("SpaceName")) in going
        or (domain, app.get("SpaceName")) in spaces
    ]
    for app in apps:
        talk(f"closing {app['AppType']} of {app.get('SpaceName') or app['UserProfileName']}")
        sagemaker.delete_app(**_address(app))
    _wait(
        "applications",
        lambda: [app for app in apps if _status(sagemaker, app) not in _GONE[:1]],
    )
    for domain, space in sorted(spaces):
        talk(f"deleting the private space {space}")
        sagemaker.delete_space(DomainId=domain, SpaceName=space)
    _wait(
        "spaces",
        lambda: [name for domain, name in spaces if name in _names(sagemaker, domain)],
    )


def _spaces_of(sagemaker: Any, domain: str, owner: str) -> Iterator[str]:
    """Yield a person's private spaces; the shared one is their stack's own."""
    for name in sorted(_names(sagemaker, domain)):
        space = sagemaker.describe_space(DomainId=domain, SpaceName=name)
        owned = space.get("OwnershipSettings", {}).get("OwnerUserProfileName") == owner
        if owned and space.get("SpaceSharingSettings", {}).get("SharingType") == "Private":
            yield name


def _apps(sagemaker: Any, domain: str) -> Iterator[Json]:
    for app in _listed(sagemaker, "list_apps", "Apps", DomainIdEquals=domain):
        if app.get("Status") not in _GONE:
            yield app


def _names(sagemaker: Any, domain: str) -> set[str]:
    return {
        item["SpaceName"]
        for item in _listed(sagemaker, "list_spaces", "Spaces", DomainIdEquals=domain)
    }


def _listed(sagemaker: Any, operation: str, key: str, **arguments: str) -> Iterator[Json]:
    for page in sagemaker.get_paginator(operation).paginate(**arguments):
        yield from page[key]


def _address(app: Json) -> dict[str, str]:
    keys = ("DomainId", "UserProfileName", "SpaceName", "AppType", "AppName")
    return {key: app[key] for key in keys if app.get(key)}


def _status(sagemaker: Any, app: Json) -> str:
    for item in _listed(sagemaker, "list_apps", "Apps", DomainIdEquals=app["DomainId"]):
        if _address(item) == _address(app):
            return str(item.get("Status"))
    return "Deleted"


def _wait(what: str, remaining: Callable[[], list[Any]]) -> None:
    end = time.monotonic() + _LONGEST_SECONDS
    while left := remaining():
        if time.monotonic() > end:
            raise DeploymentError(f"{len(left)} {what} of Studio did not go: {left[0]}")
        time.sleep(_POLL_SECONDS)
