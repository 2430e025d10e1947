"""EC2: private networks."""

from typing import Any

from mlzone_cloud.cfn.provider import Context, Made, tag_list
from mlzone_cloud.cfn.state import Json
from mlzone_cloud.cfn.types.base import ExplicitType, document, only


def _tags(kind: str, properties: Json) -> list[Json]:
    tags = tag_list(properties)
    return [{"ResourceType": kind, "Tags": tags}] if tags else []


class _Tagged(ExplicitType):
    """A type whose changes in place are its tags alone, unless it says more."""

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> Json | None:
        if tag_list(old) == tag_list(new):
            return None
        ec2 = context.client("ec2")
        kept = {tag["Key"] for tag in tag_list(new)}
        gone = [tag for tag in tag_list(old) if tag["Key"] not in kept]
        if gone:
            ec2.delete_tags(Resources=[physical_id], Tags=gone)
        if tag_list(new):
            ec2.create_tags(Resources=[physical_id], Tags=tag_list(new))
        return None

    describe = ""
    """The operation that shows resources of the type, and its parameter of ids."""
    ids = ""

    def _read(self, context: Context, physical_id: str, properties: Json) -> Json | None:
        if not self.describe:
            return super()._read(context, physical_id, properties)
        found = getattr(context.client("ec2"), self.describe)(**{self.ids: [physical_id]})
        listed = next(value for value in found.values() if isinstance(value, list))
        if not listed:
            return None
        shown = {
            key: value
            for key, value in listed[0].items()
            if key in properties and isinstance(value, str | bool | int)
        }
        return {**shown, "Tags": listed[0].get("Tags", [])}


class Vpc(_Tagged):
    """`AWS::EC2::VPC`."""

    type_name = "AWS::EC2::VPC"
    describe, ids = "describe_vpcs", "VpcIds"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        del logical_id
        ec2 = context.client("ec2")
        vpc = ec2.create_vpc(
            CidrBlock=properties["CidrBlock"],
            TagSpecifications=_tags("vpc", properties),
            **only(properties, "InstanceTenancy"),
        )["Vpc"]
        with self.whole(context, vpc["VpcId"], properties):
            self._attributes(ec2, vpc["VpcId"], properties)
        group = ec2.describe_security_groups(
            Filters=[
                {"Name": "vpc-id", "Values": [vpc["VpcId"]]},
                {"Name": "group-name", "Values": ["default"]},
            ]
        )["SecurityGroups"][0]
        acl = ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])
        return Made(
            vpc["VpcId"],
            {
                "VpcId": vpc["VpcId"],
                "CidrBlock": vpc["CidrBlock"],
                "CidrBlockAssociations": [
                    item["AssociationId"] for item in vpc["CidrBlockAssociationSet"]
                ],
                "DefaultSecurityGroup": group["GroupId"],
                "DefaultNetworkAcl": acl["NetworkAcls"][0]["NetworkAclId"],
                "Ipv6CidrBlocks": [],
            },
        )

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> Json | None:
        self._attributes(context.client("ec2"), physical_id, new)
        return super()._change(context, physical_id, old, new)

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del properties
        context.client("ec2").delete_vpc(VpcId=physical_id)

    def _attributes(self, ec2: Any, vpc_id: str, properties: Json) -> None:
        for name in ("EnableDnsSupport", "EnableDnsHostnames"):
            if name in properties:
                ec2.modify_vpc_attribute(VpcId=vpc_id, **{name: {"Value": properties[name]}})


