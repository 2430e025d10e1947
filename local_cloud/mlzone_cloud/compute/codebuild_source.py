"""Brings a build's sources into its folder, as its service role."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from mlzone_cloud.authorization import authorize
from mlzone_cloud.compute.artifact_store import ArtifactStore, unpack
from mlzone_cloud.compute.codebuild_shell import BuildError
from mlzone_cloud.errors import ApiError
from mlzone_cloud.git_repository import GitRepository, git_environment
from mlzone_cloud.operations import Call

CLONE_REF = "codecommit-clone-ref"
"""What marks a pipeline's artefact that only names a commit to be cloned."""


def fetch(source: Mapping[str, Any], version: str, folder: Path, role: ArtifactStore) -> str:
    """Fetch one source.

    Args:
        source: the project's or the build's declaration.
        version: the source version; empty for the newest.
        folder: where to put it; made.
        role: the service role's view of S3.

    Returns:
        The resolved version: a commit or an object's version; empty where there is none.

    Raises:
        BuildError: it cannot be fetched.
    """
    folder.mkdir(parents=True)
    try:
        kind = source["type"]
        if kind == "NO_SOURCE":
            return ""
        if kind == "CODEPIPELINE":
            return _from_pipeline(version or source.get("location", ""), folder, role)
        if kind == "S3":
            return _from_s3(source["location"], version, folder, role)
        if kind == "CODECOMMIT":
            name = source["location"].rstrip("/").rsplit("/", 1)[-1].removesuffix(".git")
            return clone(name, version, folder, role)
    except ClientError as error:
        raise BuildError("CLIENT_ERROR", str(error)) from error
    except ApiError as error:
        raise BuildError("CLIENT_ERROR", f"{error.code}: {error.message}") from error
    raise BuildError("CLIENT_ERROR", f"the embedded cloud does not emulate {kind} sources")


def _from_pipeline(location: str, folder: Path, role: ArtifactStore) -> str:
    """Fetch a pipeline's artefact from `arn:aws:s3:::BUCKET/KEY`."""
    bucket, _, key = location.removeprefix("arn:aws:s3:::").partition("/")
    if not key:
        raise BuildError(
            "INVALID_INPUT", "a build with a source of type CODEPIPELINE is started by a pipeline"
        )
    body = role.get(bucket, key)
    if body.startswith(b"{"):
        reference = json.loads(body)
        if reference.get("kind") == CLONE_REF:
            return clone(reference["repository"], reference["commit"], folder, role)
    unpack(body, folder)
    return ""


def _from_s3(location: str, version: str, folder: Path, role: ArtifactStore) -> str:
    bucket, _, key = location.removeprefix("arn:aws:s3:::").partition("/")
    if key.endswith("/"):
        pages = (
            role.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
        )
        for name in [item["Key"] for page in pages for item in page.get("Contents", ())]:
            target = (folder / name.removeprefix(key)).resolve()
            if name.endswith("/") or not target.is_relative_to(folder.resolve()):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(role.get(bucket, name))
        return ""
    unpack(role.get(bucket, key, version), folder)
    if version:
        return version
    return str(role.client("s3").head_object(Bucket=bucket, Key=key).get("VersionId", ""))


def clone(name: str, version: str, folder: Path, role: ArtifactStore) -> str:
    """Clone a CodeCommit repository and check a commit, branch or tag out.

    Returns:
        The commit.

    Raises:
        BuildError: the version does not exist.
        ApiError: the role may not pull, or there is no such repository.
    """
    may(role, "GitPull", name)
    role.cloud.client("codecommit", account=role.account, region=role.region).get_repository(
        repositoryName=name
    )
    repository = GitRepository.of(role.cloud, role.account, role.region, name)
    shutil.rmtree(folder)
    _git("clone", "--quiet", str(repository.path), str(folder))
    if version:
        reference = version.removeprefix("refs/heads/")
        _git("-C", str(folder), "checkout", "--quiet", reference)
    return _git("-C", str(folder), "rev-parse", "HEAD").strip()


def may(role: ArtifactStore, operation: str, repository: str) -> None:
    """Ask whether the role may do something with a repository that is no API operation.

    Raises:
        ApiError: it may not.
    """
    caller = role.cloud.assume(role.role, role.session_name)
    call = Call(
        cloud=role.cloud,
        service="codecommit",
        operation=operation,
        params={"repositoryName": repository},
        account=role.account,
        region=role.region,
        caller=caller,
        environ={},
    )
    try:
        authorize(call)
    finally:
        role.cloud.identities.remove_key(caller.credentials.access_key_id)


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], check=False, capture_output=True, text=True, env=git_environment()
    )
    if done.returncode:
        raise BuildError("CLIENT_ERROR", f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout
