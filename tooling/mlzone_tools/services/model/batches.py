"""Has a model that answers once a day answer for days that it was not asked about, or again."""

import json
import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError

from mlzone.errors import ConfigError, DeploymentError
from mlzone.estate import Estate, Stage
from mlzone.naming import Naming
from mlzone_runtime.batch.begin import NO_INPUT
from mlzone_runtime.caller import proof
from mlzone_tools.cloud.denial import denials
from mlzone_tools.cloud.session import Session

_LONGEST_SECONDS = 900
"""A function may take so long to prepare a day."""
_PAUSE_SECONDS = 1.0
_DAY = re.compile(r"\d{8}-")
MOST_DAYS = 366
"""So many days at once: a typing error does not ask for a century."""


@dataclass(frozen=True, kw_only=True)
class Day:
    """What became of a day."""

    day: str
    state: str
    """Completed, Failed, Stopped, or NoInput."""
    job: str
    """The transform job that answered; empty if none did."""
    new: bool
    """Whether it was started now; otherwise the same was asked before."""
    results: str
    """S3 URI of the answers, or an empty text."""
    reason: str
    """Why it failed, or an empty text."""

    @property
    def failed(self) -> bool:
        """Whether the day was asked about and has no answers."""
        return self.state not in ("Completed", NO_INPUT)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One time that a model was asked about a day."""

    day: str
    state: str
    """SageMaker's status of the job."""
    release: str
    """The release that answered."""
    job: str
    began: datetime
    results: str
    """S3 URI of the answers."""
    reason: str
    """Why it failed, or an empty text."""


def asked(
    session: Session, estate: Estate, model: str, stage: Stage, *, most: int
) -> tuple[Asked, ...]:
    """Return what a model was asked by the day, newest first; tests of releases left out.

    Args:
        session: may describe transform jobs in the environment.
        estate: declares the model.
        model: `unit/model`, or the model's name where it is unique.
        stage: the environment.
        most: so many at most.

    Raises:
        ConfigError: the model has an endpoint.
    """
    naming, unit, chosen = _with_batches(estate, model)
    prefix = f"{naming.batch_jobs(unit, chosen, stage)}-"
    sagemaker = session.client("sagemaker")
    pages = sagemaker.get_paginator("list_transform_jobs").paginate(
        NameContains=prefix, SortBy="CreationTime", SortOrder="Descending"
    )
    names = (
        str(item["TransformJobName"])
        for page in pages
        for item in page["TransformJobSummaries"]
        if _DAY.match(item["TransformJobName"].removeprefix(prefix))
    )
    return tuple(_asked(sagemaker, name, prefix) for name in islice(names, most))


def _asked(sagemaker: Any, name: str, prefix: str) -> Asked:
    found = sagemaker.describe_transform_job(TransformJobName=name)
    return Asked(
        day=date.fromisoformat(name.removeprefix(prefix)[:8]).isoformat(),
        state=found["TransformJobStatus"],
        # Its model's name ends in the release, such as `v3-1f0c2a`.
        release="-".join(found["ModelName"].rsplit("-", 2)[-2:]),
        job=name,
        began=found["CreationTime"],
        results=found["TransformOutput"]["S3OutputPath"],
        reason=found.get("FailureReason", ""),
    )


def _with_batches(estate: Estate, model: str) -> tuple[Naming, str, str]:
    """Return what names a model's batches: the names, its unit, and the model's own.

    Raises:
        ConfigError: it has an endpoint.
    """
    unit, _, chosen = estate.model(model)
    if chosen.serving.batch is None:
        raise ConfigError(
            f"{model} answers at any time; it has no batches",
            hint="a model with serving.batch answers once a day",
        )
    return Naming(prefix=estate.organization.prefix), unit.name, chosen.name


