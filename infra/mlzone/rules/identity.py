"""Rules about identities and what they may do."""

import json
from collections.abc import Iterator
from typing import Any

from mlzone.guardrail import INCIDENT_TAG
from mlzone.naming import BREAK_GLASS_ENDING
from mlzone.rules.assembly import Assembly, Resource
from mlzone.rules.expression import (
    condition_keys,
    conditions,
    present,
    statements,
    text,
    texts,
)
from mlzone.rules.rule import Rule
from mlzone_access import catalogue

_POLICIES = ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::Role")
_SOURCES = {
    "aws:principalarn",
    "aws:principalorgid",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "sts:externalid",
}
"""Conditions that say for whom a role is taken."""

_HOUR = 3600


def documents(resource: Resource) -> Iterator[Any]:
    """Yield the policies that a resource gives to a role."""
    if resource.type == "AWS::IAM::Role":
        for policy in resource.get("Policies", default=[]):
            yield policy.get("PolicyDocument")
    else:
        yield resource.get("PolicyDocument")


def allowing(resource: Resource) -> Iterator[dict[str, Any]]:
    """Yield the statements by which a resource allows something."""
    for document in documents(resource):
        for statement in statements(document):
            if statement.get("Effect") == "Allow":
                yield statement


def named(statement: dict[str, Any]) -> str:
    """Return what to call a statement."""
    return str(statement.get("Sid") or ", ".join(texts(statement.get("Action"))[:2]))


def _who(principal: Any) -> Iterator[str]:
    named = principal if isinstance(principal, dict) else {"AWS": principal}
    for value in named.values():
        yield from texts(value)


def _reads(action: catalogue.Action) -> bool:
    """Tell whether an action changes nothing; for new ones the catalogue may not know it yet."""
    level = action.access_level
    verb = action.name.partition(":")[2]
    unknown = verb.lower().startswith(("describe", "get", "list"))
    return level in ("Read", "List") or (not level and unknown)


class RolesHaveTheBoundary(Rule):
    """Whatever a role's policies say, it stays within the boundary.

    Anti-pattern: a role that only its own policies limit.
    Best practice: PermissionsBoundary on every role.
    """

    id = "MLZ-IDENTITY-001"
    control = "IAM-01"
    types = ("AWS::IAM::Role",)
    fix = "set PermissionsBoundary to the organization's boundary"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at the boundary."""
        del assembly
        boundary = text(resource.get("PermissionsBoundary"))
        if not boundary:
            return "it has no permissions boundary"
        return None if boundary.endswith("boundary") else f"its boundary is {boundary}"


class NoUsers(Rule):
    """Nobody has a password or a key that lasts.

    Anti-pattern: an IAM user with access keys.
    Best practice: people through the identity provider, machines through roles.
    """

    id = "MLZ-IDENTITY-002"
    control = "IAM-02"
    types = ("AWS::IAM::AccessKey", "AWS::IAM::Group", "AWS::IAM::User")
    fix = "use a role"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Each of these is one too many."""
        del assembly
        return f"{resource.type} lasts until somebody removes it"


class NobodyAdministersEverything(Rule):
    """No policy allows everything.

    Anti-pattern: `Action: "*"`, or NotAction in a statement that allows.
    Best practice: the actions that are needed.
    """

    id = "MLZ-IDENTITY-003"
    control = "IAM-03"
    types = _POLICIES
    fix = "name the actions that are needed"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at every statement that allows."""
        del assembly
        for statement in allowing(resource):
            if "NotAction" in statement:
                return f"statement {named(statement)} allows everything but a few actions"
            wide = {"*", "iam:*", "*:*"} & set(texts(statement.get("Action")))
            if wide:
                return f"statement {named(statement)} allows {wide.pop()}"
        return None


class NoPoliciesOfAws(Rule):
    """AWS's managed policies change without us, and are wide.

    Anti-pattern: AmazonSageMakerFullAccess.
    Best practice: policies of our own.
    """

    id = "MLZ-IDENTITY-004"
    control = "IAM-03"
    types = ("AWS::IAM::Role",)
    fix = "write the statements that the role needs"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at attached policies."""
        del assembly
        for attached in texts(resource.get("ManagedPolicyArns")):
            if ":iam::aws:policy/" in attached:
                return f"it has {attached.rpartition('/')[2]}"
        return None


