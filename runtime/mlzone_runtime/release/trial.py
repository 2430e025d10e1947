"""Tries a release on production's own requests, beside the release that serves (DEP-03).

In a shadow test it is asked copies of the requests and answers nobody; in an A/B test it answers a
part of the callers. It leaves when enough is seen, when it fails too often, and when time is up;
the release that serves stays the same all the while.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from mlzone_runtime.analyzer.capture import CHALLENGER
from mlzone_runtime.handlers.platform_event import setting
from mlzone_runtime.release.captured import CapturedRequests
from mlzone_runtime.release.comparison import Comparison, Difference
from mlzone_runtime.release.deploy import Deployer
from mlzone_runtime.release.document import Release
from mlzone_runtime.release.hold import hold_of
from mlzone_runtime.release.verify import ServiceLevel

CHANGE = "VariantsChange"
"""The parameter that says that an update begins or ends a trial."""

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 2.0, 30.0
_LONGER = 1.5
_FEW = 5
"""So many failures may be chance."""
_MINUTE = timedelta(minutes=1)
_MILLISECOND = 1000
"""SageMaker gives latencies in microseconds."""

Talk = Callable[[str], None]


class TrialError(Exception):
    """A release did not pass its trial; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How long a release is tried, and what it must not do meanwhile."""

    mode: Literal["shadow", "ab-test"]
    requests: int
    """It ends once so many answers were compared."""
    hours: float
    """At latest then."""
    difference_percent: float
    """So far the answers may be apart."""
    level: ServiceLevel
    """What callers can expect."""

    @classmethod
    def of_environment(cls, level: ServiceLevel) -> "Rules":
        """Read them from the settings of the CodeBuild project.

        Raises:
            EventError: a setting is missing.
        """
        mode = setting("MLZONE_TRIAL_MODE")
        return cls(
            mode="shadow" if mode == "shadow" else "ab-test",
            requests=int(setting("MLZONE_TRIAL_REQUESTS")),
            hours=float(setting("MLZONE_TRIAL_HOURS")),
            difference_percent=float(setting("MLZONE_TRIAL_DIFFERENCE_PERCENT")),
            level=level,
        )


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What was seen."""

    difference: Difference
    failed: int
    asked: int
    p95_latency_ms: float

    @property
    def error_rate_percent(self) -> float:
        """Share of the requests that failed, in percent."""
        return _share(self.failed, self.asked)

    def facts(self, rules: Rules) -> dict[str, Any]:
        """Return the figures beside their limits."""
        return {
            "mode": rules.mode,
            "requests": self.difference.requests,
            "difference_percent": round(self.difference.percent, 2),
            "difference_limit_percent": rules.difference_percent,
            **(
                {"difference_by_chance_percent": round(self.difference.margin, 2)}
                if self.difference.margin
                else {}
            ),
            "error_rate_percent": round(self.error_rate_percent, 3),
            "error_rate_limit_percent": rules.level.error_rate_percent,
            "p95_latency_ms": round(self.p95_latency_ms, 1),
            "p95_latency_limit_ms": rules.level.p95_latency_ms,
        }

    def text(self, rules: Rules) -> str:
        """Return a sentence for whoever decides."""
        return (
            f"{self.difference.requests} requests, answers {self.difference.percent:.2f} % apart "
            f"(limit {rules.difference_percent:g}), {self.error_rate_percent:g} % failed (limit "
            f"{rules.level.error_rate_percent:g}), p95 {self.p95_latency_ms:.0f} ms (limit "
            f"{rules.level.p95_latency_ms:g})"
        )


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One release beside another."""

    release: Release
    stack: str
    """The model's Serving stack."""
    endpoint: str
    champion: str
    """The variant that serves."""
    deployer: Deployer
    cloudwatch: Any
    captured: Callable[[datetime], CapturedRequests]
    """Reads what the endpoint captures from a moment on."""
    talk: Talk = print
    first_pause: float = FIRST_PAUSE_SECONDS

    def run(self, rules: Rules) -> Outcome:
        """Try the release, and take it out again.

        Args:
            rules: how long, and what it must not do.

        Returns:
            What was seen, which is within the rules.

        Raises:
            TrialError: it broke a rule, or too little was seen in time.
            DeploymentError: it does not start, or does not leave.
        """
        parameters = self.release.serving_parameters()
        try:
            self.deployer.update(self.stack, moved(parameters))
            outcome = self._watched(rules)
        finally:
            end_trial(self.deployer, self.stack)
        _judge(outcome, rules)
        return outcome

    def _watched(self, rules: Rules) -> Outcome:
        """Look on until enough was seen."""
        began = datetime.now(UTC)
        captured = self.captured(began)
        comparison = Comparison(
            paired=rules.mode == "shadow", relative=self.release.answers != "probability"
        )
        end = time.monotonic() + rules.hours * 3600
        pause = self.first_pause
        told = -1
        while True:
            for record in captured.new(self.champion):
                comparison.add_champion(record.rows, record.answers)
            for record in captured.new(CHALLENGER):
                comparison.add_challenger(record.rows, record.answers)
            difference = comparison.difference()
            if difference.requests != told:
                told = difference.requests
                self.talk(f"{told} of {rules.requests} requests compared")
            self._stop_if_nothing_serves()
            self._stop_if_it_fails(began, rules)
            if difference.requests >= rules.requests:
                break
            if time.monotonic() > end:
                raise TrialError(
                    f"within {rules.hours:g} hours {difference.requests} answers could be compared;"
                    f" {rules.requests} are wanted (serving.trial.requests)"
                )
            time.sleep(pause)
            pause = min(pause * _LONGER, LONGEST_PAUSE_SECONDS)
        return Outcome(
            difference=difference,
            asked=int(self._figure("Invocations", "Sum", began)),
            failed=int(self._figure("Invocation5XXErrors", "Sum", began)),
            p95_latency_ms=self._figure("ModelLatency", "p95", began) / _MILLISECOND,
        )

    def _stop_if_nothing_serves(self) -> None:
        if hold := hold_of(self.deployer.describe(self.stack)):
            raise TrialError(f"the model was taken out of service meanwhile ({hold.text})")

    def _stop_if_it_fails(self, began: datetime, rules: Rules) -> None:
        failed = self._figure("Invocation5XXErrors", "Sum", began)
        if failed < _FEW:
            return
        _judge_failures(failed, self._figure("Invocations", "Sum", began), rules.level)

    def _figure(self, metric: str, statistic: str, since: datetime) -> float:
        """Return a figure of the variant on trial; 0 where nothing was measured."""
        start, end = since.replace(second=0, microsecond=0), datetime.now(UTC) + _MINUTE
        percentile = statistic.startswith("p")
        points = self.cloudwatch.get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName=metric,
            Dimensions=[
                {"Name": "EndpointName", "Value": self.endpoint},
                {"Name": "VariantName", "Value": CHALLENGER},
            ],
            StartTime=start,
            EndTime=end,
            Period=(int((end - start).total_seconds()) // 60 + 1) * 60,
            **({"ExtendedStatistics": [statistic]} if percentile else {"Statistics": [statistic]}),
        )["Datapoints"]
        if percentile:
            return max((float(item["ExtendedStatistics"][statistic]) for item in points), default=0)
        return sum(float(item[statistic]) for item in points)


