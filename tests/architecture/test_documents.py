"""What the documents name exists: files, headings, commands with their options, tasks of make."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from mlzone_tools.cli.main import cli

ROOT = Path(__file__).parents[2]
GENERATED = {"node_modules", "cdk.out", "out"}
DOCUMENTS = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not any(
        part in GENERATED or part.startswith(".") for part in path.relative_to(ROOT).parent.parts
    )
)

FENCED = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
COMMAND = re.compile(r"""(?<![\w./-])mlzone(?=\s|$)([^;|&)#]*)""")
TASK = re.compile(r"(?<![\w./-])make(?: ([a-z]+))?(?=\s*(?:#|$))")
PLACEHOLDERS = {"…", "..."}

name = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def code(document: Path) -> Iterator[str]:
    """Each line of code of a document: in fences, and in the text."""
    text = document.read_text(encoding="utf-8")
    for block in FENCED.findall(text):
        yield from block.replace("\\\n", " ").splitlines()
    yield from INLINE.findall(FENCED.sub("", text))


def anchors(document: Path) -> set[str]:
    """The anchors that a page makes of its headings."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).strip().replace(" ", "-") for text in headings}


def problem(words: list[str]) -> str | None:
    """What is wrong with the words behind `mlzone`, or None."""
    command: click.Command = cli
    context = click.Context(cli)
    known = {"-h", "--help"}
    while True:
        known |= {option for parameter in command.params for option in parameter.opts}
        if not isinstance(command, click.Group) or not words or words[0].startswith("-"):
            break
        if words[0] in PLACEHOLDERS:
            return None
        try:
            _, following, words = command.resolve_command(context, words)
        except click.UsageError:
            following = None
        if following is None:
            return f"no command {words[0]}"
        command = following
    unknown = [word for word in words if word.startswith("-") and word.split("=")[0] not in known]
    return f"no option {unknown[0]}" if unknown else None


@name
def test_links_lead_somewhere(document: Path):
    text = FENCED.sub("", document.read_text(encoding="utf-8"))

    for link in LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        assert target.exists(), f"{link}: there is no {path}"
        assert not anchor or anchor in anchors(target), f"{link}: there is no such heading"


@name
def test_commands_and_their_options_exist(document: Path):
    wrong = {
        found.group().strip(): text
        for line in code(document)
        for found in COMMAND.finditer(line)
        if (text := problem(shlex.split(found.group(1).replace('"', ""))))
    }

    assert wrong == {}


@name
def test_tasks_of_make_exist(document: Path):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    tasks = {task for line in code(document) for task in TASK.findall(line.strip()) if task}

    assert {task for task in tasks if f"\n{task}:" not in makefile} == set()


def test_the_readme_names_the_commands_that_this_guards():
    named = {
        found.group(1).split()[0]
        for line in code(ROOT / "README.md")
        for found in COMMAND.finditer(line)
        if found.group(1).split()
    }

    assert {"cloud", "model", "monitor", "kpi"} <= named


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("model fly", "no command fly"),
        ("deploy unit --sideways", "no option --sideways"),
        ("model list --waiting", None),
        ("model …", None),
    ],
)
def test_what_does_not_exist_is_found(line: str, said: str | None):
    assert problem(line.split()) == said


def test_the_readme_says_what_each_dependency_is_for():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.partition("## What each dependency is for")[2].partition("`requirements.txt`")[0]
    named = set(re.findall(r"[\w-]+", table.lower()))
    pins = (ROOT / "requirements.txt").read_text(encoding="utf-8")

    assert {
        pin.lower() for pin in re.findall(r"^([\w-]+).*==", pins, re.MULTILINE)
    } - named == set()
