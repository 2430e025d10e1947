"""`mlzone doctor` looks at the machine and says what to do."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def doctor(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("mlzone")
    return subprocess.run(
        [program, "doctor", *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


def test_a_prepared_machine_is_well():
    result = doctor("--json")

    health = {check["name"]: check["health"] for check in json.loads(result.stdout)}
    assert result.returncode == 0
    assert health["python"] == health["git"] == health["cdk"] == health["estate"] == "ok"


def test_what_is_missing_is_a_problem_with_advice(tmp_path: Path):
    result = doctor("--json", cwd=tmp_path)

    checks = {check["name"]: check for check in json.loads(result.stdout)}
    assert result.returncode == 1
    assert checks["cdk"]["health"] == checks["estate"]["health"] == "problem"
    assert checks["cdk"]["advice"] == "run `make setup`"
