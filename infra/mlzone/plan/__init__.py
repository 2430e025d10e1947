"""What a change of the estate does, as pure data: before it is merged, and for people."""

from mlzone.plan.change import Blocker, Danger, Effect, EstateChange, ResourceChange, Verb
from mlzone.plan.findings import OpenFinding
from mlzone.plan.plan import Assembly, Deployed, Plan, Side, make_plan, plan_over_deployed
from mlzone.plan.resource_difference import Template, moved_parameters
from mlzone.plan.scope import stack_inputs, touched

__all__ = [
    "Assembly",
    "Blocker",
    "Danger",
    "Deployed",
    "Effect",
    "EstateChange",
    "OpenFinding",
    "Plan",
    "ResourceChange",
    "Side",
    "Template",
    "Verb",
    "make_plan",
    "moved_parameters",
    "plan_over_deployed",
    "stack_inputs",
    "touched",
]
