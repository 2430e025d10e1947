"""Makes the parts that are not remembered, in as many processes as the machine has cores."""

import os
import tempfile
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from mlzone.errors import LandingZoneError
from mlzone.estate import Estate
from mlzone.planning import planned_stacks
from mlzone_tools.services.assembly import store
from mlzone_tools.services.assembly.app import run_app
from mlzone_tools.services.assembly.part import MANIFEST, REPORT, Frame, Part, split

_FEWEST = 12
"""A process takes as long to start as this number of stacks to synthesize."""
_MOST = 256
"""So many stacks at once take about half a gigabyte."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """What an assembly is made from."""

    estate: Estate
    location: Path
    """The estate's folder or file."""
    code: Path | None
    """The folder of another revision's code; None for the code that runs."""
    code_digest: str


def parts_of(
    source: Source,
    names: Collection[str],
    *,
    jobs: int | None = None,
    talk: Callable[[str], None] = lambda _: None,
) -> tuple[Frame, dict[str, Part]]:
    """Return some stacks of an estate, synthesized; what is remembered is not made again.

    Args:
        source: estate and code.
        names: the stacks; each must be one of the estate's.
        jobs: how many processes at once; the number of cores unless given.
        talk: is told how far it is.

    Raises:
        LandingZoneError: the app failed for another reason than a finding.
    """
    keys = store.keys_of(source.estate, source.code_digest)
    wanted = [stack.name for stack in planned_stacks(source.estate) if stack.name in names]
    frame_key = store.frame_key(source.code_digest)
    frame = store.read_frame(frame_key)
    known = {name: store.read_part(keys[name]) for name in wanted}
    missing = [name for name, part in known.items() if part is None]
    if frame is None:
        missing = missing or wanted[:1]
    parts = {name: part for name, part in known.items() if part is not None}
    if missing:
        shares = _shares(missing, jobs or os.cpu_count() or 1)
        with ThreadPoolExecutor(max_workers=min(len(shares), jobs or os.cpu_count() or 1)) as pool:
            done = 0
            for future in as_completed([pool.submit(_make, source, share) for share in shares]):
                frame, made = future.result()
                for name, part in made.items():
                    store.write_part(keys[name], part)
                parts |= made
                done += len(made)
                talk(f"synthesized {done} of {len(missing)} stacks")
        store.tidy()
    assert frame is not None  # noqa: S101 - it was read, or something was made
    if missing:
        store.write_frame(frame_key, frame)
    return frame, {name: parts[name] for name in wanted}


def _make(source: Source, names: Sequence[str]) -> tuple[Frame, dict[str, Part]]:
    with tempfile.TemporaryDirectory(prefix="mlzone-synth-") as temporary:
        folder = Path(temporary) / "assembly"
        said = run_app(
            folder, {"estate": str(source.location), "stacks": ",".join(names)}, source.code
        )
        if not (folder / MANIFEST).exists() or not (folder / REPORT).exists():
            raise failure(said)
        frame, parts = split(folder, names)
        store.keep_assets(folder, (asset for part in parts.values() for asset in part.assets))
    return frame, parts


def _shares(names: Sequence[str], jobs: int) -> list[list[str]]:
    """Deal stacks out: neighbours to different processes, since they are of one kind."""
    count = max(min(jobs, len(names) // _FEWEST), -(-len(names) // _MOST), 1)
    return [list(names[index::count]) for index in range(count)]


def failure(output: str) -> LandingZoneError:
    """Return the app's own error, without the traceback around it."""
    lines = [line for line in output.splitlines() if line.strip()]
    last = lines[-1] if lines else "it said nothing"
    name, _, message = last.partition(": ")
    text = message if name.rsplit(".", 1)[-1].endswith("Error") and message else last
    return LandingZoneError(f"synthesis failed: {text}", hint="run `mlzone validate` first")
