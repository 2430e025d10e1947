"""EC2: private networks."""

from typing import Any

from mlzone_cloud.cfn.provider import Context, Made
from mlzone_cloud.cfn.state import Json
from mlzone_cloud.cfn.types.base import ExplicitType, document, only
from mlzone_cloud.cfn.types.ec2_tagged import Tagged, tag_specifications


class Vpc(Tagged):
    """`AWS::EC2::VPC`."""

    type_name = "AWS::EC2::VPC"
    describe, ids = "describe_vpcs", "VpcIds"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        del logical_id
        ec2 = context.client("ec2")
        vpc = ec2.create_vpc(
            CidrBlock=properties["CidrBlock"],
            TagSpecifications=tag_specifications("vpc", properties),
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


class Subnet(Tagged):
    """`AWS::EC2::Subnet`."""

    type_name = "AWS::EC2::Subnet"
    describe, ids = "describe_subnets", "SubnetIds"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        del logical_id
        ec2 = context.client("ec2")
        subnet = ec2.create_subnet(
            VpcId=properties["VpcId"],
            TagSpecifications=tag_specifications("subnet", properties),
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


class RouteTable(Tagged):
    """`AWS::EC2::RouteTable`."""

    type_name = "AWS::EC2::RouteTable"
    describe, ids = "describe_route_tables", "RouteTableIds"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        del logical_id
        table = context.client("ec2").create_route_table(
            VpcId=properties["VpcId"],
            TagSpecifications=tag_specifications("route-table", properties),
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


class VpcEndpoint(Tagged):
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
            TagSpecifications=tag_specifications("vpc-endpoint", properties),
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


class FlowLog(Tagged):
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
            TagSpecifications=tag_specifications("vpc-flow-log", properties),
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
    VpcEndpoint,
    FlowLog,
)
