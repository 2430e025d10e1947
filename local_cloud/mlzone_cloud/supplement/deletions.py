"""Deletes and updates what moto makes but can neither delete nor update."""

from typing import Any

from moto.budgets.models import Budget, budgets_backends
from moto.sagemaker.models import sagemaker_backends

from mlzone_cloud.errors import ApiError
from mlzone_cloud.operations import Call
from mlzone_cloud.supplement.fallback import fallback


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
