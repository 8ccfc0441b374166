"""Browser tests: the built book in a real Chromium with the network cut. Run them with ``make test-browser``.

What a test can ask for:

``site``       the built book, a :class:`reader.Site`: ``site.http`` and ``site.file`` are its two addresses;
``page``       a Playwright page at desktop size, network cut; open a page with ``tab.goto("book/ideas/gan_theory.html")``;
``tab``        the same page with its record (``tab.page``, ``tab.failed``, ``tab.console``, ...);
``open_tab``   a function that makes more of them: ``open_tab(size=PHONE, dark=True, has_touch=True)``;
``book_page``  an argument that runs the test once for every page of the table of contents.

Every tab that a test opened must be free of faults when the test ends: no failed and no off-site request, no warning or error in
the console, no exception. A test that provokes one clears the list.

``IMGGEN_SITE`` names another folder than ``_build/html``, ``IMGGEN_CHROMIUM`` another browser than the system's.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from chromium import MISSING, ROOT, chromium, launch, toc_pages
from playwright.sync_api import Browser, Page, sync_playwright
from reader import Site, Tab, opener, served


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", action="store_true", help="write pictures of all pages to _build/screenshots")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "browser: needs Chromium and the built book")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")
    if not config.getoption("--screenshots"):
        items[:] = [item for item in items if "shots" not in getattr(item, "fixturenames", ())]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "book_page" in metafunc.fixturenames:
        pages = toc_pages()
        metafunc.parametrize("book_page", pages, ids=[Path(p).stem for p in pages])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What each page weighs."""
    reports = [r for kind in ("passed", "failed") for r in terminalreporter.stats.get(kind, [])]
    weights = [value for r in reports for name, value in r.user_properties if name == "weight"]
    if weights:
        terminalreporter.section("pages with all that they load, compressed")
        for page, files, weight in sorted(weights, key=lambda w: -w[2]):
            terminalreporter.write_line(f"{weight / 1e3:7.0f} kB in {files:2} files  {page}")


def _absent(why: str) -> None:
    """Nobody reads skips in CI, so there it is a failure."""
    if os.environ.get("CI"):
        pytest.fail(why, pytrace=False)
    pytest.skip(why)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = chromium()
    if program is None:
        _absent(MISSING)
    assert program is not None
    with sync_playwright() as playwright:
        running = launch(playwright, program)
        yield running
        running.close()


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    folder = Path(os.environ.get("IMGGEN_SITE") or ROOT / "_build" / "html")
    if not (folder / "index.html").exists():
        _absent(f"no book in {folder}: build it with make book")
    with served(folder) as there:
        yield there


@pytest.fixture(scope="session")
def shots() -> Path:
    """The folder for pictures of pages."""
    folder = ROOT / "_build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def open_tab(browser: Browser, site: Site) -> Iterator[Callable[..., Tab]]:
    """Open tabs; the options are those of :func:`reader.new_context`. At the end none may have a fault."""
    with opener(browser, site) as make:
        yield make


@pytest.fixture
def tab(open_tab: Callable[..., Tab]) -> Tab:
    return open_tab()


@pytest.fixture
def page(tab: Tab) -> Page:
    return tab.page