class ChangesNameTheirResources(Rule):
    """An action that changes something says what.

    Anti-pattern: `Resource: "*"` for an action that knows resources.
    Best practice: the resource's ARN. Actions that know none, and reading, may have `*`.
    """

    id = "MLZ-IDENTITY-005"
    control = "IAM-03"
    types = _POLICIES
    fix = "name the resource, or narrow the statement by a condition"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at statements over all resources."""
        del assembly
        for statement in allowing(resource):
            if "*" not in texts(statement.get("Resource")) or statement.get("Condition"):
                continue
            for pattern in texts(statement.get("Action")):
                for name in catalogue.actions(pattern):
                    action = catalogue.action(name)
                    if action.resource_types and not _reads(action):
                        return f"statement {named(statement)} allows {name} on everything"
        return None


class ActionsExist(Rule):
    """A policy names actions that AWS has; a slip of the pen allows nothing, or denies nothing.

    Anti-pattern: `s3:GetObjects`.
    Best practice: names of the Service Authorization Reference.
    """

    id = "MLZ-IDENTITY-011"
    control = "IAM-03"
    types = _POLICIES
    fix = "use a name of the Service Authorization Reference"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at all actions of all statements."""
        del assembly
        for document in documents(resource):
            for statement in statements(document):
                for element in ("Action", "NotAction"):
                    for pattern in texts(statement.get(element)):
                        if not catalogue.actions(pattern):
                            return f"statement {named(statement)} names {pattern}, which AWS lacks"
        return None


class RolesArePassedToNamedServices(Rule):
    """A role is handed on to the service that it is for.

    Anti-pattern: iam:PassRole on `*`, or without iam:PassedToService.
    Best practice: the role's ARN, and the service.
    """

    id = "MLZ-IDENTITY-006"
    control = "IAM-04"
    types = _POLICIES
    fix = "name the roles, and the service in iam:PassedToService"

    def applies(self, resource: Resource, assembly: Assembly) -> bool:
        """Look only at policies that pass roles."""
        del assembly
        return any(True for _ in self._passing(resource))

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at each statement that passes roles."""
        del assembly
        for statement in self._passing(resource):
            if "*" in texts(statement.get("Resource")):
                return f"statement {named(statement)} passes every role"
            if "iam:passedtoservice" not in condition_keys(statement):
                return f"statement {named(statement)} passes roles to any service"
        return None

    @staticmethod
    def _passing(resource: Resource) -> Iterator[dict[str, Any]]:
        for statement in allowing(resource):
            if "iam:passrole" in (item.lower() for item in texts(statement.get("Action"))):
                yield statement


class TrustSaysForWhom(Rule):
    """A service takes a role for the account that it was meant for, and no other.

    Anti-pattern: a trust policy that names a service or an account alone.
    Best practice: aws:SourceAccount or aws:SourceArn for services, the organization for accounts.
    """

    id = "MLZ-IDENTITY-007"
    control = "IAM-05"
    types = ("AWS::IAM::Role",)
    fix = "add aws:SourceAccount, aws:SourceArn or aws:PrincipalOrgID to the trust policy"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at every statement of the trust policy that allows."""
        del assembly
        for statement in statements(resource.get("AssumeRolePolicyDocument")):
            if statement.get("Effect") != "Allow":
                continue
            principal = statement.get("Principal")
            if principal == "*" or (isinstance(principal, dict) and "*" in principal.values()):
                return "everybody may take it"
            if isinstance(principal, dict) and "Federated" in principal:
                continue
            if not condition_keys(statement) & _SOURCES:
                return f"{', '.join(_who(principal))} may take it for anybody"
        return None


