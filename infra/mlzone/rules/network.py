"""Rules on networks: no way to the internet, and every flow recorded."""

from collections.abc import Iterator

from mlzone.rules.rule import Resource, Rule


class PrivateDomain(Rule):
    """A Studio with a route to the internet leaks data; it belongs in the private network."""

    id = "MLZ-STUDIO-001"
    control = "NET-01"
    types = ("AWS::SageMaker::Domain",)
    fix = "set AppNetworkAccessType to VpcOnly"

    def problems(self, resource: Resource, everything: list[Resource]) -> Iterator[str]:
        """Yield what is wrong with a domain."""
        del everything
        access = resource.properties.get("AppNetworkAccessType")
        if access != "VpcOnly":
            yield f"AppNetworkAccessType is {access}; expected VpcOnly"


class IsolatedModel(Rule):
    """A model that can call out can carry data out; it runs isolated in the team's network."""

    id = "MLZ-MODEL-001"
    control = "NET-02"
    types = ("AWS::SageMaker::Model",)
    fix = "set EnableNetworkIsolation and VpcConfig"

    def problems(self, resource: Resource, everything: list[Resource]) -> Iterator[str]:
        """Yield what is wrong with a model."""
        del everything
        if resource.properties.get("EnableNetworkIsolation") is not True:
            yield "EnableNetworkIsolation is not true"
        if not resource.properties.get("VpcConfig"):
            yield "there is no VpcConfig"


class IsolatedMonitor(Rule):
    """Traffic of monitors in the clear can be read; it is encrypted and isolated."""

    id = "MLZ-MONITOR-001"
    control = "NET-04"
    types = (
        "AWS::SageMaker::DataQualityJobDefinition",
        "AWS::SageMaker::ModelQualityJobDefinition",
        "AWS::SageMaker::ModelBiasJobDefinition",
        "AWS::SageMaker::ModelExplainabilityJobDefinition",
    )
    fix = "set encryption of traffic and a VpcConfig in NetworkConfig"

    def problems(self, resource: Resource, everything: list[Resource]) -> Iterator[str]:
        """Yield what is wrong with a job definition."""
        del everything
        network = resource.properties.get("NetworkConfig", {})
        if network.get("EnableInterContainerTrafficEncryption") is not True:
            yield "EnableInterContainerTrafficEncryption is not true"
        if not network.get("VpcConfig"):
            yield "there is no VpcConfig"


class NoInternet(Rule):
    """A gateway to the internet undoes the perimeter; services are reached by endpoints."""

    id = "MLZ-NETWORK-001"
    control = "NET-05"
    types = (
        "AWS::EC2::InternetGateway",
        "AWS::EC2::EgressOnlyInternetGateway",
        "AWS::EC2::NatGateway",
        "AWS::EC2::EIP",
        "AWS::EC2::Subnet",
    )
    fix = "reach services through VPC endpoints"

    def problems(self, resource: Resource, everything: list[Resource]) -> Iterator[str]:
        """Yield what opens a network."""
        del everything
        if resource.type != "AWS::EC2::Subnet":
            yield f"{resource.type} leads to the internet"
        elif resource.properties.get("MapPublicIpOnLaunch", False) is not False:
            yield "MapPublicIpOnLaunch gives public addresses"


class NarrowEgress(Rule):
    """Egress to anywhere lets data leave; groups name endpoints and prefix lists."""

    id = "MLZ-NETWORK-002"
    control = "NET-06"
    types = ("AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupEgress")
    fix = "name a security group or a prefix list as the destination"

    def problems(self, resource: Resource, everything: list[Resource]) -> Iterator[str]:
        """Yield destinations that are anywhere."""
        del everything
        group = resource.type == "AWS::EC2::SecurityGroup"
        if group and "SecurityGroupEgress" not in resource.properties:
            yield "without SecurityGroupEgress, EC2 allows all egress"
        rules = resource.properties.get("SecurityGroupEgress", ()) if group else None
        for rule in [resource.properties] if rules is None else rules:
            anywhere = rule.get("CidrIp") == "0.0.0.0/0" or rule.get("CidrIpv6") == "::/0"
            if anywhere:
                yield "egress to any address"


class RecordedFlows(Rule):
    """Without flow logs nobody can tell what left a network; every network has one."""

    id = "MLZ-NETWORK-004"
    control = "NET-08"
    types = ("AWS::EC2::VPC",)
    fix = "add an AWS::EC2::FlowLog on the network"

    def problems(self, resource: Resource, everything: list[Resource]) -> Iterator[str]:
        """Yield networks without a flow log."""
        logged = any(
            item.type == "AWS::EC2::FlowLog"
            and item.template == resource.template
            and item.properties.get("ResourceId") == {"Ref": resource.id}
            for item in everything
        )
        if not logged:
            yield "no flow log records this network"


class GuardedVpcEndpoint(Rule):
    """An endpoint without a policy reaches anybody's account; ours restricts who is reached."""

    id = "MLZ-NETWORK-003"
    control = "NET-07"
    types = ("AWS::EC2::VPCEndpoint",)
    fix = "set PolicyDocument with conditions on the organization"

    def problems(self, resource: Resource, everything: list[Resource]) -> Iterator[str]:
        """Yield an endpoint that lets everything through."""
        del everything
        policy = resource.properties.get("PolicyDocument")
        if not policy:
            yield "there is no PolicyDocument"
        elif not any(statement.get("Condition") for statement in policy["Statement"]):
            yield "no statement of PolicyDocument has a condition"
