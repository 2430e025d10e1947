"""Problems of an estate: values, because there can be many, each with its place."""

from dataclasses import dataclass

from mlzone.errors import ConfigError


@dataclass(frozen=True, order=True)
class Place:
    """A place in a file; line and column count from 1."""

    file: str
    line: int = 1
    column: int = 1


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong with an estate."""

    place: Place
    path: str
    """The field, such as `teams[0].name`; empty for the file as a whole."""
    message: str
    """What it is, what was expected, how to fix it."""

    def __str__(self) -> str:
        """Return `file:line:column  path  message`."""
        where = f"{self.place.file}:{self.place.line}:{self.place.column}"
        return "  ".join(part for part in (where, self.path, self.message) if part)


class EstateError(ConfigError):
    """The estate is invalid; carries every problem of every file."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        count = len(problems)
        super().__init__(
            f"the estate has {count} problem{'s' if count != 1 else ''}",
            hint="fix the fields named above, then run `mlzone validate` again",
        )
        self.problems = tuple(sorted(problems))


def path_text(path: tuple[str | int, ...]) -> str:
    """Return `teams[0].name` for `("teams", 0, "name")`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
