"""Theorems about duties that exclude each other: authors, approvers, production."""

from collections.abc import Iterator

from mlzone.guarded_action import (
    AUTHORING,
    EMERGENCY_ACTIONS,
    EXPLORATION,
    PRODUCTION_CHANGES,
)
from mlzone.guardrail import INCIDENT_TAG, break_glass
from mlzone.guardrail_statement import EXECUTION_ROLE, approvers
from mlzone.life_cycle_guardrail import VALIDATION
from mlzone.theorem.case import everywhere, unless, within
from mlzone.theorem.guardrails import Guardrails
from mlzone.theorem.theorem import EstateTheorem
from mlzone_access import catalogue
from mlzone_access.prover import Claim, Theorem

_STATUS = "sagemaker:ModelApprovalStatus"
_AUTHOR = "sagemaker:CurrentCustomerMetadataProperties/author"
_NEW_AUTHOR = "sagemaker:CustomerMetadataProperties/author"
_UPDATE = "sagemaker:UpdateModelPackage"
_VALIDATION = f"sagemaker:CustomerMetadataProperties/{VALIDATION}"
_OWN_NAME = "${aws:SourceIdentity} *"
_REMOVED = "sagemaker:CustomerMetadataPropertiesToRemove"
_DECIDED = {_STATUS: ["Approved", "Rejected"]}


def _self_approval(guardrails: Guardrails) -> Iterator[Theorem]:
    own = {"StringEquals": {**_DECIDED, _AUTHOR: "${aws:SourceIdentity}"}}
    yield from _by_approvers(guardrails, Claim.of(Action=_UPDATE, Condition=own))


def _by_approvers(guardrails: Guardrails, forbidden: Claim) -> Iterator[Theorem]:
    """Yield the case of every role; approvers, who may do the most, are tried first."""
    prefix = guardrails.naming.prefix
    for setting in guardrails.settings:
        likely = f"arn:aws:iam::{setting.account}:role/mlzone/{prefix}-any-model-approver"
        yield within(guardrails, setting, forbidden, likely_callers=(likely,))


def _deciders(guardrails: Guardrails) -> Iterator[Theorem]:
    decided = {"StringEquals": _DECIDED}
    others = decided | unless(approvers(guardrails.naming))
    yield from everywhere(guardrails, Claim.of(Action=_UPDATE, Condition=others))
    nameless = decided | {"Null": {"aws:SourceIdentity": "true"}}
    yield from _by_approvers(guardrails, Claim.of(Action=_UPDATE, Condition=nameless))


def _born_approved(guardrails: Guardrails) -> Iterator[Theorem]:
    yield from everywhere(
        guardrails,
        Claim.of(Action="sagemaker:CreateModelPackage", Condition={"StringEquals": _DECIDED}),
    )


def _authors_stay(guardrails: Guardrails) -> Iterator[Theorem]:
    changed = {"Null": {_NEW_AUTHOR: "false"}}
    yield from everywhere(guardrails, Claim.of(Action=_UPDATE, Condition=changed))
    removed = {"ForAnyValue:StringEquals": {_REMOVED: "author"}}
    yield from everywhere(guardrails, Claim.of(Action=_UPDATE, Condition=removed))
    nobody = {"Null": {_NEW_AUTHOR: "true"}}
    yield from everywhere(
        guardrails, Claim.of(Action="sagemaker:CreateModelPackage", Condition=nobody)
    )


def _validators(guardrails: Guardrails) -> Iterator[Theorem]:
    signing = {"Null": {_VALIDATION: "false"}}
    others = signing | unless(approvers(guardrails.naming))
    writing = ["sagemaker:CreateModelPackage", _UPDATE]
    yield from everywhere(guardrails, Claim.of(Action=writing, Condition=others))
    elsewhere = signing | {"StringNotLike": {_VALIDATION: _OWN_NAME}}
    yield from _by_approvers(guardrails, Claim.of(Action=_UPDATE, Condition=elsewhere))
    removed = {"ForAnyValue:StringEquals": {_REMOVED: VALIDATION}}
    yield from everywhere(guardrails, Claim.of(Action=_UPDATE, Condition=removed))


def _validators_approve(guardrails: Guardrails) -> Iterator[Theorem]:
    approved = {"StringEquals": {_STATUS: "Approved"}}
    own = approved | {
        "StringLike": {f"sagemaker:CurrentCustomerMetadataProperties/{VALIDATION}": _OWN_NAME}
    }
    yield from _by_approvers(guardrails, Claim.of(Action=_UPDATE, Condition=own))
    at_once = {"StringEquals": _DECIDED, "Null": {_VALIDATION: "false"}}
    yield from _by_approvers(guardrails, Claim.of(Action=_UPDATE, Condition=at_once))


