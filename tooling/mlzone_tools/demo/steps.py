"""The story, in acts: from YAML to a governed, monitored model in production."""

from mlzone_tools.demo import closing, delivery, provisioning, watching
from mlzone_tools.demo.scene import Scene
from mlzone_tools.demo.story import Step


def steps(scene: Scene) -> list[Step]:
    """Return all steps, in order."""
    return [
        *provisioning.steps(scene),
        *delivery.steps(scene),
        *watching.steps(scene),
        *closing.steps(scene),
    ]
