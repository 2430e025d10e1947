"""Rules on endpoints: encrypted, captured, monitored, and rolled back by alarms."""

from collections.abc import Iterator

from mlzone.rules.rule import Resource, Rule


class EncryptedEndpoint(Rule):
    """A volume under AWS's own key is outside our control; the endpoint names ours."""

    id = "MLZ-ENDPOINT-001"
    control = "ENC-02"
    types = ("AWS::SageMaker::EndpointConfig",)
    fix = "set KmsKeyId"

    def problems(self, resource: Resource, everything: list[Resource]) -> Iterator[str]:
        """Yield a configuration without a key."""
        del everything
        if not resource.properties.get("KmsKeyId"):
            yield "there is no KmsKeyId"


class CapturedEndpoint(Rule):
    """What is not captured cannot be monitored; production captures input and output."""

    id = "MLZ-ENDPOINT-002"
    control = "MON-01"
    types = ("AWS::SageMaker::EndpointConfig",)
    fix = "enable DataCaptureConfig for Input and Output with a key"

    def applies(self, resource: Resource) -> bool:
        """Only production."""
        return resource.in_production

    def problems(self, resource: Resource, everything: list[Resource]) -> Iterator[str]:
        """Yield what is missing of the capture."""
        del everything
        capture = resource.properties.get("DataCaptureConfig", {})
        if capture.get("EnableCapture") is not True:
            yield "EnableCapture is not true"
        modes = {option["CaptureMode"] for option in capture.get("CaptureOptions", ())}
        if not {"Input", "Output"} <= modes and "InputAndOutput" not in modes:
            yield "not both Input and Output are captured"
        if not capture.get("KmsKeyId"):
            yield "what is captured has no KmsKeyId"


class SpareInstances(Rule):
    """One instance is down with its zone; production has at least two."""

    id = "MLZ-ENDPOINT-003"
    control = "DEP-03"
    types = ("AWS::SageMaker::EndpointConfig",)
    fix = "set InitialInstanceCount to 2 or more"

    def applies(self, resource: Resource) -> bool:
        """Only production."""
        return resource.in_production

    def problems(self, resource: Resource, everything: list[Resource]) -> Iterator[str]:
        """Yield variants with too few instances."""
        del everything
        for variant in resource.properties.get("ProductionVariants", ()):
            count = variant.get("InitialInstanceCount")
            if "ServerlessConfig" not in variant and int(count or 0) < 2:  # noqa: PLR2004
                yield f"InitialInstanceCount is {count}; at least 2"


class RolledBackEndpoint(Rule):
    """All traffic at once makes every fault an outage; it moves in steps that alarms undo."""

    id = "MLZ-ENDPOINT-004"
    control = "DEP-03"
    types = ("AWS::SageMaker::Endpoint",)
    fix = "set DeploymentConfig with canary or linear traffic and alarms for the rollback"

    def applies(self, resource: Resource) -> bool:
        """Only production."""
        return resource.in_production

    def problems(self, resource: Resource, everything: list[Resource]) -> Iterator[str]:
        """Yield what is missing of a safe deployment."""
        del everything
        deployment = resource.properties.get("DeploymentConfig", {})
        policy = deployment.get("BlueGreenUpdatePolicy", {})
        if policy.get("TrafficRoutingConfiguration", {}).get("Type") not in {"CANARY", "LINEAR"}:
            yield "traffic moves neither as CANARY nor as LINEAR"
        if not deployment.get("AutoRollbackConfiguration", {}).get("Alarms"):
            yield "no alarm rolls back"
