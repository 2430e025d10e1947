"""What a build's commands find in their environment, and whether their image exists."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from mlzone_cloud.compute.artifact_store import ArtifactStore
from mlzone_cloud.compute.buildspec import Buildspec
from mlzone_cloud.compute.codebuild_shell import BuildError

_ECR = re.compile(
    r"^(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/"
    r"(?P<name>[^:@]+)(?::(?P<tag>[^@]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?$"
)
_ARN_PARTS = 7
_UNPACKED = "JSII_RUNTIME_PACKAGE_CACHE_ROOT"


def variables(build: Mapping[str, Any], spec: Buildspec, role: ArtifactStore) -> dict[str, str]:
    """Return the variables of buildspec, project and request; the later count more.

    Raises:
        BuildError: a parameter or secret cannot be read as the service role.
    """
    declared: dict[str, tuple[str, str]] = {}
    for kind, group in (
        ("PLAINTEXT", spec.variables),
        ("PARAMETER_STORE", spec.parameter_store),
        ("SECRETS_MANAGER", spec.secrets_manager),
    ):
        declared.update({name: (kind, value) for name, value in group.items()})
    for item in build["environment"].get("environmentVariables") or ():
        declared[item["name"]] = (item.get("type") or "PLAINTEXT", item["value"])
    parameters = _parameters(
        {value for kind, value in declared.values() if kind == "PARAMETER_STORE"}, role
    )
    found = {}
    for name, (kind, value) in declared.items():
        if kind == "PARAMETER_STORE":
            found[name] = parameters[value]
        elif kind == "SECRETS_MANAGER":
            found[name] = _secret(value, role)
        else:
            found[name] = value
    return found


def unpacked() -> dict[str, str]:
    """Return the variable by which builds that run the CDK in Python share what jsii unpacks.

    It unpacks 200 MB of the CDK in ten seconds, by default into HOME, which is new in each build.
    """
    own = Path.home() / ".cache" / "aws" / "jsii" / "package-cache"
    return {_UNPACKED: os.environ.get(_UNPACKED) or str(own)}


def _parameters(names: set[str], role: ArtifactStore) -> dict[str, str]:
    values: dict[str, str] = {}
    wanted = sorted(names)
    for start in range(0, len(wanted), 10):
        batch = wanted[start : start + 10]
        try:
            answer = role.client("ssm").get_parameters(Names=batch, WithDecryption=True)
        except ClientError as error:
            raise BuildError("PARAMETER_STORE_ERROR", str(error)) from error
        values.update({item["Name"]: item["Value"] for item in answer["Parameters"]})
        # A name may be an ARN; parameters come back under their names.
        values.update({item["ARN"]: item["Value"] for item in answer["Parameters"]})
        if missing := [name for name in batch if name not in values]:
            raise BuildError(
                "PARAMETER_STORE_ERROR", f"parameter does not exist: {', '.join(missing)}"
            )
    return values


def _secret(reference: str, role: ArtifactStore) -> str:
    """Return what `secret-id:json-key:version-stage:version-id` means; the id may be an ARN."""
    parts = reference.split(":")
    length = _ARN_PARTS if reference.startswith("arn:") else 1
    name = ":".join(parts[:length])
    key, stage, version = [*parts[length:], "", "", ""][:3]
    request = {"SecretId": name}
    if stage:
        request["VersionStage"] = stage
    if version:
        request["VersionId"] = version
    try:
        text = role.client("secretsmanager").get_secret_value(**request)["SecretString"]
    except ClientError as error:
        raise BuildError("SECRETS_MANAGER_ERROR", str(error)) from error
    if not key:
        return str(text)
    try:
        return str(json.loads(text)[key])
    except (ValueError, KeyError, TypeError) as error:
        raise BuildError("SECRETS_MANAGER_ERROR", f"{name} has no key {key}") from error


def described(build: Mapping[str, Any], source_dirs: Mapping[str, str]) -> dict[str, str]:
    """Return the variables with which CodeBuild describes a build to its commands.

    Args:
        build: the build.
        source_dirs: where the sources lie, by identifier; the primary one under an empty name.
    """
    facts = {
        "CODEBUILD_BUILD_ARN": build["arn"],
        "CODEBUILD_BUILD_ID": build["id"],
        "CODEBUILD_BUILD_IMAGE": build["environment"]["image"],
        "CODEBUILD_BUILD_NUMBER": build["buildNumber"],
        "CODEBUILD_BUILD_SUCCEEDING": 1,
        "CODEBUILD_CI": "true",
        "CODEBUILD_INITIATOR": build["initiator"],
        "CODEBUILD_KMS_KEY_ID": build["encryptionKey"],
        "CODEBUILD_LOG_PATH": build["logs"].get("streamName"),
        "CODEBUILD_RESOLVED_SOURCE_VERSION": build.get("resolvedSourceVersion"),
        "CODEBUILD_SOURCE_REPO_URL": build["source"].get("location"),
        "CODEBUILD_SOURCE_VERSION": build.get("sourceVersion"),
        "CODEBUILD_START_TIME": int(build["startTime"].timestamp() * 1000),
    }
    for identifier, folder in source_dirs.items():
        facts[f"CODEBUILD_SRC_DIR_{identifier}" if identifier else "CODEBUILD_SRC_DIR"] = folder
    for item in build.get("secondarySourceVersions") or ():
        facts[f"CODEBUILD_SOURCE_VERSION_{item['sourceIdentifier']}"] = item["sourceVersion"]
    return {name: str(value) for name, value in facts.items() if value is not None}


def require_image(build: Mapping[str, Any], role: ArtifactStore) -> None:
    """Check that an image of the emulated ECR exists; images of others are taken as given.

    Raises:
        BuildError: it does not exist, or the service role may not pull it.
    """
    environment = build["environment"]
    match = _ECR.match(environment["image"])
    if not match:
        return
    image = {"imageDigest": match["digest"]} if match["digest"] else {}
    image = image or {"imageTag": match["tag"] or "latest"}
    client = role.cloud.client("ecr", account=match["account"], region=match["region"])
    if environment.get("imagePullCredentialsType") == "SERVICE_ROLE":
        client = role.cloud.client(
            "ecr",
            account=role.account,
            region=match["region"],
            role=role.role,
            session_name=role.session_name,
        )
    try:
        found = client.batch_get_image(
            registryId=match["account"], repositoryName=match["name"], imageIds=[image]
        )["images"]
    except ClientError as error:
        raise _cannot_pull(environment["image"], str(error)) from error
    if not found:
        raise _cannot_pull(environment["image"], "manifest unknown: Requested image not found")


def _cannot_pull(image: str, why: str) -> BuildError:
    return BuildError(
        "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE",
        "Unable to pull customer's container image. CannotPullContainerError: Error response from "
        f"daemon: {image}: {why}",
    )
