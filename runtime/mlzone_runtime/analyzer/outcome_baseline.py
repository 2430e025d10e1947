"""Makes the part of a baseline that the monitors of quality, bias and explainability need."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlzone_runtime.analyzer import (
    bias,
    class_quality,
    explainability,
    fairness,
    number_measure,
    number_quality,
)
from mlzone_runtime.analyzer.baseline import SAMPLE, write_json
from mlzone_runtime.analyzer.evaluation import Evaluation, read_groups
from mlzone_runtime.analyzer.model import WatchedModel
from mlzone_runtime.analyzer.plain import read_training
from mlzone_runtime.analyzer.quality import measures
from mlzone_runtime.analyzer.settings import Settings
from mlzone_runtime.tabular_schema import Schema

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
        answers: The held-out records' column of answers; the model is asked unless given.
    """

    evaluation: Path
    groups: Path | None
    settings: Settings
    answers: str = ""

    def __call__(self, output: Path, model: WatchedModel) -> tuple[str, ...]:
        """Write the files; return their names.

        Raises:
            AnalysisError: The held-out records or the groups are not what they must be.
        """
        schema, groups = model.schema, read_groups(self.groups) if self.groups else ()
        held_out = Evaluation.make(self.evaluation, model, groups, answers=self.answers)
        names = held_out.save(output)
        # What was written is what monitors will read: rounded, and the same bytes each time.
        held_out = Evaluation.load(output)
        judge = self._numbers if schema.numeric else self._classes
        values = model.contributions(read_training(output / SAMPLE, schema.features))
        explained = explainability.analysis(
            schema, np.abs(values[:, :-1]), float(values[:, -1].mean())
        )
        write_json(output / EXPLAINABILITY_CONSTRAINTS, explained)
        return (
            *names,
            *judge(output, held_out, schema),
            EXPLAINABILITY_CONSTRAINTS,
        )

    def _classes(self, output: Path, held_out: Evaluation, schema: Schema) -> tuple[str, ...]:
        outcomes, answers = held_out.outcomes, held_out.probabilities
        found = measures(outcomes, answers, schema.threshold)
        statistics = class_quality.published(outcomes, answers, schema.threshold, found, {})
        write_json(output / QUALITY_STATISTICS, statistics)
        write_json(output / QUALITY_CONSTRAINTS, class_quality.constraints(found, self.settings))
        sides = bias.sides_of(outcomes, answers, held_out.members, schema)
        gaps = {name: fairness.gaps(side) for name, side in sides.items() if min(side.sizes)}
        write_json(output / BIAS_CONSTRAINTS, bias.analysis(gaps, held_out, schema))
        return QUALITY_STATISTICS, QUALITY_CONSTRAINTS, BIAS_CONSTRAINTS

    def _numbers(self, output: Path, held_out: Evaluation, schema: Schema) -> tuple[str, ...]:
        known = number_quality.held_out(held_out, schema)
        found = number_measure.measures(known)
        statistics = number_quality.published(len(known.outcomes), found, {})
        write_json(output / QUALITY_STATISTICS, statistics)
        write_json(output / QUALITY_CONSTRAINTS, number_quality.constraints(found, self.settings))
        return QUALITY_STATISTICS, QUALITY_CONSTRAINTS
