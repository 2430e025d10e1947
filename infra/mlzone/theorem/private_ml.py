"""Theorems about how things compute: in a network, encrypted, isolated, on allowed machines."""

from collections.abc import Iterator

from mlzone.guarded_action import (
    GUARDED_KEYS,
    INSTANCE_ACTIONS,
    NEVER_FALSE,
    RUNTIME_ACTIONS,
    GuardedKey,
)
from mlzone.guardrail import allowed_instances
from mlzone.guardrail_statement import EXECUTION_ROLE
from mlzone.theorem.case import unless, within
from mlzone.theorem.guardrails import Guardrails
from mlzone.theorem.theorem import EstateTheorem
from mlzone_access import catalogue
from mlzone_access.prover import Claim, Theorem

_COMPUTING = ("development and staging", "production")


def _in_units(guardrails: Guardrails, forbidden: Claim) -> Iterator[Theorem]:
    for name in _COMPUTING:
        yield within(guardrails, guardrails.setting(name), forbidden)


def _keyed(*keys: str) -> "_Keyed":
    return _Keyed(tuple(item for item in GUARDED_KEYS if item.key in keys))


class _Keyed:
    """Every action that the catalogue knows to carry a key is denied without it."""

    def __init__(self, guarded: tuple[GuardedKey, ...]) -> None:
        self._guarded = guarded

    def __call__(self, guardrails: Guardrails) -> Iterator[Theorem]:
        for item in self._guarded:
            missing = {"Null": {item.key: "true"}}
            known = set(catalogue.actions_with_key(item.key))
            if strict := sorted(known - set(item.by_deployment)):
                yield from _in_units(guardrails, Claim.of(Action=strict, Condition=missing))
            if deployed := sorted(known & set(item.by_deployment)):
                condition = missing | unless(EXECUTION_ROLE)
                yield from _in_units(guardrails, Claim.of(Action=deployed, Condition=condition))
            if item.key in NEVER_FALSE:
                off = {"Bool": {item.key: "false"}}
                yield from _in_units(guardrails, Claim.of(Action=sorted(known), Condition=off))


def _instances(guardrails: Guardrails) -> Iterator[Theorem]:
    allowed = allowed_instances(guardrails.estate)
    known = sorted(catalogue.actions_with_key("sagemaker:InstanceTypes"))
    other = {"ForAnyValue:StringNotLike": {"sagemaker:InstanceTypes": allowed}}
    yield from _in_units(
        guardrails, Claim.of(Action=sorted({*known, *INSTANCE_ACTIONS}), Condition=other)
    )


def _run_time(guardrails: Guardrails) -> Iterator[Theorem]:
    seconds = guardrails.estate.organization.guardrails.max_job_hours * 3600
    known = sorted(catalogue.actions_with_key("sagemaker:MaxRuntimeInSeconds"))
    longer = {"NumericGreaterThan": {"sagemaker:MaxRuntimeInSeconds": str(seconds)}}
    yield from _in_units(
        guardrails, Claim.of(Action=sorted({*known, *RUNTIME_ACTIONS}), Condition=longer)
    )


def _studio(guardrails: Guardrails) -> Iterator[Theorem]:
    public = {"StringNotEqualsIfExists": {"sagemaker:AppNetworkAccessType": "VpcOnly"}}
    yield from _in_units(
        guardrails,
        Claim.of(Action=["sagemaker:CreateDomain", "sagemaker:UpdateDomain"], Condition=public),
    )
    open_ = {"StringNotEquals": {"sagemaker:DirectInternetAccess": "Disabled"}}
    yield from _in_units(
        guardrails, Claim.of(Action="sagemaker:CreateNotebookInstance", Condition=open_)
    )


PRIVATE_ML = (
    EstateTheorem(
        id="networks",
        statement="Nothing of SageMaker that can name a network starts without subnets and "
        "security groups.",
        controls=("NET-02", "NET-03"),
        cases=_keyed("sagemaker:VpcSubnets", "sagemaker:VpcSecurityGroupIds"),
    ),
    EstateTheorem(
        id="encryption",
        statement="Nothing of SageMaker that can name a key for volumes or outputs starts "
        "without one.",
        controls=("ENC-02",),
        cases=_keyed("sagemaker:VolumeKmsKey", "sagemaker:OutputKmsKey"),
    ),
    EstateTheorem(
        id="isolation",
        statement="Containers are isolated and encrypt what they say to each other.",
        controls=("NET-02", "NET-04"),
        cases=_keyed("sagemaker:InterContainerTrafficEncryption", "sagemaker:NetworkIsolation"),
    ),
    EstateTheorem(
        id="instances",
        statement="Nothing runs on an instance type that the estate does not allow.",
        controls=("IAM-09",),
        cases=_instances,
    ),
    EstateTheorem(
        id="run-time",
        statement="No job runs longer than the estate allows.",
        controls=("IAM-09",),
        cases=_run_time,
    ),
    EstateTheorem(
        id="studio",
        statement="Studio and notebooks have no way to the internet.",
        controls=("NET-01",),
        cases=_studio,
    ),
)
