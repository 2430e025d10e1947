"""A version as the registry tells of it, for tests of what people do with versions."""

from datetime import UTC, datetime
from typing import Any

from mlzone_tools.services.model.registry import Version

MODEL = "retail-banking/credit-default"
GROUP = "arn:aws:sagemaker:sa-east-1:100000000002:model-package/aur-retail-banking-credit-default"


def version(model: str = MODEL, **changed: Any) -> Version:
    """Return version 3 of a model, which waits for its validation, unless it is changed."""
    fields: dict[str, Any] = {
        "model": model,
        "version": 3,
        "arn": f"{GROUP}/3",
        "status": "PendingManualApproval",
        "stage": "Development",
        "author": "bruno.lima",
        "decided_by": "",
        "validation": "",
        "waits_for": "validation",
        "created": datetime(2026, 11, 24, tzinfo=UTC),
        "metadata": {},
    }
    return Version(**{**fields, **changed})
