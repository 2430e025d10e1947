"""Rules about how the platform is run: logs, tags, secrets, runtimes, limits, names."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from mlzone.rules.assembly import Assembly, Resource
from mlzone.rules.encryption import receives_logs
from mlzone.rules.expression import present, text, true
from mlzone.rules.network import JOB_DEFINITIONS
from mlzone.rules.rule import Rule

MANDATORY_TAGS = ("mlz:cost-center", "mlz:environment", "mlz:managed-by", "mlz:owner")
"""On everything that can carry tags."""

_HOLDS_DATA = (
    "AWS::SageMaker::Domain",
    "AWS::SageMaker::Endpoint",
    "AWS::SageMaker::EndpointConfig",
    "AWS::SageMaker::FeatureGroup",
    "AWS::SageMaker::Model",
    "AWS::SageMaker::MonitoringSchedule",
    *JOB_DEFINITIONS,
)
"""What says, too, how sensitive its data are."""

RUNTIMES: Mapping[str, date] = {
    "nodejs20.x": date(2026, 4, 30),
    "nodejs22.x": date(2027, 4, 30),
    "nodejs24.x": date(2028, 4, 30),
    "python3.10": date(2026, 10, 31),
    "python3.11": date(2027, 6, 30),
    "python3.12": date(2028, 10, 31),
    "python3.13": date(2029, 6, 30),
    "python3.14": date(2029, 6, 30),
}
"""Until when AWS mends a runtime. Source: AWS Lambda developer guide, table of runtimes, 2026."""
_NOTICE = timedelta(days=90)

_SECRET = re.compile(
    r"password|passwd|secret|token|credential|private_?key|access_?key|api_?key", re.IGNORECASE
)
_HARMLESS = re.compile(r"arn:|\{\{resolve:|/|\$\{", re.IGNORECASE)
"""A value that refers to a secret rather than being one."""

DIGEST_ENDS = re.compile(r"-[0-9a-f]{8}(-\$\{\w+\})?$")
"""How the name of what can only be replaced ends: digest of its content, and the release."""


class TrailsAreComplete(Rule):
    """What is done is written down, whole, and nobody can rewrite it unseen.

    Anti-pattern: a trail of one Region without validation.
    Best practice: all Regions, global services, validation, a key; switched on.
    """

    id = "MLZ-OPERATION-001"
    control = "LOG-01"
    types = ("AWS::CloudTrail::Trail",)
    fix = "switch on logging, all Regions, global events and file validation"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at the four switches."""
        del assembly
        for name in (
            "IsLogging",
            "IsMultiRegionTrail",
            "IncludeGlobalServiceEvents",
            "EnableLogFileValidation",
        ):
            if not true(resource.get(name)):
                return f"{name} is not true"
        return None


class BucketsAreLogged(Rule):
    """Who read an object is known afterwards.

    Anti-pattern: a bucket without access logs.
    Best practice: LoggingConfiguration; the receiver itself is left out.
    """

    id = "MLZ-OPERATION-002"
    control = "LOG-01"
    types = ("AWS::S3::Bucket",)
    fix = "set LoggingConfiguration"

    def applies(self, resource: Resource, assembly: Assembly) -> bool:
        """Leave out what receives access logs."""
        return not receives_logs(resource, assembly)

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at the logging."""
        del assembly
        target = resource.get("LoggingConfiguration", "DestinationBucketName")
        return None if present(target) else "its access is not logged"


class EverythingIsTagged(Rule):
    """Everything says whose it is, what for, and who pays.

    Anti-pattern: a resource that nobody can place.
    Best practice: the mandatory tags.
    """

    id = "MLZ-OPERATION-003"
    control = "GOV-01"
    types = (
        "AWS::CodeBuild::Project",
        "AWS::CodeCommit::Repository",
        "AWS::CodePipeline::Pipeline",
        "AWS::DynamoDB::Table",
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::Subnet",
        "AWS::EC2::VPC",
        "AWS::ECR::Repository",
        "AWS::IAM::Role",
        "AWS::KMS::Key",
        "AWS::Lambda::Function",
        "AWS::S3::Bucket",
        "AWS::SNS::Topic",
        "AWS::SQS::Queue",
        "AWS::SageMaker::Domain",
        "AWS::SageMaker::Endpoint",
        "AWS::SageMaker::EndpointConfig",
        "AWS::SageMaker::FeatureGroup",
        "AWS::SageMaker::Model",
        "AWS::SageMaker::ModelPackageGroup",
        "AWS::SageMaker::MonitoringSchedule",
        *JOB_DEFINITIONS,
    )
    fix = "add the mandatory tags"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look for the mandatory tags."""
        del assembly
        holds_data = resource.type in _HOLDS_DATA
        names = (*MANDATORY_TAGS, *(("mlz:data-class",) if holds_data else ()))
        missing = [name for name in names if not present(resource.tags.get(name))]
        return f"missing: {', '.join(missing)}" if missing else None