def days(first: date, last: date) -> tuple[str, ...]:
    """Return the days of a range, both ends included.

    Raises:
        ConfigError: it is upside down, or too long.
    """
    count = (last - first).days + 1
    if not 1 <= count <= MOST_DAYS:
        raise ConfigError(
            f"from {first} to {last} are {max(count, 0)} days",
            hint=f"give the first day and then the last, at most {MOST_DAYS} days",
        )
    return tuple((first + timedelta(days=number)).isoformat() for number in range(count))


def backfill(
    session: Session,
    estate: Estate,
    model: str,
    stage: Stage,
    wanted: Sequence[str],
    *,
    at_once: int,
    talk: Callable[[str], None],
) -> tuple[Day, ...]:
    """Have a model answer for days, as the person of the session, and wait for the answers.

    A day whose records the same release has answered for is not asked about again; so a run that
    was cut off goes on where it stopped.

    Args:
        session: the person's, in the environment.
        estate: declares the model.
        model: `unit/model`, or the model's name where it is unique.
        stage: the environment.
        wanted: the days.
        at_once: so many are under way at the same time.
        talk: told how it goes.

    Raises:
        ConfigError: the model has an endpoint, or nothing serves.
        GovernanceError: the person may not.
        DeploymentError: the function failed.
    """
    naming, unit, chosen = _with_batches(estate, model)
    function = naming.batch_function(unit, chosen, stage)
    sagemaker = session.client("sagemaker")
    waiting, running, done = deque(wanted), dict[str, Day](), dict[str, Day]()
    while waiting or running:
        while waiting and len(running) < at_once:
            begun = _begin(session, function, waiting.popleft())
            if begun.state in ("InProgress", "Stopping"):
                talk(f"{begun.day}  {begun.job} {'has started' if begun.new else 'is under way'}")
                running[begun.job] = begun
            else:
                talk(_line(begun))
                done[begun.day] = begun
        for ended in _ended(sagemaker, running):
            talk(_line(ended))
            done[ended.day] = ended
            del running[ended.job]
        if running:
            time.sleep(_PAUSE_SECONDS)
    return tuple(done[day] for day in wanted)


def _begin(session: Session, function: str, day: str) -> Day:
    client = session.client(
        "lambda", config=Config(read_timeout=_LONGEST_SECONDS, retries={"total_max_attempts": 1})
    )
    request = {
        "day": day,
        "proof": proof(session.client("sts"), function, seconds=_LONGEST_SECONDS),
    }
    try:
        with denials(f"{day} is not asked about", hint="an engineer of the model's team may"):
            answer = client.invoke(FunctionName=function, Payload=json.dumps(request).encode())
    except ClientError as error:
        raise _refusal(error, day, function) from error
    said: dict[str, Any] = json.loads(answer["Payload"].read())
    if refused := said.get("refused"):
        raise ConfigError(f"{day} is not asked about: {refused}", hint="see: mlzone model show")
    if problem := said.get("errorMessage"):
        raise DeploymentError(
            f"{day} is not asked about: {problem}", hint=f"see the log /aws/lambda/{function}"
        )
    return Day(**said)


def _ended(sagemaker: Any, running: Mapping[str, Day]) -> Iterator[Day]:
    for job, day in tuple(running.items()):
        found = sagemaker.describe_transform_job(TransformJobName=job)
        status = found["TransformJobStatus"]
        if status not in ("InProgress", "Stopping"):
            yield replace(day, state=status, reason=found.get("FailureReason", ""))


def _line(day: Day) -> str:
    if day.state == NO_INPUT:
        return f"{day.day}  no input"
    before = "" if day.new or day.failed else " before"
    return f"{day.day}  {day.state}{before}  {day.reason or day.results}".rstrip()


def _refusal(error: ClientError, day: str, function: str) -> Exception:
    code, message = str(error.response["Error"]["Code"]), error.response["Error"]["Message"]
    if code.endswith("NotFoundException"):
        return ConfigError(
            f"there is no {function}", hint="deploy first: mlzone deploy UNIT; nothing was asked"
        )
    return DeploymentError(f"{day} is not asked about: {message}")
