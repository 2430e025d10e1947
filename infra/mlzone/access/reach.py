"""From role to role: who can make something run in another role than their own, and how.

A step is of one of two kinds. By *control* the caller decides what runs in the other role: it is as
good as having that role. By a *start* the caller only sets going what others have written.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from mlzone.access.decision import decide, example_request, request_of
from mlzone.access.rendered import Rendered, Runner
from mlzone.access.role import Role
from mlzone.boundary import deployment_document
from mlzone.theorem.guardrails import Guardrails
from mlzone_access import ContextValue, Decision, Effect, Policy, PolicyKind

_SAGEMAKER_STARTS = (
    "sagemaker:CreateModel",
    "sagemaker:CreatePipeline",
    "sagemaker:CreateProcessingJob",
    "sagemaker:CreateTrainingJob",
    "sagemaker:UpdatePipeline",
)
_STARTS_WITH_ROLE: Mapping[str, tuple[str, ...]] = {
    "sagemaker.amazonaws.com": _SAGEMAKER_STARTS,
    "lambda.amazonaws.com": ("lambda:CreateFunction",),
    "codebuild.amazonaws.com": ("codebuild:CreateProject", "codebuild:UpdateProject"),
    "codepipeline.amazonaws.com": ("codepipeline:CreatePipeline", "codepipeline:UpdatePipeline"),
    "glue.amazonaws.com": ("glue:CreateJob", "glue:UpdateJob"),
    "scheduler.amazonaws.com": ("scheduler:CreateSchedule",),
    "cloudformation.amazonaws.com": ("cloudformation:CreateStack", "cloudformation:UpdateStack"),
}
"""What makes something run in a role that was passed to a service."""

_REWRITES = {
    "AWS::CodeBuild::Project": ("codebuild:UpdateProject", "codebuild:StartBuild"),
    "AWS::CodePipeline::Pipeline": ("codepipeline:UpdatePipeline",),
    "AWS::Lambda::Function": ("lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration"),
}
"""What decides what runs in the role of something that is there."""

_STARTS = {
    "AWS::CodePipeline::Pipeline": "codepipeline:StartPipelineExecution",
    "AWS::Lambda::Function": "lambda:InvokeFunction",
}
_STACKS = (
    "cloudformation:CreateChangeSet",
    "cloudformation:CreateStack",
    "cloudformation:UpdateStack",
)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One way from a role to another."""

    source: str
    """ARN of the caller's role."""
    target: str
    """ARN of the role that something runs in."""
    how: str
    """The way, in a few words."""
    control: bool
    """Whether the caller decides what runs there."""


def deployment_roles(accounts: Mapping[str, str]) -> Iterator[Role]:
    """Yield CloudFormation's role of each account, as the bootstrap makes it.

    Args:
        accounts: the Region of each account.
    """
    for account, region in accounts.items():
        name = f"cdk-hnb659fds-cfn-exec-role-{account}-{region}"
        yield Role(
            name=name,
            account=account,
            path="/",
            policies=(Policy.parse(deployment_document(), name=name, kind=PolicyKind.IDENTITY),),
            region=region,
        )


