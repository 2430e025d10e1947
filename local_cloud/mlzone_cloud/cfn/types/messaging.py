"""EventBridge, SNS and SQS."""

import json
from typing import Any

from mlzone_cloud.cfn.provider import Context, Made, tag_list
from mlzone_cloud.cfn.state import Json
from mlzone_cloud.cfn.types.base import ExplicitType, document, only


def _bus(properties: Json) -> Json:
    return only(properties, "EventBusName")


class Rule(ExplicitType):
    """`AWS::Events::Rule`."""

    type_name = "AWS::Events::Rule"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        name = properties.get("Name") or context.name(logical_id, 64)
        arn = self._put(context.client("events"), name, properties)
        bus = str(properties.get("EventBusName", "default")).rsplit("/", 1)[-1]
        return Made(name if bus == "default" else f"{bus}|{name}", {"Arn": arn})

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        events, name = context.client("events"), physical_id.rsplit("|", 1)[-1]
        kept = {target["Id"] for target in new.get("Targets") or ()}
        gone = [item["Id"] for item in old.get("Targets") or () if item["Id"] not in kept]
        if gone:
            events.remove_targets(Rule=name, Ids=gone, **_bus(new))
        self._put(events, name, new)

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        events, name = context.client("events"), physical_id.rsplit("|", 1)[-1]
        targets = [target["Id"] for target in properties.get("Targets") or ()]
        if targets:
            events.remove_targets(Rule=name, Ids=targets, **_bus(properties))
        events.delete_rule(Name=name, **_bus(properties))

    def _put(self, events: Any, name: str, properties: Json) -> str:
        arguments = only(properties, "Description", "RoleArn", "ScheduleExpression", "State")
        if "EventPattern" in properties:
            arguments["EventPattern"] = document(properties["EventPattern"])
        arn: str = events.put_rule(Name=name, **arguments, **_bus(properties))["RuleArn"]
        if properties.get("Targets"):
            events.put_targets(Rule=name, Targets=properties["Targets"], **_bus(properties))
        return arn

    def _read(self, context: Context, physical_id: str, properties: Json) -> Json:
        events, name = context.client("events"), physical_id.rsplit("|", 1)[-1]
        rule = events.describe_rule(Name=name, **_bus(properties))
        actual = only(rule, "Name", "ScheduleExpression", "State", "Description", "RoleArn")
        if rule.get("EventPattern"):
            actual["EventPattern"] = json.loads(rule["EventPattern"])
        listed = events.list_targets_by_rule(Rule=name, **_bus(properties))["Targets"]
        return {**actual, "Targets": listed}


class EventBus(ExplicitType):
    """`AWS::Events::EventBus`."""

    type_name = "AWS::Events::EventBus"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        del logical_id
        name = properties["Name"]
        answer = context.client("events").create_event_bus(Name=name, Tags=tag_list(properties))
        return Made(name, {"Arn": answer["EventBusArn"], "Name": name, "Policy": ""})

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        """Descriptions and keys are the stack's alone."""

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del properties
        context.client("events").delete_event_bus(Name=physical_id)

    def _read(self, context: Context, physical_id: str, properties: Json) -> Json:
        del properties
        return only(context.client("events").describe_event_bus(Name=physical_id), "Name")


class EventBusPolicy(ExplicitType):
    """`AWS::Events::EventBusPolicy`: one statement of a bus's policy."""

    type_name = "AWS::Events::EventBusPolicy"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        del logical_id
        self._put(context, properties)
        bus = properties.get("EventBusName", "default")
        return Made(f"{bus}|{properties['StatementId']}", {})

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        del physical_id, old
        self._put(context, new)

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del physical_id
        context.client("events").remove_permission(
            StatementId=properties["StatementId"], **_bus(properties)
        )

    def _put(self, context: Context, properties: Json) -> None:
        events = context.client("events")
        statement = properties.get("Statement")
        if statement is None:
            events.put_permission(
                **only(properties, "Action", "Principal", "StatementId", "Condition"),
                **_bus(properties),
            )
            return
        statement = {"Sid": properties["StatementId"], **statement}
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        events.put_permission(Policy=document(policy), **_bus(properties))


class Topic(ExplicitType):
    """`AWS::SNS::Topic`."""

    type_name = "AWS::SNS::Topic"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        name = properties.get("TopicName") or context.name(logical_id, 256)
        attributes = only(properties, "DisplayName", "KmsMasterKeyId")
        arn = context.client("sns").create_topic(
            Name=name, Attributes=attributes, Tags=tag_list(properties)
        )["TopicArn"]
        for subscription in properties.get("Subscription") or ():
            context.client("sns").subscribe(TopicArn=arn, **subscription)
        return Made(arn, {"TopicArn": arn, "TopicName": name})

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        for name in ("DisplayName", "KmsMasterKeyId"):
            if old.get(name) != new.get(name):
                context.client("sns").set_topic_attributes(
                    TopicArn=physical_id, AttributeName=name, AttributeValue=new.get(name, "")
                )

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del properties
        context.client("sns").delete_topic(TopicArn=physical_id)

    def _read(self, context: Context, physical_id: str, properties: Json) -> Json:
        del properties
        found = context.client("sns").get_topic_attributes(TopicArn=physical_id)["Attributes"]
        name = physical_id.rsplit(":", 1)[-1]
        return {"TopicName": name, **only(found, "KmsMasterKeyId", "DisplayName")}


