"""What is checked at every synthesis: cdk-nag with waivers, the product's rules, AWS's quotas."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import cdk_nag
import jsii
from aws_cdk import aws_iam as iam
from constructs import IConstruct

from mlzone.errors import GovernanceError
from mlzone.estate.waiver import Waiver
from mlzone.rules.registry import RULES, run_rules
from mlzone.rules.rule import UNREADABLE
from mlzone.waiving import matches
from mlzone_constructs.governance import Governance
from mlzone_constructs.nag_findings import WILDCARD_RULE, policy_of, wildcard_findings

MOST_RESOURCES = 450
MOST_BYTES = 900_000
MOST_DYNAMIC_REFERENCES = 60
LONGEST_MANAGED_POLICY = 6_144
LONGEST_INLINE_POLICIES = 10_240
LONGEST_TRUST_POLICY = 2_048


def add_checks(app: cdk.App, governance: Governance) -> None:
    """Add cdk-nag, the rules and the quota checks to an app; a finding fails the synthesis.

    Findings of cdk-nag are acknowledged by the estate's waivers and by nothing else; findings of
    the rules and quotas by nothing.
    """
    cdk.Validations.of(app).add_plugins(
        cdk_nag.AwsSolutionsChecks(app), QuotaChecks(), RuleChecks()
    )
    waive(app, governance)


def waive(app: cdk.App, governance: Governance) -> None:
    """Acknowledge what the estate's waivers say on the constructs they name.

    Raises:
        GovernanceError: a waiver applies to nothing that is built, although everything is.
    """
    unused = set(governance.estate.waivers)
    for waiver, construct, finding in _waived(app, governance):
        unused.discard(waiver)
        _acknowledge(construct, finding, waiver)
    selected = any(app.node.try_get_context(key) for key in ("business_unit", "stacks"))
    if unused and not selected:
        listing = ", ".join(sorted(f"{item.rule} on {item.resource}" for item in unused))
        raise GovernanceError(f"orphaned waivers: {listing}", hint="remove them from waivers.yaml")


Waived = Iterator[tuple[Waiver, IConstruct, str]]
"""What a waiver covers: the construct and the finding's exact name."""


def _waived(app: cdk.App, governance: Governance) -> Waived:
    waivers = governance.estate.waivers
    wildcards = [item for item in waivers if item.rule.startswith(WILDCARD_RULE)]
    others = [item for item in waivers if item not in wildcards]
    for role in governance.roles:
        yield from _waived_wildcards(role, wildcards)
    for waiver in others:
        for construct in _constructs(app, waiver.resource):
            if cdk.CfnResource.is_cfn_resource(construct):
                yield waiver, construct, waiver.rule


def _constructs(app: cdk.App, pattern: str) -> Iterator[IConstruct]:
    """Yield the constructs whose path matches a pattern.

    The tree is large and each look at it crosses over to Node; therefore it is only entered where
    the pattern leads.
    """
    level: list[IConstruct] = [app]
    for segment in pattern.split("/"):
        if "**" in segment:
            for start in level:
                for construct in start.node.find_all():
                    if matches(pattern, construct.node.path):
                        yield construct
            return
        level = [
            child
            for construct in level
            for child in construct.node.children
            if matches(segment, child.node.id)
        ]
    yield from level


def _waived_wildcards(role: iam.Role, waivers: list[Waiver]) -> Waived:
    policy = policy_of(role)
    if policy is None:
        return
    path, findings = policy.node.path, list(wildcard_findings(policy))
    for waiver in waivers:
        if matches(waiver.resource, path):
            for finding in findings:
                if matches(waiver.rule, finding):
                    yield waiver, policy, finding


def _acknowledge(construct: IConstruct, finding: str, waiver: Waiver) -> None:
    cdk.Validations.of(construct).acknowledge(
        cdk.Acknowledgment(
            id=f"AwsSolutions::{finding}",
            reason=f"{waiver.reason} ({waiver.ticket}, until {waiver.expires}, {waiver.owner})",
        )
    )


