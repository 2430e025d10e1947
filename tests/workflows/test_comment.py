"""One comment on a pull request: made once, updated in place.

The providers' interfaces answer on loopback as their documentation says; none is asked itself.
"""

import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner

from mlzone.errors import ConfigError, DeploymentError
from mlzone_tools.cli.main import cli
from mlzone_tools.cli.plan_layout import MARK
from mlzone_tools.services.change import comment

SMALL = Path(__file__).parents[1] / "plan"
GITHUB = "/repos/bank/landing-zone/issues"
GITLAB = "/projects/7/merge_requests/12/notes"


class Provider:
    """The comments of one pull request, and who asked for what."""

    def __init__(self) -> None:
        self.comments: dict[int, str] = {}
        self.asked: list[tuple[str, str]] = []
        self.tokens: set[str] = set()
        self.refuses = False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                """Say nothing."""

            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length) or b"{}")
                outer.tokens.add(
                    self.headers.get("Authorization") or self.headers.get("PRIVATE-TOKEN") or ""
                )
                status, content = outer.answer(self.command, self.path, body)
                text = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PATCH = do_PUT = _answer  # noqa: N815 - the library's names

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        where = urlsplit(path)
        self.asked.append((method, where.path))
        if self.refuses:
            return 403, {"message": "Resource not accessible by integration"}
        if method == "GET":
            query = parse_qs(where.query)
            size, page = int(query["per_page"][0]), int(query["page"][0])
            every = [{"id": key, "body": text} for key, text in self.comments.items()]
            return 200, every[(page - 1) * size : page * size]
        if method == "POST":
            number = len(self.comments) + 1
            self.comments[number] = body["body"]
            return 201, {"id": number}
        number = int(where.path.rpartition("/")[2])
        self.comments[number] = body["body"]
        return 200, {"id": number}


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def at_github(provider: Provider) -> dict[str, str]:
    return {
        "GITHUB_API_URL": provider.url,
        "GITHUB_REPOSITORY": "bank/landing-zone",
        "GITHUB_REF": "refs/pull/12/merge",
        "GITHUB_TOKEN": "secret",
    }


def at_gitlab(provider: Provider) -> dict[str, str]:
    return {
        "CI_API_V4_URL": provider.url,
        "CI_PROJECT_ID": "7",
        "CI_MERGE_REQUEST_IID": "12",
        "GITLAB_TOKEN": "secret",
    }


@pytest.mark.parametrize(
    ("environment", "made", "updated", "token"),
    [
        (at_github, f"{GITHUB}/12/comments", ("PATCH", f"{GITHUB}/comments/2"), "Bearer secret"),
        (at_gitlab, GITLAB, ("PUT", f"{GITLAB}/2"), "secret"),
    ],
    ids=["github", "gitlab"],
)
def test_it_is_made_once_and_then_updated_in_place(
    provider: Provider,
    environment: Callable[[Provider], dict[str, str]],
    made: str,
    updated: tuple[str, str],
    token: str,
):
    provider.comments[1] = "a person's comment, which quotes <!-- mlzone plan -->"
    where = comment.thread(environment(provider))

    assert comment.keep(where, MARK, f"{MARK}\nfirst") == "2"
    assert comment.keep(where, MARK, f"{MARK}\nsecond") == "2"

    assert list(provider.comments) == [1, 2]
    assert provider.comments[2] == f"{MARK}\nsecond"
    assert provider.asked[1] == ("POST", made)
    assert provider.asked[-1] == updated
    assert provider.tokens == {token}


def test_it_is_found_behind_hundreds_of_comments(provider: Provider):
    provider.comments = dict.fromkeys(range(1, 251), "talk")
    provider.comments[240] = f"{MARK}\nold"

    assert comment.keep(comment.thread(at_github(provider)), MARK, f"{MARK}\nnew") == "240"
    assert len(provider.comments) == 250


def test_a_token_without_the_right_is_told_what_it_needs(provider: Provider):
    provider.refuses = True

    with pytest.raises(DeploymentError, match="403") as error:
        comment.keep(comment.thread(at_github(provider)), MARK, "text")
    assert "allowed to write comments" in str(error.value.hint)


@pytest.mark.parametrize(
    ("missing", "says"),
    [("GITHUB_TOKEN", "GITHUB_TOKEN is not set"), ("GITHUB_REF", "GITHUB_REF is not set")],
)
def test_elsewhere_than_in_a_job_it_says_what_is_missing(missing: str, says: str):
    environment = {
        "GITHUB_API_URL": "http://127.0.0.1:9",
        "GITHUB_REPOSITORY": "bank/landing-zone",
        "GITHUB_REF": "refs/pull/12/merge",
        "GITHUB_TOKEN": "secret",
    }
    del environment[missing]

    with pytest.raises(ConfigError, match=says):
        comment.thread(environment)


def test_the_command_comments_and_says_that_a_change_is_blocked(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    estate = tmp_path / "estate.yaml"
    shutil.copy(SMALL / "estate.yaml", estate)
    shutil.copytree(SMALL / "identity", tmp_path / "identity")
    for arguments in (
        ["init", "--quiet", "--initial-branch", "main"],
        ["add", "."],
        ["-c", "user.name=Ana", "-c", "user.email=ana@bank.example", "commit", "-qm", "Begin"],
    ):
        subprocess.run(["git", "-C", tmp_path, *arguments], check=True, capture_output=True)
    text = estate.read_text(encoding="utf-8")
    estate.write_text(text.replace("[ana.souza, bruno.lima]", "[ana.souza]"), encoding="utf-8")
    for name, value in at_github(provider).items():
        monkeypatch.setenv(name, value)

    result = CliRunner().invoke(
        cli, ["change", "comment", "--base", "main", "--estate", str(estate), "--json"]
    )

    assert result.exit_code == 3, result.output
    assert json.loads(result.stdout) == {"comment": "1", "changed": True, "blocked": True}
    assert provider.comments[1].startswith(f"{MARK}\n### ⛔ Plan: blocked for 1 reason")
