"""The last act: what the platform knows of all that happened."""

from mlzone_tools.demo.scene import Scene, must, wait
from mlzone_tools.demo.story import Facts, Step, StepFailedError
from mlzone_tools.services import evidence, kpi

_SHOWN = ("DAT-02", "MOD-03", "MOD-05", "DEP-02", "MON-02", "LOG-01")
"""Controls that the story's version must have evidence of."""


def steps(scene: Scene) -> list[Step]:
    """Return the steps of this act."""
    return [
        Step(
            "kpi",
            "The key figures, from the events of every step",
            "lead time from commit to production, waiting, drift, retraining",
            lambda: _figures(scene),
        ),
        Step(
            "evidence",
            "The evidence is whole, and the binder of the version is written",
            "every hash is reckoned again, every event is looked for",
            lambda: _evidence(scene),
        ),
    ]


def _evidence(scene: Scene) -> Facts:
    name = f"{scene.unit.name}/{scene.model.name}"
    if scene.version is None:
        raise StepFailedError("there is no version to write a binder of")
    reference = f"{name}:{scene.version.version}"

    def whole() -> evidence.Binder | None:
        found = evidence.binder(scene.registry(), scene.estate, reference)
        return found if found.chain.records and not found.chain.problems else None

    binder: evidence.Binder = wait(whole, "every event is recorded")
    shown = {row.control: row.status for table in binder.frameworks for row in table.controls}
    for control in _SHOWN:
        must(shown[control] == "recorded", f"{control} is {shown[control]}")
    scene.artifacts["binder.html"] = evidence.page(binder)
    statuses = list(shown.values())
    return {
        "version": binder.version.arn,
        "chain": f"{binder.chain.records} records, whole",
        "head": binder.chain.head,
        "controls recorded": statuses.count("recorded"),
        "controls held at every deployment": statuses.count("held"),
        "controls missing": statuses.count("missing") + statuses.count("not held"),
        "approved by": ", ".join(item.content["actor"] for item in binder.of("Model Approved")),
    }


def _figures(scene: Scene) -> Facts:
    name = f"{scene.unit.name}/{scene.model.name}"

    def complete() -> kpi.Delivery | None:
        kept = kpi.events(scene.registry(), scene.estate)
        if not kept:
            return None
        period = kpi.Period(start=None, end=kept[-1].time)
        found = kpi.figures(kept, scene.estate, period).models
        own = next((item for item in found if item.scope == name), None)
        return own if own and own.retrainings and own.versions > 1 else None

    own: kpi.Delivery = wait(complete, "the events of every step arrive")
    must(own.releases == 1, f"{own.releases} versions are in production")
    lead_time, decision = own.lead_time, own.phases["decision"]
    if lead_time is None or decision is None:
        raise StepFailedError("no lead time can be told")
    return {
        "builds": own.builds,
        "versions": own.versions,
        "in production": own.releases,
        "lead time": f"{lead_time.median * 60:.1f} minutes from commit to production",
        "waiting for approval": f"{decision.median * 3600:.0f} seconds",
        "waiting now": own.waiting,
        "drifts": own.drifts,
        "retrainings": own.retrainings,
    }
