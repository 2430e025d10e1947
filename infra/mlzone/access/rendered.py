"""What a cloud assembly says of access: roles, policies of resources, and what runs in a role."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from mlzone.access.role import PARTITION, Role
from mlzone.errors import ConfigError
from mlzone.naming import ROLE_PATH
from mlzone.persona import Persona
from mlzone_access import Policy, PolicyKind

Json = Any
_NAMES = ("Name", "RoleName", "FunctionName", "BucketName", "PipelineName", "QueueName",
          "TopicName", "TableName", "RepositoryName", "LogGroupName", "EventBusName")  # fmt: skip
_IN_PARAMETERS = (("/keys/", "kms", "key"), ("/experiments/", "sagemaker", "mlflow-app"))
"""What a parameter with an ARN has in its name, with the service and the kind of the resource."""
_ARNS = {
    "AWS::CodeBuild::Project": "codebuild:{region}:{account}:project/{name}",
    "AWS::CodeCommit::Repository": "codecommit:{region}:{account}:{name}",
    "AWS::CodePipeline::Pipeline": "codepipeline:{region}:{account}:{name}",
    "AWS::DynamoDB::Table": "dynamodb:{region}:{account}:table/{name}",
    "AWS::ECR::Repository": "ecr:{region}:{account}:repository/{name}",
    "AWS::KMS::Key": "kms:{region}:{account}:key/{name}",
    "AWS::Lambda::Function": "lambda:{region}:{account}:function:{name}",
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{name}:*",
    "AWS::S3::Bucket": "s3:::{name}",
    "AWS::SNS::Topic": "sns:{region}:{account}:{name}",
    "AWS::SQS::Queue": "sqs:{region}:{account}:{name}",
}
_NAMED_BY_ARN = ("AWS::SNS::Topic", "AWS::SecretsManager::Secret", "AWS::Scheduler::Schedule")
"""Types whose `Ref` is the ARN."""
_RUN_IN_ROLE = {
    "AWS::CodeBuild::Project": "ServiceRole",
    "AWS::CodePipeline::Pipeline": "RoleArn",
    "AWS::Lambda::Function": "Role",
}


@dataclass(frozen=True, kw_only=True)
class Runner:
    """Something that runs in a role."""

    kind: str
    """Its CloudFormation type."""
    arn: str
    role: str
    """ARN of the role."""
    source: str = ""
    """ARN of the repository whose content it runs; empty if it is not people's."""
    uses: tuple[str, ...] = ()
    """ARNs of what it starts."""


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """What all templates of an assembly say of access."""

    roles: tuple[Role, ...]
    runners: tuple[Runner, ...]
    resource_policies: Mapping[str, Policy]
    """Policies of buckets and keys, by the resource's ARN."""

    @cached_property
    def by_arn(self) -> Mapping[str, Role]:
        """The roles by ARN."""
        return {role.arn: role for role in self.roles}

    def resource_policy(self, resource: str) -> Policy | None:
        """Return the policy of a bucket or key, or of the bucket that an object is in."""
        return self.resource_policies.get(resource) or self.resource_policies.get(
            resource.partition("/")[0]
        )


def rendered(assembly: Path) -> Rendered:
    """Read a cloud assembly.

    Raises:
        ConfigError: there is none, or it cannot be read.
    """
    try:
        manifest = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise ConfigError(
            f"{assembly} is no cloud assembly: {error}", hint="make one with `mlzone synth`"
        ) from error
    templates = []
    for artifact in manifest["artifacts"].values():
        if artifact.get("type") != "aws:cloudformation:stack":
            continue
        _, _, account, region = artifact["environment"].split("/")
        path = assembly / artifact["properties"]["templateFile"]
        content = json.loads(path.read_text(encoding="utf-8"))
        templates.append((path.name.partition(".")[0], content, account, region))
    return read(templates)


def read(of: Iterable[tuple[str, Json, str, str]]) -> Rendered:
    """Read templates.

    Args:
        of: the name of each stack, its template, its account and its Region.
    """
    templates = [_Template(*item) for item in of]
    return Rendered(
        roles=tuple(role for template in templates for role in template.roles()),
        runners=tuple(runner for template in templates for runner in template.runners()),
        resource_policies=dict(
            item for template in templates for item in template.resource_policies()
        ),
    )


