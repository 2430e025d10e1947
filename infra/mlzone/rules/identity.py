"""Rules on identities: bounded roles, no users, no administrators."""

from collections.abc import Iterator
from typing import Any

from mlzone.rules.rule import Resource, Rule


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _end(arn: Any) -> str:
    """Return an ARN, or the last part of one that `Fn::Join` puts together."""
    return str(arn["Fn::Join"][1][-1] if isinstance(arn, dict) and "Fn::Join" in arn else arn)


def statements(resource: Resource) -> Iterator[dict[str, Any]]:
    """Yield the statements of a role's or a policy's permissions."""
    documents = [item["PolicyDocument"] for item in resource.properties.get("Policies", ())]
    if "PolicyDocument" in resource.properties:
        documents.append(resource.properties["PolicyDocument"])
    for document in documents:
        yield from _listed(document["Statement"])


POLICIES = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::Role")


class BoundedRole(Rule):
    """A role without the boundary can be given anything; every role carries it."""

    id = "MLZ-ROLE-001"
    control = "IAM-01"
    types = ("AWS::IAM::Role",)
    fix = "set PermissionsBoundary"

    def problems(self, resource: Resource, everything: list[Resource]) -> Iterator[str]:
        """Yield a role without a boundary."""
        del everything
        if not resource.properties.get("PermissionsBoundary"):
            yield "there is no PermissionsBoundary"


class NoUsers(Rule):
    """Users have keys that last and leak; people and services take roles."""

    id = "MLZ-ROLE-002"
    control = "IAM-02"
    types = ("AWS::IAM::User", "AWS::IAM::AccessKey", "AWS::IAM::Group")
    fix = "use a role"

    def problems(self, resource: Resource, everything: list[Resource]) -> Iterator[str]:
        """Yield that there is one."""
        del everything
        yield f"{resource.type} is not allowed"


class NoAdministrator(Rule):
    """A statement that allows everything makes other controls void; name actions instead."""

    id = "MLZ-ROLE-003"
    control = "IAM-03"
    types = POLICIES
    fix = "name the actions that are needed"

    def problems(self, resource: Resource, everything: list[Resource]) -> Iterator[str]:
        """Yield statements and managed policies that allow too much."""
        del everything
        # A boundary limits and grants nothing, so its wide statements are no administrator's.
        if resource.type != "AWS::IAM::ManagedPolicy":
            for statement in statements(resource):
                wide = {"*", "*:*", "iam:*"} & set(map(str, _listed(statement.get("Action", []))))
                if statement["Effect"] == "Allow" and wide:
                    yield f"a statement allows {', '.join(sorted(wide))}"
                if statement["Effect"] == "Allow" and "NotAction" in statement:
                    yield "a statement allows all actions but some"
        for arn in map(_end, resource.properties.get("ManagedPolicyArns", ())):
            if arn.endswith(("FullAccess", "AdministratorAccess")):
                yield f"{arn} gives full access"


class NarrowPassRole(Rule):
    """PassRole to any service is a way to more rights; the service is named in a condition."""

    id = "MLZ-ROLE-004"
    control = "IAM-04"
    types = POLICIES
    fix = "add a condition on iam:PassedToService"

    def applies(self, resource: Resource) -> bool:
        """Whether it passes roles."""
        return any(self._passes(statement) for statement in statements(resource))

    def problems(self, resource: Resource, everything: list[Resource]) -> Iterator[str]:
        """Yield statements that pass roles too widely."""
        del everything
        for statement in statements(resource):
            if not self._passes(statement):
                continue
            tests = statement.get("Condition", {}).values()
            if not any("iam:PassedToService" in test for test in tests):
                yield "iam:PassRole has no condition on iam:PassedToService"
            if "*" in _listed(statement.get("Resource", [])):
                yield "iam:PassRole on every role"

    @staticmethod
    def _passes(statement: dict[str, Any]) -> bool:
        actions = {str(action).lower() for action in _listed(statement.get("Action", []))}
        return statement["Effect"] == "Allow" and "iam:passrole" in actions
