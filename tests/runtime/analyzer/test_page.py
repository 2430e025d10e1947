"""The monitors' pages in a real browser: they fit a desk and a phone, in light and dark, on paper.

The browser is Debian's package `chromium`; nothing is installed for this. Where no browser is
found, the tests are skipped and say which package is missing.
"""

import html
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .conftest import Run, applicants, closed_cases
from .planted_outcomes import flipped

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
DESK, PHONE = 1280, 390
LEAST_CONTRAST = 4.5
"""What WCAG 2 demands of text."""

pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="no browser: apt-get install chromium (Debian's package) to run this"
)

_MEASURE = """
<script>
const frame = document.querySelector("iframe");
frame.addEventListener("load", () => {
  const page = frame.contentDocument, root = page.documentElement;
  const style = frame.contentWindow.getComputedStyle(page.body);
  const wide = [...page.querySelectorAll("body *")].filter(item =>
    !item.closest(".scroll") && item.getBoundingClientRect().right > root.clientWidth + 1);
  document.title = JSON.stringify({
    width: root.clientWidth, needs: root.scrollWidth, height: root.scrollHeight,
    ink: style.color, paper: style.backgroundColor,
    wide: wide.map(item => item.tagName),
    asked: frame.contentWindow.performance.getEntriesByType("resource").map(item => item.name),
    links: [...page.querySelectorAll("[src], [href]")].length,
  });
});
</script>
"""


def browse(folder: Path, *arguments: str, file: Path) -> str:
    """Let the browser do something with a page; there is no network for it."""
    done = subprocess.run(
        [
            str(BROWSER),
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *("--no-first-run", "--disable-extensions", "--disable-background-networking"),
            *("--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder / 'profile'}"),
            *("--virtual-time-budget=5000", *arguments, file.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=180,
        check=True,
    )
    return done.stdout


def measured(folder: Path, page: str, width: int, *, dark: bool) -> dict[str, Any]:
    """Lay the page out in a frame of a width; return what the browser made of it."""
    frame = f'<iframe style="width:{width}px;height:900px;border:0" srcdoc="{html.escape(page)}">'
    file = folder / f"{width}-{dark}.html"
    file.write_text(
        f'<!doctype html><meta charset="utf-8"><title></title>{frame}</iframe>{_MEASURE}',
        encoding="utf-8",
    )
    scheme = ["--blink-settings=preferredColorScheme=0"] if dark else []
    shown = browse(folder, "--dump-dom", "--window-size=1400,1000", *scheme, file=file)
    title = re.search(r"<title>(.+?)</title>", shown)
    assert title, shown[:500]
    found: dict[str, Any] = json.loads(html.unescape(title[1]))
    return found


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colours by WCAG 2."""

    def luminance(colour: str) -> float:
        parts = np.array([int(part) for part in re.findall(r"\d+", colour)[:3]]) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ np.array([0.2126, 0.7152, 0.0722]))

    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.fixture(params=["data-quality", "model-quality", "bias", "explainability"])
def page(
    request: pytest.FixtureRequest, watch: Callable[..., Run], judge: Callable[..., Run]
) -> Path:
    """A page that has something to tell."""
    if request.param == "data-quality":
        frame = applicants(1500, seed=31)
        frame["income"] *= 0.01
        frame.loc[:400, "age"] = np.nan
        return watch(frame).output / "report.html"
    cases = closed_cases(1500, seed=32)
    turned = np.random.default_rng(1).random(len(cases)) < 0.3
    return judge(request.param, flipped(cases, turned)).output / "report.html"


def test_a_page_fits_a_desk_and_a_phone_in_light_and_dark(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    papers = {}
    for width in (DESK, PHONE):
        for dark in (False, True):
            found = measured(tmp_path, text, width, dark=dark)

            assert found["width"] <= width
            assert found["needs"] <= found["width"], "the page scrolls sideways"
            assert found["wide"] == []
            assert found["asked"] == [], "the page asked the network"
            assert found["links"] == 0
            assert contrast(found["ink"], found["paper"]) >= LEAST_CONTRAST
            papers[dark] = found["paper"]
    assert papers[False] == "rgb(255, 255, 255)"
    assert papers[True] != papers[False]


def test_a_page_prints(page: Path, tmp_path: Path) -> None:
    printed = tmp_path / "report.pdf"

    browse(tmp_path, f"--print-to-pdf={printed}", "--no-pdf-header-footer", file=page)

    content = printed.read_bytes()
    assert content.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", content)) >= 1
