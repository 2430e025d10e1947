"""Rules about models: registered, served with care, captured, watched."""

import json
import re

from mlzone.naming import STOP_ENDING
from mlzone.risk import TIERS, TierControls
from mlzone.rules.assembly import Assembly, Resource
from mlzone.rules.expression import listed, present, text, true
from mlzone.rules.network import JOB_DEFINITIONS
from mlzone.rules.rule import Rule

_PRIVATE_IMAGE = re.compile(
    r".*\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/[^@]+@sha256:[0-9a-f]{64}|\$\{\w+\}"
)
"""An image by digest in a private registry, or a parameter that a release sets."""
_LEAST_INSTANCES = 2
_CAREFUL = ("CANARY", "LINEAR")
_TRIAL_MOVES = {"Fn::Not": [{"Fn::Equals": [{"Ref": "VariantsChange"}, ""]}]}


ENDPOINT, MODEL = "AWS::SageMaker::Endpoint", "AWS::SageMaker::Model"
_WHOSE = ("mlz:business-unit", "mlz:model", "mlz:environment")
"""The tags that say which model in which environment."""


def serves_in_production(resource: Resource, assembly: Assembly) -> bool:
    """Tell whether customers depend on an endpoint, or on a model that answers in batches."""
    if not in_production(resource):
        return False
    if resource.type == ENDPOINT:
        return True
    return not any(assembly.beside(resource, "AWS::SageMaker::EndpointConfig"))


def in_production(resource: Resource) -> bool:
    """Tell whether a resource is of a production environment."""
    return text(resource.tags.get("mlz:environment")) == "prod"


def tier(resource: Resource) -> TierControls:
    """Return what the risk tier of a resource's model demands; the highest if it says none."""
    said = text(resource.tags.get("mlz:model-tier"))
    return next((found for number, found in TIERS.items() if str(number) == said), TIERS[1])


class ImagesAreKnown(Rule):
    """A model runs the very image that was examined.

    Anti-pattern: an image by tag, which somebody can move, or from a public registry.
    Best practice: a digest in a private registry, or the release's parameter.
    """

    id = "MLZ-MODEL-001"
    control = "MOD-09"
    types = ("AWS::SageMaker::Model",)
    fix = "name the image by digest, in the private registry"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at every container."""
        del assembly
        primary = listed(resource.get("PrimaryContainer"))
        for container in [*primary, *listed(resource.get("Containers"))]:
            image = text(container.get("Image"))
            if not _PRIVATE_IMAGE.fullmatch(image):
                return f"image {image or 'of a package'} has no digest of a private registry"
        return None


class ImagesAreScanned(Rule):
    """An image is examined when it comes, and its tags stay where they are.

    Anti-pattern: a repository whose tags move.
    Best practice: ScanOnPush, and IMMUTABLE tags.
    """

    id = "MLZ-MODEL-002"
    control = "MOD-09"
    types = ("AWS::ECR::Repository",)
    fix = "set ScanOnPush to true, and ImageTagMutability to IMMUTABLE"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at scans and tags."""
        del assembly
        if not true(resource.get("ImageScanningConfiguration", "ScanOnPush")):
            return "images are not scanned"
        mutable = text(resource.get("ImageTagMutability"))
        return None if mutable == "IMMUTABLE" else "its tags can be moved"


class GroupsHaveATier(Rule):
    """What is asked of a model follows from how much depends on it.

    Anti-pattern: a model group that says nothing of its risk.
    Best practice: the tag mlz:model-tier.
    """

    id = "MLZ-MODEL-003"
    control = "MOD-04"
    types = ("AWS::SageMaker::ModelPackageGroup",)
    fix = "tag it with mlz:model-tier 1, 2 or 3"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at the tag."""
        del assembly
        said = text(resource.tags.get("mlz:model-tier"))
        return None if said in map(str, TIERS) else f'its risk tier is "{said}"'


class ModelsAreRegistered(Rule):
    """A model that serves says which version of the registry it is.

    Anti-pattern: an artefact that nobody registered.
    Best practice: the tag mlz:model-package, or ModelPackageName.
    """

    id = "MLZ-MODEL-004"
    control = "MOD-01"
    types = ("AWS::SageMaker::Model",)
    fix = "tag it with mlz:model-package, the version's ARN"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look for the version."""
        del assembly
        of_package = resource.get("PrimaryContainer", "ModelPackageName")
        known = present(resource.tags.get("mlz:model-package")) or present(of_package)
        return None if known else "it names no version of the registry"


