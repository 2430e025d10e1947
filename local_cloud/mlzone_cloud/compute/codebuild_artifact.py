"""Uploads what a build has made, as its service role."""

import fnmatch
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from mlzone_cloud.compute.artifact_store import ArtifactStore, pack
from mlzone_cloud.compute.buildspec import Buildspec, OutputFiles
from mlzone_cloud.compute.codebuild_shell import BuildError


def texts(spec: Buildspec) -> tuple[str, ...]:
    """Return the texts of all outputs in which the shell fills in variables."""
    return tuple(
        text
        for output in (spec.artifacts, *spec.secondary_artifacts.values())
        if output
        for text in (output.base_directory, output.name, *output.files)
    )


def filled_in(spec: Buildspec, expanded: tuple[str, ...]) -> Buildspec:
    """Return the specification with the texts of `texts` as the shell filled them in."""
    rest = list(expanded)

    def take(output: OutputFiles) -> OutputFiles:
        base, name = rest.pop(0), rest.pop(0)
        files = tuple(rest.pop(0) for _ in output.files)
        return replace(output, base_directory=base, name=name, files=files)

    return replace(
        spec,
        artifacts=take(spec.artifacts) if spec.artifacts else None,
        secondary_artifacts={
            identifier: take(output) for identifier, output in spec.secondary_artifacts.items()
        },
    )


def upload(
    artifact: dict[str, Any],
    output: OutputFiles | None,
    source: Path,
    build: Mapping[str, Any],
    role: ArtifactStore,
) -> None:
    """Upload one artefact; `artifact` gets its location and digests.

    Raises:
        BuildError: no file matches, or the service role may not write.
    """
    if artifact["type"] == "NO_ARTIFACTS" or (output is None and artifact["type"] == "S3"):
        return
    if output is None:
        name = artifact.get("artifactIdentifier", "")
        raise BuildError("CLIENT_ERROR", f"the buildspec says no files for the artifact {name}")
    files = select(output, source)
    key_id = "" if artifact.get("encryptionDisabled") else build["encryptionKey"]
    try:
        if artifact["type"] == "CODEPIPELINE" or artifact.get("packaging") == "ZIP":
            bucket, key = _target(artifact, output, build)
            body = pack(files)
            role.put(bucket, key, body, kms_key=_own_key(key_id))
            artifact["sha256sum"] = hashlib.sha256(body).hexdigest()
            artifact["md5sum"] = hashlib.md5(body, usedforsecurity=False).hexdigest()
        else:
            bucket, key = _target(artifact, output, build)
            for name, path in files.items():
                role.put(bucket, f"{key}/{name}", path.read_bytes(), kms_key=_own_key(key_id))
    except ClientError as error:
        raise BuildError("CLIENT_ERROR", f"Error in UPLOAD_ARTIFACTS phase: {error}") from error
    artifact["location"] = f"arn:aws:s3:::{bucket}/{key}"


def _own_key(key_id: str) -> str:
    """Return the key, unless it is AWS's own, for which nobody needs a permission."""
    return "" if key_id.endswith("alias/aws/s3") else key_id


def _target(
    artifact: Mapping[str, Any], output: OutputFiles, build: Mapping[str, Any]
) -> tuple[str, str]:
    if artifact["type"] == "CODEPIPELINE":
        bucket, _, key = artifact["location"].removeprefix("arn:aws:s3:::").partition("/")
        return bucket, key
    name = artifact.get("name") or build["projectName"]
    if artifact.get("overrideArtifactName") and output.name:
        name = output.name
    identity = build["id"].split(":", 1)[1] if artifact.get("namespaceType") == "BUILD_ID" else ""
    parts = (artifact.get("path", "").strip("/"), identity, name.strip("/"))
    return artifact["location"], "/".join(part for part in parts if part)


def select(output: OutputFiles, source: Path) -> dict[str, Path]:
    """Return the files of an output, by their names in it.

    Raises:
        BuildError: the base folder does not exist, or nothing matches.
    """
    base = _base(output.base_directory, source)
    found: dict[str, Path] = {}
    for pattern in output.files:
        for path in _matching(base, pattern):
            inside = path.is_relative_to(base)
            name = str(path.relative_to(base)) if inside else str(path).lstrip("/")
            if any(fnmatch.fnmatch(name, skipped) for skipped in output.exclude_paths):
                continue
            found[path.name if output.discard_paths else name] = path
    if not found:
        raise BuildError(
            "CLIENT_ERROR",
            f"no matching artifact paths found: {', '.join(output.files) or 'no files are named'}",
        )
    return found


def _base(pattern: str, source: Path) -> Path:
    if not pattern or pattern == ".":
        return source
    if Path(pattern).is_absolute():
        candidates = [Path(pattern)]
    else:
        candidates = sorted(source.glob(pattern.rstrip("/")))
    folders = [path for path in candidates if path.is_dir()]
    if not folders:
        raise BuildError("CLIENT_ERROR", f"no matching base directory path found for {pattern}")
    return folders[0]


def _matching(base: Path, pattern: str) -> list[Path]:
    if Path(pattern).is_absolute():
        candidates = sorted(Path("/").glob(pattern.lstrip("/")))
    else:
        # A trailing `**` means files in CodeBuild, and only folders in Python.
        wanted = pattern + "/*" if pattern.endswith("**") else pattern
        candidates = sorted(base.glob(wanted))
    return [path for path in candidates if path.is_file()]
