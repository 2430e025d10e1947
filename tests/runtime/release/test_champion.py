"""Which release served well before: for what runs by itself, and for a person who goes further."""

from typing import Any

import pytest

from mlzone_runtime.release.champion import NoChampionError, champion


class Promotion:
    """A pipeline with executions that deployed, newest first."""

    def __init__(self, *executions: dict[str, Any]) -> None:
        self.executions = list(executions)

    def list_pipeline_executions(self, **request: Any) -> dict[str, Any]:
        assert request["filter"] == {"succeededInStage": {"stageName": "Deploy"}}
        return {"pipelineExecutionSummaries": self.executions}


def ran(name: str, release: str, *, status: str = "Succeeded", back_to: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {
        "pipelineExecutionId": name,
        "status": status,
        "sourceRevisions": [{"revisionId": release}],
    }
    if back_to:
        found["executionType"] = "ROLLBACK"
        found["rollbackMetadata"] = {"rollbackTargetPipelineExecutionId": back_to}
    return found


HISTORY = [ran("e3", "v3"), ran("e2", "v2"), ran("e1", "v1")]


@pytest.mark.parametrize(
    ("executions", "found"),
    [
        (HISTORY, "e2"),
        ([ran("e4", "v2", back_to="e2"), *HISTORY], "e1"),
        # What failed its verification never served well.
        ([ran("e3", "v3"), ran("e2", "v2", status="Failed"), ran("e1", "v1")], "e1"),
        # A new release after a rollback: what was rolled back to served well before it.
        ([ran("e5", "v4"), ran("e4", "v2", back_to="e2"), *HISTORY], "e2"),
    ],
)
def test_a_person_goes_back_one_good_release_each_time(
    executions: list[dict[str, Any]], found: str
) -> None:
    assert champion(Promotion(*executions), "p", again=True) == found


def test_what_failed_goes_back_only_while_it_serves() -> None:
    assert champion(Promotion(*HISTORY), "p", again=False, serving="e3") == "e2"
    with pytest.raises(NoChampionError, match="another release was deployed since"):
        champion(Promotion(*HISTORY), "p", again=False, serving="e2")


@pytest.mark.parametrize(
    ("executions", "again", "reason"),
    [
        ([], True, "no promotion deployed anything yet"),
        ([ran("e1", "v1")], True, "no release served before"),
        ([ran("e2", "v1", back_to="e1"), ran("e1", "v1")], True, "no release served before"),
        ([ran("e4", "v2", back_to="e2"), *HISTORY], False, "it fell back already"),
    ],
)
def test_where_there_is_none_the_reason_is_said(
    executions: list[dict[str, Any]], again: bool, reason: str
) -> None:
    with pytest.raises(NoChampionError, match=reason):
        champion(Promotion(*executions), "p", again=again)
