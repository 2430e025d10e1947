"""EC2: security groups and their rules."""

from typing import Any

from mlzone_cloud.cfn.provider import Context, Made
from mlzone_cloud.cfn.state import Json
from mlzone_cloud.cfn.types.base import ExplicitType, only
from mlzone_cloud.cfn.types.ec2_tagged import Tagged, tag_specifications


def _permission(rule: Json, peer_group: str) -> Json:
    """Return a rule as the API has it; `peer_group` is the property that names the other group."""
    permission: Json = {"IpProtocol": str(rule.get("IpProtocol", "-1"))}
    for port in ("FromPort", "ToPort"):
        if port in rule:
            permission[port] = int(rule[port])
    described = only(rule, "Description")
    prefix_list = rule.get("SourcePrefixListId") or rule.get("DestinationPrefixListId")
    if rule.get("CidrIp"):
        permission["IpRanges"] = [{"CidrIp": rule["CidrIp"], **described}]
    if rule.get(peer_group):
        permission["UserIdGroupPairs"] = [{"GroupId": rule[peer_group], **described}]
    if prefix_list:
        permission["PrefixListIds"] = [{"PrefixListId": prefix_list, **described}]
    return permission


def _peers(permission: Json) -> set[tuple[str, ...]]:
    """Return a rule as one item per peer: EC2 merges rules that differ only in that."""
    ports = [str(permission.get(key)) for key in ("IpProtocol", "FromPort", "ToPort")]
    peers = [
        str(item[key])
        for kind, key in (
            ("IpRanges", "CidrIp"),
            ("UserIdGroupPairs", "GroupId"),
            ("PrefixListIds", "PrefixListId"),
        )
        for item in permission.get(kind, ())
    ]
    return {(*ports, peer) for peer in peers}


class SecurityGroup(Tagged):
    """`AWS::EC2::SecurityGroup`."""

    type_name = "AWS::EC2::SecurityGroup"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        ec2 = context.client("ec2")
        group = ec2.create_security_group(
            GroupName=properties.get("GroupName") or context.name(logical_id, 255),
            Description=properties["GroupDescription"],
            TagSpecifications=tag_specifications("security-group", properties),
            **only(properties, "VpcId"),
        )["GroupId"]
        if properties.get("SecurityGroupEgress"):
            # EC2 opens all egress of a new group; CloudFormation closes it when rules are given.
            everything = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
            ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[everything])
        with self.whole(context, group, properties):
            self._authorize(ec2, group, properties)
        return Made(group, {"GroupId": group, "Id": group, "VpcId": properties.get("VpcId", "")})

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> Json | None:
        ec2 = context.client("ec2")
        for name in ("SecurityGroupIngress", "SecurityGroupEgress"):
            direction, peer = _DIRECTIONS[name]
            for rule in old.get(name) or ():
                if rule not in (new.get(name) or ()):
                    getattr(ec2, f"revoke_security_group_{direction}")(
                        GroupId=physical_id, IpPermissions=[_permission(rule, peer)]
                    )
        self._authorize(ec2, physical_id, new, old)
        return super()._change(context, physical_id, old, new)

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del properties
        context.client("ec2").delete_security_group(GroupId=physical_id)

    def _read(self, context: Context, physical_id: str, properties: Json) -> Json:
        found = context.client("ec2").describe_security_groups(GroupIds=[physical_id])
        group = found["SecurityGroups"][0]
        actual: Json = {"GroupDescription": group["Description"], "VpcId": group.get("VpcId")}
        for name, (direction, peer) in _DIRECTIONS.items():
            listed = group["IpPermissions" if direction == "ingress" else "IpPermissionsEgress"]
            present = set().union(*(_peers(rule) for rule in listed))
            wanted = properties.get(name) or []
            # Rules that are resources of their own are theirs, not the group's.
            actual[name] = [rule for rule in wanted if _peers(_permission(rule, peer)) <= present]
        return actual

    def _authorize(self, ec2: Any, group: str, new: Json, old: Json | None = None) -> None:
        for name, (direction, peer) in _DIRECTIONS.items():
            for rule in new.get(name) or ():
                if old is None or rule not in (old.get(name) or ()):
                    getattr(ec2, f"authorize_security_group_{direction}")(
                        GroupId=group, IpPermissions=[_permission(rule, peer)]
                    )


_DIRECTIONS = {
    "SecurityGroupIngress": ("ingress", "SourceSecurityGroupId"),
    "SecurityGroupEgress": ("egress", "DestinationSecurityGroupId"),
}


class _Rule(ExplicitType):
    """A rule of a security group, as a resource of its own."""

    direction: str
    peer: str

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        answer = getattr(context.client("ec2"), f"authorize_security_group_{self.direction}")(
            GroupId=properties["GroupId"], IpPermissions=[_permission(properties, self.peer)]
        )
        rules = answer.get("SecurityGroupRules") or [{}]
        rule_id = rules[0].get("SecurityGroupRuleId") or context.name(logical_id, 64)
        return Made(rule_id, {"Id": rule_id})

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> Json | None:
        self._drop(context, physical_id, old)
        return self._make(context, "Rule", new).attributes

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del physical_id
        getattr(context.client("ec2"), f"revoke_security_group_{self.direction}")(
            GroupId=properties["GroupId"], IpPermissions=[_permission(properties, self.peer)]
        )


class SecurityGroupIngress(_Rule):
    """`AWS::EC2::SecurityGroupIngress`."""

    type_name = "AWS::EC2::SecurityGroupIngress"
    direction = "ingress"
    peer = "SourceSecurityGroupId"


class SecurityGroupEgress(_Rule):
    """`AWS::EC2::SecurityGroupEgress`."""

    type_name = "AWS::EC2::SecurityGroupEgress"
    direction = "egress"
    peer = "DestinationSecurityGroupId"


TYPES = (SecurityGroup, SecurityGroupIngress, SecurityGroupEgress)
