"""The two demos of advertising in a real browser: banners redraw, are checked and saved; races and looks are Python's."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe import faults
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from reader import PHONE, Site, demo_site, opener, write_page

from imggen_lib import live
from imggen_lib.applications.campaign.sizes import SIZES
from imggen_lib.live.bandit_race import POLICIES, bandit_looks, bandit_race
from imggen_lib.live.campaign import MODEL, TYPE

WORLD: dict[str, Any] = {"rate": 0.0046, "arms": 4, "days": 28}


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    pages = {"campaign": live.campaign().html(), "bandit": live.bandit(**WORLD, seed=1).html()}
    with demo_site(tmp_path_factory.mktemp("advertising"), pages, [MODEL, TYPE]) as site:
        for name, html in pages.items():
            write_page(site.folder, f"{name}-dark", html, theme="dark")
        yield site


@pytest.fixture
def demo(browser: Browser, demos: Site) -> Iterator[Callable[..., Page]]:
    """Open a demo from its file; at the end nothing may have gone wrong."""
    with opener(browser, demos) as tab:

        def open_demo(name: str, dark: bool = False, **options: Any) -> Page:
            page = tab(dark=dark, **options).goto(f"{demos.file}{name}{'-dark' if dark else ''}.html")
            page.wait_for_selector(f".il-{name}[data-ready]")
            return page

        yield open_demo


def said(page: Page, demo: str, name: str) -> Any:
    return json.loads(page.locator(f".il-{demo}").get_attribute(f"data-{name}") or "null")


def drawn(page: Page, act: Callable[[], Any]) -> None:
    """Do something, and wait until all banners are drawn anew."""
    before = said(page, "campaign", "drawn")
    act()
    page.wait_for_function("n => Number(document.querySelector('.il-campaign').dataset.drawn) > n", arg=before)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_banner_is_drawn_checked_and_can_be_read(demo: Callable[..., Page], dark: bool) -> None:
    page = demo("campaign", dark)
    cards = page.locator(".il-campaign-card")
    expect(cards).to_have_count(len(SIZES))
    expect(page.locator(".il-campaign .il-status")).to_contain_text(f"{len(SIZES)} of {len(SIZES)} banners pass every check.")
    for k, size in enumerate(SIZES):
        canvas = cards.nth(k).locator("canvas")
        assert (canvas.get_attribute("width"), canvas.get_attribute("height")) == (str(size.width), str(size.height))
        assert "Dress" in (canvas.get_attribute("aria-label") or "")
        ink = "c => { const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; return new Set(d).size; }"
        assert canvas.evaluate(ink) >= 6, "more than one colour"
    cards.first.locator("summary").click()
    expect(cards.first.locator("li").first).to_be_visible()
    expect(page.locator(".il-campaign .il-note")).to_contain_text("not chosen by the chapter's rules")
    assert not faults(page)


def test_words_hue_and_garments_redraw_and_what_cannot_be_is_said(demo: Callable[..., Page]) -> None:
    page = demo("campaign")
    palette = said(page, "campaign", "palette")
    hue = page.get_by_label("Hue")
    drawn(page, lambda: hue.press("PageUp"))
    assert said(page, "campaign", "palette") != palette
    pixels = "() => document.querySelector('.il-campaign-banner').toDataURL()"
    before = page.evaluate(pixels)
    drawn(page, lambda: page.get_by_role("button", name="Other garments").click())
    assert page.evaluate(pixels) != before and page.get_by_label("Seed").input_value() == "2"
    text = page.get_by_label("Headline")
    drawn(page, lambda: text.fill("Cut by no hand"))
    expect(page.locator(".il-campaign-banner[aria-label*='Cut by no hand']").first).to_be_visible()
    line = page.locator(".il-campaign .il-status")
    text.fill("")
    expect(line).to_contain_text("A headline has words.")
    text.fill("Hello \u4e16")
    expect(line).to_contain_text("The type has no letter for \u4e16.")
    drawn(page, lambda: text.fill("Hello"))
    expect(line).to_contain_text("banners pass every check")


def test_a_saved_banner_is_the_one_that_was_checked(demo: Callable[..., Page], tmp_path: Path) -> None:
    page = demo("campaign", accept_downloads=True)
    card = page.locator(".il-campaign-card").first
    card.locator("summary").press("Enter")
    with page.expect_download() as waiting:
        card.get_by_role("button").press("Enter")
    path = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(path)
    width, height = SIZES[0].width, SIZES[0].height
    assert path.name == f"banner-{width}x{height}.png" and str(path.stat().st_size) == card.get_attribute("data-weight")
    with Image.open(path) as image:
        assert image.size == (width, height)
        first = image.convert("RGB").getpixel((0, 0))
    shown = page.evaluate("() => [...document.querySelector('.il-campaign-banner').getContext('2d').getImageData(0, 0, 1, 1).data]")
    assert list(first) == shown[:3]  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["campaign", "bandit"])
def test_a_phone_by_touch(demo: Callable[..., Page], name: str) -> None:
    page = demo(name, size=PHONE, has_touch=True)
    assert page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 1
    if name == "campaign":
        page.locator(".il-campaign-card summary").first.tap()
        expect(page.locator(".il-campaign-card li").first).to_be_visible()
    else:
        page.get_by_role("button", name="Another world").tap()
        page.wait_for_function("() => document.querySelector('.il-bandit').dataset.seed === '2'")
    small = "() => [...document.querySelectorAll('button, summary')].filter(b => b.getBoundingClientRect().height < 24).length"
    assert page.evaluate(small) == 0
    assert not faults(page)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_race_is_python_s(demo: Callable[..., Page], dark: bool) -> None:
    page = demo("bandit", dark)
    for seed in (1, 2):
        races = [bandit_race(policy, lift=0.2, daily=4000, seed=seed, **WORLD) for policy in POLICIES]
        assert said(page, "bandit", "lost") == pytest.approx([race.lost[-1] for race in races], abs=1e-9)
        assert said(page, "bandit", "named") == [race.named for race in races]
        assert said(page, "bandit", "shown") == [race.shown for race in races]
        rows = page.locator(".il-bandit-table").first.locator("tbody tr")
        for k, race in enumerate(races):
            expect(rows.nth(k)).to_contain_text(f"{race.lost[-1]:.1f}")
        page.get_by_role("button", name="Another world").press("Enter")
    assert not faults(page)


def test_sliders_by_keyboard_and_no_lift_says_so(demo: Callable[..., Page]) -> None:
    page = demo("bandit")
    lift = page.get_by_label("True lift of the best")
    lift.press("Home")
    expect(page.locator(".il-bandit .il-status").first).to_contain_text("All banners are alike")
    expect(page.locator(".il-bandit .il-note")).to_contain_text("No number of impressions tells a lift of 0.")
    assert said(page, "bandit", "lost") == [0, 0, 0]
    lift.press("End")
    page.get_by_label("Impressions a day").press("End")
    page.wait_for_function("() => JSON.parse(document.querySelector('.il-bandit').dataset.lost)[0] > 0")
    races = [bandit_race(policy, lift=1.0, daily=20_000, seed=1, **WORLD) for policy in POLICIES[:1]]
    page.wait_for_function("n => Math.abs(JSON.parse(document.querySelector('.il-bandit').dataset.lost)[0] - n) < 1e-6",
                           arg=races[0].lost[-1])  # fmt: skip


def test_many_worlds_can_be_stopped_and_evenings_are_python_s(demo: Callable[..., Page]) -> None:
    page = demo("bandit")
    page.get_by_role("button", name="40 worlds").click()
    stop = page.get_by_role("button", name="Stop")
    expect(stop).to_be_visible()
    stop.click()
    expect(page.get_by_role("button", name="40 worlds")).to_be_visible()
    assert said(page, "bandit", "worlds") is None
    page.get_by_label("Look at an experiment every evening").check()
    page.wait_for_function("() => document.querySelector('.il-bandit').dataset.looks")
    calls = bandit_looks(0.0046, 0.0, 2000, 28, 1000, 1)
    assert said(page, "bandit", "looks")[0] == [calls.once, calls.by_z[-1], calls.by_evidence[-1]]
    assert calls.by_z[-1] > 2 * calls.once, "looking every evening is what the demo warns of"
    expect(page.locator(".il-bandit .il-status").nth(1)).to_contain_text("Both banners alike")