class Subnet(_Tagged):
    """`AWS::EC2::Subnet`."""

    type_name = "AWS::EC2::Subnet"
    describe, ids = "describe_subnets", "SubnetIds"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        del logical_id
        ec2 = context.client("ec2")
        subnet = ec2.create_subnet(
            VpcId=properties["VpcId"],
            TagSpecifications=_tags("subnet", properties),
            **only(properties, "CidrBlock", "AvailabilityZone"),
        )["Subnet"]
        if "MapPublicIpOnLaunch" in properties:
            ec2.modify_subnet_attribute(
                SubnetId=subnet["SubnetId"],
                MapPublicIpOnLaunch={"Value": properties["MapPublicIpOnLaunch"]},
            )
        acl = ec2.describe_network_acls(
            Filters=[{"Name": "vpc-id", "Values": [properties["VpcId"]]}]
        )["NetworkAcls"][0]
        return Made(
            subnet["SubnetId"],
            {
                "SubnetId": subnet["SubnetId"],
                "VpcId": subnet["VpcId"],
                "AvailabilityZone": subnet["AvailabilityZone"],
                "CidrBlock": subnet["CidrBlock"],
                "NetworkAclAssociationId": acl["Associations"][-1]["NetworkAclAssociationId"]
                if acl["Associations"]
                else acl["NetworkAclId"],
            },
        )

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del properties
        context.client("ec2").delete_subnet(SubnetId=physical_id)


class RouteTable(_Tagged):
    """`AWS::EC2::RouteTable`."""

    type_name = "AWS::EC2::RouteTable"
    describe, ids = "describe_route_tables", "RouteTableIds"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        del logical_id
        table = context.client("ec2").create_route_table(
            VpcId=properties["VpcId"], TagSpecifications=_tags("route-table", properties)
        )["RouteTable"]
        return Made(table["RouteTableId"], {"RouteTableId": table["RouteTableId"]})

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del properties
        context.client("ec2").delete_route_table(RouteTableId=physical_id)


class SubnetRouteTableAssociation(ExplicitType):
    """`AWS::EC2::SubnetRouteTableAssociation`."""

    type_name = "AWS::EC2::SubnetRouteTableAssociation"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        del logical_id
        answer = context.client("ec2").associate_route_table(
            **only(properties, "RouteTableId", "SubnetId")
        )
        return Made(answer["AssociationId"], {"Id": answer["AssociationId"]})

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del properties
        context.client("ec2").disassociate_route_table(AssociationId=physical_id)


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


class SecurityGroup(_Tagged):
    """`AWS::EC2::SecurityGroup`."""

    type_name = "AWS::EC2::SecurityGroup"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        ec2 = context.client("ec2")
        group = ec2.create_security_group(
            GroupName=properties.get("GroupName") or context.name(logical_id, 255),
            Description=properties["GroupDescription"],
            TagSpecifications=_tags("security-group", properties),
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


class VpcEndpoint(_Tagged):
    """`AWS::EC2::VPCEndpoint`."""

    type_name = "AWS::EC2::VPCEndpoint"
    describe, ids = "describe_vpc_endpoints", "VpcEndpointIds"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        del logical_id
        arguments = only(
            properties,
            "VpcEndpointType",
            "RouteTableIds",
            "SubnetIds",
            "SecurityGroupIds",
            "PrivateDnsEnabled",
        )
        if "PolicyDocument" in properties:
            arguments["PolicyDocument"] = document(properties["PolicyDocument"])
        endpoint = context.client("ec2").create_vpc_endpoint(
            VpcId=properties["VpcId"],
            ServiceName=properties["ServiceName"],
            TagSpecifications=_tags("vpc-endpoint", properties),
            **arguments,
        )["VpcEndpoint"]
        return Made(
            endpoint["VpcEndpointId"],
            {
                "Id": endpoint["VpcEndpointId"],
                "DnsEntries": [
                    f"{entry['HostedZoneId']}:{entry['DnsName']}"
                    for entry in endpoint.get("DnsEntries", ())
                ],
                "NetworkInterfaceIds": endpoint.get("NetworkInterfaceIds", []),
            },
        )

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> Json | None:
        if old.get("PolicyDocument") != new.get("PolicyDocument"):
            context.client("ec2").modify_vpc_endpoint(
                VpcEndpointId=physical_id, PolicyDocument=document(new["PolicyDocument"])
            )
        return super()._change(context, physical_id, old, new)

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del properties
        context.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[physical_id])


