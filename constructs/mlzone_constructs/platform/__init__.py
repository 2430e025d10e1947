"""Shared services of all units: life-cycle events, what hears them, the registry's guard."""

from mlzone_constructs.platform.approval_guard import ApprovalGuard, ApprovalGuardProps
from mlzone_constructs.platform.evidence_recorder import (
    EvidenceRecorder,
    EvidenceRecorderProps,
)
from mlzone_constructs.platform.kpi_store import KpiStore, KpiStoreProps
from mlzone_constructs.platform.life_cycle_bus import LifeCycleBus, LifeCycleBusProps
from mlzone_constructs.platform.notifications import Notifications, NotificationsProps
from mlzone_constructs.platform.overdue_decisions import (
    OverdueDecisions,
    OverdueDecisionsProps,
)

__all__ = [
    "ApprovalGuard",
    "ApprovalGuardProps",
    "EvidenceRecorder",
    "EvidenceRecorderProps",
    "KpiStore",
    "KpiStoreProps",
    "LifeCycleBus",
    "LifeCycleBusProps",
    "Notifications",
    "NotificationsProps",
    "OverdueDecisions",
    "OverdueDecisionsProps",
]
