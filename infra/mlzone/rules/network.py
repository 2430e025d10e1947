"""Rules about networks."""

from typing import Any

from mlzone.rules.assembly import Assembly, Resource
from mlzone.rules.expression import condition_keys, present, statements, text, texts, true
from mlzone.rules.rule import Rule

JOB_DEFINITIONS = (
    "AWS::SageMaker::DataQualityJobDefinition",
    "AWS::SageMaker::ModelBiasJobDefinition",
    "AWS::SageMaker::ModelExplainabilityJobDefinition",
    "AWS::SageMaker::ModelQualityJobDefinition",
)
"""The jobs of SageMaker Model Monitor."""

_NOBODY = "255.255.255.255/32"
"""The CDK's way to say that nothing goes out."""
_EVERYWHERE = ("0.0.0.0/0", "::/0")


class StudioIsPrivate(Rule):
    """Studio reaches what its network reaches, and that is no internet.

    Anti-pattern: `AppNetworkAccessType: PublicInternetOnly`, the default.
    Best practice: `VpcOnly` with private subnets.
    """

    id = "MLZ-NETWORK-001"
    control = "NET-01"
    types = ("AWS::SageMaker::Domain",)
    fix = "set AppNetworkAccessType to VpcOnly, and SubnetIds"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at the domain's network."""
        del assembly
        access = text(resource.get("AppNetworkAccessType"))
        if access != "VpcOnly":
            return f'the domain\'s network access is "{access or "PublicInternetOnly"}"'
        return None if present(resource.get("SubnetIds")) else "the domain has no subnets"


class NotebooksArePrivate(Rule):
    """A notebook instance has no way of its own to the internet, and nobody is root on it.

    Anti-pattern: a notebook instance as it comes.
    Best practice: Studio; else direct internet access and root access off, in a subnet.
    """

    id = "MLZ-NETWORK-002"
    control = "NET-01"
    types = ("AWS::SageMaker::NotebookInstance",)
    fix = "set DirectInternetAccess and RootAccess to Disabled, and a SubnetId"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at the three settings."""
        del assembly
        for name in ("DirectInternetAccess", "RootAccess"):
            if text(resource.get(name)) != "Disabled":
                return f"{name} is not Disabled"
        return None if present(resource.get("SubnetId")) else "it stands in no subnet"


class ModelsAreIsolated(Rule):
    """A model's container sees the environment's network alone, and calls nobody.

    Anti-pattern: a model without VpcConfig, whose container may call out.
    Best practice: VpcConfig and EnableNetworkIsolation.
    """

    id = "MLZ-NETWORK-003"
    control = "NET-02"
    types = ("AWS::SageMaker::Model",)
    fix = "set VpcConfig, and EnableNetworkIsolation to true"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at network and isolation."""
        del assembly
        for name in ("Subnets", "SecurityGroupIds"):
            if not present(resource.get("VpcConfig", name)):
                return f"VpcConfig has no {name}"
        if not true(resource.get("EnableNetworkIsolation")):
            return "EnableNetworkIsolation is not true"
        return None


class MonitorsAreIsolated(Rule):
    """A monitor reads customers' requests; it talks to nobody, and encrypted where it must.

    Anti-pattern: a job definition without NetworkConfig.
    Best practice: isolation, encryption between instances, the environment's network.
    """

    id = "MLZ-NETWORK-004"
    control = "NET-04"
    types = JOB_DEFINITIONS
    fix = "set isolation, encryption between containers and VpcConfig in NetworkConfig"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at the job's network."""
        del assembly
        return isolation_problem(resource.get("NetworkConfig", default={}))


class SchedulesAreIsolated(Rule):
    """A monitoring schedule with a job of its own keeps to what job definitions keep to.

    Anti-pattern: MonitoringJobDefinition inside of the schedule, without NetworkConfig.
    Best practice: refer to a job definition, or set the same.
    """

    id = "MLZ-NETWORK-005"
    control = "NET-04"
    types = ("AWS::SageMaker::MonitoringSchedule",)
    fix = "name a job definition, or set NetworkConfig in MonitoringJobDefinition"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at the job that the schedule holds, if it does."""
        del assembly
        config = resource.get("MonitoringScheduleConfig", default={})
        if "MonitoringJobDefinition" not in config:
            return None
        return isolation_problem(config["MonitoringJobDefinition"].get("NetworkConfig") or {})


def isolation_problem(network: dict[str, Any]) -> str | None:
    """Return what a job's NetworkConfig lacks."""
    for name in ("EnableNetworkIsolation", "EnableInterContainerTrafficEncryption"):
        if not true(network.get(name)):
            return f"{name} is not true"
    return None if present(network.get("VpcConfig")) else "NetworkConfig has no VpcConfig"


