"""Before anything is touched: parameters, capabilities, types, order."""

import json
import re
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from mlzone_cloud.cfn import registry, template
from mlzone_cloud.cfn.errors import CapabilityError, TemplateError
from mlzone_cloud.cfn.provider import Context
from mlzone_cloud.cfn.state import GONE, Json, Stack

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_SSM_TYPE = re.compile(r"AWS::SSM::Parameter::Value<(.+)>")
_NAMED_IAM = {
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::User": "UserName",
    "AWS::IAM::Group": "GroupName",
}
_IAM = frozenset(
    {*_NAMED_IAM, "AWS::IAM::Policy", "AWS::IAM::AccessKey", "AWS::IAM::InstanceProfile",
     "AWS::IAM::UserToGroupAddition"}
)  # fmt: skip
_CUSTOM = ("AWS::CloudFormation::CustomResource", "Custom::")


def check(document: Json, *, region: str, capabilities: list[str]) -> None:
    """Check a template as a whole.

    Raises:
        TemplateError: a type is unknown, a reference leads nowhere, or a policy cannot be honoured.
        CapabilityError: a capability is missing.
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
    for name, resource in resources.items():
        _check_policies(name, resource)
    _check_references(document)
    order(document)
    needed = capabilities_of(document)
    if needed and not set(capabilities) & {needed, "CAPABILITY_NAMED_IAM"}:
        raise CapabilityError(f"Requires capabilities : [{needed}]")


def capabilities_of(document: Json) -> str:
    """Return the capability that a template's IAM resources need, or nothing."""
    iam = [item for item in document["Resources"].values() if item["Type"] in _IAM]
    if any(_NAMED_IAM.get(item["Type"], "-") in (item.get("Properties") or {}) for item in iam):
        return "CAPABILITY_NAMED_IAM"
    return "CAPABILITY_IAM" if iam else ""


def _check_policies(name: str, resource: Json) -> None:
    for key, allowed in (
        ("DeletionPolicy", ("Delete", "Retain", "RetainExceptOnCreate", "Snapshot")),
        ("UpdateReplacePolicy", ("Delete", "Retain", "Snapshot")),
    ):
        value = resource.get(key, "Delete")
        if value not in allowed:
            raise TemplateError(f"Template error: unrecognized {key} {value} for resource {name}")
        if value == "Snapshot":
            raise TemplateError(
                f"Template error: resource {name} of type {resource['Type']} does not support "
                f"{key} Snapshot here; use Retain"
            )


def _check_references(document: Json) -> None:
    """Refuse names that are neither resource nor parameter, as AWS does before it begins."""
    resources = document["Resources"]
    known = {*resources, *(document.get("Parameters") or {})}
    for block in ("Resources", "Outputs", "Conditions"):
        dangling: set[str] = set()
        for item in (document.get(block) or {}).values():
            searched = item.get("Properties") or {} if block == "Resources" else item
            dangling |= {
                name
                for name in template.references(searched)
                if name not in known and not name.startswith("AWS::")
            }
        if dangling:
            raise TemplateError(
                f"Template format error: Unresolved resource dependencies "
                f"[{', '.join(sorted(dangling))}] in the {block} block of the template"
            )
    conditions = document.get("Conditions") or {}
    for item in (*resources.values(), *(document.get("Outputs") or {}).values()):
        if "Condition" in item and item["Condition"] not in conditions:
            raise TemplateError(
                f"Template format error: Unresolved condition dependency {item['Condition']}"
            )


def is_custom(type_name: str) -> bool:
    """Tell whether a type is a custom resource."""
    return type_name.startswith(_CUSTOM)


_TOGETHER = {"AWS::Config::DeliveryChannel": "AWS::Config::ConfigurationRecorder"}
"""Types that CloudFormation makes at the same time, and the one that has to be there first."""


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
    for name, resource in resources.items():
        if first := _TOGETHER.get(resource["Type"]):
            needs[name] |= {
                other
                for other, found in resources.items()
                if found["Type"] == first and name not in needs[other]
            }
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
        text = template.text(value)
        kind = str(item.get("Type", "String"))
        match = _SSM_TYPE.fullmatch(kind)
        _check_parameter(name, item, text, "String" if match else kind)
        if match:
            text, kind = _from_ssm(text, context), match[1]
        is_list = kind.startswith("List<") or kind == "CommaDelimitedList"
        resolved[name] = [part.strip() for part in text.split(",")] if is_list else text
    return resolved


def _check_parameter(name: str, item: Json, value: str, kind: str) -> None:
    is_list = kind.startswith("List<") or kind == "CommaDelimitedList"
    values = [part.strip() for part in value.split(",")] if is_list else [value]
    allowed = [template.text(option) for option in item.get("AllowedValues") or ()]
    if allowed and any(part not in allowed for part in values):
        _refuse(name, item, f"must be one of AllowedValues: [{', '.join(allowed)}]")
    pattern = item.get("AllowedPattern")
    if pattern and any(not re.fullmatch(pattern, part) for part in values):
        _refuse(name, item, f"must match pattern {pattern}")
    if kind in ("Number", "List<Number>"):
        for part in values:
            _check_number(name, item, part)
    elif not is_list:
        if len(value) > int(item.get("MaxLength", len(value))):
            _refuse(name, item, f"must contain at most {item['MaxLength']} characters")
        if len(value) < int(item.get("MinLength", 0)):
            _refuse(name, item, f"must contain at least {item['MinLength']} characters")


def _check_number(name: str, item: Json, value: str) -> None:
    try:
        number = float(value)
    except ValueError:
        _refuse(name, item, "must be a number")
        return
    if number > float(item.get("MaxValue", number)):
        _refuse(name, item, f"must be a number not greater than {item['MaxValue']}")
    if number < float(item.get("MinValue", number)):
        _refuse(name, item, f"must be a number not less than {item['MinValue']}")


