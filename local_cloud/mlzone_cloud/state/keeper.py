"""Saves what changed, and brings a saved state back."""

import hashlib
import json
import os
import shutil
import sys
import threading
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlzone_cloud.errors import SeedError
from mlzone_cloud.state import bodies, moto_state, pickling, tracking

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

MANIFEST = "manifest.json"
_FORMAT = 3
_QUIET_SECONDS = 0.25
_CORE = "core"
_CALLERS = "callers"


class Keeper:
    """The keeper of one cloud's state, in `state` under its folder."""

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud
        self._folder = cloud.state_dir / "state"
        self._partitions = self._folder / "partitions"
        self._files: dict[str, str] = {}
        """Partition to the name of its valid file."""
        self._callers: dict[str, bytes] = {}
        """Access keys to who uses them, in writing: no caller ever changes."""
        self._callers_changes = -1
        self._committing = threading.Lock()
        self._requested = 0
        self._committed = 0
        self._wake = threading.Event()
        self._sweep = False
        self._moving: set[tuple[str, str, str]] = set()
        """The stores that background work held the last time."""
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        self._partitions.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        bodies.install(self._folder / "objects")
        self._touched = tracking.Touched()

    # --- loading ----------------------------------------------------------------------------

    def load(self) -> bool:
        """Bring back a saved state; tell whether there was one.

        Raises:
            SeedError: somebody else's or another version's files, or damaged ones.
        """
        path = self._folder / MANIFEST
        if not path.exists():
            return False
        hint = f"start afresh with `mlzone cloud reset`, or remove {self._folder}"
        if path.stat().st_uid != os.getuid():
            raise SeedError(f"the saved state {path} belongs to another user; {hint}")
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
            written_by, self._files = manifest["header"], manifest["partitions"]
        except (ValueError, KeyError, TypeError) as error:
            raise SeedError(f"the saved state {path} is damaged ({error!r}); {hint}") from error
        if written_by != _header():
            raise SeedError(f"the saved state was written by {written_by}, not {_header()}; {hint}")
        try:
            with tracking.reading():
                for partition, name in self._files.items():
                    self._restore(partition, self._read(name))
        except Exception as error:
            raise SeedError(f"the saved state cannot be read ({error!r}); {hint}") from error
        self._remove_stale()
        bodies.remove_unused()
        return True

    def _read(self, name: str) -> Any:
        data = (self._partitions / name).read_bytes()
        if hashlib.sha256(data).hexdigest()[:24] != name:
            raise ValueError(f"partition {name} does not hold what was written")
        return pickling.load(data)

    def _restore(self, partition: str, content: Any) -> None:
        cloud = self._cloud
        kind, *name = partition.split("|")
        if kind == "moto":
            backend = moto_state.empty_backend((name[0], name[1], name[2], name[3]))
            backend.__dict__.clear()
            backend.__dict__.update(content)
        elif kind == "store":
            cloud.store(name[0], name[1], name[2]).update(content)
        elif kind == _CALLERS:
            cloud.identities.callers.update(
                {key: pickling.load(caller) for key, caller in content.items()}
            )
        else:
            cloud.clock.offset = content["offset"]
            cloud.organization_id, cloud.home_region, cloud.management_account = content["seed"]
            moto_state.restore_side_tables(content["side_tables"])

    def _remove_stale(self) -> None:
        valid = set(self._files.values())
        for path in self._partitions.iterdir():
            if path.name not in valid:
                path.unlink()

    # --- saving -----------------------------------------------------------------------------

    def start(self) -> None:
        """Save everything, and from now on what changes."""
        self._moving = set(self._cloud.stores)
        if not self._files:
            for backend in moto_state.backends():
                self._touched.add(backend)
        self.commit(everything=True)
        self._cloud.keeper = self
        self._thread.start()

    def request(self) -> None:
        """Ask for a commit soon, of everything that background work may have changed."""
        self._wake.set()

    def commit(self, *, everything: bool = False) -> None:
        """Save what changed; returns when it is saved.

        Callers that come while another commit runs share the next one.

        Args:
            everything: save also the stores that background work holds and may have changed
                without taking them out again.
        """
        if everything:
            self._sweep = True
            self._cloud.identities.forget_expired(self._cloud.clock.now())
        self._requested += 1
        wanted = self._requested
        with self._committing:
            if self._committed >= wanted:
                return
            covered = self._requested
            self._commit()
            self._committed = covered

    def stop(self) -> None:
        """Save everything a last time and stop."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self.commit(everything=True)

    def remove(self) -> None:
        """Remove what was saved; the manifest first, so that half a removal is none."""
        (self._folder / MANIFEST).unlink(missing_ok=True)
        shutil.rmtree(self._folder)

    def _run(self) -> None:
        while not self._stopping:
            self._wake.wait()
            if self._stopping:
                return
            time.sleep(_QUIET_SECONDS)
            self._wake.clear()
            started = time.monotonic()
            try:
                self.commit(everything=True)
            except Exception as error:  # noqa: BLE001
                self._cloud.record_error(f"state was not saved: {error!r}")
            # Saving must not take more than a tenth of the time.
            time.sleep(min(9 * (time.monotonic() - started), 5))

    def _commit(self) -> None:
        dumped = self._collect()
        replaced: list[str] = []
        for partition, data in dumped.items():
            name = hashlib.sha256(data).hexdigest()[:24]
            if self._files.get(partition) == name:
                continue
            if partition in self._files:
                replaced.append(self._files[partition])
            _write(self._partitions / name, data)
            self._files[partition] = name
        manifest = self._folder / MANIFEST
        content = json.dumps({"header": _header(), "partitions": self._files})
        temporary = manifest.with_suffix(".tmp")
        _write(temporary, content.encode())
        temporary.replace(manifest)
        valid = set(self._files.values())
        for name in replaced:
            if name not in valid:
                (self._partitions / name).unlink(missing_ok=True)

    def _collect(self) -> dict[str, bytes]:
        """Return what changed, as bytes, all of one moment."""
        cloud = self._cloud
        with cloud.lock, tracking.reading():
            touched = self._touched.take()
            stores = cloud.take_touched_stores()
            if self._sweep:
                self._sweep = False
                stores |= self._held()
            try:
                dumped = {
                    "|".join(("moto", *moto_state.name_of(backend))): pickling.dump(
                        backend.__dict__
                    )
                    for backend in touched
                }
                for key in stores:
                    if cloud.stores[key]:
                        dumped["|".join(("store", *key))] = _patiently(cloud.stores[key])
                    else:
                        self._files.pop("|".join(("store", *key)), None)
                if cloud.identities.changes != self._callers_changes:
                    self._callers_changes = cloud.identities.changes
                    dumped[_CALLERS] = pickling.dump(self._written_callers())
                dumped[_CORE] = _patiently(
                    {
                        "offset": cloud.clock.offset,
                        "seed": (
                            cloud.organization_id,
                            cloud.home_region,
                            cloud.management_account,
                        ),
                        "side_tables": moto_state.side_tables(),
                    }
                )
            except BaseException:
                for backend in touched:
                    self._touched.add(backend)
                self._sweep = True
                self._moving |= stores
                self._callers_changes = -1
                raise
        return dumped

    def _held(self) -> set[tuple[str, str, str]]:
        """Return the stores that background work may have changed since the last time."""
        resting = self._cloud.resting
        moving = {
            key
            for key, content in list(self._cloud.stores.items())
            if key[0] not in resting or not resting[key[0]](content)
        }
        # What has come to rest since is saved once more.
        held, self._moving = moving | self._moving, moving
        return held

    def _written_callers(self) -> dict[str, bytes]:
        known = self._callers
        self._callers = {
            key: known.get(key) or pickling.dump(caller)
            for key, caller in self._cloud.identities.callers.copy().items()
        }
        return self._callers


def _patiently(value: dict[str, Any]) -> bytes:
    """Write plain data that another thread may be adding to."""
    for _ in range(20):
        try:
            return pickling.dump(value)
        except RuntimeError:
            time.sleep(0.002)
    return pickling.dump(value)


def _header() -> dict[str, Any]:
    return {"format": _FORMAT, "moto": version("moto"), "python": list(sys.version_info[:2])}


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