class _PolicyOf(ExplicitType):
    """A policy that is set on each of several resources."""

    targets: str

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        self._put(context, properties, document(properties["PolicyDocument"]))
        name = context.name(logical_id, 128)
        return Made(name, {"Id": name})

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        del physical_id, old
        self._put(context, new, document(new["PolicyDocument"]))

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        """The policy goes with its resource, which is removed next."""

    def _put(self, context: Context, properties: Json, policy: str) -> None:
        for target in properties[self.targets]:
            self._set(context, target, policy)

    def _set(self, context: Context, target: str, policy: str) -> None:
        raise NotImplementedError


class TopicPolicy(_PolicyOf):
    """`AWS::SNS::TopicPolicy`."""

    type_name = "AWS::SNS::TopicPolicy"
    targets = "Topics"

    def _set(self, context: Context, target: str, policy: str) -> None:
        context.client("sns").set_topic_attributes(
            TopicArn=target, AttributeName="Policy", AttributeValue=policy
        )


class QueuePolicy(_PolicyOf):
    """`AWS::SQS::QueuePolicy`."""

    type_name = "AWS::SQS::QueuePolicy"
    targets = "Queues"

    def _set(self, context: Context, target: str, policy: str) -> None:
        context.client("sqs").set_queue_attributes(QueueUrl=target, Attributes={"Policy": policy})


class Subscription(ExplicitType):
    """`AWS::SNS::Subscription`."""

    type_name = "AWS::SNS::Subscription"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        del logical_id
        attributes = only(properties, "RawMessageDelivery", "FilterPolicyScope")
        for name in ("FilterPolicy", "RedrivePolicy"):
            if name in properties:
                attributes[name] = document(properties[name])
        arn = context.client("sns").subscribe(
            TopicArn=properties["TopicArn"],
            Protocol=properties["Protocol"],
            Endpoint=properties["Endpoint"],
            Attributes={key: str(value) for key, value in attributes.items()},
            ReturnSubscriptionArn=True,
        )["SubscriptionArn"]
        return Made(arn, {"Arn": arn})

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        if old.get("FilterPolicy") != new.get("FilterPolicy"):
            context.client("sns").set_subscription_attributes(
                SubscriptionArn=physical_id,
                AttributeName="FilterPolicy",
                AttributeValue=document(new.get("FilterPolicy", {})),
            )

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del properties
        context.client("sns").unsubscribe(SubscriptionArn=physical_id)


class Queue(ExplicitType):
    """`AWS::SQS::Queue`."""

    type_name = "AWS::SQS::Queue"
    _ATTRIBUTES = (
        "DelaySeconds",
        "KmsDataKeyReusePeriodSeconds",
        "KmsMasterKeyId",
        "MaximumMessageSize",
        "MessageRetentionPeriod",
        "ReceiveMessageWaitTimeSeconds",
        "RedrivePolicy",
        "VisibilityTimeout",
        "FifoQueue",
        "ContentBasedDeduplication",
    )

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        name = properties.get("QueueName") or context.name(logical_id, 80)
        sqs = context.client("sqs")
        url = sqs.create_queue(QueueName=name, Attributes=self._attributes(properties))["QueueUrl"]
        arn = f"arn:aws:sqs:{context.region}:{context.account}:{name}"
        return Made(url, {"Arn": arn, "QueueName": name, "QueueUrl": url})

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        del old
        context.client("sqs").set_queue_attributes(
            QueueUrl=physical_id, Attributes=self._attributes(new)
        )

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del properties
        context.client("sqs").delete_queue(QueueUrl=physical_id)

    def _read(self, context: Context, physical_id: str, properties: Json) -> Json:
        del properties
        found = context.client("sqs").get_queue_attributes(
            QueueUrl=physical_id, AttributeNames=["All"]
        )["Attributes"]
        return {"QueueName": physical_id.rsplit("/", 1)[-1], **only(found, *self._ATTRIBUTES)}

    def _attributes(self, properties: Json) -> dict[str, str]:
        return {
            name: document(properties[name])
            if isinstance(properties[name], dict)
            else str(properties[name])
            for name in self._ATTRIBUTES
            if name in properties
        }


TYPES = (Rule, EventBus, EventBusPolicy, Topic, TopicPolicy, Subscription, Queue, QueuePolicy)