def _refuse(name: str, item: Json, why: str) -> None:
    why = str(item.get("ConstraintDescription") or why)
    raise TemplateError(f"Parameter '{name}' {why}")


def _from_ssm(name: str, context: Context) -> str:
    try:
        answer = context.client("ssm").get_parameter(Name=name, WithDecryption=True)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("ParameterNotFound", "ParameterVersionNotFound"):
            raise TemplateError(
                f"Unable to fetch parameters [{name}] from parameter store for this account: "
                f"{error.response['Error']['Message']}"
            ) from error
        raise TemplateError(
            f"Unable to fetch parameters [{name}] from parameter store for this account."
        ) from error
    value: str = answer["Parameter"]["Value"]
    return value


def _from_secret(reference: str, context: Context) -> str:
    """Return what `secret-id:SecretString:json-key:version-stage:version-id` names."""
    secret, _, rest = reference.partition(":SecretString")
    key, stage, version = [*rest.lstrip(":").split(":"), "", "", ""][:3]
    arguments = {"VersionStage": stage, "VersionId": version}
    answer = context.client("secretsmanager").get_secret_value(
        SecretId=secret, **{name: value for name, value in arguments.items() if value}
    )
    value: str = answer["SecretString"]
    if not key:
        return value
    try:
        return str(json.loads(value)[key])
    except (ValueError, KeyError) as error:
        raise TemplateError(
            f"Could not find a value associated with JSONKey in SecretString of {secret}"
        ) from error


def check_rules(document: Json, scope: template.Scope) -> None:
    """Check the assertions of a template's `Rules`.

    Raises:
        TemplateError: one does not hold.
    """
    for name, rule in (document.get("Rules") or {}).items():
        if "RuleCondition" in rule and not scope.evaluate(rule["RuleCondition"]):
            continue
        for assertion in rule.get("Assertions") or ():
            if not scope.evaluate(assertion["Assert"]):
                why = assertion.get("AssertDescription", f"rule {name} is not met")
                raise TemplateError(f"Template validation error: {why}")


def outputs(document: Json, scope: template.Scope) -> list[Json]:
    """Return the evaluated outputs of a template."""
    listed: list[Json] = []
    for name, item in (document.get("Outputs") or {}).items():
        if "Condition" in item and not scope.condition(item["Condition"]):
            continue
        value = scope.evaluate(item["Value"])
        if isinstance(value, dict | list):
            raise TemplateError(
                f"Template format error: The Value field of every Outputs member must evaluate to "
                f"a String: {name}"
            )
        output = {"OutputKey": name, "OutputValue": template.text(value)}
        if "Description" in item:
            output["Description"] = item["Description"]
        if "Export" in item:
            output["ExportName"] = template.text(scope.evaluate(item["Export"]["Name"]))
        listed.append(output)
    return listed


def check_exports(cloud: "Cloud", stack: Stack, new: list[Json]) -> None:
    """Refuse to take another stack's export name, or one's own away from who imports it.

    Raises:
        TemplateError: an export is taken or in use.
    """
    for export in exports(cloud, stack.account, stack.region):
        if export["ExportingStackId"] != stack.id and any(
            output.get("ExportName") == export["Name"] for output in new
        ):
            owner = export["ExportingStackId"].split("/")[1]
            raise TemplateError(
                f"Export with name {export['Name']} is already exported by stack {owner}"
            )
    values = {item["ExportName"]: item["OutputValue"] for item in new if "ExportName" in item}
    lost = [
        item
        for item in stack.outputs
        if "ExportName" in item and values.get(item["ExportName"]) != item["OutputValue"]
    ]
    if used := exports_in_use(cloud, stack, lost):
        raise TemplateError(used)


def exports_in_use(cloud: "Cloud", stack: Stack, listed: list[Json]) -> str:
    """Return why exports cannot be taken away, or nothing."""
    for output in listed:
        name = output.get("ExportName")
        users = importers(cloud, stack.account, stack.region, name) if name else []
        users = [user for user in users if user != stack.name]
        if users:
            return f"Cannot delete export {name} as it is in use by {', '.join(users)}"
    return ""


def importers(cloud: "Cloud", account: str, region: str, export: str) -> list[str]:
    """Return the stacks that import an export."""
    return sorted(
        stack.name
        for stack in cloud.store("cloudformation.stacks", account, region).values()
        if stack.status != GONE and export in stack.imports
    )


def scope_of(
    document: Json,
    stack: Stack,
    parameters: dict[str, Any],
    context: Context,
    imports: list[str] | None = None,
) -> template.Scope:
    """Return what the expressions of a stack's template can refer to.

    Args:
        document: the template.
        stack: its stack.
        parameters: the resolved parameters.
        context: on whose behalf values are looked up.
        imports: takes the names of the exports that are used.
    """

    def dynamic(kind: str, reference: str) -> str:
        if kind.startswith("ssm"):
            return _from_ssm(reference, context)
        return _from_secret(reference, context)

    def zones(region: str) -> list[str]:
        answer = context.client("ec2", region=region).describe_availability_zones()
        return [zone["ZoneName"] for zone in answer["AvailabilityZones"]]

    def imported(name: str) -> str:
        if imports is not None:
            imports.append(name)
        return import_value(context.cloud, stack, name)

    return template.Scope(
        template=document,
        parameters=parameters,
        account=stack.account,
        region=stack.region,
        stack_name=stack.name,
        stack_id=stack.id,
        notification_arns=stack.notification_arns,
        import_value=imported,
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
        if stack.status != GONE
        for output in stack.outputs
        if "ExportName" in output
    ]
