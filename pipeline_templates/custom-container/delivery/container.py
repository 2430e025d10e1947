"""The project's own image: the platform's, and one layer on top. No container engine is needed.

The image holds what the platform's image `tabular` holds, at the digest at which the build found
it, and what `delivery.layer` makes. It goes into the model's own repository, and jobs and endpoint
name it by its digest. `Dockerfile` says the same for those who have Docker.
"""

import copy
import json
from typing import Any

from delivery import images, layer
from delivery.bundle import Bundle
from delivery.layer import Layer, digest_of
from delivery.parameter import BuildError
from delivery.registry import Manifest, Repository

BRINGS_PROGRAM = True
"""Whether the image holds the steps; the jobs get them as an input unless it does."""
_OWN = ("training", "processing", "inference")
_PATH = "PYTHONPATH"


def pinned(session: Any, delivery: dict[str, Any], code: Bundle) -> dict[str, str]:
    """Make the image; return the images by purpose, by digest.

    Args:
        session: a boto3 session that may read the platform's images and push the model's.
        delivery: the delivery parameter.
        code: the steps with their settings.

    Raises:
        BuildError: the image cannot be made.
    """
    if "own_image" not in delivery:
        raise BuildError(
            "the delivery parameter names no own_image: the model's template in the estate is "
            "another than custom-container"
        )
    found = images.pinned(session, delivery["images"])
    own = append(
        session,
        base=found["inference"],
        target=delivery["own_image"]["repository"],
        added=layer.build(code),
    )
    return found | dict.fromkeys(_OWN, own)


def append(session: Any, *, base: str, target: str, added: Layer) -> str:
    """Put an image with one layer more into a repository; return its URI by digest.

    What is there already is not sent again.

    Args:
        session: a boto3 session.
        base: the image below, by digest.
        target: the repository.
        added: the layer on top.

    Raises:
        BuildError: the base is not there, or the registry refuses a part.
    """
    below, own = Repository(session, base), Repository(session, target)
    manifest = below.manifest(base.partition("@")[2])
    content = b"".join(below.download(manifest.configuration))
    configuration = _configured(json.loads(content), added)
    known = own.has([*manifest.layers, added.digest, digest_of(configuration)])
    for digest in manifest.layers:
        if digest not in known:
            own.upload(digest, below.download(digest))
    for content in (added.packed, configuration):
        if digest_of(content) not in known:
            own.upload(digest_of(content), [content])
    return own.put(_on_top(manifest, added, configuration))


def _configured(configuration: dict[str, Any], added: Layer) -> bytes:
    """Return the base's configuration with the layer, its program and where its packages are."""
    made = copy.deepcopy(configuration)
    settings = made.setdefault("config", {})
    variables = dict(item.split("=", 1) for item in settings.get("Env") or ())
    paths = [*layer.PATHS, *([variables[_PATH]] if variables.get(_PATH) else [])]
    variables[_PATH] = ":".join(paths)
    settings["Env"] = [f"{name}={value}" for name, value in variables.items()]
    settings["Entrypoint"] = list(layer.ENTRYPOINT)
    settings.pop("Cmd", None)
    made.setdefault("rootfs", {"type": "layers"}).setdefault("diff_ids", []).append(
        added.plain_digest
    )
    if "history" in made:
        made["history"].append({"created_by": "the project's layer"})
    return json.dumps(made, sort_keys=True, separators=(",", ":")).encode()


def _on_top(manifest: Manifest, added: Layer, configuration: bytes) -> Manifest:
    document = copy.deepcopy(manifest.document)
    # What annotates the base says nothing of this image.
    document.pop("annotations", None)
    document["config"] |= {"digest": digest_of(configuration), "size": len(configuration)}
    document["layers"].append(
        {
            "mediaType": manifest.layer_type,
            "digest": added.digest,
            "size": len(added.packed),
        }
    )
    return Manifest(document=document, media_type=manifest.media_type)
