"""The monitor of model quality: are the answers still as good as when the version was registered?

The baseline's metrics are those of its held-out records. A loss counts when it is large enough and
chance is ruled out, given the errors of both sides. What was lost is split in two parts that add
up: what the baseline's own relation of answers and outcomes leads to expect on the present cases,
which is the population's part; and the rest, a change of that relation: concept drift. How that is
reckoned is another matter for classes than for numbers.
"""

from mlzone_runtime.analyzer import class_quality, number_quality, quality_report, quality_wording
from mlzone_runtime.analyzer.baseline import CONSTRAINTS, STATISTICS
from mlzone_runtime.analyzer.cases import outcome_of, read_cases
from mlzone_runtime.analyzer.evaluation import Evaluation
from mlzone_runtime.analyzer.job import Job
from mlzone_runtime.analyzer.loss import violated
from mlzone_runtime.analyzer.model import ARCHIVE, read_schema
from mlzone_runtime.analyzer.result import Result, of_answers
from mlzone_runtime.analyzer.settings import Settings


def monitor(job: Job, settings: Settings) -> Result:
    """Compare the answers of a window with what became true.

    Raises:
        AnalysisError: A file of the baseline is not what it must be.
    """
    schema = read_schema(job.baseline / ARCHIVE)
    evaluation = Evaluation.load(job.baseline)
    cases = read_cases(job, schema, evaluation)
    outcome = outcome_of(cases, settings)
    kind = number_quality if schema.numeric else class_quality
    if schema.numeric and not outcome and not number_quality.enough(cases, schema):
        outcome = "too_few_records"
    verdict = kind.verdict(job, settings, schema, evaluation, cases, judged=not outcome)
    found = violated(verdict.losses)
    explanation = {
        **of_answers(
            job,
            settings,
            outcome=outcome or ("drift" if found else "no_drift"),
            limits=(kind.LIMIT,),
            records=cases.records,
            violations=len(found),
            effect=verdict.effect,
        ),
        "performance": dict(verdict.performance),
        "findings": list(verdict.findings),
    }
    explanation["sentences"] = quality_wording.sentences(explanation)
    return Result(
        explanation=explanation,
        violations=verdict.violations,
        left_out=cases.left_out,
        files={STATISTICS: verdict.statistics, CONSTRAINTS: verdict.constraints},
        page=quality_report.render(explanation),
        analysed=outcome not in {"no_records", "no_ground_truth"},
    )
