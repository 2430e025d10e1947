"""The last act: what the platform knows of all that happened."""

from mlzone_tools.demo.scene import Scene, must, wait
from mlzone_tools.demo.story import Facts, Step
from mlzone_tools.services import kpi
from mlzone_tools.services.kpi import ModelFigures


def steps(scene: Scene) -> list[Step]:
    """Return the steps of this act."""
    return [
        Step(
            "kpi",
            "The key figures, from the events of every step",
            "lead time from commit to production, waiting, drift, retraining",
            lambda: _figures(scene),
        )
    ]


def _figures(scene: Scene) -> Facts:
    name = f"{scene.unit.name}/{scene.model.name}"

    def complete() -> ModelFigures | None:
        found = kpi.figures(kpi.events(scene.registry(), scene.estate)).models
        own = next((item for item in found if item.model == name), None)
        return own if own and own.retrainings and own.versions > 1 else None

    own: ModelFigures = wait(complete, "the events of every step arrive")
    must(own.in_production == 1, f"{own.in_production} versions are in production")
    must(own.lead_time_hours is not None, "no lead time can be told")
    return {
        "builds": own.builds,
        "versions": own.versions,
        "in production": own.in_production,
        "lead time": f"{(own.lead_time_hours or 0) * 60:.1f} minutes from commit to production",
        "waiting for approval": f"{(own.waiting_hours or 0) * 3600:.0f} seconds",
        "drifts": own.drifts,
        "retrainings": own.retrainings,
    }
