"""What one stack contributes to a cloud assembly, and how assemblies are taken apart and joined."""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlzone.planning import PlannedStack

REPORT = "validation-report.json"
MANIFEST = "manifest.json"
_MARKER = "cdk.out"
_TRACES = ("stackTraces", "acknowledgedStackTrace")

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Part:
    """A stack, synthesized."""

    files: Mapping[str, str]
    """Its files by their names, whole."""
    artifacts: Json
    """Its entries in the manifest, without the stacks that must be there first: which of them
    there are is known when the parts are joined."""
    assets: tuple[str, ...]
    """The folders and files beside it that it uploads."""
    report: tuple[Json, ...]
    """What each pack of checks says of it."""

    def template(self, stack: str) -> Json:
        """Return its template."""
        content: Json = json.loads(self.files[f"{stack}.template.json"])
        return content


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What an assembly holds beside its stacks; it depends on the code alone."""

    manifest: Json
    """Versions of the assembly's form."""
    artifacts: Json
    """The entries that belong to no stack."""
    marker: str
    """The content of the file by which tools know an assembly."""
    report: Json
    """The head of the report."""


def split(folder: Path, names: Sequence[str]) -> tuple[Frame, dict[str, Part]]:
    """Take an assembly apart."""
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    report = json.loads((folder / REPORT).read_text(encoding="utf-8"))
    plugins = report.pop("pluginReports")
    artifacts = manifest.pop("artifacts")
    reports = _by_stack(plugins)
    parts = {}
    for name in names:
        own = {key: artifacts.pop(key) for key in (f"{name}.assets", name)}
        stack = dict(own[name])
        stack["dependencies"] = [f"{name}.assets"]
        files = {path.name: path.read_text(encoding="utf-8") for path in folder.glob(f"{name}.*")}
        parts[name] = Part(
            files=files,
            artifacts=own | {name: stack},
            assets=tuple(_assets(json.loads(files[f"{name}.assets.json"]), name)),
            report=tuple(reports.get(name, ())),
        )
    frame = Frame(
        manifest=manifest,
        artifacts=artifacts,
        marker=(folder / _MARKER).read_text(encoding="utf-8"),
        report=report | {"packs": [_head(plugin) for plugin in plugins]},
    )
    return frame, parts


def join(
    frame: Frame, stacks: Sequence[PlannedStack], parts: Mapping[str, Part], assets: Path, to: Path
) -> None:
    """Write an assembly as the CDK would have written it in one go.

    Args:
        frame: what belongs to no stack.
        stacks: the stacks, in the order of deployment.
        parts: by the stacks' names.
        assets: where their folders and files are.
        to: the folder; made.
    """
    to.mkdir(parents=True, exist_ok=True)
    there = {stack.name for stack in stacks}
    artifacts: Json = {}
    for stack in stacks:
        part = parts[stack.name]
        for name, text in part.files.items():
            (to / name).write_text(text, encoding="utf-8")
        for asset in part.assets:
            _copy(assets / asset, to / asset)
        first = [name for name in stack.after if name in there]
        own = part.artifacts[stack.name]
        artifacts |= part.artifacts | {
            stack.name: own | {"dependencies": [*first, *own["dependencies"]]}
        }
    order = [*frame.manifest]
    manifest = {order[0]: frame.manifest[order[0]], "artifacts": artifacts | frame.artifacts}
    manifest |= {key: frame.manifest[key] for key in order[1:]}
    _write_json(to / MANIFEST, manifest)
    (to / _MARKER).write_text(frame.marker, encoding="utf-8")
    _write_json(to / REPORT, report_of(frame, [parts[stack.name] for stack in stacks]))


def report_of(frame: Frame, parts: Iterable[Part]) -> Json:
    """Return what all packs say of some parts, in the form of the CDK's report."""
    head = dict(frame.report)
    found: dict[str, dict[str, dict[str, Json]]] = {}
    for part in parts:
        for plugin in part.report:
            kinds = found.setdefault(plugin["pluginName"], {})
            for kind in ("violations", "suppressedViolations"):
                for item in plugin.get(kind, ()):
                    _add(kinds.setdefault(kind, {}), item)
    plugins = []
    empty: Json = {"violations": [], "suppressedViolations": []}
    for pack in head.pop("packs"):
        kinds = found.get(pack["pluginName"], {})
        lists = {kind: list(items.values()) for kind, items in kinds.items()}
        conclusion = "failure" if lists.get("violations") else "success"
        plugins.append({**pack, "conclusion": conclusion, **empty, **lists})
    return head | {"pluginReports": plugins}


def _add(items: dict[str, Json], item: Json) -> None:
    rest = {key: value for key, value in item.items() if key != "violatingConstructs"}
    key = json.dumps(rest, sort_keys=True)
    items.setdefault(key, rest | {"violatingConstructs": []})
    items[key]["violatingConstructs"].extend(item["violatingConstructs"])


def _by_stack(plugins: Iterable[Json]) -> dict[str, list[Json]]:
    """Return each stack's part of what packs say."""
    found: dict[str, dict[str, Json]] = {}
    for plugin in plugins:
        name = plugin["pluginName"]
        # A pack that only warns lists what it found, and concludes with success.
        kinds = ["suppressedViolations"]
        kinds += ["violations"] if plugin["conclusion"] != "success" else []
        for kind in kinds:
            for stack, violation in _shares(plugin.get(kind, ())):
                own = found.setdefault(stack, {}).setdefault(name, {"pluginName": name})
                own.setdefault(kind, []).append(violation)
    return {stack: list(packs.values()) for stack, packs in found.items()}


def _shares(violations: Iterable[Json]) -> Iterator[tuple[str, Json]]:
    for violation in violations:
        rest = {
            key: value
            for key, value in violation.items()
            if key not in (*_TRACES, "violatingConstructs")
        }
        places: dict[str, list[Json]] = {}
        for place in violation.get("violatingConstructs", ()):
            shown = {key: value for key, value in place.items() if key not in _TRACES}
            places.setdefault(_stack_of(place), []).append(shown)
        for stack, here in places.items():
            yield stack, rest | {"violatingConstructs": here}


def _stack_of(place: Json) -> str:
    """Return the stack of a construct, or of the template that a finding is in."""
    file = place.get("templatePath") or place.get("cloudFormationResource", {}).get("templatePath")
    path = place.get("constructPath") or Path(file or "").name.removesuffix(".template.json")
    return str(path).partition("/")[0]


def _head(plugin: Json) -> Json:
    return {key: value for key, value in plugin.items() if key in ("pluginName", "pluginVersion")}


def _assets(manifest: Json, stack: str) -> Iterator[str]:
    for entry in manifest.get("files", {}).values():
        path = entry["source"]["path"]
        if path != f"{stack}.template.json":
            yield path


def _copy(source: Path, target: Path) -> None:
    if target.exists():
        return
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False), encoding="utf-8")