def nothing_to_compare_with(stack: Mapping[str, Any], release: Release) -> str:
    """Return why a release cannot be tried beside another; empty if it can.

    Args:
        stack: CloudFormation's description of the model's Serving stack.
        release: what would be tried.
    """
    if hold := hold_of(stack):
        return f"not tried: the model is out of service ({hold.text})"
    parameters = {item["ParameterKey"]: item["ParameterValue"] for item in stack["Parameters"]}
    serving = parameters.get("Release", "")
    if serving in ("", release.release):
        return f"not tried: {'it serves already' if serving else 'no release serves yet'}"
    return ""


def end_trial(deployer: Deployer, stack: str) -> bool:
    """Take a release on trial out again, if there is one; tell whether there was.

    What parameters of a release on trial begin with is the name of its variant, too.

    Raises:
        DeploymentError: it does not leave.
    """
    before = deployer.parameters(stack)
    if not before.get(f"{CHALLENGER}Release"):
        return False
    names = [name for name in before if name.startswith(CHALLENGER)]
    deployer.update(stack, {**dict.fromkeys(names, ""), CHANGE: "yes"})
    return True


def moved(parameters: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters that bring a release beside the one that serves."""
    return {**{f"{CHALLENGER}{name}": value for name, value in parameters.items()}, CHANGE: "yes"}


def _judge(outcome: Outcome, rules: Rules) -> None:
    level = rules.level
    if not math.isfinite(outcome.difference.percent):
        raise TrialError("some of the answers are no numbers: they cannot be compared")
    if outcome.difference.exceeds(rules.difference_percent):
        raise TrialError(
            f"its answers are {outcome.difference.percent:.2f} % from those of the release that "
            f"serves; {rules.difference_percent:g} % are allowed "
            "(serving.trial.max_difference_percent)"
        )
    _judge_failures(outcome.failed, outcome.asked, level)
    if outcome.p95_latency_ms > level.p95_latency_ms:
        raise TrialError(
            f"95 % of {outcome.asked} requests took up to {outcome.p95_latency_ms:.0f} ms; the "
            f"service level allows {level.p95_latency_ms:g} ms"
        )


def _judge_failures(failed: float, asked: float, level: ServiceLevel) -> None:
    share = _share(failed, asked)
    if share > level.error_rate_percent:
        raise TrialError(
            f"{share:.2f} % of {asked:.0f} requests failed; the service level allows "
            f"{level.error_rate_percent:g} %"
        )


def _share(failed: float, asked: float) -> float:
    """Return a share in percent."""
    return 100 * failed / asked if asked else 0.0
