"""While a demo waits for its files its words can be read: nothing is faded, light and dark. CI once met a page at that moment."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe import faults
from live_demos import DEMOS as EXAMPLES
from playwright.sync_api import Browser, Page, Route
from reader import Site, demo_site, opener, write_page

from imggen_lib.live.base import files_of

#: Those that load a file.
DEMOS = {name: demo for name, demo in EXAMPLES.items() if files_of(demo().options)}


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Pages whose demos ask for files that never come."""
    pages = {name: demo().html() for name, demo in DEMOS.items()}
    with demo_site(tmp_path_factory.mktemp("waiting"), pages) as site:
        for name, html in pages.items():
            write_page(site.folder, f"{name}-dark", html, theme="dark")
        yield site


def _hold(page: Page, asked: list[str]) -> None:
    def hold(route: Route) -> None:
        name = Path(route.request.url).name
        if name.endswith(".js") and not name.startswith("demo-"):
            asked.append(name)  # and never answered
        else:
            route.continue_()

    page.route("**/*", hold)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", DEMOS)
def test_words_are_readable_while_a_demo_waits(browser: Browser, waiting: Site, name: str, dark: bool) -> None:
    asked: list[str] = []
    with opener(browser, waiting) as tab:
        page = tab(dark=dark).page
        _hold(page, asked)
        page.goto(f"{waiting.http}{name}{'-dark' if dark else ''}.html", wait_until="commit")
        page.wait_for_selector(".imggen-live[data-started]")
        page.wait_for_function("() => /\\u2026/.test(document.querySelector('.imggen-live').innerText)")
        assert asked, "the demo does not wait for a file"
        assert not faults(page, ("color-contrast",))
        page.close()


def test_what_is_faded_is_found(browser: Browser, waiting: Site) -> None:
    """The test above can fail: as it was, with the whole demo at half opacity."""
    with opener(browser, waiting) as tab:
        page = tab().page
        _hold(page, [])
        page.goto(f"{waiting.http}explorer.html", wait_until="commit")
        page.wait_for_selector(".imggen-live[data-started]")
        page.add_style_tag(content=".imggen-live [aria-busy] { opacity: 0.5; }")
        assert any("color-contrast" in fault for fault in faults(page, ("color-contrast",)))
        page.close()
