"""Pipeline templates: layers of files that copier renders to a complete project."""

import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from mlzone.errors import ConfigError
from mlzone.estate import BusinessUnit, Estate, Model, Name, Team

TEMPLATES = Path("pipeline_templates")
_LAYERS: Mapping[str, tuple[str, ...]] = {
    "custom-container": ("common",),
    "forecast": ("common",),
    "register-only": ("common", "classifier"),
    "tabular-batch": ("common", "classifier", "tabular-realtime"),
    "tabular-realtime": ("common", "classifier"),
}
"""What lies below each template; a file of an upper layer stands in for the lower one's."""
_GENERATED = shutil.ignore_patterns("__pycache__", ".pytest_cache", "*.pyc", ".DS_Store")


def answers(unit: BusinessUnit, team: Team, model: Model) -> dict[str, str]:
    """Return what the estate answers to a template's questions."""
    return {
        "business_unit": unit.name,
        "team": team.name,
        "model": model.name,
        "title": model.title,
        "purpose": model.purpose,
        "owner": unit.owner,
    }


def answers_of_an_undeclared(estate: Estate, name: str) -> dict[str, str]:
    """Return the answers for a model that the estate does not declare yet.

    Args:
        estate: the estate.
        name: `unit/model` or the model's name.

    Raises:
        ConfigError: the name is none that a model may have, or there is no such unit.
    """
    unit, _, model = name.rpartition("/")
    try:
        TypeAdapter(Name).validate_python(model)
    except ValidationError as error:
        raise ConfigError(
            f'"{model}" is no name for a model',
            hint="lower case, digits and single hyphens, starting with a letter, 32 at most",
        ) from error
    return {"business_unit": estate.unit(unit).name if unit else "", "model": model}


def render(
    template: str, given: Mapping[str, str], folder: Path, *, templates: Path = TEMPLATES
) -> str:
    """Render a template into a folder; return the template's version.

    Args:
        template: its name.
        given: what the estate says of the model.
        folder: where the project goes; must not exist, or be empty.
        templates: the folder of the templates.

    Raises:
        ConfigError: copier cannot render it.
    """
    # Imported here: most commands about models render none, and would wait for it.
    import copier  # noqa: PLC0415 - see above
    from copier.errors import CopierError  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as place:
        merged = Path(place) / template
        for layer in (*_LAYERS[template], template):
            shutil.copytree(templates / layer, merged, dirs_exist_ok=True, ignore=_GENERATED)
        version = _digest(merged)
        try:
            copier.run_copy(
                str(merged), folder, data=dict(given), defaults=True, quiet=True, overwrite=False
            )
        except CopierError as error:
            raise ConfigError(f"template {template}: {error}") from error
    return version


def _digest(folder: Path) -> str:
    """Return a short hash of names and contents."""
    total = hashlib.sha256()
    for file in sorted(item for item in folder.rglob("*") if item.is_file()):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        total.update(f"{file.relative_to(folder).as_posix()}\0{content}\n".encode())
    return total.hexdigest()[:12]
