"""Makes the part of a baseline that the monitors of quality, bias and explainability need."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlzone_runtime.analyzer import bias, explainability, fairness, model_quality
from mlzone_runtime.analyzer.baseline import SAMPLE, write_json
from mlzone_runtime.analyzer.evaluation import Evaluation, read_groups
from mlzone_runtime.analyzer.model import WatchedModel
from mlzone_runtime.analyzer.plain import read_training
from mlzone_runtime.analyzer.quality import measures
from mlzone_runtime.analyzer.settings import Settings

QUALITY_STATISTICS = "model_quality_statistics.json"
QUALITY_CONSTRAINTS = "model_quality_constraints.json"
BIAS_CONSTRAINTS = "bias_constraints.json"
EXPLAINABILITY_CONSTRAINTS = "explainability_constraints.json"


@dataclass(frozen=True)
class OutcomeBaseline:
    """What held-out records say of a model, written into a baseline's folder.

    Attributes:
        evaluation: Folder of held-out CSV files, with the outcomes and the groups' columns.
        groups: JSON file with the groups; none unless given.
        settings: Thresholds of the monitors.
    """

    evaluation: Path
    groups: Path | None
    settings: Settings

    def __call__(self, output: Path, model: WatchedModel) -> tuple[str, ...]:
        """Write the files; return their names.

        Raises:
            AnalysisError: The held-out records or the groups are not what they must be.
        """
        schema, groups = model.schema, read_groups(self.groups) if self.groups else ()
        held_out = Evaluation.make(self.evaluation, model, groups)
        names = held_out.save(output)
        # What was written is what monitors will read: rounded, and the same bytes each time.
        held_out = Evaluation.load(output)
        outcomes, answers = held_out.outcomes, held_out.probabilities
        found = measures(outcomes, answers, schema.threshold)
        statistics = model_quality.published(outcomes, answers, schema.threshold, found, {})
        write_json(output / QUALITY_STATISTICS, statistics)
        write_json(output / QUALITY_CONSTRAINTS, model_quality.constraints(found, self.settings))
        sides = bias.sides_of(outcomes, answers, held_out.members, schema)
        gaps = {name: fairness.gaps(side) for name, side in sides.items() if min(side.sizes)}
        write_json(output / BIAS_CONSTRAINTS, bias.analysis(gaps, held_out, schema))
        values = model.contributions(read_training(output / SAMPLE, schema.features))
        explained = explainability.analysis(
            schema, np.abs(values[:, :-1]), float(values[:, -1].mean())
        )
        write_json(output / EXPLAINABILITY_CONSTRAINTS, explained)
        return (
            *names,
            QUALITY_STATISTICS,
            QUALITY_CONSTRAINTS,
            BIAS_CONSTRAINTS,
            EXPLAINABILITY_CONSTRAINTS,
        )
