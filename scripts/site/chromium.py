"""The system's Chromium for the browser tests and the PDF, and the pages of the book in reading order."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from playwright.sync_api import Browser, Playwright

ROOT = Path(__file__).parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC = "/Applications/{0}.app/Contents/MacOS/{0}"
MISSING = (
    "no Chromium: install it with the system's package manager (apt-get install chromium, dnf install chromium, "
    "brew install --cask chromium) or name one with IMGGEN_CHROMIUM=/path/to/chrome"
)

# Everything but 127.0.0.1 goes to a port where nobody listens: the network is cut for workers and sockets, too.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-extensions", "--disable-dev-shm-usage",
    "--force-color-profile=srgb", "--proxy-server=127.0.0.1:9",
]  # fmt: skip

# A page is ready when its formulas are set and its fonts are there.
READY = """async () => {
  if (document.readyState !== "complete") await new Promise(done => addEventListener("load", done, {once: true}));
  if (window.MathJax?.startup?.promise) await window.MathJax.startup.promise;
  await document.fonts.ready;
}"""


def chromium() -> str | None:
    """The browser: what the variable ``IMGGEN_CHROMIUM`` names, else the first that the system has."""
    own = os.environ.get("IMGGEN_CHROMIUM")
    names = [own] if own else [*NAMES, MAC.format("Chromium"), MAC.format("Google Chrome")]
    return next(filter(None, map(shutil.which, names)), None)


def launch(playwright: Playwright, program: str) -> Browser:
    """Start the browser, without a network."""
    return playwright.chromium.launch(executable_path=program, args=FLAGS)


def toc() -> dict[str, Any]:
    """What ``_toc.yml`` says."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return found


def toc_pages(entry: dict[str, Any] | None = None) -> list[str]:
    """The pages of ``_toc.yml`` in reading order, as addresses inside the site: ``book/background.html``."""

    def files(entry: dict[str, Any]) -> Iterator[str]:
        for key in ("root", "file"):
            if key in entry:
                yield entry[key]
        for key in ("parts", "chapters", "sections", "subtrees", "entries"):
            for child in entry.get(key, []):
                yield from files(child)

    return [Path(name).with_suffix(".html").as_posix() for name in files(entry or toc())]
