"""Before anything is touched: parameters, capabilities, types, order."""

import json
import re
from typing import TYPE_CHECKING, Any

from mlzone_cloud.cfn import registry, template
from mlzone_cloud.cfn.errors import TemplateError
from mlzone_cloud.cfn.provider import Context
from mlzone_cloud.cfn.state import Json, Stack

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_SSM_TYPE = re.compile(r"AWS::SSM::Parameter::Value<(.+)>")
_NAMED_IAM = {
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::User": "UserName",
    "AWS::IAM::Group": "GroupName",
}
_CUSTOM = ("AWS::CloudFormation::CustomResource", "Custom::")


def check(document: Json, *, region: str, capabilities: list[str]) -> None:
    """Check a template as a whole.

    Raises:
        TemplateError: a type is unknown, a capability is missing, or a dependency does not exist.
    """
    resources = document["Resources"]
    unknown = sorted(
        {
            resource["Type"]
            for resource in resources.values()
            if not is_custom(resource["Type"]) and not registry.is_known(resource["Type"], region)
        }
    )
    if unknown:
        raise TemplateError(
            f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]"
        )
    iam = [item for item in resources.values() if item["Type"].startswith("AWS::IAM::")]
    named = any(_NAMED_IAM.get(item["Type"], "-") in (item.get("Properties") or {}) for item in iam)
    if named and "CAPABILITY_NAMED_IAM" not in capabilities:
        raise TemplateError("Requires capabilities : [CAPABILITY_NAMED_IAM]")
    if iam and not {"CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"} & set(capabilities):
        raise TemplateError("Requires capabilities : [CAPABILITY_IAM]")
    order(document)


def is_custom(type_name: str) -> bool:
    """Tell whether a type is a custom resource."""
    return type_name.startswith(_CUSTOM)


def order(document: Json) -> list[str]:
    """Return the resources in the order in which they can be made.

    Raises:
        TemplateError: they depend on each other in a circle, or on something that is not there.
    """
    resources = document["Resources"]
    needs: dict[str, set[str]] = {}
    for name, resource in resources.items():
        declared = resource.get("DependsOn") or []
        explicit = {declared} if isinstance(declared, str) else set(declared)
        if missing := explicit - set(resources):
            raise TemplateError(
                "Template format error: Unresolved resource dependencies "
                f"[{', '.join(sorted(missing))}] in the Resources block of the template"
            )
        implied = template.dependencies(resource.get("Properties") or {}, resources)
        needs[name] = explicit | (set(implied) - {name})
    ordered: list[str] = []
    placed: set[str] = set()
    while len(ordered) < len(resources):
        ready = [name for name in resources if name not in placed and needs[name] <= placed]
        if not ready:
            circle = sorted(set(resources) - placed)
            raise TemplateError(f"Circular dependency between resources: [{', '.join(circle)}]")
        ordered += ready
        placed |= set(ready)
    return ordered


def resolve_parameters(document: Json, given: dict[str, str], context: Context) -> dict[str, Any]:
    """Return the values of a template's parameters.

    Raises:
        TemplateError: one is missing, unknown or breaks a constraint.
    """
    declared = document.get("Parameters") or {}
    if unknown := sorted(set(given) - set(declared)):
        raise TemplateError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    missing = sorted(
        name for name, item in declared.items() if name not in given and "Default" not in item
    )
    if missing:
        raise TemplateError(f"Parameters: [{', '.join(missing)}] must have values")
    resolved: dict[str, Any] = {}
    for name, item in declared.items():
        value = given.get(name, item.get("Default"))
        text = str(value).lower() if isinstance(value, bool) else str(value)
        _check_parameter(name, item, text)
        kind = str(item.get("Type", "String"))
        if match := _SSM_TYPE.fullmatch(kind):
            text, kind = _from_ssm(text, context), match[1]
        is_list = kind.startswith("List<") or kind == "CommaDelimitedList"
        resolved[name] = [part.strip() for part in text.split(",")] if is_list else text
    return resolved


def _check_parameter(name: str, item: Json, value: str) -> None:
    allowed = [str(option) for option in item.get("AllowedValues") or ()]
    if allowed and value not in allowed:
        raise TemplateError(
            f"Parameter '{name}' must be one of AllowedValues: [{', '.join(allowed)}]"
        )
    pattern = item.get("AllowedPattern")
    if pattern and not re.fullmatch(pattern, value):
        raise TemplateError(
            f"Parameter '{name}' must match pattern {pattern}: "
            f"{item.get('ConstraintDescription', '')}".rstrip(": ")
        )
    if "MaxLength" in item and len(value) > int(item["MaxLength"]):
        raise TemplateError(
            f"Parameter '{name}' must contain at most {item['MaxLength']} characters"
        )


def _from_ssm(name: str, context: Context) -> str:
    client = context.client("ssm")
    try:
        value: str = client.get_parameter(Name=name)["Parameter"]["Value"]
    except client.exceptions.ParameterNotFound as error:
        raise TemplateError(
            f"Unable to fetch parameters [{name}] from parameter store for this account."
        ) from error
    return value


def scope_of(
    document: Json, stack: Stack, parameters: dict[str, Any], context: Context
) -> template.Scope:
    """Return what the expressions of a stack's template can refer to."""

    def dynamic(kind: str, reference: str) -> str:
        if kind.startswith("ssm"):
            return _from_ssm(reference.split(":")[0], context)
        secret, _, key = reference.partition(":SecretString:")
        value = context.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
        return str(json.loads(value)[key.split(":")[0]]) if key else str(value)

    def zones(region: str) -> list[str]:
        answer = context.client("ec2", region=region).describe_availability_zones()
        return [zone["ZoneName"] for zone in answer["AvailabilityZones"]]

    return template.Scope(
        template=document,
        parameters=parameters,
        account=stack.account,
        region=stack.region,
        stack_name=stack.name,
        stack_id=stack.id,
        notification_arns=stack.notification_arns,
        import_value=lambda name: import_value(context.cloud, stack, name),
        dynamic=dynamic,
        zones=zones,
    )


def import_value(cloud: "Cloud", stack: Stack, name: str) -> str:
    """Return another stack's export.

    Raises:
        TemplateError: nobody exports it.
    """
    for export in exports(cloud, stack.account, stack.region):
        if export["Name"] == name:
            return str(export["Value"])
    raise TemplateError(f"No export named {name} found.")


def exports(cloud: "Cloud", account: str, region: str) -> list[Json]:
    """Return all exports of an account and Region."""
    return [
        {
            "ExportingStackId": stack.id,
            "Name": output["ExportName"],
            "Value": output["OutputValue"],
        }
        for stack in cloud.store("cloudformation.stacks", account, region).values()
        if stack.status != "DELETE_COMPLETE"
        for output in stack.outputs
        if "ExportName" in output
    ]
