"""Stack policies: CloudFormation itself keeps what holds data, whoever deploys.

A plan asks for an allowance before data are lost; a stack policy refuses the same to everybody who
comes with another tool. Endpoints are left out: releases and stops make and remove them.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from mlzone.plan.stateful import HOLDS

Json = Mapping[str, Any]

_COME_AND_GO = frozenset({"AWS::SageMaker::Endpoint"})
KEPT_TYPES = frozenset(HOLDS) - _COME_AND_GO
"""The types of resources that a stack policy keeps."""


def stack_policy(template: Json, *, lifted: Iterable[str] = ()) -> dict[str, Any] | None:
    """Return the policy of a stack with this template; None if it holds nothing.

    Nothing that holds data is replaced; nothing is deleted that would go with what it holds. What a
    template retains may leave the stack, as it goes on existing. By type, so that the policy stays
    small, whatever the number of resources.

    Args:
        template: the stack's template.
        lifted: logical ids for which the policy makes way, because an allowance says so.
    """
    holding = [item for item in template["Resources"].values() if item["Type"] in KEPT_TYPES]
    if not holding:
        return None
    lost = [item for item in holding if not item.get("DeletionPolicy", "").startswith("Retain")]
    where = [f"LogicalResourceId/{name}" for name in sorted(lifted)]
    return {
        "Statement": [
            {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"},
            _keep("Update:Replace", holding, where),
            *([_keep("Update:Delete", lost, where)] if lost else []),
        ]
    }


def _keep(action: str, resources: Iterable[Json], lifted: list[str]) -> dict[str, Any]:
    return {
        "Effect": "Deny",
        "Action": action,
        "Principal": "*",
        **({"NotResource": lifted} if lifted else {"Resource": "*"}),
        "Condition": {"StringEquals": {"ResourceType": sorted({it["Type"] for it in resources})}},
    }
