"""Your own eyes, in a real browser: called by mouse, touch and keyboard, light and dark; what is counted is Python's."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from axe import demo_faults
from playwright.sync_api import Browser, Page, expect
from reader import PHONE, Site, Tab, demo_opener, themed_site, write_page

from imggen_lib import live
from imggen_lib.live.shipped import CHEST, packed_file
from imggen_lib.metrics.audit import alarms, threshold_at
from imggen_lib.metrics.intervals import wilson_interval

DESKTOP = (1280, 900)
CHAPTER = "book/applications/medicine.html"
SPEC = packed_file(CHEST)["spec"]
TRUTH = [int(SPEC["truth"][i]) for i in SPEC["indices"]]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Pages with nothing but the demo, as the book has it."""
    html = live.xrays().html()
    with themed_site(tmp_path_factory.mktemp("xrays"), html, [CHEST]) as site:
        yield site


@pytest.fixture
def demo(browser: Browser, small: Site) -> Iterator[Callable[..., Page]]:
    """Open the demo from its file; at the end nothing may have gone wrong."""
    with demo_opener(browser, small, ".il-xrays[data-ready]") as found:
        yield found


def _said(page: Page) -> dict[str, Any]:
    """What the demo counts, from its data attributes."""
    found: dict[str, Any] = page.locator(".il-xrays").evaluate("(e) => ({ ...e.dataset })")
    return {**found, "counts": json.loads(found["counts"])}


def _right(page: Page) -> dict[str, str]:
    """Who is right how often of the twelve, from the table."""
    table = page.get_by_role("table", name=re.compile("Right of the twelve"))
    rows = [row.split("\t") for row in table.inner_text().split("\n") if "\t" in row]
    return {name.strip(): value.strip().replace("\u00a0", " ") for name, value in rows}


def _call_all(page: Page, calls: list[int], press: Callable[[Any], None]) -> None:
    for c in calls:
        press(page.get_by_role("button", name="Pneumonia" if c else "Normal", exact=True))


def _python_counts(page: Page, score: str, allowed: int) -> dict[str, int]:
    """The same from the ranks that the page has, by the library."""
    ranks = page.evaluate(
        """async (name) => {
          const { fetchFile, pageModel } = imggenLive.tools;
          const file = await fetchFile(pageModel({}, {}), name);
          return imggenLive.tools.xraysScores(file);
        }""",
        CHEST,
    )[score]
    validation, test = (torch.tensor(ranks[part], dtype=torch.float64) for part in ("validation", "test"))
    ill = torch.tensor([t == "1" for t in SPEC["truth"]])
    threshold = threshold_at(validation, allowed / len(validation))
    caught, false = (alarms(group, threshold) for group in (test[ill], test[~ill]))
    k, q = round(caught.value * caught.n), round(false.value * false.n)
    return {"caught": k, "missed": caught.n - k, "alarms": q, "left": false.n - q}


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_twelve_calls_then_the_truth(demo: Callable[..., Page], size: tuple[int, int], dark: bool) -> None:
    """By mouse on a desktop, by touch on a phone; nothing sticks out, and axe finds no fault before and after."""
    touch = size == PHONE
    page = demo(dark, size=size, has_touch=touch)
    press: Callable[[Any], None] = (lambda b: b.tap()) if touch else (lambda b: b.click())
    wide = "document.documentElement.scrollWidth <= innerWidth"
    assert page.get_by_text("Not for clinical use.", exact=True).is_visible() and page.evaluate(wide)
    assert page.get_by_role("button", name="Show the truth").is_disabled()
    assert not demo_faults(page)
    wrong = 3
    _call_all(page, [1 - t if k < wrong else t for k, t in enumerate(TRUTH)], press)
    press(page.get_by_role("button", name="X-ray 2: " + ("Normal" if TRUTH[1] else "Pneumonia")))
    press(page.get_by_role("button", name="Pneumonia" if TRUTH[1] else "Normal", exact=True))  # a call taken back
    press(page.get_by_role("button", name="Show the truth"))
    cards = page.get_by_role("group", name=re.compile(r"^X-ray \d+: (Normal|Pneumonia)$"))
    assert [("Pneumonia" in (c.get_attribute("aria-label") or "")) for c in cards.all()] == [bool(t) for t in TRUTH]
    low, high = (round(100 * x) for x in wilson_interval(10, 12))
    assert _right(page)["You"] == f"10 of 12 [{low} to {high} %]"
    said = _said(page)
    assert said["allowed"] == str(SPEC["start"]) and said["counts"]["model"] == _python_counts(page, "given", SPEC["start"])
    assert page.get_by_text("Not for clinical use.", exact=True).is_visible() and page.evaluate(wide)
    out = "[...document.querySelectorAll('.il-xrays-case dd')].filter((e) => e.scrollWidth > e.clientWidth + 1).length"
    assert page.evaluate(out) == 0, "a call sticks out of its card"
    assert not demo_faults(page)


