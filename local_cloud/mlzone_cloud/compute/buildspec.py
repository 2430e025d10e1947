"""CodeBuild's build specification, version 0.2.

Source: AWS CodeBuild User Guide, "Build specification reference for CodeBuild".
"""

from dataclasses import dataclass, field
from typing import Any

import yaml

PHASES = ("install", "pre_build", "build", "post_build")
_SECTIONS = frozenset(
    {"version", "run-as", "env", "proxy", "batch", "phases", "reports", "artifacts", "cache"}
)
_VERSIONS = ("0.2",)
_YES = frozenset({"yes", "true"})


class BuildspecError(Exception):
    """The specification cannot be used; the message is worded as CodeBuild words it."""


@dataclass(frozen=True, kw_only=True)
class Phase:
    """The commands of one phase."""

    name: str
    commands: tuple[str, ...] = ()
    finally_commands: tuple[str, ...] = ()
    """Run after the commands, whether they succeeded or not."""
    on_failure: str = ""
    """`ABORT`, `CONTINUE`, or empty: what happens next depends on the phase."""


@dataclass(frozen=True, kw_only=True)
class OutputFiles:
    """Which files become an artefact."""

    files: tuple[str, ...]
    base_directory: str = ""
    discard_paths: bool = False
    exclude_paths: tuple[str, ...] = ()
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Buildspec:
    """A whole specification."""

    phases: tuple[Phase, ...]
    """All four, in order; one that is not in the text has no commands."""
    variables: dict[str, str] = field(default_factory=dict)
    parameter_store: dict[str, str] = field(default_factory=dict)
    secrets_manager: dict[str, str] = field(default_factory=dict)
    exported_variables: tuple[str, ...] = ()
    artifacts: OutputFiles | None = None
    secondary_artifacts: dict[str, OutputFiles] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    """Sections that the embedded cloud has no effect for."""


def parse(text: str) -> Buildspec:
    """Read a specification.

    Raises:
        BuildspecError: it is not YAML, of another version, or has something unknown in it.
    """
    try:
        # All scalars stay text, as CodeBuild takes them: `yes` is no boolean, `1.10` no number.
        document = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - plain text only
    except yaml.YAMLError as error:
        raise BuildspecError(f"Failed to parse the buildspec: {error}") from error
    document = _mapping(document, "the buildspec")
    if (version := document.get("version", "")) not in _VERSIONS:
        raise BuildspecError(f"unknown buildspec version: {version or 'none'}; use 0.2")
    if unknown := sorted(set(document) - _SECTIONS):
        raise BuildspecError(f"unknown sections in the buildspec: {', '.join(unknown)}")
    env = _mapping(document.get("env"), "env")
    artifacts = _mapping(document.get("artifacts"), "artifacts")
    return Buildspec(
        phases=_phases(_mapping(document.get("phases"), "phases")),
        variables=_texts(env.get("variables"), "env.variables"),
        parameter_store=_texts(env.get("parameter-store"), "env.parameter-store"),
        secrets_manager=_texts(env.get("secrets-manager"), "env.secrets-manager"),
        exported_variables=_list(env.get("exported-variables"), "env.exported-variables"),
        artifacts=_output_files(artifacts, "artifacts") if artifacts else None,
        secondary_artifacts={
            name: _output_files(_mapping(entry, name), f"artifacts.secondary-artifacts.{name}")
            for name, entry in _mapping(
                artifacts.get("secondary-artifacts"), "artifacts.secondary-artifacts"
            ).items()
        },
        ignored=tuple(
            name for name in ("run-as", "proxy", "batch", "reports") if document.get(name)
        ),
    )


def _phases(document: dict[str, Any]) -> tuple[Phase, ...]:
    if unknown := sorted(set(document) - set(PHASES)):
        raise BuildspecError(f"invalid phase name: {', '.join(unknown)}")
    found = []
    for name in PHASES:
        phase = _mapping(document.get(name), name)
        commands = _list(phase.get("commands"), f"phases.{name}.commands")
        on_failure = str(phase.get("on-failure", "")).upper()
        if on_failure not in ("", "ABORT", "CONTINUE"):
            raise BuildspecError(f"phases.{name}.on-failure is {on_failure}: ABORT or CONTINUE")
        found.append(
            Phase(
                name=name,
                commands=commands,
                finally_commands=_list(phase.get("finally"), f"phases.{name}.finally"),
                on_failure=on_failure,
            )
        )
    return tuple(found)


def _output_files(document: dict[str, Any], where: str) -> OutputFiles:
    return OutputFiles(
        files=_list(document.get("files"), f"{where}.files"),
        base_directory=str(document.get("base-directory", "")),
        discard_paths=str(document.get("discard-paths", "")).lower() in _YES,
        exclude_paths=_list(document.get("exclude-paths"), f"{where}.exclude-paths"),
        name=str(document.get("name", "")),
    )


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if not value:
        return {}
    if not isinstance(value, dict):
        raise BuildspecError(f"Expected {where} to be of map type: found {_kind(value)}")
    return value


def _texts(value: Any, where: str) -> dict[str, str]:
    found = _mapping(value, where)
    for name, item in found.items():
        if not isinstance(item, str):
            raise BuildspecError(
                f"Expected {where}.{name} to be of string type: found {_kind(item)}"
            )
    return found


def _list(value: Any, where: str) -> tuple[str, ...]:
    if not value:
        return ()
    if not isinstance(value, list):
        raise BuildspecError(f"Expected {where} to be of list type: found {_kind(value)}")
    for index, item in enumerate(value):
        if not isinstance(item, str):
            raise BuildspecError(
                f"Expected {where}[{index}] to be of string type: found {_kind(item)} instead"
            )
    return tuple(value)


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "subkeys"
    return "a list" if isinstance(value, list) else "text"
