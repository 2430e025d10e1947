"""Subprocesses of the cloud: their output, their limits, their end."""

import os
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mlzone_cloud.cloud import Cloud
from mlzone_cloud.compute import process

DEV, REGION = "111111111111", "sa-east-1"
LOG = process.LogTarget(DEV, REGION, "/jobs", "one")


def run(cloud: Cloud, folder: Path, code: str, **more: Any) -> process.Outcome:
    given: dict[str, Any] = {"timeout": timedelta(seconds=30), **more}
    return process.run(
        cloud,
        argv=[sys.executable, "-c", code],
        environment={**process.base_environment(), **given.pop("environment", {})},
        folder=folder,
        **given,
    )


def logged(cloud: Cloud) -> list[str]:
    logs = cloud.client("logs", account=DEV)
    events = logs.get_log_events(logGroupName="/jobs", logStreamName="one", startFromHead=True)
    return [event["message"] for event in events["events"]]


def ends(pid: int) -> bool:
    """Wait until a process has ended."""
    for _ in range(250):
        if not is_alive(pid):
            return True
        time.sleep(0.02)
    return False


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_its_output_goes_to_the_log_and_to_whoever_listens(cloud: Cloud, tmp_path: Path) -> None:
    heard: list[str] = []
    code = "import sys; print('one'); print('two', file=sys.stderr); sys.exit(3)"

    outcome = run(cloud, tmp_path, code, log=LOG, on_line=heard.append)

    assert (outcome.code, outcome.timed_out, outcome.stopped) == (3, False, False)
    assert outcome.tail == ("one", "two")
    assert heard == ["one", "two"]
    assert logged(cloud) == ["one", "two"]


def test_its_log_is_written_on_an_advanced_clock_too(cloud: Cloud, tmp_path: Path) -> None:
    cloud.clock.advance(timedelta(days=30))

    run(cloud, tmp_path, "print('later')", log=LOG)

    assert logged(cloud) == ["later"]


def test_many_lines_all_arrive_and_the_last_are_kept(cloud: Cloud, tmp_path: Path) -> None:
    outcome = run(cloud, tmp_path, "for i in range(2500): print(i)", log=LOG)

    groups = cloud.client("logs", account=DEV).filter_log_events(logGroupName="/jobs", limit=10000)
    assert [int(event["message"]) for event in groups["events"]] == list(range(2500))
    assert outcome.tail[-1] == "2499"
    assert len(outcome.tail) == process.TAIL_LINES


def test_it_sees_its_folder_as_home_and_nothing_of_our_aws_settings(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "somebody")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASECRET")
    code = "import os; print(os.environ['HOME'], os.getcwd(), *os.environ)"

    outcome = run(cloud, tmp_path, code, environment={"OWN": "1"})

    home, cwd, *names = outcome.tail[0].split()
    assert home == cwd == str(tmp_path)
    assert "OWN" in names
    assert {"AWS_PROFILE", "AWS_ACCESS_KEY_ID"}.isdisjoint(names)


def test_python_on_its_path_is_the_clouds_own(cloud: Cloud, tmp_path: Path) -> None:
    outcome = process.run(
        cloud,
        argv=["python", "-c", "import sys; print(sys.prefix)"],
        environment=process.base_environment(),
        folder=tmp_path,
        timeout=timedelta(seconds=30),
    )

    assert outcome.tail == (sys.prefix,)


_PARENT = (
    "import subprocess, sys, time\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    "print(child.pid, flush=True)\n"
)


def test_its_time_is_limited_and_its_children_end_with_it(cloud: Cloud, tmp_path: Path) -> None:
    code = _PARENT + "time.sleep(60)"

    outcome = run(cloud, tmp_path, code, timeout=timedelta(seconds=3))

    assert outcome.timed_out
    assert not outcome.succeeded
    assert ends(int(outcome.tail[0]))


def test_children_that_it_leaves_behind_are_ended(cloud: Cloud, tmp_path: Path) -> None:
    outcome = run(cloud, tmp_path, _PARENT)

    assert outcome.succeeded
    assert ends(int(outcome.tail[0]))


@pytest.mark.parametrize("by", ["somebody", "the end of the cloud"])
def test_it_can_be_stopped(cloud: Cloud, tmp_path: Path, by: str) -> None:
    stop = threading.Event()
    act = stop.set if by == "somebody" else cloud.stop

    outcome = run(
        cloud,
        tmp_path,
        "import time; print('started', flush=True); time.sleep(60)",
        stop=stop,
        on_line=lambda _: act(),
    )

    assert outcome.stopped
    assert not outcome.timed_out
    assert outcome.code < 0


def test_heavy_work_waits_for_its_turn(cloud: Cloud, tmp_path: Path) -> None:
    turns = max(2, os.cpu_count() or 2)
    running, most, lock = 0, 0, threading.Lock()

    def on_line(line: str) -> None:
        nonlocal running, most
        with lock:
            running += 1 if line == "in" else -1
            most = max(most, running)

    code = "import time; print('in', flush=True); time.sleep(0.1); print('out')"
    threads = [
        threading.Thread(
            target=run, args=(cloud, tmp_path, code), kwargs={"on_line": on_line, "heavy": True}
        )
        for _ in range(turns + 2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most <= turns


def test_a_program_that_does_not_exist_is_an_error(cloud: Cloud, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        process.run(
            cloud,
            argv=["there-is-no-such-program"],
            environment=process.base_environment(),
            folder=tmp_path,
            timeout=timedelta(seconds=5),
        )
