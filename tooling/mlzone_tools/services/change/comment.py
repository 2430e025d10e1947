"""Keeps one comment on a pull request: made once, updated in place."""

import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlzone.errors import ConfigError, DeploymentError

_PAGE = 100
_SECONDS = 30
_PULL_REQUEST = re.compile(r"^refs/pull/(\d+)/")


@dataclass(frozen=True, kw_only=True)
class Thread:
    """The comments of one pull or merge request, at GitHub or GitLab."""

    comments: str
    """The address of its comments."""
    comment: str
    """The address of a comment, before its id."""
    update: str
    """The method that changes one."""
    headers: Mapping[str, str]
    """Who asks."""


def thread(environment: Mapping[str, str] = os.environ) -> Thread:
    """Return the thread of the pull request that a job runs for, from what its runner says.

    Raises:
        ConfigError: this is no job for a pull request, or it has no token.
    """
    try:
        return _github(environment) if "GITHUB_API_URL" in environment else _gitlab(environment)
    except KeyError as error:
        raise ConfigError(
            f"{error.args[0]} is not set; a comment needs the pull request and a token",
            hint="run this in a job for a pull request, with GITHUB_TOKEN or GITLAB_TOKEN; "
            "elsewhere, `mlzone plan --format markdown` prints the comment",
        ) from error


def keep(where: Thread, mark: str, text: str) -> str:
    """Write the comment that begins with a mark, over what it said before; return its id.

    Raises:
        DeploymentError: the provider refuses.
    """
    known = _find(where, mark)
    body = {"body": text}
    if known is None:
        return str(_call(where, "POST", where.comments, body)["id"])
    _call(where, where.update, f"{where.comment}/{known}", body)
    return known


def _github(environment: Mapping[str, str]) -> Thread:
    repository = f"{environment['GITHUB_API_URL']}/repos/{environment['GITHUB_REPOSITORY']}"
    found = _PULL_REQUEST.match(environment["GITHUB_REF"])
    if not found:
        raise KeyError("GITHUB_REF of a pull request")
    return Thread(
        comments=f"{repository}/issues/{found[1]}/comments",
        comment=f"{repository}/issues/comments",
        update="PATCH",
        headers={
            "Authorization": f"Bearer {environment['GITHUB_TOKEN']}",
            "Accept": "application/vnd.github+json",
        },
    )


def _gitlab(environment: Mapping[str, str]) -> Thread:
    notes = (
        f"{environment['CI_API_V4_URL']}/projects/{environment['CI_PROJECT_ID']}"
        f"/merge_requests/{environment['CI_MERGE_REQUEST_IID']}/notes"
    )
    return Thread(
        comments=notes,
        comment=notes,
        update="PUT",
        headers={"PRIVATE-TOKEN": environment["GITLAB_TOKEN"]},
    )


def _find(where: Thread, mark: str) -> str | None:
    page = 1
    while True:
        found = _call(where, "GET", f"{where.comments}?per_page={_PAGE}&page={page}")
        for comment in found:
            if str(comment["body"]).startswith(mark):
                return str(comment["id"])
        if len(found) < _PAGE:
            return None
        page += 1


def _call(where: Thread, method: str, address: str, body: Any = None) -> Any:
    request = urllib.request.Request(  # noqa: S310 - the runner's own provider
        address,
        data=None if body is None else json.dumps(body).encode(),
        method=method,
        headers={**where.headers, "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            said = error.read().decode(errors="replace")[:300]
        raise DeploymentError(
            f"{method} {address}: {error.code} {error.reason}: {said}",
            hint="the job's token must be allowed to write comments on pull requests",
        ) from error
    except (OSError, ValueError) as error:
        raise DeploymentError(f"{method} {address}: {error}") from error
