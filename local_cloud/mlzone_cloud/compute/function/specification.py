"""What is needed to run a function, taken out of moto's record of it."""

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from moto.awslambda.exceptions import LambdaClientError, UnknownFunctionException
from moto.awslambda.models import lambda_backends

from mlzone_cloud.errors import ApiError
from mlzone_cloud.state import tracking

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

SETTINGS = "lambda.settings"
"""The store of what moto does not keep of a function: where it logs, where failures go."""


@dataclass(frozen=True, kw_only=True)
class Specification:
    """One version of a function, as it is now."""

    account: str
    region: str
    name: str
    version: str
    arn: str
    """The function's ARN, with the qualifier by which it was called."""
    runtime: str
    package_type: str
    handler: str
    role: str
    timeout: timedelta
    memory: int
    environment: dict[str, str]
    code: bytes = field(repr=False)
    layers: tuple[bytes, ...] = field(repr=False)
    logging: dict[str, str]
    reserved_concurrency: int | None

    @property
    def log_group(self) -> str:
        """The log group to which it writes."""
        return self.logging.get("LogGroup") or f"/aws/lambda/{self.name}"

    @property
    def identity(self) -> str:
        """Two functions with the same identity may share warm workers."""
        digest = hashlib.sha256(self.code)
        for layer in self.layers:
            digest.update(hashlib.sha256(layer).digest())
        about = (
            *(self.account, self.region, self.name, self.version, self.handler, self.role),
            *(self.memory, sorted(self.environment.items()), sorted(self.logging.items())),
        )
        digest.update(repr(about).encode())
        return digest.hexdigest()


def find(
    cloud: "Cloud", account: str, region: str, name: str, qualifier: str | None = None
) -> Specification:
    """Return a function.

    Args:
        cloud: the cloud.
        account: whose it is.
        region: where it is.
        name: its name, partial or whole ARN, with or without a qualifier.
        qualifier: a version or an alias.

    Raises:
        ApiError: there is none.
    """
    plain, _, embedded = name.rsplit("function:", 1)[-1].partition(":")
    plain = plain.rsplit(":", 1)[-1]
    qualifier = qualifier or embedded or None
    arn = f"arn:aws:lambda:{region}:{account}:function:{plain}"
    whole = f"{arn}:{qualifier}" if qualifier else arn
    with cloud.lock, tracking.reading():
        try:
            function = lambda_backends[account][region].get_function(plain, qualifier)
        except (UnknownFunctionException, LambdaClientError, KeyError) as error:
            raise ApiError(
                "ResourceNotFoundException", f"Function not found: {whole}", status=404
            ) from error
        settings = cloud.store(SETTINGS, account, region).get(plain, {})
        return _of(function, whole, settings, _layers(account, region, function))


def _layers(account: str, region: str, function: Any) -> tuple[bytes, ...]:
    backend = lambda_backends[account][region]
    versions = [backend.layers_versions_by_arn(layer["Arn"]) for layer in function.layers]
    return tuple(version.code_bytes for version in versions if version)


def _of(
    function: Any, arn: str, settings: dict[str, Any], layers: tuple[bytes, ...]
) -> Specification:
    version = str(function.version)
    return Specification(
        account=function.account_id,
        region=function.region,
        name=function.function_name,
        version=version if version.isdigit() and arn.count(":") > 6 else "$LATEST",  # noqa: PLR2004
        arn=arn,
        runtime=function.run_time or "",
        package_type=function.package_type,
        handler=function.handler or "",
        role=function.role,
        timeout=timedelta(seconds=int(function.timeout)),
        memory=int(function.memory_size),
        environment={key: str(value) for key, value in function.environment_vars.items()},
        code=getattr(function, "code_bytes", b""),
        layers=layers,
        logging=dict(settings.get("LoggingConfig") or {}),
        reserved_concurrency=(
            None if function.reserved_concurrency is None else int(function.reserved_concurrency)
        ),
    )
