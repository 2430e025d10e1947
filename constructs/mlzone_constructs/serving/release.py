"""The release that a stack serves or watches: parameters that a promotion sets."""

import hashlib
import json
from typing import Any

import aws_cdk as cdk
from constructs import Construct

from mlzone.naming import Naming
from mlzone.release_contract import MOST_RELEASE_CHARACTERS, PARAMETERS, Parameter

STOPPED: Parameter = "Stopped"
CONDITION = "HasRelease"
"""The condition of everything that exists only with a release, while the model is not stopped."""


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
        self._parameters = {name: self._parameter(name) for name in (*parameters, STOPPED)}
        self.condition = cdk.CfnCondition(
            self,
            CONDITION,
            expression=cdk.Fn.condition_and(
                cdk.Fn.condition_not(cdk.Fn.condition_equals(self["Release"], "")),
                cdk.Fn.condition_equals(self[STOPPED], ""),
            ),
        )
        """That there is a release, and that nobody has stopped the model."""
        self.condition.override_logical_id(CONDITION)

    def _parameter(self, name: Parameter) -> cdk.CfnParameter:
        rule = PARAMETERS[name]
        parameter = cdk.CfnParameter(
            self,
            name,
            type="String",
            default="",
            description=rule.description,
            allowed_pattern=f"^$|^(?:{rule.pattern})$",
            constraint_description=f"must be empty or match {rule.pattern}",
        )
        parameter.override_logical_id(name)
        return parameter

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
        text = json.dumps(cdk.Stack.of(self).resolve(content), sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        name = naming.versioned(base, digest, reserve=MOST_RELEASE_CHARACTERS + 1)
        return f"{name}-{self['Release']}"
