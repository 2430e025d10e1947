"""The role for emergencies in production."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from mlzone.break_glass import (
    SESSION_HOURS,
    break_glass_statements,
    call_pattern,
    session_pattern,
)
from mlzone.guardrail import INCIDENT_TAG
from mlzone.naming import ROLE_PATH
from mlzone.serving_policy import announce, platform_bus_arn
from mlzone.sign_in import regional_sign_in
from mlzone.surroundings import Surroundings
from mlzone_constructs.foundation import GovernedFunction, GovernedFunctionProps
from mlzone_constructs.foundation.function_rule import FunctionRule, FunctionRuleProps
from mlzone_constructs.governance import Governance
from mlzone_constructs.identity.role import allow


@dataclass(frozen=True, kw_only=True)
class BreakGlassProps:
    """Properties of a BreakGlass."""

    governance: Governance
    """The organization's rules, in a unit's production account."""
    surroundings: Surroundings
    """Where the role works."""
    key: kms.IKey
    """Encrypts the function's log, settings and dead letters."""


class BreakGlass(Construct):
    """A role that takes models out of service in an emergency, and the alarm on it.

    Guarantees:
        IAM-10: a session lasts an hour at most, needs the name of an incident and of a person;
            each session and each change that it makes is told to the administrators and kept.
            People sign in through the Region's own endpoint, so that it hears of them.
        IAM-01: it carries the permissions boundary and the platform's path.
        IAM-08: only the identity provider's people come in, with their second factor there.

    Example:
        BreakGlass(self, "BreakGlass", BreakGlassProps(
            governance=governance, surroundings=surroundings, key=key))
    """

    def __init__(self, scope: Construct, construct_id: str, props: BreakGlassProps) -> None:
        super().__init__(scope, construct_id)
        self._props = props
        governance = props.governance
        unit, _ = governance.of_unit()
        name = governance.naming.break_glass_role(unit.name)
        self.role = self._role(name)
        """The role."""
        governance.roles.append(self.role)
        self._alarm(governance.role_arn(self, governance.place(self).account, name))

    def _role(self, name: str) -> iam.Role:
        governance = self._props.governance
        place = governance.place(self)
        provider = (
            f"arn:{place.partition}:iam::{place.account}:saml-provider/"
            f"{governance.estate.organization.identity.saml_provider}"
        )
        audience = {"StringEquals": {"SAML:aud": regional_sign_in(place.region)}}
        role = iam.Role(
            self,
            "Resource",
            role_name=name,
            path=ROLE_PATH,
            description="Emergencies in production: takes models out of service, for an incident",
            max_session_duration=cdk.Duration.hours(SESSION_HOURS),
            assumed_by=iam.FederatedPrincipal(provider, audience, "sts:AssumeRoleWithSAML"),
            permissions_boundary=iam.ManagedPolicy.from_managed_policy_arn(
                self, "Boundary", governance.boundary_arn(self)
            ),
        )
        trust = role.assume_role_policy
        assert trust is not None  # noqa: S101 - a role that is made here has one
        trust.add_statements(
            iam.PolicyStatement(
                actions=["sts:TagSession", "sts:SetSourceIdentity"],
                principals=[iam.FederatedPrincipal(provider, audience)],
            )
        )
        for key in ("sts:SourceIdentity", f"aws:RequestTag/{INCIDENT_TAG}"):
            trust.add_statements(
                iam.PolicyStatement(
                    effect=iam.Effect.DENY,
                    actions=["sts:AssumeRoleWithSAML"],
                    principals=[iam.FederatedPrincipal(provider, {"Null": {key: "true"}})],
                )
            )
        allow(role, break_glass_statements(self._props.surroundings))
        return role

    def _alarm(self, role_arn: str) -> None:
        governance = self._props.governance
        naming = governance.naming
        unit, stage = governance.of_unit()
        bus = platform_bus_arn(
            naming,
            cdk.Stack.of(self).partition,
            governance.home_region,
            governance.shared_services,
        )
        function = GovernedFunction(
            self,
            "Function",
            GovernedFunctionProps(
                governance=governance,
                function_name=naming.function(unit.name, stage, "break-glass"),
                role_name=naming.service_role(unit.name, "break-glass", stage, "alarm"),
                description="Tells of sessions and changes of the role for emergencies",
                handler="break_glass",
                key=self._props.key,
                environment={
                    "MLZONE_UNIT": unit.name,
                    "MLZONE_ENVIRONMENT": stage.value,
                    "MLZONE_PLATFORM_BUS": bus,
                },
                statements=[announce(bus)],
            ),
        )
        for construct_id, what, pattern in (
            ("Session", "session", session_pattern(role_arn)),
            ("Call", "call", call_pattern(role_arn)),
        ):
            FunctionRule(
                self,
                construct_id,
                FunctionRuleProps(
                    rule_name=naming.rule(unit.name, stage, f"break-glass-{what}"),
                    description=f"A {what} of the role for emergencies",
                    pattern=pattern,
                    function=function,
                ),
            )
