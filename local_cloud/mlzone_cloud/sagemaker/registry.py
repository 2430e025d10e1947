"""The model registry's groups, and the policies that share them with other accounts.

Replaces moto's, which loses life cycle, card and policy, and erases metadata when a version is
approved. A group that is named by the ARN of another account lives there: the front door has
asked the group's policy already and made the call act in the group's account.
"""

import copy
from typing import Any

from mlzone_access import Policy, PolicyError, PolicyKind
from mlzone_cloud.errors import ApiError, NotEmulatedError
from mlzone_cloud.generic import paging
from mlzone_cloud.generic.crud import ARN
from mlzone_cloud.generic.validation import validate
from mlzone_cloud.operations import Call, operation
from mlzone_cloud.sagemaker.listing import in_order, select

GROUPS = "sagemaker.ModelPackageGroup"
PACKAGES = "sagemaker.ModelPackage"
_POLICIES = "sagemaker.ModelPackageGroupPolicy"
_SHOWN = (
    "ModelPackageGroupName",
    "ModelPackageGroupArn",
    "ModelPackageGroupDescription",
    "CreationTime",
    "CreatedBy",
    "ModelPackageGroupStatus",
    "ManagedConfiguration",
)

Record = dict[str, Any]


def find_group(call: Call, name_or_arn: str) -> Record:
    """Return a group's record.

    Raises:
        ApiError: there is none.
    """
    name = name_or_arn.rsplit("/", 1)[-1]
    group: Record | None = call.cloud.store(GROUPS, call.account, call.region).get(name)
    if group is None:
        arn = f"arn:aws:sagemaker:{call.region}:{call.account}:model-package-group/{name}"
        raise ApiError("ValidationException", f"ModelPackageGroup {arn} does not exist.")
    return group


def identity_of(call: Call) -> dict[str, Any]:
    """Return who calls, as `CreatedBy` and `LastModifiedBy` show it."""
    if call.caller is None:
        return {"IamIdentity": {"Arn": call.caller_arn, "PrincipalId": call.account}}
    principal = call.caller.principal
    identity = {
        "Arn": call.caller.arn,
        "PrincipalId": f"{principal.unique_id or principal.account}:{call.caller.session_name}"
        if call.caller.session_name
        else principal.unique_id or principal.account,
    }
    if call.caller.source_identity:
        identity["SourceIdentity"] = call.caller.source_identity
    return {"IamIdentity": identity}


@operation("sagemaker", "CreateModelPackageGroup")
def create_group(call: Call) -> dict[str, Any]:
    """Make an empty group."""
    validate(call.service, call.operation, call.params)
    name = call.params["ModelPackageGroupName"]
    store = call.cloud.store(GROUPS, call.account, call.region)
    arn = f"arn:aws:sagemaker:{call.region}:{call.account}:model-package-group/{name}"
    if name in store:
        raise ApiError("ValidationException", f"Model Package Group already exists: {arn}")
    store[name] = {
        **copy.deepcopy(call.params),
        ARN: arn,
        "ModelPackageGroupArn": arn,
        "ModelPackageGroupStatus": "Completed",
        "CreationTime": call.cloud.clock.now(),
        "CreatedBy": identity_of(call),
        "LastVersion": 0,
    }
    return {"ModelPackageGroupArn": arn}


@operation("sagemaker", "DescribeModelPackageGroup")
def describe_group(call: Call) -> dict[str, Any]:
    """Describe a group."""
    group = find_group(call, call.params["ModelPackageGroupName"])
    return {name: group[name] for name in _SHOWN if name in group}


@operation("sagemaker", "ListModelPackageGroups")
def list_groups(call: Call) -> dict[str, Any]:
    """List the groups of the account.

    Raises:
        NotEmulatedError: groups that others share are asked for.
    """
    if call.params.get("CrossAccountFilterOption") == "CrossAccount":
        raise NotEmulatedError("sagemaker", "ListModelPackageGroups(CrossAccount)")
    found = list(call.cloud.store(GROUPS, call.account, call.region).values())
    found = in_order(
        select(found, call.params, "ModelPackageGroupName"), call.params, "ModelPackageGroupName"
    )
    page, token = paging.cut(found, call.params)
    summaries = [{key: item[key] for key in _SHOWN if key in item} for item in page]
    return {"ModelPackageGroupSummaryList": summaries} | ({"NextToken": token} if token else {})


@operation("sagemaker", "DeleteModelPackageGroup")
def delete_group(call: Call) -> dict[str, Any]:
    """Delete a group that is empty, and its policy."""
    name = find_group(call, call.params["ModelPackageGroupName"])["ModelPackageGroupName"]
    packages = call.cloud.store(PACKAGES, call.account, call.region)
    if any(package.get("ModelPackageGroupName") == name for package in packages.values()):
        raise ApiError(
            "ConflictException",
            f"Model Package Group cannot be deleted: {name} still contains model packages",
        )
    del call.cloud.store(GROUPS, call.account, call.region)[name]
    call.cloud.store(_POLICIES, call.account, call.region).pop(name, None)
    return {}


@operation("sagemaker", "PutModelPackageGroupPolicy")
def put_policy(call: Call) -> dict[str, Any]:
    """Hang a policy on a group and the versions in it."""
    validate(call.service, call.operation, call.params)
    group = find_group(call, call.params["ModelPackageGroupName"])
    document = call.params["ResourcePolicy"]
    try:
        Policy.parse(document, name="the group's policy", kind=PolicyKind.RESOURCE)
    except PolicyError as error:
        raise ApiError("ValidationException", f"Invalid resource policy: {error}") from error
    store = call.cloud.store(_POLICIES, call.account, call.region)
    store[group["ModelPackageGroupName"]] = {"ResourcePolicy": document}
    return {"ModelPackageGroupArn": group["ModelPackageGroupArn"]}


@operation("sagemaker", "GetModelPackageGroupPolicy")
def get_policy(call: Call) -> dict[str, Any]:
    """Return a group's policy."""
    return {"ResourcePolicy": _policy(call)["ResourcePolicy"]}


@operation("sagemaker", "DeleteModelPackageGroupPolicy")
def delete_policy(call: Call) -> dict[str, Any]:
    """Take a group's policy away."""
    _policy(call)
    name = call.params["ModelPackageGroupName"].rsplit("/", 1)[-1]
    del call.cloud.store(_POLICIES, call.account, call.region)[name]
    return {}


def _policy(call: Call) -> Record:
    name = call.params["ModelPackageGroupName"].rsplit("/", 1)[-1]
    policy: Record | None = call.cloud.store(_POLICIES, call.account, call.region).get(name)
    if policy is None:
        raise ApiError("ValidationException", f"Cannot find resource policy for: {name}")
    return policy
