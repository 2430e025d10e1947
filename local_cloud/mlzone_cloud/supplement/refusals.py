"""Corrects what moto refuses although AWS accepts it."""

from typing import Any

from moto.codebuild import responses as codebuild
from moto.ram.models import ResourceShare as Sharing
from moto.s3.models import FakeBucket

_WITHOUT_LOCATION = ("CODEPIPELINE", "NO_SOURCE")
_check_source = codebuild._validate_required_params_source  # noqa: SLF001
_check_artifacts = codebuild._validate_required_params_artifacts  # noqa: SLF001


def apply() -> None:
    """Let builds take their source from pipelines, model groups be shared, buckets be logged."""
    codebuild._validate_required_params_source = _source  # noqa: SLF001
    codebuild._validate_required_params_artifacts = _artifacts  # noqa: SLF001
    if "model-package-group" not in Sharing.SHAREABLE_RESOURCES:
        Sharing.SHAREABLE_RESOURCES.append("model-package-group")
    # S3 takes the setting before the target's policy admits the logging service; moto wants it
    # the other way round, which no stack can do whose policy refers to both buckets.
    FakeBucket._log_permissions_enabled_policy = staticmethod(_admits_logging)  # noqa: SLF001


def _source(source: dict[str, Any]) -> None:
    given = source.get("location") or (
        "none" if source.get("type") in _WITHOUT_LOCATION else source.get("location")
    )
    _check_source({**source, "location": given} if given else source)


def _artifacts(artifacts: dict[str, Any]) -> None:
    if artifacts.get("type") == "CODEPIPELINE":
        artifacts = {**artifacts, "location": artifacts.get("location") or "none"}
    _check_artifacts(artifacts)


def _admits_logging(target_bucket: FakeBucket, target_prefix: str | None) -> bool:
    del target_bucket, target_prefix
    return True