def _approvers_author(guardrails: Guardrails) -> Iterator[Theorem]:
    making = {
        name
        for pattern in ("sagemaker:Create*", "sagemaker:Start*")
        for name in catalogue.actions(pattern)
        if catalogue.action(name).access_level != "Read"
    }
    by_approver = {"ArnLike": {"aws:PrincipalArn": approvers(guardrails.naming)}}
    forbidden = Claim.of(Action=sorted({*making, *AUTHORING}), Condition=by_approver)
    yield from _by_approvers(guardrails, forbidden)


_SERVED = frozenset(
    {
        "data-quality-job-definition",
        "endpoint",
        "endpoint-config",
        "inference-component",
        "inference-experiment",
        "model",
        "model-bias-job-definition",
        "model-explainability-job-definition",
        "model-quality-job-definition",
        "monitoring-schedule",
    }
)
"""Types of resource by which models are served and watched."""


def serving_changes() -> tuple[str, ...]:
    """Return every action of the catalogue that changes how models are served and watched."""
    return tuple(
        name
        for name in catalogue.actions("sagemaker:*")
        if catalogue.action(name).access_level == "Write"
        and _SERVED & {kind.name for kind in catalogue.action(name).resource_types}
        and not name.startswith("sagemaker:Invoke")
    )


def _production(guardrails: Guardrails) -> Iterator[Theorem]:
    changes = {*serving_changes(), *PRODUCTION_CHANGES} - set(EMERGENCY_ACTIONS)
    setting = guardrails.setting("production")
    planned = Claim.of(Action=sorted(changes), Condition=unless(EXECUTION_ROLE))
    yield within(guardrails, setting, planned)
    others = unless(break_glass(guardrails.naming), EXECUTION_ROLE)
    yield within(guardrails, setting, Claim.of(Action=list(EMERGENCY_ACTIONS), Condition=others))


def _emergencies(guardrails: Guardrails) -> Iterator[Theorem]:
    setting = guardrails.setting("production")
    role = break_glass(guardrails.naming)
    nameless = {
        "ArnLike": {"aws:PrincipalArn": role},
        "Null": {f"aws:PrincipalTag/{INCIDENT_TAG}": "true"},
    }
    example = (
        f"arn:aws:iam::{setting.account}:role/mlzone/{guardrails.naming.prefix}-any-break-glass"
    )
    yield within(
        guardrails,
        setting,
        Claim.of(NotAction="sts:GetCallerIdentity", Condition=nameless),
        likely_callers=(example,),
    )


def _exploration(guardrails: Guardrails) -> Iterator[Theorem]:
    yield within(guardrails, guardrails.setting("production"), Claim.of(Action=list(EXPLORATION)))


def _registry(guardrails: Guardrails) -> Iterator[Theorem]:
    yield from everywhere(
        guardrails,
        Claim.of(
            Action=["sagemaker:PutModelPackageGroupPolicy",
                    "sagemaker:DeleteModelPackageGroupPolicy"],
            Condition=unless(EXECUTION_ROLE),
        ),
    )  # fmt: skip


LIFE_CYCLE = (
    EstateTheorem(
        id="authors-do-not-approve",
        statement="Nobody decides on a version that they made.",
        controls=("MOD-03",),
        cases=_self_approval,
    ),
    EstateTheorem(
        id="approvers-decide",
        statement="Only a model approver, by name, approves or rejects a version.",
        controls=("MOD-03", "MOD-06", "IAM-07"),
        cases=_deciders,
    ),
    EstateTheorem(
        id="validations-are-signed",
        statement="A validation is written by a model approver, in their own name, and stays.",
        controls=("MOD-06", "MOD-03"),
        cases=_validators,
    ),
    EstateTheorem(
        id="validators-do-not-approve",
        statement="Nobody approves a version that they validated.",
        controls=("MOD-06", "DEP-02"),
        cases=_validators_approve,
    ),
    EstateTheorem(
        id="nobody-is-born-approved",
        statement="No version is registered that is approved already.",
        controls=("MOD-02",),
        cases=_born_approved,
    ),
    EstateTheorem(
        id="authors-stay",
        statement="Every version has an author, whom nobody changes or removes.",
        controls=("MOD-03",),
        cases=_authors_stay,
    ),
    EstateTheorem(
        id="approvers-do-not-author",
        statement="No model approver makes a model, or what a model is made of.",
        controls=("MOD-03",),
        cases=_approvers_author,
    ),
    EstateTheorem(
        id="production-by-delivery",
        statement="Nothing that serves or watches models in production changes but through "
        "delivery; in an emergency, the role for it takes models out of service.",
        controls=("DEP-01", "MOD-01"),
        cases=_production,
    ),
    EstateTheorem(
        id="emergencies-have-a-name",
        statement="The role for emergencies does nothing without the name of an incident.",
        controls=("IAM-10",),
        cases=_emergencies,
    ),
    EstateTheorem(
        id="no-exploration-in-production",
        statement="Nobody explores in production: no domain, profile, space, application or "
        "notebook.",
        controls=("DEP-01",),
        cases=_exploration,
    ),
    EstateTheorem(
        id="registry-policies",
        statement="Who may register and read versions is decided by deployment alone.",
        controls=("MOD-01",),
        cases=_registry,
    ),
)
