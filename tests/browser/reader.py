"""A reader of the built book: a Chromium without a network, and a record of all that a page asks for and complains about.

The classes behind the fixtures of ``conftest.py``; tests import them for their annotations: ``from reader import Site, Tab``.
"""

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from chromium import READY
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response

from imggen_lib.live.base import page_script
from imggen_lib.live.shipped import packed_file, script

DESKTOP, PHONE = (1280, 800), (390, 844)
#: A page with nothing but a demo, with the colours of the book's own pages.
BARE = """<!doctype html><html lang="en" data-theme="{theme}"><head><meta charset="utf-8"><link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>A demo</title>
<style>body {{ font: 16px sans-serif; max-width: 46rem; margin: 1rem auto; padding: 0 16px; color: #222 }}
html[data-theme=dark] body {{ background: #14181e; color: #ced6dd; --pst-color-text-base: #ced6dd; --pst-color-text-muted: #9fa9b4;
--pst-color-border: #4b535c; --pst-color-surface: #20262d; --pst-color-background: #14181e }}</style></head>
<body><main><h1>A demo</h1>{body}</main>{scripts}</body></html>"""
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
        # What Chromium says of its own reading when it draws WebGL without a graphics card.
        if message.type in ("error", "warning") and "GPU stall due to ReadPixels" not in message.text:
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


def write_page(folder: Path, name: str, body: str, theme: str = "light") -> None:
    """A page with the mounts in `body` and the script of each, as the book has them."""
    scripts = ""
    for demo in dict.fromkeys(re.findall(r"data-demo='(\w+)'", body)):
        (folder / f"demo-{demo}.js").write_text(page_script(demo), encoding="utf-8")
        scripts += f"<script src='demo-{demo}.js'></script>"
    (folder / f"{name}.html").write_text(BARE.format(theme=theme, body=body, scripts=scripts), encoding="utf-8")


@contextmanager
def demo_site(folder: Path, pages: Mapping[str, str], files: Iterable[str] = ()) -> Iterator[Site]:
    """A site of pages with demos: their mounts by name, and the files that they load."""
    for name, body in pages.items():
        write_page(folder, name, body)
    for name in files:
        (folder / f"{name}.js").write_text(script(name, packed_file(name)), encoding="utf-8")
    with served(folder) as site:
        yield site


@contextmanager
def opener(browser: Browser, site: Site, forgiven: str = "") -> Iterator[Callable[..., Tab]]:
    """Open tabs with the options of :func:`new_context`. At the end none may have a fault, but pages of the name `forgiven`."""
    tabs: list[Tab] = []

    def make(site: Site = site, **options: Any) -> Tab:
        tabs.append(Tab(new_context(browser, **options).new_page(), site))
        return tabs[-1]

    yield make
    faults = [fault for tab in tabs if not forgiven or not tab.page.url.endswith(forgiven) for fault in tab.faults()]
    for tab in tabs:
        tab.page.context.close()
    assert not faults, "\n".join(faults)


@contextmanager
def themed_site(folder: Path, html: str, files: Iterable[str] = ()) -> Iterator[Site]:
    """A site of two pages with one demo, ``light.html`` and ``dark.html``, and the files that it loads."""
    with demo_site(folder, {"light": html}, files) as site:
        write_page(folder, "dark", html, theme="dark")
        yield site


@contextmanager
def demo_opener(browser: Browser, site: Site, ready: str) -> Iterator[Callable[..., Page]]:
    """Open a demo and wait for the selector `ready`: ``demo(dark=True, size=PHONE)``, or the page `name`, over `http` if asked.

    By itself it is ``light.html`` or ``dark.html`` of :func:`themed_site`, from its file. In the end no page may have a fault.
    """
    with opener(browser, site) as tab:

        def open_demo(dark: bool = False, name: str = "", http: bool = False, **options: Any) -> Page:
            base = site.http if http else site.file
            page = tab(dark=dark, **options).goto(f"{base}{name or ('dark' if dark else 'light')}.html")
            page.locator(ready).wait_for()
            return page

        yield open_demo


@contextmanager
def named_opener(browser: Browser, site: Site, ready: str) -> Iterator[Callable[..., Page]]:
    """As :func:`demo_opener`, for sites of several pages: ``visit("moons", size=PHONE)``."""
    with demo_opener(browser, site, ready) as demo:
        yield lambda name, **options: demo(name=name, **options)
