"""What the model card says of the training."""

from typing import Any


def observations(given: dict[str, Any]) -> str:
    """Return how the model was trained, in sentences."""
    model = given["model"]
    return (
        "Gradient boosted trees that minimize the logarithmic loss. "
        f"Threshold: at most {model['threshold']['max_default_rate_of_approved']:.0%} of "
        f"the approved validation rows belong to {model['positive_class']}."
    )
