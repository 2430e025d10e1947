"""What was synthesized before is not synthesized again; what comes out is what the CDK writes."""

import filecmp
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mlzone_tools.services.assembly import store
from mlzone_tools.services.assembly.part import REPORT
from mlzone_tools.services.synthesis import Synthesis, synthesize

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "tests" / "plan"
OF_THE_TEAM = {f"sml-retail-{stage}-team-risk" for stage in ("dev", "staging", "prod")}


@pytest.fixture(autouse=True)
def _own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "FOLDER", tmp_path / "store")


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    path = tmp_path / "estate.yaml"
    path.write_text((SAMPLE / "estate.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "identity").symlink_to(SAMPLE / "identity")
    return path


def made(estate: Path, output: Path) -> tuple[Synthesis, int]:
    """Synthesize the team's stacks and the guardrails; return how many had to be made."""
    said: list[str] = []
    stacks = {"sml-guardrails", *OF_THE_TEAM}
    result = synthesize(output=output, estate=estate, stacks=stacks, talk=said.append)
    found = re.search(r"of (\d+) stacks", said[-1]) if said else None
    return result, int(found.group(1)) if found else 0


def change(estate: Path, old: str, new: str) -> None:
    text = estate.read_text(encoding="utf-8")
    assert old in text
    estate.write_text(text.replace(old, new, 1), encoding="utf-8")


def files(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        # The report is the CDK's in its form, without its traces of calls.
        if path.is_file() and path.name != REPORT:
            yield str(path.relative_to(folder))


def test_parts_from_several_processes_are_joined_to_what_the_cdk_writes(
    estate: Path, tmp_path: Path
):
    plain, joined, again = (tmp_path / name for name in ("plain", "joined", "again"))
    context = f'{{"estate": "{estate}", "business_unit": "retail"}}'
    subprocess.run(
        [sys.executable, "-P", "app.py"],
        cwd=ROOT,
        env={**os.environ, "CDK_OUTDIR": str(plain), "CDK_CONTEXT_JSON": context},
        capture_output=True,
        check=False,  # The sample has findings; its assembly is written all the same.
    )

    first = synthesize(output=joined, estate=estate, unit="retail", jobs=2)
    synthesize(output=again, estate=estate, unit="retail")

    assert len(first.stacks) > 10
    names = list(files(plain))
    assert names == list(files(joined)) == list(files(again))
    for other in (joined, again):
        assert filecmp.cmpfiles(plain, other, names, shallow=False)[1:] == ([], [])


def test_only_what_a_change_touches_is_made_again(estate: Path, tmp_path: Path):
    assert made(estate, tmp_path / "out")[1] == 4
    assert made(estate, tmp_path / "out")[1] == 0

    change(estate, "monthly_usd: 1000", "monthly_usd: 1200")

    assert made(estate, tmp_path / "out")[1] == 3


def test_findings_are_remembered_with_their_stack(estate: Path, tmp_path: Path):
    first, _ = made(estate, tmp_path / "out")
    second, again = made(estate, tmp_path / "out")

    assert again == 0
    assert not first.clean
    assert second.findings == first.findings


def test_a_waiver_is_heeded_at_once_by_the_stacks_that_it_can_match(estate: Path, tmp_path: Path):
    before, _ = made(estate, tmp_path / "out")
    waiver = (
        'waivers:\n  - rule: "AwsSolutions-IAM5[**]"\n    resource: sml-guardrails/**\n'
        "    reason: Auditors and FinOps read every setting of every account, and no data\n"
        "    owner: igor.teixeira\n    ticket: SEC-3\n"
        "    granted: 2026-01-01\n    expires: 2031-01-01\n"
    )
    change(estate, "waivers:\n", waiver)

    after, again = made(estate, tmp_path / "out")

    assert again == 1
    assert wildcards(before)
    assert not wildcards(after)


def wildcards(synthesis: Synthesis) -> list[str]:
    """Return where cdk-nag's wildcard rule finds something in the guardrails' stack."""
    return [
        item.construct
        for item in synthesis.findings
        if item.rule.startswith("AwsSolutions-IAM5")
        and item.construct.startswith("sml-guardrails/")
    ]


def test_what_cannot_be_read_in_the_store_is_made_again(estate: Path, tmp_path: Path):
    made(estate, tmp_path / "out")
    broken, *_ = store.FOLDER.glob("*.stack")
    broken.write_bytes(broken.read_bytes()[:100])

    assert made(estate, tmp_path / "out")[1] == 1


def test_other_code_makes_other_stacks(estate: Path, tmp_path: Path, monkeypatch):
    made(estate, tmp_path / "out")
    monkeypatch.setattr("mlzone_tools.services.synthesis.code_digest", lambda _: "other code")

    assert made(estate, tmp_path / "out")[1] == 4


def test_assets_are_kept_once_however_many_keep_them_at_once(tmp_path: Path):
    made = tmp_path / "assembly" / "asset.1"
    for number in range(200):
        file = made / f"{number}" / "file"
        file.parent.mkdir(parents=True)
        file.write_text("x", encoding="utf-8")

    with ThreadPoolExecutor(8) as pool:
        kept = [pool.submit(store.keep_assets, made.parent, ["asset.1"]) for _ in range(8)]
    for one in kept:
        one.result()

    assert [path.name for path in store.assets().iterdir()] == ["asset.1"]
    assert len(list((store.assets() / "asset.1").rglob("file"))) == 200
