"""Reads an estate: all files, all problems, one value."""

from datetime import date
from pathlib import Path

from mlzone.errors import ConfigError
from mlzone.estate.allowance import Allowance
from mlzone.estate.base import Record
from mlzone.estate.estate import Estate
from mlzone.estate.organization import Organization
from mlzone.estate.unit import BusinessUnit
from mlzone.estate.waiver import Waiver
from mlzone.loading.consistency import check_consistency
from mlzone.loading.parse import Document, parse
from mlzone.loading.problem import EstateError, Place, Problem
from mlzone.loading.shape import RecordT, shape
from mlzone.loading.sources import Sources

ORGANIZATION_FILE = "organization.yaml"
UNITS_FOLDER = "business_units"
WAIVERS_FILE = "waivers.yaml"
ALLOWANCES_FILE = "allowances.yaml"


class WaiverFile(Record):
    """The content of `waivers.yaml`."""

    waivers: tuple[Waiver, ...] = ()
    """The acknowledged findings."""


class AllowanceFile(Record):
    """The content of `allowances.yaml`."""

    allowances: tuple[Allowance, ...] = ()
    """The losses of data that are meant."""


class EstateFile(Record):
    """A whole estate in one file, for small organizations and for examples."""

    organization: Organization
    """The upper part of the estate."""
    business_units: tuple[BusinessUnit, ...]
    """The business units."""
    waivers: tuple[Waiver, ...] = ()
    """The acknowledged findings."""
    allowances: tuple[Allowance, ...] = ()
    """The losses of data that are meant."""


def load_estate(location: Path, *, today: date | None = None) -> Estate:
    """Read and check an estate.

    Args:
        location: the folder with `organization.yaml`, `business_units/` and `waivers.yaml`, or one
            file that holds all three.
        today: the day against which waivers expire; the current day unless given.

    Raises:
        EstateError: something is wrong; it carries every problem of every file.
        ConfigError: there is no estate at `location`.
    """
    problems: list[Problem] = []
    if location.is_file():
        estate, sources = _load_file(location, problems)
    elif location.is_dir():
        estate, sources = _load_folder(location, problems)
    else:
        raise ConfigError(
            f"there is no estate at {location}",
            hint="name its folder with --estate, or make one with `mlzone init`",
        )
    if estate and sources:
        problems += check_consistency(estate, sources, today or date.today())  # noqa: DTZ011
    if problems or estate is None:
        raise EstateError(tuple(problems))
    return estate


def _load_file(location: Path, problems: list[Problem]) -> tuple[Estate | None, Sources | None]:
    document = parse(location, str(location))
    content = _shape_document(EstateFile, document, problems)
    if content is None:
        return None, None
    sources = Sources(document, ("organization",))
    sources.units = [
        (document, ("business_units", index)) for index in range(len(content.business_units))
    ]
    sources.waivers = sources.allowances = document
    estate = Estate(
        organization=content.organization,
        units=content.business_units,
        waivers=content.waivers,
        allowances=content.allowances,
        folder=location.parent,
    )
    return estate, sources


def _load_folder(location: Path, problems: list[Problem]) -> tuple[Estate | None, Sources | None]:
    def document_of(path: Path) -> Document:
        return parse(path, str(path))

    sources = Sources(document_of(location / ORGANIZATION_FILE))
    organization = _shape_document(Organization, sources.organization, problems)

    units: list[BusinessUnit] = []
    unit_files = sorted((location / UNITS_FOLDER).glob("*.yaml"))
    if not unit_files:
        place = Place(str(location / UNITS_FOLDER))
        problems.append(Problem(place, "", "no business unit; expected at least one *.yaml here"))
    for path in unit_files:
        document = document_of(path)
        unit = _shape_document(BusinessUnit, document, problems)
        if unit is None:
            continue
        if unit.name != path.stem:
            problems.append(
                Problem(
                    document.place(("name",)),
                    "name",
                    f'got "{unit.name}"; expected "{path.stem}", the name of the file',
                )
            )
        units.append(unit)
        sources.units.append((document, ()))

    waivers: tuple[Waiver, ...] = ()
    if (location / WAIVERS_FILE).exists():
        sources.waivers = document_of(location / WAIVERS_FILE)
        content = _shape_document(WaiverFile, sources.waivers, problems)
        waivers = content.waivers if content else ()

    allowances: tuple[Allowance, ...] = ()
    if (location / ALLOWANCES_FILE).exists():
        sources.allowances = document_of(location / ALLOWANCES_FILE)
        allowed = _shape_document(AllowanceFile, sources.allowances, problems)
        allowances = allowed.allowances if allowed else ()

    if organization is None:
        return None, None
    estate = Estate(
        organization=organization,
        units=tuple(units),
        waivers=waivers,
        allowances=allowances,
        folder=location,
    )
    return estate, sources


def _shape_document(
    record: type[RecordT], document: Document, problems: list[Problem]
) -> RecordT | None:
    if document.problems:
        problems += document.problems
        return None
    return shape(record, document, (), problems)
