"""Who reviews which part of the estate: the content of a CODEOWNERS file."""

from collections.abc import Iterable

from mlzone.estate import Estate

HEADER = "# Generated from the estate: mlzone codeowners --write. Do not edit.\n"


def code_owners(estate: Estate, folder: str) -> str:
    """Return a CODEOWNERS file for an estate; GitHub and GitLab know people by their e-mail.

    The last rule that matches a file decides, so the general ones come first.

    Args:
        estate: the estate.
        folder: its folder in the repository, such as `organization`.
    """
    people = estate.organization.people.platform_admins
    security = estate.organization.security_officers or people
    rules: list[tuple[str, Iterable[str]]] = [
        ("*", people),
        (f"/{folder}/", people),
        (f"/{folder}/organization.yaml", (*people, *security)),
        (f"/{folder}/waivers.yaml", security),
        (f"/{folder}/allowances.yaml", security),
        *((f"/{folder}/business_units/{unit.name}.yaml", (unit.owner,)) for unit in estate.units),
    ]
    width = max(len(pattern) for pattern, _ in rules)
    lines = [
        f"{pattern:{width}} {' '.join(dict.fromkeys(map(estate.email, owners)))}".rstrip()
        for pattern, owners in rules
    ]
    return HEADER + "\n".join(lines) + "\n"
