"""The release that a stack serves or watches: parameters that a promotion sets."""

import hashlib
import json
from typing import Any, cast

import aws_cdk as cdk
from constructs import Construct

from mlzone.naming import Naming
from mlzone.release_contract import (
    CHALLENGER,
    MOST_RELEASE_CHARACTERS,
    PARAMETERS,
    SERVING,
    Parameter,
)

STOPPED: Parameter = "Stopped"
VARIANTS_CHANGE: Parameter = "VariantsChange"
CONDITION = "HasRelease"
"""The condition of everything that exists only with a release, while the model is not stopped."""

_ON_TRIAL = "Of the release on trial: "


class ReleaseParameters(Construct):
    """The parameters of a stack that a promotion updates, and the condition that there is one.

    Guarantees:
        MOD-01: a stack serves nothing until a promotion brings a release of the registry.
        MOD-09: images come by digest, models from the environment's own release bucket.
        MON-04: while the model is stopped there is no endpoint, whatever release it is given.

    Example:
        release = ReleaseParameters(self, "Parameters", SERVING)
        release.govern(model, endpoint)
    """

    def __init__(
        self, scope: Construct, construct_id: str, parameters: tuple[Parameter, ...]
    ) -> None:
        super().__init__(scope, construct_id)
        self._parameters = {name: _parameter(self, name) for name in (*parameters, STOPPED)}
        self.condition = _condition(
            self,
            CONDITION,
            cdk.Fn.condition_and(
                cdk.Fn.condition_not(cdk.Fn.condition_equals(self["Release"], "")),
                cdk.Fn.condition_equals(self[STOPPED], ""),
            ),
        )
        """That there is a release, and that nobody has stopped the model."""

    def __getitem__(self, name: Parameter) -> str:
        """Return a parameter's value, as CloudFormation will know it."""
        return self._parameters[name].value_as_string

    def if_it_serves(self, value: str) -> str:
        """Return a text that is empty without a release, and while the model is stopped."""
        return cdk.Token.as_string(cdk.Fn.condition_if(CONDITION, value, ""))

    def govern(self, *resources: cdk.CfnResource) -> None:
        """Let resources exist only with a release that may serve."""
        for resource in resources:
            resource.cfn_options.condition = self.condition

    def versioned(self, naming: Naming, base: str, content: Any) -> str:
        """Return the name of a resource that every change of its content replaces.

        The old and the new one exist side by side while a release is rolled out, so that the way
        back is open; therefore they have different names.

        Args:
            naming: the organization's names.
            base: what it would be called.
            content: everything that it is made of, but for the release's own parameters.
        """
        return _versioned(self, naming, base, content, self["Release"])


class ChallengerParameters(Construct):
    """The parameters of a release on trial, beside those of the one that serves.

    Guarantees:
        MOD-01: only a release of the registry is tried, and only beside one that serves.
        MON-04: while the model is stopped nothing is tried.

    Example:
        challenger = ChallengerParameters(self, "Challenger", release)
    """

    def __init__(self, scope: Construct, construct_id: str, release: ReleaseParameters) -> None:
        super().__init__(scope, construct_id)
        self._parameters = {name: _parameter(self, name, CHALLENGER) for name in SERVING}
        self.condition = _condition(
            self,
            f"Has{CHALLENGER}",
            cdk.Fn.condition_and(
                # It is one; jsii's types do not say so.
                cast("cdk.ICfnConditionExpression", release.condition),
                cdk.Fn.condition_not(cdk.Fn.condition_equals(self["Release"], "")),
            ),
        )
        """That a release is on trial."""
        change = _parameter(self, VARIANTS_CHANGE)
        self.change = _condition(
            self,
            "TrialMoves",
            cdk.Fn.condition_not(cdk.Fn.condition_equals(change.value_as_string, "")),
        )
        """That an update begins or ends a trial, and deploys nothing."""

    def __getitem__(self, name: Parameter) -> str:
        """Return a parameter of the release on trial, as CloudFormation will know it."""
        return self._parameters[name].value_as_string

    def govern(self, *resources: cdk.CfnResource) -> None:
        """Let resources exist only during a trial."""
        for resource in resources:
            resource.cfn_options.condition = self.condition

    def versioned(self, naming: Naming, base: str, content: Any) -> str:
        """Return the name of a resource of the trial; arguments as of `ReleaseParameters`."""
        return _versioned(self, naming, base, content, self["Release"])


def _parameter(scope: Construct, name: Parameter, prefix: str = "") -> cdk.CfnParameter:
    rule = PARAMETERS[name]
    parameter = cdk.CfnParameter(
        scope,
        name,
        type="String",
        default="",
        description=f"{_ON_TRIAL if prefix else ''}{rule.description}",
        allowed_pattern=f"^$|^(?:{rule.pattern})$",
        constraint_description=f"must be empty or match {rule.pattern}",
    )
    parameter.override_logical_id(f"{prefix}{name}")
    return parameter


def _condition(
    scope: Construct, name: str, expression: cdk.ICfnConditionExpression
) -> cdk.CfnCondition:
    condition = cdk.CfnCondition(scope, name, expression=expression)
    condition.override_logical_id(name)
    return condition


def _versioned(scope: Construct, naming: Naming, base: str, content: Any, release: str) -> str:
    text = json.dumps(cdk.Stack.of(scope).resolve(content), sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    name = naming.versioned(base, digest, reserve=MOST_RELEASE_CHARACTERS + 1)
    return f"{name}-{release}"