class _Template:
    """One template, with its references resolved as far as they can be before deployment."""

    def __init__(self, stack: str, content: Json, account: str, region: str) -> None:
        self.stack = stack
        self.resources: dict[str, Json] = content.get("Resources", {})
        self.parameters: dict[str, Json] = content.get("Parameters", {})
        self.account, self.region = account, region

    def of_type(self, kind: str) -> Iterator[tuple[str, Json]]:
        for logical_id, resource in self.resources.items():
            if resource["Type"] == kind:
                yield logical_id, resource.get("Properties", {})

    # --- references -----------------------------------------------------------------------------

    def resolve(self, value: Json) -> Json:
        """Fill in references; what only a deployment knows becomes a name in its place."""
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if not isinstance(value, dict):
            return value
        key, argument = next(iter(value.items()), ("", None))
        if len(value) == 1 and (key == "Ref" or key.startswith("Fn::")):
            return self._intrinsic(key, argument)
        return {key: self.resolve(item) for key, item in value.items()}

    def _intrinsic(self, key: str, argument: Json) -> str:
        if key == "Ref":
            return self._reference(argument)
        if key == "Fn::GetAtt":
            return self.arn(argument[0]) if argument[1].endswith("Arn") else str(argument[0])
        if key == "Fn::Join":
            return str(argument[0].join(str(self.resolve(part)) for part in argument[1]))
        return f"unknown-{key.removeprefix('Fn::').lower()}"

    def _reference(self, name: str) -> str:
        pseudo = {"AWS::AccountId": self.account, "AWS::Region": self.region,
                  "AWS::Partition": PARTITION, "AWS::URLSuffix": "amazonaws.com"}  # fmt: skip
        if name in pseudo:
            return pseudo[name]
        if name in self.parameters:
            default = str(self.parameters[name].get("Default", name))
            # Parameters with ARNs are told by their names; the ids in them are made by AWS.
            for sign, service, kind in _IN_PARAMETERS:
                if sign in default:
                    return f"arn:{PARTITION}:{service}:{self.region}:{self.account}:{kind}{default}"
            return default
        kind = self.resources.get(name, {}).get("Type", "")
        return self.arn(name) if kind in _NAMED_BY_ARN else self.name(name)

    def name(self, logical_id: str) -> str:
        """Return a resource's physical name; its logical id where CloudFormation makes one."""
        properties = self.resources.get(logical_id, {}).get("Properties", {})
        # Logical ids are of one stack: two stacks of an account may have the same.
        unnamed = f"{self.stack}-{logical_id}"
        found = next((properties[key] for key in _NAMES if key in properties), unnamed)
        return str(self.resolve(found))

    def arn(self, logical_id: str) -> str:
        """Return a resource's ARN."""
        kind = self.resources.get(logical_id, {}).get("Type", "")
        if kind == "AWS::IAM::Role":
            path = self.resources[logical_id]["Properties"].get("Path", "/")
            return f"arn:{PARTITION}:iam::{self.account}:role{path}{self.name(logical_id)}"
        shape = _ARNS.get(kind, "unknown:{region}:{account}:{name}")
        rest = shape.format(region=self.region, account=self.account, name=self.name(logical_id))
        return f"arn:{PARTITION}:{rest}"

    # --- what is read ---------------------------------------------------------------------------

    def roles(self) -> Iterator[Role]:
        attached: dict[str, list[Json]] = {}
        for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
            for _, properties in self.of_type(kind):
                for reference in properties.get("Roles", []):
                    document = self.resolve(properties["PolicyDocument"])
                    attached.setdefault(str(self.resolve(reference)), []).append(document)
        for logical_id, properties in self.of_type("AWS::IAM::Role"):
            name = self.name(logical_id)
            inline = [
                self.resolve(policy["PolicyDocument"]) for policy in properties.get("Policies", [])
            ]
            tags = {
                item["Key"]: str(self.resolve(item["Value"])) for item in properties.get("Tags", [])
            }
            trust = self.resolve(properties["AssumeRolePolicyDocument"])
            persona = next((p for p in Persona if _is_of(name, p, trust)), None)
            unit, team = tags.get("mlz:business-unit", ""), tags.get("mlz:team", "")
            session = {"unit": unit, "team": team} if persona else {}
            yield Role(
                name=name,
                account=self.account,
                path=properties.get("Path", "/"),
                policies=tuple(
                    _policy(document, name, PolicyKind.IDENTITY)
                    for document in (*inline, *attached.get(name, []))
                ),
                trust=_policy(trust, f"trust of {name}", PolicyKind.TRUST),
                bounded="PermissionsBoundary" in properties,
                persona=persona,
                unit=unit,
                team=team,
                environment=tags.get("mlz:environment", ""),
                region=self.region,
                tags={**tags, **{key: value for key, value in session.items() if value}},
            )

    def runners(self) -> Iterator[Runner]:
        for kind, key in _RUN_IN_ROLE.items():
            for logical_id, properties in self.of_type(kind):
                uses: tuple[str, ...] = ()
                source = self._cloned(properties)
                if "Stages" in properties:
                    source, uses = self._stages(properties)
                yield Runner(
                    kind=kind,
                    arn=self.arn(logical_id),
                    role=self._role_arn(properties[key]),
                    source=source,
                    uses=uses,
                )

    def _role_arn(self, value: Json) -> str:
        if isinstance(value, dict) and "Ref" in value:
            return self.arn(value["Ref"])
        text = str(self.resolve(value))
        return text if text.startswith("arn:") else (
            f"arn:{PARTITION}:iam::{self.account}:role{ROLE_PATH}{text}"
        )  # fmt: skip

    def _stages(self, properties: Json) -> tuple[str, tuple[str, ...]]:
        """Return the repository that a pipeline begins with, and the projects that it runs."""
        source, projects = "", []
        for stage in properties["Stages"]:
            for action in stage["Actions"]:
                settings = self.resolve(action.get("Configuration", {}))
                if "RepositoryName" in settings:
                    source = self._arn_of("codecommit", settings["RepositoryName"])
                if "ProjectName" in settings:
                    projects.append(self._arn_of("codebuild", f"project/{settings['ProjectName']}"))
        return source, tuple(projects)

    def _cloned(self, properties: Json) -> str:
        """Return the repository that a project clones by itself."""
        source = properties.get("Source", {})
        if source.get("Type") != "CODECOMMIT":
            return ""
        return self._arn_of("codecommit", str(self.resolve(source["Location"])).rpartition("/")[2])

    def _arn_of(self, service: str, resource: str) -> str:
        return f"arn:{PARTITION}:{service}:{self.region}:{self.account}:{resource}"

    def resource_policies(self) -> Iterator[tuple[str, Policy]]:
        for _, properties in self.of_type("AWS::S3::BucketPolicy"):
            bucket = f"arn:{PARTITION}:s3:::{self.resolve(properties['Bucket'])}"
            yield bucket, self._policy(properties["PolicyDocument"], f"the policy of {bucket}")
        for logical_id, properties in self.of_type("AWS::KMS::Key"):
            key = self.arn(logical_id)
            yield key, self._policy(properties["KeyPolicy"], f"the policy of {key}")

    def _policy(self, document: Json, name: str) -> Policy:
        return _policy(self.resolve(document), name, PolicyKind.RESOURCE)


def _policy(document: Json, name: str, kind: PolicyKind) -> Policy:
    return _parsed(json.dumps(document, sort_keys=True), name, kind)


@lru_cache(maxsize=16_384)
def _parsed(text: str, name: str, kind: PolicyKind) -> Policy:
    """Parse a policy once: what is compared has most of them on both sides."""
    return Policy.parse(text, name=name, kind=kind)


def _is_of(name: str, persona: Persona, trust: Json) -> bool:
    """Say whether a role is of people of a persona: such a role is assumed through SAML."""
    people = "sts:AssumeRoleWithSAML" in json.dumps(trust)
    longer = (other for other in Persona if other != persona and other.endswith(persona))
    return people and name.endswith(persona) and not any(name.endswith(item) for item in longer)
