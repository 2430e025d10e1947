"""Data capture: what an endpoint was asked and answered, as JSON Lines in S3.

Source of the record and of the keys: Amazon SageMaker AI Developer Guide, "Capture data from
real-time endpoint".
"""

import base64
import json
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from mlzone_cloud.sagemaker.storage import Storage, StorageError

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_STORE = "sagemaker.capture"
_MOST_RECORDS = 500
_LONGEST_WAIT = timedelta(seconds=5)
_EVERY = 100.0

Exchange = dict[str, Any]
"""A request with its answer: `input`, `output` (bytes), `input_type`, `output_type`, `id`."""
Settings = dict[str, Any]
"""A `DataCaptureConfig`."""


class Sampler:
    """Chooses requests evenly: of each hundred, as many as the percentage says."""

    def __init__(self) -> None:
        self._due = 0.0

    def takes(self, percentage: float) -> bool:
        """Tell whether the next request is captured."""
        self._due += percentage
        if self._due < _EVERY:
            return False
        self._due -= _EVERY
        return True


def keep(
    cloud: "Cloud",
    *,
    place: tuple[str, str, str, str],
    settings: Settings,
    role: str,
    exchange: Exchange,
) -> None:
    """Keep an exchange until it is written.

    Args:
        cloud: the cloud.
        place: account, Region, endpoint and variant.
        settings: the endpoint's capture settings.
        role: the model's role, which writes.
        exchange: what was asked and answered.
    """
    now = cloud.clock.now()
    target = {
        "destination": settings["DestinationS3Uri"],
        "key": settings.get("KmsKeyId", ""),
        "role": role,
    }
    line = json.dumps(_record(settings, exchange, now), separators=(",", ":"))
    with cloud.lock:
        waiting = cloud.store(_STORE).setdefault("|".join(place), [])
        waiting.append({**target, "time": now, "line": line})
    cloud.changed()


def flush_captures(cloud: "Cloud", account: str, region: str, endpoint: str) -> None:
    """Write what an endpoint has captured so far, as a monitor needs it."""
    _flush(cloud, lambda place, _: place[:3] == (account, region, endpoint))


def write_due(cloud: "Cloud", now: datetime) -> None:
    """Write what has waited long enough, or has become much; a ticker."""
    _flush(
        cloud,
        lambda _, waiting: (
            len(waiting) >= _MOST_RECORDS or now - waiting[0]["time"] >= _LONGEST_WAIT
        ),
    )


def write_all(cloud: "Cloud") -> None:
    """Write everything."""
    _flush(cloud, lambda _, __: True)


def _flush(cloud: "Cloud", wanted: Callable[[tuple[str, ...], list[dict[str, Any]]], bool]) -> None:
    taken = []
    with cloud.lock:
        store = cloud.stores.get((_STORE, "", ""), {})
        for name, waiting in list(store.items()):
            place = tuple(name.split("|"))
            if waiting and wanted(place, waiting):
                taken.append((place, waiting))
                del cloud.store(_STORE)[name]
    for place, waiting in taken:
        for uri, role, key, lines in _files(place, waiting):
            storage = Storage(cloud, account=place[0], region=place[1], role=role)
            try:
                storage.write(uri, "".join(f"{line}\n" for line in lines).encode(), key_id=key)
            except StorageError as error:
                # As in AWS, a request does not fail because its capture cannot be written.
                cloud.record_error(f"captured data was lost: {error}")
    if taken:
        cloud.changed()


def _files(
    place: tuple[str, ...], waiting: list[dict[str, Any]]
) -> Iterator[tuple[str, str, str, list[str]]]:
    """Yield URI, role, KMS key and lines of the files: one for each hour."""
    by_file: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for item in waiting:
        hour = item["time"].strftime("%Y/%m/%d/%H")
        by_file.setdefault((hour, item["destination"], item["role"], item["key"]), []).append(item)
    for (hour, destination, role, key), items in by_file.items():
        first = items[0]["time"]
        stamp = f"{first:%M-%S}-{first.microsecond // 1000:03d}"
        name = f"{place[2]}/{place[3]}/{hour}/{stamp}-{uuid.uuid4()}.jsonl"
        yield f"{destination.rstrip('/')}/{name}", role, key, [item["line"] for item in items]


def _record(settings: Settings, exchange: Exchange, now: datetime) -> dict[str, Any]:
    modes = {option["CaptureMode"] for option in settings["CaptureOptions"]}
    data = {}
    if modes & {"Input", "InputAndOutput"}:
        data["endpointInput"] = _side(settings, "INPUT", exchange["input"], exchange["input_type"])
    if modes & {"Output", "InputAndOutput"}:
        data["endpointOutput"] = _side(
            settings, "OUTPUT", exchange["output"], exchange["output_type"]
        )
    metadata = {
        "eventId": str(uuid.uuid4()),
        **({"inferenceId": exchange["id"]} if exchange["id"] else {}),
        "inferenceTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    if exchange.get("attributes"):
        metadata["customAttributes"] = [exchange["attributes"]]
    return {"captureData": data, "eventMetadata": metadata, "eventVersion": "0"}


def _side(settings: Settings, mode: str, body: bytes, content_type: str) -> dict[str, Any]:
    """Describe one direction; what is not declared to be text is in base64."""
    headers = settings.get("CaptureContentTypeHeader") or {}
    kind = content_type.split(";", 1)[0].strip().lower()
    encoding = "BASE64"
    if kind in [item.lower() for item in headers.get("CsvContentTypes") or ()]:
        encoding = "CSV"
    elif kind in [item.lower() for item in headers.get("JsonContentTypes") or ()]:
        encoding = "JSON"
    try:
        text = body.decode() if encoding != "BASE64" else base64.b64encode(body).decode()
    except UnicodeDecodeError:
        encoding, text = "BASE64", base64.b64encode(body).decode()
    return {"observedContentType": content_type, "mode": mode, "data": text, "encoding": encoding}
