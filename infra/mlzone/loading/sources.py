"""Where each part of an estate stands, so that later checks can point at it."""

from dataclasses import dataclass, field

from mlzone.loading.parse import Document, FieldPath
from mlzone.loading.problem import Problem, path_text


@dataclass
class Sources:
    """The documents that an estate was read from."""

    organization: Document
    organization_path: FieldPath = ()
    units: list[tuple[Document, FieldPath]] = field(default_factory=list)
    """The document and path of each unit, in the estate's order."""
    waivers: Document | None = None
    allowances: Document | None = None

    def in_organization(self, path: FieldPath, message: str) -> Problem:
        """Return a problem of the organization's part."""
        return _problem(self.organization, (*self.organization_path, *path), message)

    def in_unit(self, index: int, path: FieldPath, message: str) -> Problem:
        """Return a problem of the unit at `index`."""
        document, prefix = self.units[index]
        return _problem(document, (*prefix, *path), message)

    def in_waiver(self, index: int, path: FieldPath, message: str) -> Problem:
        """Return a problem of the waiver at `index`."""
        assert self.waivers is not None, "only an estate with waivers has problems with them"  # noqa: S101
        return _problem(self.waivers, ("waivers", index, *path), message)

    def in_allowance(self, index: int, path: FieldPath, message: str) -> Problem:
        """Return a problem of the allowance at `index`."""
        assert self.allowances is not None, "only an estate with allowances has problems with them"  # noqa: S101
        return _problem(self.allowances, ("allowances", index, *path), message)

    def where(self, index: int, path: FieldPath) -> str:
        """Return `file:line` of a place in the unit at `index`, to refer to it in a message."""
        document, prefix = self.units[index]
        place = document.place((*prefix, *path))
        return f"{place.file}:{place.line}"


def _problem(document: Document, path: FieldPath, message: str) -> Problem:
    return Problem(document.place(path), path_text(path), message)
