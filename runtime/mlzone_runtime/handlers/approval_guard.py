"""Examines every decision in the registry: tells of it, and takes back what no second person made.

Access control refuses that authors decide on versions of their own. This is the second line, for
the day on which a policy is wrong: an approval that the author gave, or of which nobody knows who
gave it, goes back to waiting. So does one without the evidence that the model's risk tier demands,
which no policy knows. A promotion refuses such a version by itself as well.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import boto3

from mlzone_runtime.handlers.platform_event import LifeCycleEvent, ModelScope, announce, setting
from mlzone_runtime.release import gate
from mlzone_runtime.release.registered_version import approver_of

LOG = logging.getLogger(__name__)
LOG.setLevel(logging.INFO)

ENVIRONMENT = "shared"
"""The registry belongs to no environment."""
_KINDS = {"Approved": "Model Approved", "Rejected": "Model Rejected"}
_UNIT, _TEAM, _MODEL, _TIER = "mlz:business-unit", "mlz:team", "mlz:model", "mlz:model-tier"


class GuardError(Exception):
    """A decision cannot be examined."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What a person decided on a version."""

    arn: str
    """The version."""
    status: str
    author: str
    decider: str
    reason: str
    lacks: str
    """The evidence that it lacks."""
    validation: str
    """Who validated it and by which report, or an empty text."""

    @property
    def flaw(self) -> str:
        """Return why it does not hold, or nothing; only an approval opens a way."""
        if self.status != "Approved":
            return ""
        if not self.author:
            return "the version does not say who made it"
        if not self.decider:
            return "the registry does not say who approved it"
        if self.author.casefold() == self.decider.casefold():
            return f"{self.author} made the version and approved it"
        return f"the version lacks {self.lacks}" if self.lacks else ""


def handler(event: Mapping[str, Any], context: object) -> dict[str, str]:
    """Examine the decision that an event of the registry tells of."""
    del context
    return examine(
        event,
        setting("MLZONE_PLATFORM_BUS"),
        json.loads(setting("MLZONE_EVIDENCE")),
        sagemaker=boto3.client("sagemaker"),
        events=boto3.client("events"),
    )


def examine(
    event: Mapping[str, Any],
    bus_arn: str,
    evidence: Mapping[str, Sequence[str]],
    *,
    sagemaker: Any,
    events: Any,
) -> dict[str, str]:
    """Tell of a decision; take an approval back that does not hold.

    Args:
        event: of the registry.
        bus_arn: the platform's bus.
        evidence: what each risk tier demands of a version, as `gate` knows it.
        sagemaker: a client in the registry's account.
        events: a client.

    Returns:
        The kind of the event that was put, or nothing if the decision was changed meanwhile.

    Raises:
        GuardError: the version's group does not say whose model it is.
        EventError: the platform's bus did not take the event.
    """
    arn = str(event["detail"]["ModelPackageArn"])
    found = sagemaker.describe_model_package(ModelPackageName=arn)
    if found["ModelApprovalStatus"] not in _KINDS:
        LOG.info("%s is %s by now", arn, found["ModelApprovalStatus"])
        return {}
    scope, tier = _group(sagemaker, arn)
    decision = _decision(found, arn, evidence[tier])
    kind, facts = _KINDS[decision.status], {"author": decision.author, "reason": decision.reason}
    if decision.validation:
        facts["validation"] = decision.validation
    if decision.flaw:
        LOG.warning("%s goes back: %s", decision.arn, decision.flaw)
        sagemaker.update_model_package(
            ModelPackageArn=decision.arn,
            ModelApprovalStatus="PendingManualApproval",
            ApprovalDescription=f"Taken back by the platform: {decision.flaw}",
        )
        kind, facts["reason"] = "Approval Reverted", decision.flaw
    announce(
        LifeCycleEvent(
            kind=kind,
            scope=scope,
            actor=decision.decider or "unknown",
            model_package_arn=decision.arn,
            facts=facts,
        ),
        bus_arn=bus_arn,
        client=events,
    )
    return {"kind": kind}


def _decision(found: Mapping[str, Any], arn: str, demands: Sequence[str]) -> Decision:
    """Read it off the registry itself: an event may come late, or twice."""
    decider = approver_of(found)
    return Decision(
        arn=arn,
        status=found["ModelApprovalStatus"],
        author=found.get("CustomerMetadataProperties", {}).get("author", ""),
        decider=decider,
        reason=found.get("ApprovalDescription", ""),
        lacks=gate.said(gate.lacking(found, demands, approver=decider)),
        validation=str(gate.validation_of(found) or ""),
    )


def _group(sagemaker: Any, version: str) -> tuple[ModelScope, str]:
    """Return whose model it is, and its risk tier."""
    group = version.replace(":model-package/", ":model-package-group/").rpartition("/")[0]
    tags = {
        item["Key"]: item["Value"]
        for page in sagemaker.get_paginator("list_tags").paginate(ResourceArn=group)
        for item in page["Tags"]
    }
    if missing := [key for key in (_UNIT, _TEAM, _MODEL, _TIER) if key not in tags]:
        raise GuardError(f"{group} has no tag {', '.join(missing)}")
    scope = ModelScope(
        unit=tags[_UNIT], team=tags[_TEAM], model=tags[_MODEL], environment=ENVIRONMENT
    )
    return scope, tags[_TIER]
