"""One image at every size, in a real browser: by mouse, touch and keyboard, light and dark."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe import demo_faults
from playwright.sync_api import Browser, Page
from reader import PHONE, Site, Tab, demo_opener, themed_site

from imggen_lib import live
from imggen_lib.compress import store
from imggen_lib.live.sizes import FILE as SMALL

DESKTOP = (1280, 900)
CHAPTER = "book/outlook/smaller.html"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Pages with nothing but the demo, as the book has it."""
    html = live.sizes(seed=1).html()
    with themed_site(tmp_path_factory.mktemp("sizes"), html, [SMALL]) as site:
        yield site


@pytest.fixture
def demo(browser: Browser, small: Site) -> Iterator[Callable[..., Page]]:
    """Open the demo from its file; at the end nothing may have gone wrong."""
    with demo_opener(browser, small, ".il-sizes[data-ready]") as found:
        yield found


def _apart(page: Page, key: str) -> float:
    return float(page.locator(f".il-size[data-size={key}]").get_attribute("data-apart") or "nan")


def _pixels(page: Page, key: str) -> Any:
    return page.locator(f".il-size[data-size={key}] canvas").evaluate("(c) => Array.from(c.shown)")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_reader_finds_where_it_breaks(demo: Callable[..., Page], size: tuple[int, int], dark: bool) -> None:
    """Sliders by keyboard, buttons by mouse or touch; fewer bits are further away; nothing sticks out, axe finds no fault."""
    page = demo(dark, size=size, has_touch=size == PHONE)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth") and not demo_faults(page)
    assert page.locator(".il-size").count() == 7
    bits = page.get_by_role("slider", name="Bits per weight")
    bits.focus()
    found = {}
    for wanted in (8, 6, 4, 2):
        while int(bits.input_value()) != wanted:
            page.keyboard.press("ArrowRight" if int(bits.input_value()) < wanted else "ArrowLeft")
        page.wait_for_function(f"document.querySelector('.il-sizes').dataset.bits === '{wanted}'")
        found[wanted] = _apart(page, "rounded")
    assert found[8] == 0 and found[8] < found[6] < found[4] < found[2]
    share = page.get_by_role("slider", name="Weights set to 0")
    share.fill("0")
    page.wait_for_function("document.querySelector('.il-sizes').dataset.share === '0'")
    assert _apart(page, "cut") == 0
    share.fill("80")
    page.wait_for_function("document.querySelector('.il-sizes').dataset.share === '80'")
    assert _apart(page, "cut") > 10
    before = _pixels(page, "fifth")
    again = page.get_by_role("button", name="Other random numbers")
    again.tap() if size == PHONE else again.click()
    assert _pixels(page, "fifth") != before
    page.get_by_label("Digit").select_option("3")
    page.wait_for_function("document.querySelector('.il-sizes').dataset.digit === '3'")
    kilobytes = store.small("fifth").card["measured"]["bytes"] / 1000
    assert f"{kilobytes:.1f}\u00a0kB" in page.locator(".il-size[data-size=fifth]").inner_text() and not demo_faults(page)


def test_the_chapter_has_the_demo(open_tab: Callable[..., Tab], site: Site) -> None:
    """The real page, from its file."""
    if not Path(site.folder, CHAPTER).exists():
        pytest.skip("the book in this folder has no chapter on small generators")
    for size, dark in ((DESKTOP, False), (PHONE, True)):
        page = open_tab(size=size, dark=dark).goto(site.file + CHAPTER)
        page.locator(".imggen-live[data-demo=sizes]").scroll_into_view_if_needed()
        page.wait_for_selector(".il-sizes[data-ready]")
        assert page.locator(".il-sizes").evaluate("(e) => e.scrollWidth <= e.clientWidth + 1")
