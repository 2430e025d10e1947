"""Deletes and updates what moto makes but can neither delete nor update."""

from typing import Any

from moto.budgets.models import Budget, budgets_backends
from moto.sagemaker.models import sagemaker_backends

from mlzone_cloud.errors import ApiError
from mlzone_cloud.operations import Call
from mlzone_cloud.supplement.fallback import fallback


@fallback("sagemaker", "DeleteModelPackageGroup")
def delete_model_package_group(call: Call) -> dict[str, Any]:
    """Delete a group of model versions, if it is empty."""
    backend = sagemaker_backends[call.account][call.region]
    name = call.params["ModelPackageGroupName"].rsplit("/", 1)[-1]
    if name not in backend.model_package_groups:
        raise ApiError("ValidationException", f"ModelPackageGroup {name} does not exist.")
    if any(package.model_package_group_name == name for package in backend.model_packages.values()):
        raise ApiError("ConflictException", f"Model Package Group cannot be deleted: {name}")
    del backend.model_package_groups[name]
    policies = call.cloud.store("sagemaker.ModelPackageGroupPolicy", call.account, call.region)
    policies.pop(name, None)
    return {}


@fallback("sagemaker", "DeleteModelPackage")
def delete_model_package(call: Call) -> dict[str, Any]:
    """Delete a model version."""
    packages = sagemaker_backends[call.account][call.region].model_packages
    name = call.params["ModelPackageName"]
    key = next((key for key, item in packages.items() if name in (key, item.arn)), None)
    if key is None:
        raise ApiError("ValidationException", f"ModelPackage {name} does not exist.")
    del packages[key]
    return {}


@fallback("sagemaker", "DeleteFeatureGroup")
def delete_feature_group(call: Call) -> dict[str, Any]:
    """Delete a feature group."""
    groups = sagemaker_backends[call.account][call.region].feature_groups
    name = call.params["FeatureGroupName"]
    key = next((key for key in groups if key in (name, name.rsplit("/", 1)[-1])), None)
    if key is None:
        key = next((key for key in groups if key.rsplit("/", 1)[-1] == name.lower()), None)
    if key is None:
        raise ApiError("ResourceNotFound", f"Resource Not Found: {name}", status=404)
    del groups[key]
    return {}


@fallback("sagemaker", "DescribeFeatureGroup")
def describe_feature_group(call: Call) -> dict[str, Any]:
    """Describe a feature group; moto fails where there is none."""
    try:
        return call.forward()
    except KeyError as error:
        name = call.params["FeatureGroupName"]
        raise ApiError("ResourceNotFound", f"Resource Not Found: {name}", status=404) from error


@fallback("budgets", "UpdateBudget")
def update_budget(call: Call) -> dict[str, Any]:
    """Replace a budget's settings; its notifications stay."""
    account, new = call.params["AccountId"], call.params["NewBudget"]
    budgets = budgets_backends[account]["aws"].budgets[account]
    old = budgets.get(new["BudgetName"])
    if old is None:
        raise ApiError("NotFoundException", f"Unable to get budget: {new['BudgetName']}")
    replacement = Budget(dict(new), [])
    replacement.notifications = old.notifications
    budgets[new["BudgetName"]] = replacement
    return {}
