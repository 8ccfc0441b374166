"""A reader of the built book: a Chromium without a network, and a record of all that a page asks for and complains about.

The classes behind the fixtures of ``conftest.py``; tests import them for their annotations: ``from reader import Site, Tab``.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from chromium import READY
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response

DESKTOP, PHONE = (1280, 800), (390, 844)
PATIENCE = 120_000  # milliseconds; a machine that does other things is no fault of the book


@dataclass(frozen=True)
class Site:
    """The built book: a folder, served on a local port as well."""

    folder: Path
    http: str  # "http://127.0.0.1:PORT/"

    @property
    def file(self) -> str:
        """The address without a server, "file:///.../"."""
        return self.folder.as_uri().rstrip("/") + "/"

    def holds(self, url: str) -> bool:
        """Whether an address belongs to this site (or travels inside a page)."""
        return url.startswith((self.http, self.file, "data:", "blob:", "about:"))

    def path(self, url: str) -> Path:
        """The file behind an address of the site."""
        start = self.http if url.startswith(self.http) else self.file
        path = self.folder / unquote(urlsplit(url.removeprefix(start)).path)
        return path / "index.html" if path.is_dir() else path


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[Site]:
    """Serve a folder on a free local port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Site(folder.resolve(), f"http://127.0.0.1:{server.server_port}/")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Tab:
    """One page in a context of its own, and what went wrong in it."""

    page: Page
    site: Site
    asked: list[str] = field(default_factory=list)  # every address the page asked for
    off_site: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)  # warnings and errors
    errors: list[str] = field(default_factory=list)  # exceptions nobody caught

    def __post_init__(self) -> None:
        self.page.on("request", self._request)
        self.page.on("requestfailed", self._failure)
        self.page.on("response", self._response)
        self.page.on("console", self._say)
        self.page.on("pageerror", lambda e: self.errors.append(f"{e.name}: {e.message}"))

    def _request(self, request: Request) -> None:
        self.asked.append(request.url)
        if not self.site.holds(request.url):
            self.off_site.append(request.url[:200])

    def _failure(self, request: Request) -> None:
        """What has not come yet when a page is left, such as its icon, is given up by the browser; that is no failure."""
        if request.failure != "net::ERR_ABORTED":
            self.failed.append(f"{request.url[:200]}: {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.failed.append(f"{response.url[:200]}: {response.status}")

    def _say(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.console.append(f"{message.type}: {message.text[:400]}")

    def goto(self, url: str) -> Page:
        """Open an address, relative to http, or a whole one, and wait until formulas and fonts are there."""
        self.page.goto(url if "://" in url else self.site.http + url)
        self.page.evaluate(READY)
        return self.page

    def faults(self) -> list[str]:
        """All that went wrong so far, in words."""
        kinds = {"off site": self.off_site, "failed": self.failed, "console": self.console, "exception": self.errors}
        return [f"{kind}: {text}" for kind, texts in kinds.items() for text in texts]


def new_context(browser: Browser, size: tuple[int, int] = DESKTOP, dark: bool = False, **options: Any) -> BrowserContext:
    """A fresh reader: window size, light or dark; more options are Playwright's (``has_touch=True``)."""
    scheme: Any = "dark" if dark else "light"
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, **options)
    context.set_default_timeout(PATIENCE)
    return context