class ProductionHasSpareInstances(Rule):
    """One instance that fails leaves customers served.

    Anti-pattern: a single instance.
    Best practice: two or more, in two zones.
    """

    id = "MLZ-MODEL-005"
    control = "DEP-03"
    types = ("AWS::SageMaker::EndpointConfig",)
    fix = "set InitialInstanceCount to 2 or more"

    def applies(self, resource: Resource, assembly: Assembly) -> bool:
        """Look only at production."""
        del assembly
        return in_production(resource)

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at every variant."""
        del assembly
        for variant in resource.get("ProductionVariants", default=[]):
            if "ServerlessConfig" in variant:
                continue
            count = int(variant.get("InitialInstanceCount") or 0)
            if count < _LEAST_INSTANCES:
                return f"variant {variant.get('VariantName', '')} has {count} instances"
        return None


class TrafficMovesWithCare(Rule):
    """A new version meets a part of the traffic first, and goes when an alarm rises.

    Anti-pattern: all at once, without alarms.
    Best practice: canary or linear, with alarms that roll back.
    """

    id = "MLZ-MODEL-006"
    control = "DEP-03"
    types = ("AWS::SageMaker::Endpoint",)
    fix = "set a BlueGreenUpdatePolicy and AutoRollbackConfiguration"

    def applies(self, resource: Resource, assembly: Assembly) -> bool:
        """Look only at production."""
        del assembly
        return in_production(resource)

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at how the traffic moves."""
        del assembly
        path = ("DeploymentConfig", *_unless_a_trial_moves(resource))
        routing = ("BlueGreenUpdatePolicy", "TrafficRoutingConfiguration", "Type")
        kind = text(resource.get(*path, *routing))
        if kind not in _CAREFUL:
            return f"traffic moves {kind or 'all at once'}"
        alarms = resource.get(*path, "AutoRollbackConfiguration", "Alarms")
        return None if present(alarms) else "no alarm sends it back"


def _unless_a_trial_moves(resource: Resource) -> tuple[str | int, ...]:
    """Return where it says how releases are deployed, if trials begin and end in another way.

    SageMaker shifts no traffic where variants come or go; `release_contract` says when that is.
    """
    condition = resource.get("DeploymentConfig", "Fn::If", 0)
    declared = resource.template.body.get("Conditions")
    if not isinstance(condition, str) or not isinstance(declared, dict):
        return ()
    return ("Fn::If", 2) if declared.get(condition) == _TRIAL_MOVES else ()


class ProductionIsCaptured(Rule):
    """What a model was asked and what it answered can be told afterwards.

    Anti-pattern: an endpoint without data capture, or with a tenth of it.
    Best practice: input and output, encrypted, at the risk tier's rate or more.
    """

    id = "MLZ-MODEL-007"
    control = "MON-01"
    types = ("AWS::SageMaker::EndpointConfig",)
    fix = "capture input and output with a key, at the risk tier's rate or more"

    def applies(self, resource: Resource, assembly: Assembly) -> bool:
        """Look only at production."""
        del assembly
        return in_production(resource)

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at what is captured, and how much of it."""
        del assembly
        capture = resource.get("DataCaptureConfig", default={})
        if not true(capture.get("EnableCapture")):
            return "nothing is captured"
        modes = {text(item.get("CaptureMode")) for item in capture.get("CaptureOptions") or []}
        missing = sorted({"Input", "Output"} - modes)
        if missing and "InputAndOutput" not in modes:
            return f"not captured: {', '.join(missing)}"
        if not present(capture.get("KmsKeyId")):
            return "what is captured has no key of ours"
        share, least = capture.get("InitialSamplingPercentage"), tier(resource)
        if not isinstance(share, int) or share < least.minimum_capture_percentage:
            return f"{share} % is captured; its tier asks for {least.minimum_capture_percentage} %"
        return None


class ProductionIsWatched(Rule):
    """Nothing serves customers unwatched, whichever engine watches.

    Anti-pattern: an endpoint, or a model that answers in batches, without a monitor.
    Best practice: a monitoring schedule, or a schedule of processing jobs over what is captured.
    """

    id = "MLZ-MODEL-008"
    control = "MON-02"
    types = (ENDPOINT, MODEL)
    fix = "deploy the model's monitoring stack"

    def applies(self, resource: Resource, assembly: Assembly) -> bool:
        """Look only at production."""
        return serves_in_production(resource, assembly)

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look for a monitor in all templates: of the endpoint, or by the model's tags."""
        if resource.type == MODEL:
            named = text(resource.get("ModelName")) or f"${{{resource.logical_id}}}"
            return None if _processed_by_tags(resource, assembly) else f"no monitor watches {named}"
        name = text(resource.get("EndpointName")) or f"${{{resource.logical_id}}}"
        if _scheduled(name, assembly) or _processed(name, assembly):
            return None
        return f"no monitor watches {name}"


