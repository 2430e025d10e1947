"""What a change of the estate does, as pure data: before it is merged, and for people."""

from mlzone.plan.change import Blocker, Danger, Effect, EstateChange, ResourceChange, Verb
from mlzone.plan.findings import OpenFinding
from mlzone.plan.plan import Assembly, Plan, Side, make_plan
from mlzone.plan.resource_difference import Template, moved_parameters
from mlzone.plan.scope import stack_inputs, touched

__all__ = [
    "Assembly",
    "Blocker",
    "Danger",
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
    "stack_inputs",
    "touched",
]
