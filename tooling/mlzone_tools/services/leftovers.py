"""What outlives a stack because it holds data, keys or evidence; and when it is in the way."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from mlzone.errors import DeploymentError
from mlzone_tools.cloud.session import Session

_ABSENT = (
    "404",
    "EntityNotFoundException",
    "NoSuchBucket",
    "RepositoryDoesNotExistException",
    "ResourceNotFoundException",
)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A resource that outlives its stack."""

    stack: str
    type: str
    name: str


@dataclass(frozen=True, kw_only=True)
class _Named:
    """How resources of a type are named, and asked for."""

    name: tuple[str, ...]
    """Where the template has the name, under the resource's properties."""
    service: str
    operation: str
    argument: str
    absent: tuple[str, ...] = _ABSENT
    """How the service answers where there is none."""


_NAMED = {
    "AWS::CodeCommit::Repository": _Named(
        name=("RepositoryName",),
        service="codecommit",
        operation="get_repository",
        argument="repositoryName",
    ),
    "AWS::Glue::Database": _Named(
        name=("DatabaseInput", "Name"), service="glue", operation="get_database", argument="Name"
    ),
    "AWS::Logs::LogGroup": _Named(
        name=("LogGroupName",),
        service="logs",
        operation="describe_log_streams",
        argument="logGroupName",
    ),
    "AWS::S3::Bucket": _Named(
        name=("BucketName",), service="s3", operation="head_bucket", argument="Bucket"
    ),
    "AWS::SageMaker::ModelPackageGroup": _Named(
        name=("ModelPackageGroupName",),
        service="sagemaker",
        operation="describe_model_package_group",
        argument="ModelPackageGroupName",
        absent=("ValidationException",),
    ),
}


def retained(template: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Return the resources of a template that outlive its stack, by logical id."""
    for name, resource in template["Resources"].items():
        if resource.get("DeletionPolicy", "Delete").startswith("Retain"):
            yield name, resource


def in_the_way(session: Session, region: str, stack: str, template: Path) -> Iterator[Kept]:
    """Return what an earlier stack has left under names that a new one needs.

    Args:
        session: may read in the stack's account.
        region: where the stack goes.
        stack: a stack that is not deployed.
        template: its template's file.
    """
    content: dict[str, Any] = json.loads(template.read_text(encoding="utf-8"))
    for _, resource in retained(content):
        named = _NAMED.get(resource["Type"])
        name: Any = resource.get("Properties", {})
        for key in named.name if named else ():
            name = name.get(key, {})
        if named and isinstance(name, str) and _exists(session, region, named, name):
            yield Kept(stack=stack, type=resource["Type"], name=name)


def require_none(kept: Iterable[Kept]) -> None:
    """Check that nothing stands in the way of a deployment.

    Raises:
        DeploymentError: something does; the message lists it.
    """
    found = list(kept)
    if found:
        listing = "\n".join(f"  {item.stack}  {item.type}  {item.name}" for item in found)
        raise DeploymentError(
            f"{len(found)} resources of an earlier deployment stand in the way; each was kept when "
            f"its stack was removed, since it holds data or evidence:\n{listing}",
            hint="save what they hold, delete them, and deploy again, or take them over on AWS: "
            "`cdk import` (docs/aws.md); to begin the whole embedded cloud anew: mlzone cloud "
            "reset",
        )


def _exists(session: Session, region: str, named: _Named, name: str) -> bool:
    client = session.client(named.service, region)
    try:
        getattr(client, named.operation)(**{named.argument: name})
    except ClientError as error:
        if error.response["Error"]["Code"] not in named.absent:
            raise
        return False
    return True
