"""What the steps of the story share: the estate, the cloud, whose session acts."""

import csv
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from mlzone.errors import ConfigError
from mlzone.estate import BusinessUnit, Estate, Model, Stage, Team
from mlzone.naming import Naming
from mlzone_tools.cloud import embedded
from mlzone_tools.cloud.denial import is_denial
from mlzone_tools.cloud.session import Session
from mlzone_tools.demo.story import StepFailedError
from mlzone_tools.services import estate as estate_service
from mlzone_tools.services.model.delivery import Run
from mlzone_tools.services.model.registry import Version
from mlzone_tools.services.model.session_of import registry_session, stage_session

_PAUSE_SECONDS = 0.3


class Scene:
    """One run of the story, on an embedded cloud of its own."""

    def __init__(
        self, *, estate_path: Path, model: str, state: Path, port: int, talk: Callable[[str], None]
    ) -> None:
        self.estate_path = estate_path
        self.model_name = model
        self.state = state
        self.port = port
        self.talk = talk
        self.estate: Estate = estate_service.load(estate_path)
        self.unit, self.team, self.model = self._subject()
        self.naming = Naming(prefix=self.estate.organization.prefix)
        self.project = state.with_name(f"{state.name}-project")
        """The data scientist's project; of this run alone."""
        self.version: Version | None = None
        """The model version that the story follows."""
        self.runs: dict[Stage, tuple[Run, ...]] = {}
        """The runs of each environment's pipeline that are of before what is waited for."""
        self.artifacts: dict[str, str] = {}
        """Pages that go beside the report, by file name."""

    def _subject(self) -> tuple[BusinessUnit, Team, Model]:
        unit, team, model = self.estate.model(self.model_name)
        if len(unit.teams) < 2:  # noqa: PLR2004
            raise ConfigError(
                f"unit {unit.name} has one team alone", hint="the story needs two to tell apart"
            )
        if len(unit.approvers) < 2:  # noqa: PLR2004
            raise ConfigError(
                f"unit {unit.name} has one approver alone",
                hint="the story needs one for the version and another for production",
            )
        return unit, team, model

    @property
    def cloud(self) -> embedded.Endpoint:
        """The running embedded cloud."""
        return embedded.running(self.state)

    @property
    def author(self) -> str:
        """The data scientist of the story."""
        people = (*self.team.members.data_scientists, *self.team.members.lead_data_scientists)
        return people[0]

    def registry(self, person: str | None = None) -> Session:
        """Return a person's session in the registry's account, or the platform team's."""
        return registry_session(self.cloud, self.estate, person, self.unit.name)

    def stage(self, stage: Stage, person: str | None = None) -> Session:
        """Return a person's session in an environment, or the platform team's."""
        return stage_session(self.cloud, self.estate, self.unit.name, stage, person)

    def features(self) -> list[str]:
        """Return the features in the endpoint's order: the header of the baseline's sample."""
        registry = self.registry()
        package = registry.client("sagemaker").describe_model_package(
            ModelPackageName=self.known_version().arn
        )
        statistics = package["DriftCheckBaselines"]["ModelDataQuality"]["Statistics"]["S3Uri"]
        bucket, _, key = statistics.removeprefix("s3://").partition("/")
        sample = registry.client("s3").get_object(
            Bucket=bucket, Key=key.replace("statistics.json", "sample.csv")
        )
        header = sample["Body"].read().decode().splitlines()[0]
        return next(csv.reader([header]))

    def known_version(self) -> Version:
        """Return the version that the story follows.

        Raises:
            StepFailedError: nothing was registered yet.
        """
        if self.version is None:
            raise StepFailedError("no version is registered")
        return self.version


def must(holds: bool, problem: str) -> None:  # noqa: FBT001
    """Fail the step unless a claim holds."""
    if not holds:
        raise StepFailedError(problem)


def refused(attempt: Callable[[], Any], what: str) -> str:
    """Return AWS's words for the refusal of an attempt that must not succeed."""
    try:
        attempt()
    except ClientError as error:
        if not is_denial(error):
            raise StepFailedError(f"{what}: failed for another reason: {error}") from error
        return str(error.response["Error"]["Message"])
    raise StepFailedError(f"{what}: it was allowed")


def wait(check: Callable[[], Any], what: str, *, seconds: float = 60) -> Any:
    """Return what a check gives as soon as it gives something.

    Raises:
        StepFailedError: it never did.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = check()
        if found:
            return found
        time.sleep(_PAUSE_SECONDS)
    raise StepFailedError(f"{what}: not within {seconds:.0f} s")
