"""Pulls an approved version into this environment and starts its promotion.

It is called with the registry's event of an approval (staging) or the platform's event of a
validated release (production). Called twice for one version, it does nothing the second time.
CodePipeline's events of the promotion's question it passes on (`promotion_wait.py`).
"""

import logging
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from mlzone_runtime.handlers import promotion_wait
from mlzone_runtime.handlers.platform_event import LifeCycleEvent, ModelScope, announce, setting
from mlzone_runtime.release.copying import (
    MODEL,
    Target,
    copy,
    is_published,
    publish,
    require_newest,
    require_report,
)
from mlzone_runtime.release.document import Release
from mlzone_runtime.release.registered_version import ReleaseRefused, Surroundings, examine

LOG = logging.getLogger(__name__)
LOG.setLevel(logging.INFO)

ACTOR = "release"


@dataclass(frozen=True, kw_only=True)
class Clients:
    """The services it works with."""

    sagemaker: Any
    """In the registry's Region."""
    s3: Any
    events: Any
    """In the Region of the platform's bus."""

    @classmethod
    def of(cls, settings: "Settings") -> "Clients":
        """Return clients with the function's own role."""
        return cls(
            sagemaker=boto3.client(
                "sagemaker", region_name=settings.surroundings.group_arn.split(":")[3]
            ),
            s3=boto3.client("s3"),
            events=boto3.client("events", region_name=settings.bus_arn.split(":")[3]),
        )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the delivery stack tells the function."""

    scope: ModelScope
    bus_arn: str
    surroundings: Surroundings
    target: Target
    analyzer_image: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the function's settings.

        Raises:
            EventError: one is missing.
        """
        scope = ModelScope.from_environment(environment)
        return cls(
            scope=scope,
            bus_arn=setting("MLZONE_PLATFORM_BUS", environment),
            surroundings=Surroundings(
                group_arn=setting("MLZONE_MODEL_PACKAGE_GROUP", environment),
                artifact_bucket=setting("MLZONE_ARTIFACT_BUCKET", environment),
                artifact_prefix=f"{scope.unit}/{scope.model}",
                image_repository=setting("MLZONE_IMAGE_REPOSITORY", environment),
                evidence=tuple(setting("MLZONE_EVIDENCE", environment).split()),
            ),
            target=Target(
                bucket=setting("MLZONE_RELEASE_BUCKET", environment),
                key_arn=setting("MLZONE_RELEASE_KEY", environment),
                model=scope.model,
            ),
            analyzer_image=setting("MLZONE_ANALYZER_IMAGE", environment),
        )


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Pull the version that an event names; a refusal is an answer, which no retry would change."""
    del context
    settings = Settings.from_environment()
    clients = Clients.of(settings)
    if event.get("source") == promotion_wait.SOURCE:
        return promotion_wait.tell(
            event, settings.scope, bus_arn=settings.bus_arn, events=clients.events
        )
    try:
        return pull(event, settings, clients)
    except ReleaseRefused as refusal:
        return {"refused": str(refusal)}


def pull(event: Mapping[str, Any], settings: Settings, clients: Clients) -> dict[str, Any]:
    """Pull a version, or tell why not.

    Returns:
        The release and whether it was pulled now; False when it was before.

    Raises:
        ReleaseRefused: the version may not be released; the platform's bus knows why.
    """
    detail = event.get("detail") or {}
    arn = str(detail.get("ModelPackageArn") or detail.get("model_package_arn") or "")
    try:
        return _pull(arn, settings, clients)
    except ReleaseRefused as refusal:
        LOG.error("refused %s: %s", arn, refusal)  # noqa: TRY400 - the message says it all
        _tell(
            settings, clients, "Release Failed", arn, facts={"step": "pull", "reason": str(refusal)}
        )
        raise


def _pull(arn: str, settings: Settings, clients: Clients) -> dict[str, Any]:
    settings.surroundings.version_of(arn)  # refuses another model's version before it is read
    description = clients.sagemaker.describe_model_package(ModelPackageName=arn)
    version = examine(description, arn=arn, surroundings=settings.surroundings)
    target = settings.target
    if is_published(clients.s3, version.release, target):
        LOG.info("release %s was pulled before", version.release)
        return {"release": version.release, "pulled": False}
    require_newest(clients.s3, version, target)
    if version.explanation:
        require_report(clients.s3, settings.surroundings.artifact_bucket, version.explanation)
    with tempfile.TemporaryDirectory() as folder:
        brought = copy(
            clients.s3,
            version,
            artifact_bucket=settings.surroundings.artifact_bucket,
            target=target,
            folder=Path(folder),
        )
    release = Release(
        release=version.release,
        model_package_arn=arn,
        author=version.author,
        approver=version.approver,
        model_data_url=target.uri(version.release, MODEL),
        inference_image=version.image,
        baseline_statistics=target.uri(version.release, "baseline"),
        baseline_constraints=target.uri(version.release, "baseline", "constraints.json"),
        analyzer_image=settings.analyzer_image,
        features=brought.features,
        answers=brought.answers,
        rows=brought.rows,
    )
    # Before the archive: whoever hears of the deployment has heard of the release.
    _tell(
        settings,
        clients,
        "Release Prepared",
        arn,
        release=version.release,
        facts={
            "author": version.author,
            "approver": version.approver,
            "files": brought.files,
            "manifest_sha256": version.manifest_sha256,
            "validation": str(version.validation or ""),
            "explanation": version.explanation,
        },
    )
    publish(clients.s3, release, target, approved=version.approved)
    LOG.info("pulled release %s of %s", version.release, arn)
    return {"release": version.release, "pulled": True}


def _tell(
    settings: Settings,
    clients: Clients,
    kind: str,
    arn: str,
    *,
    facts: Mapping[str, Any],
    release: str = "",
) -> None:
    announce(
        LifeCycleEvent(
            kind=kind,
            scope=settings.scope,
            actor=ACTOR,
            model_package_arn=arn,
            release=release,
            facts=facts,
        ),
        bus_arn=settings.bus_arn,
        client=clients.events,
    )
