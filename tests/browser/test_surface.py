"""Quotes on a surface in a real browser: by mouse, touch and keyboard, light and dark; what the page says is Python's."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from axe import demo_faults
from playwright.sync_api import Browser, Page, expect
from reader import PHONE, Site, demo_opener, themed_site

from imggen_lib import live
from imggen_lib.applications.volatility import measures, surfaces
from imggen_lib.applications.volatility.surfaces import Quotes
from imggen_lib.live.shipped import SURFACES
from imggen_lib.live.surface_file import EACH, gaussian

EDGE, SIDE, WIDE, HIGH = (44, 6), 20, 376, 364  # CSS pixels of the map, as in surface_view.js


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    html = live.surface().html()
    with themed_site(tmp_path_factory.mktemp("surface"), html, [SURFACES]) as site:
        yield site


@pytest.fixture
def demo(browser: Browser, small: Site) -> Iterator[Callable[..., Page]]:
    """Open the demo from its file; at the end nothing may have gone wrong."""
    with demo_opener(browser, small, ".il-surface[data-ready]") as found:
        yield found


def said(page: Page, name: str) -> Any:
    page.evaluate("() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))")
    return json.loads(page.locator(".il-surface").get_attribute(f"data-{name}") or "null")


def middle(page: Page, place: int) -> tuple[float, float]:
    """Where the middle of a place is on the screen."""
    box = page.locator(".il-surface-map").bounding_box()
    assert box
    x, y = EDGE[0] + (place % 16 + 0.5) * SIDE, EDGE[1] + (place // 16 + 0.5) * SIDE
    return box["x"] + x * box["width"] / WIDE, box["y"] + y * box["height"] / HIGH


def python_says(page: Page, index: int = 0) -> float:
    """The Gaussian's error with the quotes that the page has."""
    x = surfaces.draw(EACH, 1)[index : index + 1].float().double()
    asked = Quotes(torch.tensor([said(page, "places")]), torch.tensor([said(page, "values")], dtype=torch.float64), 0.0)
    return float(measures.errors(gaussian().complete(asked), x))


def test_a_quote_is_dragged_by_mouse_and_errors_are_pythons(demo: Callable[..., Page]) -> None:
    page = demo()
    before = said(page, "places")
    assert len(before) == 10 and said(page, "errors")[0] == pytest.approx(python_says(page), abs=2e-3)
    free = next(p for p in range(100, 256) if p not in before)
    page.locator(".il-surface-map").scroll_into_view_if_needed()
    page.mouse.move(*middle(page, before[3]))
    page.mouse.down()
    page.mouse.move(*middle(page, free), steps=6)
    page.mouse.up()
    after = said(page, "places")
    assert after[3] == free and sum(a != b for a, b in zip(before, after, strict=True)) == 1 and said(page, "chosen") == 3
    assert said(page, "errors")[0] == pytest.approx(python_says(page), abs=2e-3)


def test_keys_move_the_chosen_quote_and_stop_at_the_border(demo: Callable[..., Page]) -> None:
    page = demo()
    place = said(page, "places")[0]
    page.locator(".il-surface-map").focus()
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    assert said(page, "places")[0] > place and said(page, "places")[0] // 16 == place // 16
    page.keyboard.press("ArrowDown" if place < 240 else "ArrowUp")
    assert said(page, "places")[0] // 16 != place // 16


def test_a_finger_drags_and_the_phone_needs_no_scrolling_sideways(demo: Callable[..., Page]) -> None:
    page = demo(size=PHONE, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator(".il-surface-map").scroll_into_view_if_needed()
    places = said(page, "places")
    free = next(p for p in range(256) if p not in places and p // 16 == places[2] // 16)
    client = page.context.new_cdp_session(page)
    spots = [dict(zip("xy", middle(page, p), strict=True)) for p in (places[2], free)]
    client.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [spots[0]]})
    client.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [spots[1]]})
    client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert said(page, "places")[2] == free


def test_a_quote_that_lies_makes_free_money_but_not_for_parameters(demo: Callable[..., Page]) -> None:
    page = demo()
    free = []
    for k in range(10):
        page.get_by_role("slider", name="Chosen quote").fill(str(k + 1))
        page.get_by_role("slider", name="It is off by, points").fill("5")
        free.append(said(page, "free"))
        page.get_by_role("slider", name="It is off by, points").fill("0")
    assert sum(f[0] > 0 for f in free) >= 2 and sum(f[1] > 0 for f in free) >= 2 and all(f[2] == 0 for f in free)
    page.get_by_role("slider", name="Quotes", exact=True).fill("20")
    expect(page.locator(".il-status")).to_contain_text("20 quotes.")
    assert len(said(page, "places")) == 20
    page.get_by_label("All quotes have an error of 2").check()
    assert said(page, "free")[2] == 0
    page.get_by_label("Surfaces of").select_option("Heston")
    assert len(said(page, "errors")) == 3
    for shown in ("volatilities", "parameters", "truth"):
        page.get_by_label("On the map").select_option(shown)
    old = said(page, "places")
    page.get_by_role("button", name="Another surface").click()
    assert said(page, "places") != old


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_keeps_a_reader_out(demo: Callable[..., Page], dark: bool) -> None:
    page = demo(dark=dark)
    assert not demo_faults(page)
