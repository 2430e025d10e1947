"""First step: YAML text becomes plain data that remembers where each value stood."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from mlzone.loading.problem import Place, Problem, path_text

MAXIMUM_BYTES = 1_000_000
"""A larger file is refused before it is read: no estate file is that long."""
_MAXIMUM_NODES = 200_000
_MERGE_TAG = "tag:yaml.org,2002:merge"

FieldPath = tuple[str | int, ...]


@dataclass
class Document:
    """A parsed file: its data and the place of every value and key."""

    file: str
    data: Any = None
    places: dict[FieldPath, Place] = field(default_factory=dict)
    keys: dict[FieldPath, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def place(self, path: FieldPath) -> Place:
        """Return where the value at `path` stands, or its nearest ancestor."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Place(self.file))

    def key_place(self, path: FieldPath) -> Place:
        """Return where the key at `path` stands."""
        return self.keys.get(path) or self.place(path)


def parse(path: Path, file: str) -> Document:
    """Read a YAML file.

    Args:
        path: the file.
        file: how messages call it.

    Returns:
        The document; if its `problems` are not empty, its data is not to be used.
    """
    document = Document(file)
    try:
        size = path.stat().st_size
        if size > MAXIMUM_BYTES:
            document.problems.append(
                Problem(
                    Place(file),
                    "",
                    f"the file has {size:,} bytes; an estate file has at most {MAXIMUM_BYTES:,}, "
                    "split it by business unit",
                )
            )
            return document
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        document.problems.append(
            Problem(
                Place(file), "", f"the file is not UTF-8 text: byte {error.start} cannot be read"
            )
        )
        return document
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        document.problems.append(Problem(Place(file), "", f"the file cannot be read: {reason}"))
        return document
    _parse_text(text, document)
    return document


def _parse_text(text: str, document: Document) -> None:
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        document.problems.append(_syntax_problem(error, document.file, text))
        return
    if node is None:
        document.problems.append(
            Problem(Place(document.file), "", "the file is empty; expected a mapping of fields")
        )
        return
    builder = _Builder(document)
    try:
        document.data = builder.build(node, (), ())
    except _TooLargeError:
        document.problems.append(
            Problem(
                Place(document.file),
                "",
                "the aliases of this file expand to too many values; write them out",
            )
        )


def _syntax_problem(error: Exception, file: str, text: str) -> Problem:
    mark = getattr(error, "problem_mark", None)
    place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
    reason = str(getattr(error, "problem", None) or "nested too deeply, or not valid YAML")
    lines = text.splitlines()
    if mark and mark.line < len(lines) and "\t" in lines[mark.line][: mark.column + 1]:
        column = lines[mark.line].index("\t") + 1
        return Problem(
            Place(file, mark.line + 1, column), "", "a tab indents this line; use spaces"
        )
    for number, line in enumerate(lines, start=1):
        if line.startswith(("<<<<<<< ", ">>>>>>> ")):
            return Problem(
                Place(file, number, 1), "", "an unresolved merge conflict; choose one side"
            )
    if "another document" in reason:
        return Problem(place, "", "a second document begins here; a file holds one")
    if "found undefined alias" in reason:
        alias = reason.rpartition(" ")[2].strip("'\"")
        return Problem(
            place, "", f'alias "*{alias}" has no anchor; define "&{alias}" above, or write it out'
        )
    return Problem(place, "", f"not valid YAML: {reason}")


class _TooLargeError(Exception):
    """Aliases expanded beyond reason."""


class _Builder:
    """Turns composed nodes into data, noting places, duplicate keys and bad aliases."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._constructor = yaml.SafeLoader("")
        self._count = 0

    def build(self, node: yaml.Node, path: FieldPath, parents: tuple[int, ...]) -> Any:
        self._count += 1
        if self._count > _MAXIMUM_NODES:
            raise _TooLargeError
        self._document.places[path] = self._place(node)
        if id(node) in parents:
            self._report(node, path, "an alias that contains itself; write the value out")
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, (*parents, id(node)))
        if isinstance(node, yaml.SequenceNode):
            return [
                self.build(item, (*path, index), (*parents, id(node)))
                for index, item in enumerate(node.value)
            ]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: FieldPath, parents: tuple[int, ...]) -> Any:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE_TAG:
                self._report(
                    key_node, path, "merge keys (`<<`) are not supported; repeat the fields"
                )
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                self._report(key_node, path, "a field's name must be plain text")
                continue
            key = str(key_node.value)
            field_path = (*path, key)
            if key in result:
                first = self._document.keys[field_path].line
                self._report(
                    key_node, field_path, f'field "{key}" stands twice (first on line {first})'
                )
                continue
            self._document.keys[field_path] = self._place(key_node)
            result[key] = self.build(value_node, field_path, parents)
        return result

    def _scalar(self, node: yaml.Node, path: FieldPath) -> Any:
        try:
            return self._constructor.construct_object(node)
        except (yaml.YAMLError, ValueError, OverflowError):
            self._report(node, path, f'"{node.value}" cannot be read as a YAML value; quote it')
            return None

    def _report(self, node: yaml.Node, path: FieldPath, message: str) -> None:
        self._document.problems.append(Problem(self._place(node), path_text(path), message))

    def _place(self, node: yaml.Node) -> Place:
        return Place(self._document.file, node.start_mark.line + 1, node.start_mark.column + 1)