def _scheduled(endpoint: str, assembly: Assembly) -> bool:
    """Tell whether SageMaker Model Monitor watches an endpoint."""
    watching = {
        text(item.get("JobDefinitionName"))
        for item in assembly.of(*JOB_DEFINITIONS)
        for name, value in item.properties.items()
        if name.endswith("JobInput")
        and text((value.get("EndpointInput") or {}).get("EndpointName")) == endpoint
    }
    for schedule in assembly.of("AWS::SageMaker::MonitoringSchedule"):
        config = schedule.get("MonitoringScheduleConfig", default={})
        if text(config.get("MonitoringJobDefinitionName")) in watching - {""}:
            return True
        if f'"{endpoint}"' in json.dumps(config.get("MonitoringJobDefinition") or {}):
            return True
    return False


def _processed(endpoint: str, assembly: Assembly) -> bool:
    """Tell whether a schedule of processing jobs watches an endpoint."""
    return _is_started(
        assembly,
        [
            item
            for item in assembly.of("AWS::Lambda::Function")
            if f'"sagemaker_endpoint_name":"{endpoint}"' in _monitor_job(item).replace(" ", "")
        ],
    )


def _processed_by_tags(model: Resource, assembly: Assembly) -> bool:
    """Tell whether a schedule of processing jobs watches a model that has no endpoint."""
    whose = [text(model.tags.get(name)) for name in _WHOSE]
    return _is_started(
        assembly,
        [
            item
            for item in assembly.of("AWS::Lambda::Function")
            if "sagemaker_endpoint_name" in _monitor_job(item)
            and [text(item.tags.get(name)) for name in _WHOSE] == whose
        ],
    )


def _monitor_job(function: Resource) -> str:
    return text(function.get("Environment", "Variables", "MLZONE_JOB"))


def _is_started(assembly: Assembly, functions: list[Resource]) -> bool:
    targets = [
        (item.template, text(item.get("Target", "Arn")))
        for item in assembly.of("AWS::Scheduler::Schedule")
    ]
    return any((item.template, f"${{{item.logical_id}.Arn}}") in targets for item in functions)


class DriftIsAnswered(Rule):
    """A finding of a monitor reaches somebody or something.

    Anti-pattern: metrics that nobody looks at.
    Best practice: an alarm for each monitor of production, with an action or a rule on its state.
    """

    id = "MLZ-MODEL-009"
    control = "MON-03"
    types = ("AWS::SageMaker::MonitoringSchedule",)
    fix = "add an alarm on the monitor's metrics, and an action or a rule on its state"

    def applies(self, resource: Resource, assembly: Assembly) -> bool:
        """Look only at production."""
        del assembly
        return in_production(resource)

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look for an alarm beside the monitor that is answered."""
        beside = list(assembly.beside(resource, "AWS::CloudWatch::Alarm", "AWS::Events::Rule"))
        heard = json.dumps([item.get("EventPattern") for item in beside])
        for alarm in beside:
            if "Monitoring" in text(alarm.get("Namespace")):
                name = text(alarm.get("AlarmName"))
                if present(alarm.get("AlarmActions")) or (name and f'"{name}"' in heard):
                    return None
        return "no alarm answers its findings"


class ProductionCanBeStopped(Rule):
    """A person takes a model out of service at once, by one call.

    Anti-pattern: an endpoint, or a schedule of batches, that only a deployment takes away.
    Best practice: a function beside it that stops it, for approvers and engineers.
    """

    id = "MLZ-MODEL-010"
    control = "MON-04"
    types = (ENDPOINT, MODEL)
    fix = "add a ModelStop beside it"

    def applies(self, resource: Resource, assembly: Assembly) -> bool:
        """Look only at production."""
        return serves_in_production(resource, assembly)

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look for the function in the same template."""
        stops = any(
            text(function.get("FunctionName")).endswith(STOP_ENDING)
            and present(function.get("Environment", "Variables", "MLZONE_SERVING_STACK"))
            for function in assembly.beside(resource, "AWS::Lambda::Function")
        )
        return None if stops else "no function beside it takes it out of service"


RULES: tuple[type[Rule], ...] = (
    ImagesAreKnown,
    ImagesAreScanned,
    GroupsHaveATier,
    ModelsAreRegistered,
    ProductionHasSpareInstances,
    TrafficMovesWithCare,
    ProductionIsCaptured,
    ProductionIsWatched,
    DriftIsAnswered,
    ProductionCanBeStopped,
)
"""The rules of this subject."""