class FlowLog(_Tagged):
    """`AWS::EC2::FlowLog`."""

    type_name = "AWS::EC2::FlowLog"
    describe, ids = "describe_flow_logs", "FlowLogIds"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        del logical_id
        arguments = only(
            properties,
            "DeliverLogsPermissionArn",
            "LogGroupName",
            "LogDestinationType",
            "LogDestination",
            "LogFormat",
            "MaxAggregationInterval",
        )
        answer = context.client("ec2").create_flow_logs(
            ResourceIds=[properties["ResourceId"]],
            ResourceType=properties["ResourceType"],
            TrafficType=properties.get("TrafficType", "ALL"),
            TagSpecifications=_tags("vpc-flow-log", properties),
            **arguments,
        )
        if answer.get("Unsuccessful"):
            raise ValueError(answer["Unsuccessful"][0]["Error"]["Message"])
        return Made(answer["FlowLogIds"][0], {"Id": answer["FlowLogIds"][0]})

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del properties
        context.client("ec2").delete_flow_logs(FlowLogIds=[physical_id])


class SubnetNetworkAclAssociation(ExplicitType):
    """`AWS::EC2::SubnetNetworkAclAssociation`: replaces the one that every subnet has."""

    type_name = "AWS::EC2::SubnetNetworkAclAssociation"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        del logical_id
        association = self._associate(context, properties["SubnetId"], properties["NetworkAclId"])
        return Made(association, {"AssociationId": association})

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del physical_id
        ec2 = context.client("ec2")
        own = ec2.describe_network_acls(NetworkAclIds=[properties["NetworkAclId"]])["NetworkAcls"]
        default = ec2.describe_network_acls(
            Filters=[
                {"Name": "vpc-id", "Values": [own[0]["VpcId"]]},
                {"Name": "default", "Values": ["true"]},
            ]
        )["NetworkAcls"][0]
        self._associate(context, properties["SubnetId"], default["NetworkAclId"])

    def _associate(self, context: Context, subnet: str, acl: str) -> str:
        ec2 = context.client("ec2")
        found = ec2.describe_network_acls(
            Filters=[{"Name": "association.subnet-id", "Values": [subnet]}]
        )["NetworkAcls"]
        current = next(
            item["NetworkAclAssociationId"]
            for network_acl in found
            for item in network_acl["Associations"]
            if item["SubnetId"] == subnet
        )
        association: str = ec2.replace_network_acl_association(
            AssociationId=current, NetworkAclId=acl
        )["NewAssociationId"]
        return association


class NetworkAclEntry(ExplicitType):
    """`AWS::EC2::NetworkAclEntry`."""

    type_name = "AWS::EC2::NetworkAclEntry"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        context.client("ec2").create_network_acl_entry(**self._entry(properties))
        identity = context.name(logical_id, 64)
        return Made(identity, {"Id": identity})

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        del physical_id, old
        context.client("ec2").replace_network_acl_entry(**self._entry(new))

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del physical_id
        context.client("ec2").delete_network_acl_entry(
            NetworkAclId=properties["NetworkAclId"],
            RuleNumber=properties["RuleNumber"],
            Egress=bool(properties.get("Egress", False)),
        )

    def _entry(self, properties: Json) -> Json:
        entry = only(properties, "NetworkAclId", "RuleNumber", "RuleAction", "PortRange")
        entry |= only(properties, "CidrBlock", "Ipv6CidrBlock")
        entry["Egress"] = bool(properties.get("Egress", False))
        entry["Protocol"] = str(properties["Protocol"])
        if "Icmp" in properties:
            entry["IcmpTypeCode"] = properties["Icmp"]
        return entry


TYPES = (
    Vpc,
    SubnetNetworkAclAssociation,
    NetworkAclEntry,
    Subnet,
    RouteTable,
    SubnetRouteTableAssociation,
    SecurityGroup,
    SecurityGroupIngress,
    SecurityGroupEgress,
    VpcEndpoint,
    FlowLog,
)