class NoSecretsInEnvironments(Rule):
    """An environment variable is read by everybody who may describe what carries it.

    Anti-pattern: a password in an environment variable.
    Best practice: the secret's ARN, and the right to read it.
    """

    id = "MLZ-OPERATION-004"
    control = "DEP-04"
    types = ("AWS::CodeBuild::Project", "AWS::Lambda::Function", "AWS::SageMaker::Model")
    fix = "keep it in Secrets Manager, and pass its ARN"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at names and values of variables."""
        del assembly
        for name, value in self._variables(resource):
            written = text(value)
            if _SECRET.search(name) and written and not _HARMLESS.search(written):
                return f"variable {name} holds a secret"
        return None

    @staticmethod
    def _variables(resource: Resource) -> Iterator[tuple[str, Any]]:
        yield from resource.get("Environment", "Variables", default={}).items()
        for item in resource.get("Environment", "EnvironmentVariables", default=[]):
            if item.get("Type", "PLAINTEXT") == "PLAINTEXT":
                yield item["Name"], item.get("Value")
        yield from resource.get("PrimaryContainer", "Environment", default={}).items()


class RuntimesAreMended(Rule):
    """Code runs on what AWS still mends.

    Anti-pattern: a runtime at the end of its life.
    Best practice: one with a quarter of a year to go, at least.
    """

    id = "MLZ-OPERATION-005"
    control = "DEP-04"
    types = ("AWS::Lambda::Function",)
    fix = "use a runtime that is mended for longer"

    def applies(self, resource: Resource, assembly: Assembly) -> bool:
        """Functions from images bring their own."""
        del assembly
        return text(resource.get("PackageType")) != "Image"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at the runtime's last day."""
        del assembly
        runtime = text(resource.get("Runtime"))
        ends = RUNTIMES.get(runtime)
        if ends is None:
            return f'runtime "{runtime}" is not known to be mended'
        return None if ends - self.today > _NOTICE else f"{runtime} is mended until {ends}"


class ReplacedNamesFollowTheirContent(Rule):
    """What can only be replaced stands beside its successor until nobody needs it.

    Anti-pattern: a fixed name, at which the replacement fails.
    Best practice: a name that ends in a digest of the content.
    """

    id = "MLZ-OPERATION-006"
    control = "DEP-03"
    types = (
        "AWS::SageMaker::EndpointConfig",
        "AWS::SageMaker::Model",
        "AWS::SageMaker::StudioLifecycleConfig",
        *JOB_DEFINITIONS,
    )
    fix = "derive the name from a digest of the content, or leave it to CloudFormation"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at the name, if there is one."""
        del assembly
        for name, value in resource.properties.items():
            if name.endswith("Name") and isinstance(value, str | dict):
                given = text(value)
                return None if DIGEST_ENDS.search(given) else f"{given} is a fixed name"
        return None


class PoliciesFit(Rule):
    """A policy that is too long fails in the middle of a deployment.

    Anti-pattern: a role that collects statements, a resource's policy that lists what grows.
    Best practice: split it by purpose.
    """

    id = "MLZ-OPERATION-007"
    control = "IAM-03"
    types = (
        "AWS::ECR::Repository",
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::KMS::Key",
        "AWS::S3::BucketPolicy",
    )
    fix = "split the role or the resource by purpose, or name resources by a shorter prefix"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Count as AWS does: without white space."""
        del assembly
        limits = {
            "AWS::IAM::ManagedPolicy": ("PolicyDocument", 6_144),
            "AWS::IAM::Policy": ("PolicyDocument", 10_240),
            "AWS::IAM::Role": ("AssumeRolePolicyDocument", 2_048),
            "AWS::ECR::Repository": ("RepositoryPolicyText", 10_240),
            "AWS::KMS::Key": ("KeyPolicy", 32_768),
            "AWS::S3::BucketPolicy": ("PolicyDocument", 20_480),
        }
        element, most = limits[resource.type]
        length = len(json.dumps(resource.get(element, default={}), separators=(",", ":")))
        return f"{element} has {length} characters; at most {most}" if length > most else None


RULES: tuple[type[Rule], ...] = (
    TrailsAreComplete,
    BucketsAreLogged,
    EverythingIsTagged,
    NoSecretsInEnvironments,
    RuntimesAreMended,
    ReplacedNamesFollowTheirContent,
    PoliciesFit,
)
"""The rules of this subject."""
