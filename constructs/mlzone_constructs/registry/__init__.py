"""A business unit's part of the shared services: its models' groups, artefacts and events."""

from mlzone_constructs.registry.approvals import ForwardedApprovals, ForwardedApprovalsProps
from mlzone_constructs.registry.artifacts import Artifacts, ArtifactsProps
from mlzone_constructs.registry.event_relay import EventRelay, EventRelayProps
from mlzone_constructs.registry.model_registry import ModelRegistry, ModelRegistryProps
from mlzone_constructs.registry.reminders import Reminders, RemindersProps

__all__ = [
    "Artifacts",
    "ArtifactsProps",
    "EventRelay",
    "EventRelayProps",
    "ForwardedApprovals",
    "ForwardedApprovalsProps",
    "ModelRegistry",
    "ModelRegistryProps",
    "Reminders",
    "RemindersProps",
]