def test_by_keyboard_alone(demo: Callable[..., Page]) -> None:
    page = demo()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Normal"
    page.keyboard.press("p")
    page.keyboard.press("ArrowLeft")
    thumbs = page.get_by_role("group", name="The twelve X-rays").get_by_role("button")
    expect(thumbs.nth(0)).to_have_attribute("aria-current", "true")
    page.keyboard.press("N")
    assert [t.get_attribute("aria-label") for t in thumbs.all()][:2] == ["X-ray 1: Normal", "X-ray 2: not called yet"]
    for _ in range(11):
        page.keyboard.press("p")
    assert page.evaluate("document.activeElement.textContent") == "Show the truth"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.textContent") == "The twelve, with the truth"
    slider = page.get_by_role("slider", name="False alarms allowed in validation")
    for _ in range(10):
        page.keyboard.press("Tab")
        if slider.evaluate("(e) => e === document.activeElement"):
            break
    before = _said(page)
    page.keyboard.press("ArrowRight")
    after = _said(page)
    assert int(after["allowed"]) == int(before["allowed"]) + 1
    told = (slider.get_attribute("aria-valuetext") or "").replace("\u00a0", " ")
    assert told == f"{after['allowed']} of 135 ({100 * int(after['allowed']) / 135:.1f} %)"


def test_the_threshold_moves_points_counts_and_calls(demo: Callable[..., Page]) -> None:
    page = demo()
    page.get_by_role("button", name="Show it without my calls").click()
    assert _right(page)["You"] == "no call"
    slider = page.get_by_role("slider", name="False alarms allowed in validation")
    places = []
    for allowed in (0, SPEC["start"], 40, SPEC["validation"]):
        slider.fill(str(allowed))
        said = _said(page)
        for who, name in (("model", "given"), ("rule", "smoothness")):
            assert said["counts"][who] == _python_counts(page, name, allowed), (who, allowed)
        counts = said["counts"]["model"]
        cell = page.get_by_role("row", name=re.compile("^Pneumonia, caught")).get_by_role("cell").first.inner_text()
        n = counts["caught"] + counts["missed"]
        low, high = (round(100 * x) for x in wilson_interval(counts["caught"], n))
        assert re.sub(r"\s+", " ", cell) == f"{counts['caught']} of {n} {round(100 * counts['caught'] / n)} % [{low} to {high} %]"
        x, y = (float(v) for v in re.findall(r"[-\d.]+", page.locator(".il-xrays-model-dot").get_attribute("transform") or ""))
        normals = counts["alarms"] + counts["left"]
        assert ((x - 46) / 258, (268 - y) / 258) == pytest.approx((counts["alarms"] / normals, counts["caught"] / n), abs=1e-9)
        places.append((x, y))
    assert len(set(places)) == 4, "the point stands still"
    assert _said(page)["counts"]["rule"]["missed"] == 0
    assert page.locator(".il-xrays-case dd").filter(has_text="Normal").count() == 0, "all are called ill now"
    label = (page.locator(".il-xrays-plot").get_attribute("aria-label") or "").replace("\u00a0", " ")
    assert "100 % false alarms, 100 % of the pneumonias caught" in label
    page.get_by_label("Score of the VAE").select_option("elbo")
    slider.fill("6")
    assert _said(page)["counts"]["model"] == _python_counts(page, "elbo", 6)
    page.get_by_text(f"VAE: area {SPEC['areas']['elbo'][0]:.3f}").wait_for()
    page.get_by_role("button", name="Call them anew").click()
    assert page.get_by_text("X-ray 1 of 12", exact=True).is_visible()


def test_the_chapter_has_the_demo(open_tab: Callable[..., Tab], site: Site) -> None:
    """The real page, from its file: it loads by itself, and its first image is there."""
    if not Path(site.folder, CHAPTER).exists():
        pytest.skip("the book in this folder has no chapter on medicine")
    for size, dark in ((DESKTOP, False), (PHONE, True)):
        page = open_tab(size=size, dark=dark).goto(site.file + CHAPTER)
        page.locator(".imggen-live[data-demo=xrays]").scroll_into_view_if_needed()
        page.wait_for_selector(".il-xrays[data-ready]")
        page.get_by_role("button", name="Show it without my calls").click()
        assert _said(page)["counts"]["model"] == _python_counts(page, "given", SPEC["start"])
        assert page.locator(".il-xrays").evaluate("(e) => e.scrollWidth <= e.clientWidth + 1")


def test_as_a_widget_it_gets_its_file_from_the_kernel(demo: Callable[..., Page], small: Site) -> None:
    """The module that anywidget loads, with a model that answers as the kernel does: with bytes in a DataView."""
    widget = live.xrays("elbo", strings={"normal": "Unauff\u00e4llig"})
    widget.wanted = [CHEST]
    numbers = list(widget.files[CHEST]["bytes"])
    values = {"options": widget.options, "strings": widget.strings, "wanted": []}
    code = f"""
      const values = {{ ...{json.dumps(values)}, files: {{}} }}, listeners = {{}};
      const file = {{ spec: {json.dumps(SPEC)}, bytes: new DataView(Uint8Array.from({numbers}).buffer) }};
      const model = {{
        get: (name) => values[name], set: (name, value) => (values[name] = value),
        on: (event, f) => (listeners[event] = f), off: (event) => delete listeners[event],
        save_changes() {{ values.files = {{ [values.wanted[0]]: file }}; listeners["change:files"](); }},
      }};
      widget.render({{ model, el: document.querySelector("#place") }});"""
    module = f"<script type=module>\n{str(widget._esm).replace('export default', 'const widget =')}\n{code}</script>"
    write_page(small.folder, "widget", f"<style>{widget._css}</style><div id=place></div>{module}")
    shown = demo(name="widget")
    shown.get_by_role("button", name="Unauff\u00e4llig", exact=True).wait_for()
    shown.get_by_role("button", name="Show it without my calls").click()
    counts = _said(shown)["counts"]["model"]
    assert sum(counts.values()) == len(SPEC["truth"])