@jsii.implements(cdk.IPolicyValidationPlugin)
class QuotaChecks:
    """AWS's limits on templates and policies, with room to grow."""

    @property
    def name(self) -> str:
        """The plugin's name in reports."""
        return "mlzone-quotas"

    @property
    def version(self) -> str:
        """The plugin's version."""
        return "1.0.0"

    @property
    def rule_ids(self) -> list[str]:
        """The rules it knows."""
        return ["MLZ-QUOTA-001", "MLZ-QUOTA-002", "MLZ-QUOTA-003", "MLZ-QUOTA-004"]

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Check every template of an assembly."""
        violations = [
            cdk.PolicyViolation(
                rule_name=rule,
                description=description,
                fix=fix,
                severity="fatal",
                violating_resources=[
                    cdk.PolicyViolatingResource(
                        resource_logical_id=logical_id, template_path=path, locations=[]
                    )
                ],
            )
            for path in context.template_paths
            for rule, logical_id, description, fix in _exceeded(Path(path))
        ]
        return cdk.PolicyValidationPluginReport(success=not violations, violations=violations)


@jsii.implements(cdk.IPolicyValidationPlugin)
class RuleChecks:
    """The product's rules over all templates at once; no finding can be waived."""

    @property
    def name(self) -> str:
        """The plugin's name in reports."""
        return "mlzone-rules"

    @property
    def version(self) -> str:
        """The plugin's version."""
        return "1.0.0"

    @property
    def rule_ids(self) -> list[str]:
        """The rules it knows."""
        return [*(rule.id for rule in RULES), UNREADABLE]

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Run every rule; what fails and what could not be checked fails the synthesis."""
        fixes = {rule.id: rule.fix for rule in RULES}
        violations = [
            cdk.PolicyViolation(
                rule_name=row.rule,
                description=f"{row.problem} ({row.control})",
                fix=fixes.get(row.rule, "synthesize again"),
                severity="fatal",
                violating_resources=[
                    cdk.PolicyViolatingResource(
                        resource_logical_id=row.resource, template_path=row.template, locations=[]
                    )
                ],
            )
            for row in run_rules(map(Path, context.template_paths))
            if row.outcome in {"FAIL", "ERROR"}
        ]
        return cdk.PolicyValidationPluginReport(success=not violations, violations=violations)


def _exceeded(path: Path) -> Iterator[tuple[str, str, str, str]]:
    text = path.read_text(encoding="utf-8")
    template = json.loads(text)
    resources: dict[str, Any] = template.get("Resources", {})
    split = "split the stack along teams or models"
    if len(resources) > MOST_RESOURCES:
        yield "MLZ-QUOTA-001", "-", f"{len(resources)} resources; at most {MOST_RESOURCES}", split
    if len(text) > MOST_BYTES:
        yield "MLZ-QUOTA-002", "-", f"{len(text)} bytes; at most {MOST_BYTES}", split
    references = text.count("{{resolve:")
    if references > MOST_DYNAMIC_REFERENCES:
        yield (
            "MLZ-QUOTA-003",
            "-",
            f"{references} dynamic references; at most {MOST_DYNAMIC_REFERENCES}",
            "use parameters instead",
        )
    for logical_id, resource in resources.items():
        for length, limit, what in _policy_lengths(resource):
            if length > limit:
                yield (
                    "MLZ-QUOTA-004",
                    logical_id,
                    f"{what} has {length} characters; at most {limit}",
                    "split the role by purpose, or name resources by a shorter prefix",
                )


def _policy_lengths(resource: dict[str, Any]) -> Iterator[tuple[int, int, str]]:
    properties = resource.get("Properties", {})
    if resource["Type"] == "AWS::IAM::ManagedPolicy":
        yield _length(properties["PolicyDocument"]), LONGEST_MANAGED_POLICY, "the policy"
    if resource["Type"] == "AWS::IAM::Policy":
        yield _length(properties["PolicyDocument"]), LONGEST_INLINE_POLICIES, "the policy"
    if resource["Type"] == "AWS::IAM::Role":
        yield (
            _length(properties["AssumeRolePolicyDocument"]),
            LONGEST_TRUST_POLICY,
            "the trust policy",
        )


def _length(document: Any) -> int:
    """Return a policy's characters as AWS counts them: without white space."""
    return len(json.dumps(document, separators=(",", ":")))