class NoInternetDoors(Rule):
    """There is no way between accounts of machine learning and the internet.

    Anti-pattern: a gateway or a public address, for a quick download.
    Best practice: VPC endpoints, and packages from a repository of the company's own.
    """

    id = "MLZ-NETWORK-006"
    control = "NET-05"
    types = (
        "AWS::EC2::CarrierGateway",
        "AWS::EC2::EgressOnlyInternetGateway",
        "AWS::EC2::EIP",
        "AWS::EC2::InternetGateway",
        "AWS::EC2::NatGateway",
    )
    fix = "remove it; reach AWS through VPC endpoints"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Each of these is one too many."""
        del assembly
        return f"{resource.type} is a way to the internet"


class SubnetsArePrivate(Rule):
    """What starts in a subnet gets no public address.

    Anti-pattern: MapPublicIpOnLaunch.
    Best practice: private subnets.
    """

    id = "MLZ-NETWORK-007"
    control = "NET-05"
    types = ("AWS::EC2::Subnet",)
    fix = "set MapPublicIpOnLaunch to false"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at public addresses."""
        del assembly
        given = resource.get("MapPublicIpOnLaunch", default=False)
        return None if text(given).lower() == "false" else "its addresses are public"


class NothingLeavesUnasked(Rule):
    """A security group names where its traffic goes.

    Anti-pattern: no egress rule at all, which lets everything out.
    Best practice: egress to the endpoints' group or to a prefix list.
    """

    id = "MLZ-NETWORK-008"
    control = "NET-06"
    types = ("AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupEgress")
    fix = "let traffic out to a security group or a prefix list alone"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at every egress rule."""
        del assembly
        if resource.type == "AWS::EC2::SecurityGroupEgress":
            return self._open(resource.properties)
        rules = resource.get("SecurityGroupEgress")
        if rules is None:
            return "without an egress rule everything may leave"
        return next(filter(None, map(self._open, rules)), None)

    @staticmethod
    def _open(rule: dict[str, Any]) -> str | None:
        where = text(rule.get("CidrIp") or rule.get("CidrIpv6"))
        return f"traffic may leave to {where}" if where not in ("", _NOBODY) else None


class NothingComesFromEverywhere(Rule):
    """A security group names whom it lets in.

    Anti-pattern: ingress from 0.0.0.0/0.
    Best practice: ingress from a security group.
    """

    id = "MLZ-NETWORK-009"
    control = "NET-06"
    types = ("AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress")
    fix = "let traffic in from a security group alone"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at every ingress rule."""
        del assembly
        own = resource.type == "AWS::EC2::SecurityGroupIngress"
        rules = [resource.properties] if own else resource.get("SecurityGroupIngress", default=[])
        for rule in rules:
            where = text(rule.get("CidrIp") or rule.get("CidrIpv6"))
            if where in _EVERYWHERE:
                return f"traffic comes in from {where}"
        return None


class EndpointsKnowTheOrganization(Rule):
    """An endpoint carries no credentials of strangers, and no data out to them.

    Anti-pattern: an endpoint without a policy: every principal of every company may use it.
    Best practice: a policy that asks for the organization, or names AWS's own resource.
    """

    id = "MLZ-NETWORK-010"
    control = "NET-07"
    types = ("AWS::EC2::VPCEndpoint",)
    fix = "set a PolicyDocument whose allowing statements ask for aws:PrincipalOrgID"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at every statement that allows."""
        del assembly
        found = statements(resource.get("PolicyDocument"))
        if not found:
            return "it has no policy"
        for statement in found:
            everything = "*" in texts(statement.get("Resource"))
            knows = condition_keys(statement) & {"aws:principalorgid", "aws:resourceorgid"}
            if statement.get("Effect") == "Allow" and everything and not knows:
                return f"statement {statement.get('Sid', 'without a name')} admits everybody"
        return None


class NetworksAreLogged(Rule):
    """What goes through a network is known afterwards.

    Anti-pattern: a VPC without flow log.
    Best practice: a flow log of all traffic.
    """

    id = "MLZ-NETWORK-011"
    control = "NET-08"
    types = ("AWS::EC2::VPC",)
    fix = "add a flow log of all traffic"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look for the network's flow log in its own template."""
        for log in assembly.beside(resource, "AWS::EC2::FlowLog"):
            if text(log.get("ResourceId")) == f"${{{resource.logical_id}}}":
                kind = text(log.get("TrafficType"))
                return None if kind == "ALL" else f"the flow log has {kind} traffic alone"
        return "no flow log"


RULES: tuple[type[Rule], ...] = (
    StudioIsPrivate,
    NotebooksArePrivate,
    ModelsAreIsolated,
    MonitorsAreIsolated,
    SchedulesAreIsolated,
    NoInternetDoors,
    SubnetsArePrivate,
    NothingLeavesUnasked,
    NothingComesFromEverywhere,
    EndpointsKnowTheOrganization,
    NetworksAreLogged,
)
"""The rules of this subject."""
