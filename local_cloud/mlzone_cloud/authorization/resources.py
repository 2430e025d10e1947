"""From parameters to the ARN that an operation acts on.

Each service lists its parameters in the order in which they name the resource; a value that is an
ARN already is taken as it is. `{}` is the value. Source: Service Authorization Reference.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from mlzone_cloud.generic.noun import kebab, split
from mlzone_cloud.operations import Call
from mlzone_cloud.pull_requests.record import STORE as PULL_REQUESTS
from mlzone_cloud.pull_requests.record import target as pull_request_target

_REGIONAL = "arn:aws:{service}:{region}:{account}:"

PARAMETERS: dict[str, tuple[tuple[str, str], ...]] = {
    "cloudformation": (("StackName", _REGIONAL + "stack/{}/*"),),
    "cloudwatch": (
        ("AlarmName", _REGIONAL + "alarm:{}"),
        ("DashboardName", "arn:aws:cloudwatch::{account}:dashboard/{}"),
    ),
    "codepipeline": (
        ("pipelineName", _REGIONAL + "{}"),
        ("name", _REGIONAL + "{}"),
    ),
    "dynamodb": (("TableName", _REGIONAL + "table/{}"),),
    "ecr": (("repositoryName", _REGIONAL + "repository/{}"),),
    "events": (
        ("Rule", _REGIONAL + "rule/{}"),
        ("EventBusName", _REGIONAL + "event-bus/{}"),
        ("Name", _REGIONAL + "rule/{}"),
    ),
    "glue": (("DatabaseName", _REGIONAL + "database/{}"), ("Name", _REGIONAL + "database/{}")),
    "iam": (
        ("RoleName", "arn:aws:iam::{account}:role/{}"),
        ("PolicyArn", "{}"),
        ("PolicyName", "arn:aws:iam::{account}:policy/{}"),
        ("UserName", "arn:aws:iam::{account}:user/{}"),
        ("SAMLProviderArn", "{}"),
        ("Name", "arn:aws:iam::{account}:saml-provider/{}"),
    ),
    "kms": (("KeyId", _REGIONAL + "key/{}"),),
    "lambda": (("FunctionName", _REGIONAL + "function:{}"),),
    "logs": (("logGroupName", _REGIONAL + "log-group:{}:*"),),
    "sns": (("TopicArn", "{}"), ("Name", _REGIONAL + "{}")),
    "sqs": (("QueueUrl", _REGIONAL + "{}"), ("QueueName", _REGIONAL + "{}")),
    "ssm": (("Name", _REGIONAL + "parameter/{}"), ("Path", _REGIONAL + "parameter/{}")),
    "sts": (("RoleArn", "{}"),),
    "secretsmanager": (("SecretId", _REGIONAL + "secret:{}"), ("Name", _REGIONAL + "secret:{}")),
}


def resource_arns(call: Call) -> list[str]:
    """Return every ARN that a call acts on; `*` where none is named."""
    if (call.service, call.operation) == ("events", "PutEvents"):
        buses = {str(entry.get("EventBusName") or "default") for entry in call.params["Entries"]}
        return [_bus_arn(call, bus) for bus in sorted(buses)]
    if (call.service, call.operation) == ("sagemaker", "BatchDescribeModelPackage"):
        return list(call.params["ModelPackageArnList"])
    if (call.service, call.operation) == ("ssm", "GetParameters"):
        template = PARAMETERS["ssm"][0][1]
        return [_fill(call, template, name) for name in call.params["Names"]] or ["*"]
    if call.service == "codebuild":
        return _codebuild(call)
    return [resource_arn(call)]


def resource_arn(call: Call) -> str:
    """Return the ARN that a call acts on, or `*` where none is named."""
    special = _SPECIAL.get(call.service)
    if special:
        return special(call)
    for name, template in PARAMETERS.get(call.service, ()):
        value = call.params.get(name)
        if isinstance(value, str) and value:
            return _fill(call, template, value)
    return "*"


def _fill(call: Call, template: str, value: str) -> str:
    if value.startswith("arn:"):
        return value
    if call.service == "sqs" and "/" in value:
        _, account, value = value.rsplit("/", 2)
        return f"arn:aws:sqs:{call.region}:{account}:{value}"
    # A parameter's ARN has no second slash: `parameter/a/b` is `/a/b`.
    name = value.lstrip("/") if call.service == "ssm" else value
    return template.format(name, service=call.service, region=call.region, account=call.account)


def _s3(call: Call) -> str:
    bucket, key = call.params.get("Bucket"), call.params.get("Key")
    if not bucket:
        return "*"
    if call.operation == "DeleteObjects":
        return f"arn:aws:s3:::{bucket}/*"
    return f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}"


_SAGEMAKER_NAMES = re.compile(r"^[A-Za-z]+(Name|Arn)$")


_STUDIO_NOUNS = frozenset({"UserProfile", "Space", "App", "Domain"})


def _sagemaker(call: Call) -> str:
    base = f"arn:aws:sagemaker:{call.region}:{call.account}:"
    if call.operation == "CreateModelPackage":
        return _new_version(call, base)
    _, noun = split(call.operation)
    noun = noun.rstrip("s")
    if "DomainId" in call.params and noun in _STUDIO_NOUNS:
        names = (call.params.get(key) for key in ("DomainId", "UserProfileName", "SpaceName"))
        return base + kebab(noun) + "/" + "/".join(name for name in names if name)
    for name, kind in _sagemaker_names(call, noun):
        value = call.params.get(name)
        if isinstance(value, str):
            return value if value.startswith("arn:") else f"{base}{kind}/{value}"
    return "*"


def _new_version(call: Call, base: str) -> str:
    """A version that is about to be made: its number is not known yet."""
    group = call.params.get("ModelPackageGroupName") or ""
    if group.startswith("arn:"):
        return f"{group.replace(':model-package-group/', ':model-package/')}/new"
    return f"{base}model-package/{group or call.params.get('ModelPackageName', '')}/new"


def _sagemaker_names(call: Call, noun: str) -> Iterator[tuple[str, str]]:
    """Yield the parameters that may name the resource, with its kind, best first."""
    yield f"{noun}Arn", kebab(noun)
    yield f"{noun}Name", kebab(noun)
    yield "ResourceArn", kebab(noun)
    yield "EndpointName", "endpoint"
    yield "Arn", kebab(noun)
    yield "Name", kebab(noun)
    for name in call.params:
        if _SAGEMAKER_NAMES.match(name) and not name.startswith("Role"):
            yield name, kebab(name.removesuffix("Name").removesuffix("Arn"))


def _bus_arn(call: Call, bus: str) -> str:
    if bus.startswith("arn:"):
        return bus
    return f"arn:aws:events:{call.region}:{call.account}:event-bus/{bus}"


def _events(call: Call) -> str:
    rule = call.params.get("Rule") or call.params.get("Name")
    bus: str | None = call.params.get("EventBusName")
    base = f"arn:aws:events:{call.region}:{call.account}:"
    if rule and "Rule" in call.operation + "Targets" and "EventBus" not in call.operation:
        return base + (f"rule/{bus}/{rule}" if bus and bus != "default" else f"rule/{rule}")
    name = bus or rule
    return base + f"event-bus/{name}" if name else "*"


def _ecr(call: Call) -> str:
    name = call.params.get("repositoryName")
    owner = call.params.get("registryId") or call.account
    return f"arn:aws:ecr:{call.region}:{owner}:repository/{name}" if name else "*"


_EC2_KINDS = {"GroupId": "security-group", "SubnetId": "subnet", "VpcId": "vpc"}


def _ec2(call: Call) -> str:
    """What an operation changes; those that describe know no resource."""
    if call.operation.startswith("Describe"):
        return "*"
    for name, kind in _EC2_KINDS.items():
        if isinstance(value := call.params.get(name), str) and value:
            return f"arn:aws:ec2:{call.region}:{call.account}:{kind}/{value}"
    return "*"


def _codebuild(call: Call) -> list[str]:
    """Builds belong to their project, whose name begins their id."""
    params: dict[str, Any] = call.params
    base = f"arn:aws:codebuild:{call.region}:{call.account}:project/"
    name = params.get("projectName") or params.get("name")
    builds = params.get("ids") or ([params["id"]] if params.get("id") else [])
    projects = [build.rsplit("build/", 1)[-1].split(":")[0] for build in builds]
    projects += [name] if name else params.get("names") or []
    return [base + project.rsplit("/", 1)[-1] for project in projects] or ["*"]


def _codecommit(call: Call) -> str:
    """A repository: named, meant by its ARN, by what is proposed, or by a pull request's number."""
    params: dict[str, Any] = call.params
    if params.get("resourceArn"):
        return str(params["resourceArn"])
    name = params.get("repositoryName") or params.get("oldName")
    if not name and params.get("targets"):
        name = params["targets"][0].get("repositoryName")
    if not name and params.get("pullRequestId"):
        kept = call.cloud.store(PULL_REQUESTS, call.account, call.region)
        found = kept.get(str(params["pullRequestId"]))
        name = pull_request_target(found)["repositoryName"] if found else None
    return f"arn:aws:codecommit:{call.region}:{call.account}:{name}" if name else "*"


def _codepipeline(call: Call) -> str:
    params: dict[str, Any] = call.params
    if str(params.get("resourceArn", "")).startswith("arn:"):
        return str(params["resourceArn"])
    declared = params.get("pipeline")
    name = params.get("pipelineName") or params.get("name")
    name = name or (declared.get("name") if isinstance(declared, dict) else None)
    if not name:
        return "*"
    parts = [name, params.get("stageName"), params.get("actionName")]
    base = f"arn:aws:codepipeline:{call.region}:{call.account}:"
    return base + "/".join(part for part in parts if part)


_SPECIAL: dict[str, Callable[[Call], str]] = {
    "codecommit": _codecommit,
    "codepipeline": _codepipeline,
    "ec2": _ec2,
    "ecr": _ecr,
    "events": _events,
    "s3": _s3,
    "sagemaker": _sagemaker,
    "sagemaker-runtime": lambda call: (
        f"arn:aws:sagemaker:{call.region}:{call.account}:endpoint/{call.params['EndpointName']}"
    ),
}
