"""Budgets and their actions."""

from typing import Any

from mlzone_cloud.cfn.provider import Context, Made
from mlzone_cloud.cfn.state import Json
from mlzone_cloud.cfn.types.base import ExplicitType, only


def _budget(properties: Json, name: str) -> Json:
    budget = {
        **{key: value for key, value in properties["Budget"].items() if key != "BudgetName"},
        "BudgetName": name,
    }
    for limit in ("BudgetLimit",):
        if limit in budget:
            budget[limit] = {**budget[limit], "Amount": str(budget[limit]["Amount"])}
    return budget


class Budget(ExplicitType):
    """`AWS::Budgets::Budget`."""

    type_name = "AWS::Budgets::Budget"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        name = properties["Budget"].get("BudgetName") or context.name(logical_id, 100)
        context.client("budgets", region="us-east-1").create_budget(
            AccountId=context.account,
            Budget=_budget(properties, name),
            NotificationsWithSubscribers=properties.get("NotificationsWithSubscribers") or [],
        )
        return Made(name, {"Id": name})

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        client = context.client("budgets", region="us-east-1")
        if old["Budget"] != new["Budget"]:
            client.update_budget(AccountId=context.account, NewBudget=_budget(new, physical_id))
        self._notify(client, context, physical_id, old, new)

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del properties
        context.client("budgets", region="us-east-1").delete_budget(
            AccountId=context.account, BudgetName=physical_id
        )

    def _read(self, context: Context, physical_id: str, properties: Json) -> Json:
        found = context.client("budgets", region="us-east-1").describe_budget(
            AccountId=context.account, BudgetName=physical_id
        )["Budget"]
        actual = only(found, "BudgetName", "BudgetLimit", "BudgetType", "TimeUnit")
        # Filters come back in another form, and not from every budget.
        return {"Budget": {**properties["Budget"], **actual}}

    def _notify(self, client: Any, context: Context, name: str, old: Json, new: Json) -> None:
        key = "NotificationsWithSubscribers"
        before, after = old.get(key) or [], new.get(key) or []
        where = {"AccountId": context.account, "BudgetName": name}
        for item in before:
            if item not in after:
                client.delete_notification(**where, Notification=item["Notification"])
        for item in after:
            if item not in before:
                client.create_notification(**where, **item)


class BudgetsAction(ExplicitType):
    """`AWS::Budgets::BudgetsAction`."""

    type_name = "AWS::Budgets::BudgetsAction"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        del logical_id
        action = context.client("budgets", region="us-east-1").create_budget_action(
            AccountId=context.account,
            BudgetName=properties["BudgetName"],
            ActionType=properties["ActionType"],
            **self._settings(properties),
        )["ActionId"]
        return Made(f"{action}|{properties['BudgetName']}", {"ActionId": action})

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        del old
        context.client("budgets", region="us-east-1").update_budget_action(
            AccountId=context.account,
            BudgetName=new["BudgetName"],
            ActionId=physical_id.split("|", maxsplit=1)[0],
            **self._settings(new),
        )

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        context.client("budgets", region="us-east-1").delete_budget_action(
            AccountId=context.account,
            BudgetName=properties["BudgetName"],
            ActionId=physical_id.split("|", maxsplit=1)[0],
        )

    def _settings(self, properties: Json) -> Json:
        threshold = properties["ActionThreshold"]
        definition = properties["Definition"]
        instance = definition.get("SsmActionDefinition")
        if instance:
            instance = {
                "ActionSubType": instance["Subtype"],
                "Region": instance["Region"],
                "InstanceIds": instance["InstanceIds"],
            }
        return {
            "NotificationType": properties["NotificationType"],
            "ActionThreshold": {
                "ActionThresholdValue": float(threshold["Value"]),
                "ActionThresholdType": threshold["Type"],
            },
            "Definition": {
                **only(definition, "IamActionDefinition", "ScpActionDefinition"),
                **({"SsmActionDefinition": instance} if instance else {}),
            },
            "ExecutionRoleArn": properties["ExecutionRoleArn"],
            "ApprovalModel": properties.get("ApprovalModel", "AUTOMATIC"),
            "Subscribers": [
                {"SubscriptionType": item["Type"], "Address": item["Address"]}
                for item in properties.get("Subscribers") or ()
            ],
        }


TYPES = (Budget, BudgetsAction)
