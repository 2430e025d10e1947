"""From a SageMaker model to a server that serves it.

Source: Amazon SageMaker AI Developer Guide, "Custom inference code with hosting services".
"""

import shutil
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from mlzone_cloud.authorization.service_trust import trusted_role
from mlzone_cloud.compute.process import LogTarget
from mlzone_cloud.errors import ApiError
from mlzone_cloud.sagemaker import images
from mlzone_cloud.sagemaker.container import Container, role_environment
from mlzone_cloud.sagemaker.records import Record
from mlzone_cloud.sagemaker.server_process import PORT, InferenceServer, ServerError
from mlzone_cloud.sagemaker.storage import Storage, StorageError, unpack
from mlzone_cloud.state import tracking

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

DEFAULT_LIMIT = timedelta(minutes=2)
"""How long a server may take to answer its first ping, unless the variant says otherwise."""


class ModelError(Exception):
    """A model cannot be served; the message says why, as SageMaker would."""


@dataclass(frozen=True, kw_only=True)
class ServedModel:
    """All that is needed to serve a model, also after the model's record is gone."""

    name: str
    account: str
    region: str
    role: str
    isolated: bool
    image: str
    resolved_image: str
    argv: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    artifacts: tuple[str, str, str] | None = None
    """S3 URI, `S3Object` or `S3Prefix`, `Gzip` or `None`."""
    folders: dict[str, str] = field(default_factory=dict)
    """What the image's layers hold, as `images.Image` says."""


def resolve(cloud: "Cloud", model: Record, account: str, region: str) -> ServedModel:
    """Find out what serves a model: image, program, artefacts.

    Raises:
        ModelError: image or model package cannot be had.
    """
    role = model["ExecutionRoleArn"]
    try:
        container = containers_of(cloud, model, account, region)[0]
        image = images.pull(cloud, container["Image"], account=account, role=role)
    except (images.ImageError, ApiError) as error:
        raise ModelError(str(error)) from error
    if not image.entrypoint:
        raise ModelError(f"the image {image.uri} names no program")
    return ServedModel(
        name=model["ModelName"],
        account=account,
        region=region,
        role=role,
        isolated=bool(model.get("EnableNetworkIsolation")),
        image=image.uri,
        resolved_image=image.resolved,
        argv=(*image.entrypoint, "serve"),
        environment={
            **image.environment,
            **{key: str(value) for key, value in container["Environment"].items()},
        },
        folders=dict(image.folders),
        artifacts=artifacts_of(container),
    )


def start(
    cloud: "Cloud",
    model: ServedModel,
    base: Path,
    *,
    log: LogTarget | None = None,
    limit: timedelta = DEFAULT_LIMIT,
    what: str = "primary container",
    environment: dict[str, str] | None = None,
) -> InferenceServer:
    """Start a server; returns when it answers.

    Args:
        cloud: the cloud.
        model: what it serves.
        base: a folder of its own, which the caller removes.
        log: where its output goes.
        limit: how long it may take to answer its first ping.
        what: how an error names the server.
        environment: what a transform job sets besides.

    Raises:
        ModelError: the artefacts cannot be had, or the server does not answer.
    """
    folder = base / "ml" / "model"
    try:
        _fetch(cloud, model, folder)
        aws = role_environment(cloud, model.role, model.region, isolated=model.isolated)
    except (StorageError, ApiError) as error:
        raise ModelError(f"Failed to download model data: {error}") from error

    def container(port: int) -> Container:
        return Container(
            base=base,
            argv=model.argv,
            environment={
                **aws,
                "SM_MODEL_DIR": "/opt/ml/model",
                PORT: str(port),
                **model.environment,
                **(environment or {}),
            },
            folders=model.folders,
        )

    server = InferenceServer(cloud, container, log)
    try:
        server.start(limit)
    except ServerError as error:
        raise ModelError(
            f"The {what} did not pass the ping health check. Please check CloudWatch logs for this "
            f"endpoint. ({error})"
        ) from error
    return server


def containers_of(cloud: "Cloud", model: Record, account: str, region: str) -> list[dict[str, Any]]:
    """Return a model's containers; what a model package says of them is filled in.

    Raises:
        ApiError: the package does not exist, or a container has no image.
    """
    declared = [model["PrimaryContainer"]] if model.get("PrimaryContainer") else model["Containers"]
    return [_filled(cloud, container, account, region) for container in declared]


def artifacts_of(container: dict[str, Any]) -> tuple[str, str, str] | None:
    """Return where a container's artefacts are, of which type, and how they are compressed."""
    source = (container.get("ModelDataSource") or {}).get("S3DataSource")
    if source:
        return source["S3Uri"], source["S3DataType"], source["CompressionType"]
    uri = container.get("ModelDataUrl")
    return (uri, "S3Object", "Gzip") if uri else None


def require_trust(cloud: "Cloud", role: str) -> None:
    """Refuse a role that SageMaker cannot take on.

    Raises:
        ApiError: it does not exist, or does not trust SageMaker.
    """
    try:
        with tracking.reading():
            trusted_role(cloud, role, "sagemaker.amazonaws.com")
    except ApiError as error:
        raise ApiError(
            "ValidationException",
            f"Could not assume role {role}. Please ensure that the role exists and allows "
            "principal 'sagemaker.amazonaws.com' to assume the role.",
        ) from error


def _filled(cloud: "Cloud", container: dict[str, Any], account: str, region: str) -> dict[str, Any]:
    name = container.get("ModelPackageName")
    base: dict[str, Any] = {}
    if name:
        client = cloud.client("sagemaker", account=account, region=region)
        try:
            package = client.describe_model_package(ModelPackageName=name)
        except ClientError as error:
            raise ApiError("ValidationException", error.response["Error"]["Message"]) from error
        base = package["InferenceSpecification"]["Containers"][0]
    environment = {**base.get("Environment", {}), **(container.get("Environment") or {})}
    filled = {**base, **container, "Environment": environment}
    if not filled.get("Image"):
        raise ApiError("ValidationException", "A container needs an image or a model package.")
    return filled


def _fetch(cloud: "Cloud", model: ServedModel, folder: Path) -> None:
    """Bring a model's artefacts into a folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if model.artifacts is None:
        return
    uri, data_type, compression = model.artifacts
    storage = Storage(cloud, account=model.account, region=model.region, role=model.role)
    if data_type == "S3Prefix" or compression == "None":
        storage.download(uri, folder, data_type=data_type)
        return
    archive = folder.parent / "model.tar.gz"
    archive.write_bytes(storage.read(uri))
    try:
        unpack(archive, folder)
    finally:
        archive.unlink()