class CallersOfFunctionsAreNamed(Rule):
    """A service calls a function for the resource that it was meant for.

    Anti-pattern: a permission for a service alone.
    Best practice: SourceArn, or SourceAccount.
    """

    id = "MLZ-IDENTITY-008"
    control = "IAM-05"
    types = ("AWS::Lambda::Permission",)
    fix = "set SourceArn or SourceAccount"

    def applies(self, resource: Resource, assembly: Assembly) -> bool:
        """Look only at permissions for services and for everybody."""
        del assembly
        who = text(resource.get("Principal"))
        return who == "*" or who.endswith(".amazonaws.com")

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at the source."""
        del assembly
        for name in ("SourceArn", "SourceAccount", "PrincipalOrgID"):
            if present(resource.get(name)):
                return None
        return f"{text(resource.get('Principal'))} may call it for anybody"


class PeopleBringTheirName(Rule):
    """A session of a person carries the person's name through all that they do.

    Anti-pattern: a role of people without SourceIdentity.
    Best practice: a trust policy that denies sessions without sts:SourceIdentity.
    """

    id = "MLZ-IDENTITY-009"
    control = "IAM-07"
    types = ("AWS::IAM::Role",)
    fix = "deny sts:AssumeRoleWithSAML where sts:SourceIdentity is null"

    def applies(self, resource: Resource, assembly: Assembly) -> bool:
        """Look only at roles of people."""
        del assembly
        return any(
            "Federated" in (statement.get("Principal") or {})
            for statement in statements(resource.get("AssumeRolePolicyDocument"))
        )

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look for the statement that denies."""
        del assembly
        for statement in statements(resource.get("AssumeRolePolicyDocument")):
            null = (statement.get("Condition") or {}).get("Null") or {}
            if statement.get("Effect") == "Deny" and null.get("sts:SourceIdentity") == "true":
                return None
        return "it can be taken without a name"


class StudioSignsInThroughTheCompany(Rule):
    """People come to Studio through the company's sign-in, with their second factor.

    Anti-pattern: AuthMode IAM, where a presigned URL is a key to the notebook.
    Best practice: SSO.
    """

    id = "MLZ-IDENTITY-010"
    control = "IAM-08"
    types = ("AWS::SageMaker::Domain",)
    fix = "set AuthMode to SSO"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at the way in."""
        del assembly
        mode = text(resource.get("AuthMode"))
        return None if mode == "SSO" else f"people come in by {mode or 'nothing'}"


class EmergenciesAreShortAndHeardOf(Rule):
    """A role for emergencies is taken for an hour, for a named incident, and not in silence.

    Anti-pattern: a standing administrator for emergencies.
    Best practice: an hour at most; a trust policy that refuses sessions without a name and an
    incident; a rule beside the role that hears of each session.
    """

    id = "MLZ-IDENTITY-012"
    control = "IAM-10"
    types = ("AWS::IAM::Role",)
    fix = "make the role with BreakGlass"

    def applies(self, resource: Resource, assembly: Assembly) -> bool:
        """Look only at roles for emergencies."""
        del assembly
        return text(resource.get("RoleName")).endswith(BREAK_GLASS_ENDING)

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at the time, the trust policy and the rules beside the role."""
        seconds = resource.get("MaxSessionDuration", default=_HOUR)
        if not isinstance(seconds, int) or seconds > _HOUR:
            return f"a session lasts {text(seconds)} seconds"
        refused = {
            key
            for statement in statements(resource.get("AssumeRolePolicyDocument"))
            if statement.get("Effect") == "Deny"
            for operator, key, value in conditions(statement)
            if operator == "Null" and text(value) == "true"
        }
        for key in ("sts:SourceIdentity", f"aws:RequestTag/{INCIDENT_TAG}"):
            if key.lower() not in refused:
                return f"a session may begin without {key}"
        name = text(resource.get("RoleName"))
        heard = (
            json.dumps(item.get("EventPattern"))
            for item in assembly.beside(resource, "AWS::Events::Rule")
            if present(item.get("Targets"))
        )
        if not any("AssumeRole" in pattern and f'/{name}"' in pattern for pattern in heard):
            return "nobody hears of its sessions"
        return None


RULES: tuple[type[Rule], ...] = (
    RolesHaveTheBoundary,
    NoUsers,
    NobodyAdministersEverything,
    NoPoliciesOfAws,
    ChangesNameTheirResources,
    ActionsExist,
    RolesArePassedToNamedServices,
    TrustSaysForWhom,
    CallersOfFunctionsAreNamed,
    PeopleBringTheirName,
    StudioSignsInThroughTheCompany,
    EmergenciesAreShortAndHeardOf,
)
"""The rules of this subject."""
