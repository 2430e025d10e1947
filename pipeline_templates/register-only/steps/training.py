"""What the model card says of the training: it happened elsewhere."""

from typing import Any


def observations(given: dict[str, Any]) -> str:
    """Return where the model comes from, in sentences."""
    origin = given["model"]["origin"]
    facts = "; ".join(f"{name.replace('_', ' ')}: {value}" for name, value in origin.items())
    return f"Trained elsewhere, not by this platform. {facts}."