class Reach:
    """All steps between the roles of an assembly, under the guardrails."""

    def __init__(self, guardrails: Guardrails, assembly: Rendered) -> None:
        """Take over what an assembly renders."""
        self.guardrails, self.assembly = guardrails, assembly
        regions = {role.account: role.region for role in assembly.roles}
        self.deployment = {role.account: role for role in deployment_roles(regions)}
        self.roles = {role.arn: role for role in (*assembly.roles, *self.deployment.values())}

    def decide(
        self,
        role: Role,
        action: str,
        resource: str,
        context: Mapping[str, ContextValue] | None = None,
    ) -> Decision:
        """Decide a request of a role, under the policy of the resource too."""
        policy = self.assembly.resource_policy(resource)
        request = request_of(self.guardrails, role, action, resource, context=context)
        return decide(self.guardrails, role, request, resource=policy)

    def examples(self, role: Role, action: str) -> Iterator[tuple[str, Decision]]:
        """Yield the resources on which the role's own policies name an action, each decided."""
        lowered = action.lower()
        for policy in role.policies:
            for statement in policy.for_action(lowered):
                if statement.effect is not Effect.ALLOW:
                    continue
                request = example_request(self.guardrails, role, statement, action)
                if request:
                    resource = self.assembly.resource_policy(request.resource)
                    yield (
                        request.resource,
                        decide(self.guardrails, role, request, resource=resource),
                    )

    def can(self, role: Role, action: str) -> bool:
        """Say whether the role can do something at all."""
        return any(decision.allowed for _, decision in self.examples(role, action))

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """Every step."""
        found: list[Step] = []
        for role in self.roles.values():
            for way in (self._assumed, self._passed, self._rewritten, self._started, self._stacks):
                found += way(role)
        return tuple(found)

    def _assumed(self, role: Role) -> Iterable[Step]:
        if not _mentions(role, "sts:AssumeRole"):
            return
        for target in self.roles.values():
            if target.trust is None or target is role:
                continue
            request = request_of(
                self.guardrails, role, "sts:AssumeRole", target.arn, resource_account=target.account
            )
            if decide(self.guardrails, role, request, resource=target.trust).allowed:
                yield _step(role, target.arn, "assumes", control=True)

    def _passed(self, role: Role) -> Iterable[Step]:
        if not _mentions(role, "iam:PassRole"):
            return
        for target in self.roles.values():
            if target.account != role.account or target is role:
                continue
            for service, starts in _STARTS_WITH_ROLE.items():
                if not _trusts(target, service):
                    continue
                passed = self.decide(
                    role, "iam:PassRole", target.arn, {"iam:PassedToService": service}
                )
                if passed.allowed and any(self.can(role, start) for start in starts):
                    yield _step(role, target.arn, f"passes to {service}", control=True)

    def _rewritten(self, role: Role) -> Iterable[Step]:
        for runner in self.assembly.runners:
            for action in _REWRITES[runner.kind]:
                if self._may(role, action, runner):
                    # The platform's own pipelines start projects as they are.
                    own = role.persona is None and action == "codebuild:StartBuild"
                    how = f"{action} on {_last(runner.arn)}"
                    yield _step(role, runner.role, how, control=not own)
            if runner.source and self._may(role, "codecommit:GitPush", runner, runner.source):
                running = runner.uses or (runner.arn,)
                for used in filter(None, map(self._runner_role, running)):
                    yield _step(role, used, f"commits to {_last(runner.source)}", control=True)

    def _started(self, role: Role) -> Iterable[Step]:
        for runner in self.assembly.runners:
            action = _STARTS.get(runner.kind, "")
            if action and self._may(role, action, runner):
                yield _step(role, runner.role, f"starts {_last(runner.arn)}", control=False)
            answer = f"{runner.arn}/Approve/Approve"
            if runner.uses and self._may(role, "codepipeline:PutApprovalResult", runner, answer):
                yield _step(role, runner.role, f"approves {_last(runner.arn)}", control=False)

    def _may(self, role: Role, action: str, runner: Runner, resource: str = "") -> bool:
        """Decide a request about a runner, which has the tags of its role's team."""
        if not _mentions(role, action):
            return False
        team = self.roles[runner.role].tags.get("mlz:team", "")
        context = {"aws:ResourceTag/mlz:team": team} if team else {}
        return self.decide(role, action, resource or runner.arn, context).allowed

    def _stacks(self, role: Role) -> Iterable[Step]:
        target = self.deployment[role.account]
        if role is target:
            return
        for action in _STACKS:
            for resource, decision in self.examples(role, action):
                if decision.allowed:
                    name = resource.partition(":stack/")[2].partition("/")[0]
                    yield _step(role, target.arn, f"updates stack {name}", control=False)

    def _runner_role(self, arn: str) -> str:
        return next((item.role for item in self.assembly.runners if item.arn == arn), "")

    @cached_property
    def _from(self) -> Mapping[str, tuple[Step, ...]]:
        found: dict[str, list[Step]] = {}
        for step in self.steps:
            found.setdefault(step.source, []).append(step)
        return {source: tuple(steps) for source, steps in found.items()}

    def paths(
        self, role: Role, *, over: Callable[[Step], bool] = lambda _: True
    ) -> dict[str, tuple[Step, ...]]:
        """Return the shortest way from a role to every role that it reaches.

        Args:
            role: where the ways begin.
            over: which steps are taken.
        """
        found: dict[str, tuple[Step, ...]] = {role.arn: ()}
        queue = deque([role.arn])
        while queue:
            here = queue.popleft()
            for step in self._from.get(here, ()):
                if over(step) and step.target not in found:
                    found[step.target] = (*found[here], step)
                    queue.append(step.target)
        return found


def _mentions(role: Role, action: str) -> bool:
    """Say whether a policy of the role names an action, which is quick to see."""
    lowered = action.lower()
    return any(policy.for_action(lowered) for policy in role.policies)


def _trusts(role: Role, service: str) -> bool:
    trust = role.trust
    return trust is not None and any(
        statement.principal is not None and service in statement.principal.services
        for statement in trust.statements
    )


def _step(role: Role, target: str, how: str, *, control: bool) -> Step:
    return Step(source=role.arn, target=target, how=how, control=control)


def _last(arn: str) -> str:
    return arn.rpartition(":")[2]
