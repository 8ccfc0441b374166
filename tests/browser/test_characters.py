"""Made-up characters in a real browser: by mouse, touch and keyboard, light and dark; what is drawn and saved is Python's."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from axe import demo_faults
from playwright.sync_api import Browser, Page, expect
from reader import DESKTOP, PHONE, Site, demo_opener, themed_site, write_page

from imggen_lib import live
from imggen_lib.applications.characters import fields, models, paths, svg
from imggen_lib.applications.characters.page import Sheet
from imggen_lib.live.shipped import CHARACTERS, packed_file
from imggen_lib.noise import latents, slerp

SMALL = (358, 740)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    html = f"<a href='#'>before</a>{live.characters().html()}"
    with themed_site(tmp_path_factory.mktemp("characters"), html, [CHARACTERS]) as site:
        yield site


@pytest.fixture
def demo(browser: Browser, small: Site) -> Iterator[Callable[..., Page]]:
    """Open the demo from its file; at the end nothing may have gone wrong."""
    with demo_opener(browser, small, ".il-characters[data-ready]") as found:
        yield found


def said(page: Page, name: str) -> str:
    return page.locator(".il-characters").get_attribute(f"data-{name}") or ""


def ink(page: Page) -> np.ndarray:
    """How opaque each pixel of the large picture is, 0 to 255."""
    page.evaluate("() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))")
    code = """(c) => Array.from(c.getContext("2d").getImageData(0, 0, c.width, c.height).data.filter((_, k) => k % 4 === 3))"""
    found = np.array(page.locator(".il-characters-screen").evaluate(code))
    return found.reshape(round(len(found) ** 0.5), -1)


def zoom(page: Page) -> float:
    return float(said(page, "zoom"))


def saved(page: Page) -> str:
    with page.expect_download() as wait:
        page.get_by_role("button", name="Save as SVG").click()
    assert wait.value.suggested_filename.endswith(".svg")
    return Path(wait.value.path()).read_text(encoding="utf-8")


def test_the_page_computes_what_pytorch_computes(demo: Callable[..., Page]) -> None:
    """Twelve fields to 1e-3 units of the box, and the large picture of the chosen one."""
    page = demo()
    code = """async (name) => {
      const { openNetwork, pageModel, charactersStored, charactersField } = imggenLive.tools;
      const network = await openNetwork(pageModel({}, {}), name);
      const stored = charactersStored(network.spec);
      return Array.from({ length: 12 }, (_, k) => Array.from(charactersField(network, stored.latent(k))));
    }"""
    found = np.array(page.evaluate(code, CHARACTERS)).reshape(12, 32, 32)
    made = models.draw_fields(models.pretrained().model(), range(12))
    assert np.abs(found - made).max() < 1e-3
    page.get_by_role("button", name="Seed 3").click()
    shown = ink(page)
    assert svg.overlap(shown > 127, fields.enlarged(made[3], len(shown)) > 0) > 0.995


def test_blend_bold_and_save(demo: Callable[..., Page]) -> None:
    """The file is Python's character: between two seeds along the arc, made bold, outlined; an XML parser reads it."""
    page = demo()
    page.get_by_role("button", name="Seed 5").click()
    page.get_by_role("button", name="Blend: choose a second one").click()
    expect(page.locator(".il-status")).to_have_text("Now choose the second one in the sheet.")
    page.get_by_role("button", name="Seed 9").click()
    page.get_by_role("slider", name="Blend").fill("0.3")
    page.get_by_role("slider", name="Thin to bold").fill("1.2")
    model = models.pretrained().model()
    a, b = latents([5, 9], 48)
    field = models.made_fields(model, slerp(a, b, 0.3)[None])[0]
    shown = ink(page)
    assert svg.overlap(shown > 127, fields.enlarged(field, len(shown)) > -1.2) > 0.99
    shape = paths.shape_of(field, 100.0, level=-1.2)
    root = ElementTree.fromstring(saved(page))
    assert "30\u00a0%" in (root[0].text or "") and "CC BY-SA 3.0" in (root[1].text or "")
    rings = [np.array([p.split(",") for p in ring.split()], float) for ring in root[2].get("d", "").strip("Mz").split("zM")]
    theirs, ours = [np.concatenate([r, r[:1]]) for r in rings], paths.rings_of(shape.ink)
    sheet = Sheet(100.0, 100.0, columns=1, rows=1)
    assert len(theirs) == len(ours)
    assert svg.overlap(svg.filled(theirs, sheet), svg.filled(ours, sheet)) >= 0.999
    expect(page.locator(".il-status")).to_have_text(
        f"Saved: {len(ours)} closed paths, 100 by 100 millimetres. Specks left out: {shape.specks}."
    )
    page.get_by_role("button", name="No blend").click()
    assert said(page, "second") == "" and page.get_by_role("slider", name="Blend").count() == 0


def test_zoom_without_end_by_mouse(demo: Callable[..., Page]) -> None:
    """The wheel zooms only once the picture was clicked; the place under the pointer stays; a million is the end."""
    page = demo()
    page.emulate_media(reduced_motion="reduce")
    screen = page.locator(".il-characters-screen")
    box = screen.bounding_box()
    assert box
    x, y = box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.5
    page.mouse.move(x, y)
    page.mouse.wheel(0, -100)
    page.wait_for_timeout(100)
    assert zoom(page) == 1
    page.mouse.click(x, y)
    page.mouse.wheel(0, -100)
    page.wait_for_function("() => document.querySelector('.il-characters').dataset.zoom > 1.4")
    page.mouse.down()
    before = ink(page)
    page.mouse.move(x - 40, y)
    page.mouse.up()
    after = ink(page)
    scale = len(before) / box["width"]
    shift = round(40 * scale)
    assert np.abs(after[:, :-shift].astype(int) - before[:, shift:]).mean() < 3, "the picture does not follow the hand"
    for _ in range(7):
        page.get_by_role("button", name="Closer to the edge").click()
        share = (ink(page) > 127).mean()
        assert 0.1 < share < 0.9, "the edge is not in the middle"
    assert zoom(page) == pytest.approx(1e6)
    assert ((ink(page) > 0) & (ink(page) < 255)).mean() < 0.02, "the edge is blurred"
    page.get_by_role("button", name="Show all").click()
    assert zoom(page) == 1


def test_by_keyboard_alone(demo: Callable[..., Page]) -> None:
    page = demo()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    focused = "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent"
    assert page.evaluate(focused) == "Seed 0, shown"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(focused) == "Seed 5"
    page.keyboard.press("Enter")
    assert said(page, "seed") == "5"
    expect(page.locator(".il-status")).to_have_text("Seed 5.")
    screen = page.get_by_role("application")
    for _ in range(20):
        page.keyboard.press("Tab")
        if screen.evaluate("(e) => e === document.activeElement"):
            break
    page.keyboard.press("+")
    page.keyboard.press("ArrowLeft")
    assert zoom(page) == pytest.approx(1.5)
    expect(page.locator(".il-characters-spoken")).to_have_text("Magnified 1.5 times.")
    assert "1.5 times its size" in (screen.get_attribute("aria-label") or "")
    page.keyboard.press("e")
    page.wait_for_function("() => Math.abs(document.querySelector('.il-characters').dataset.zoom - 12) < 1e-6")
    page.keyboard.press("0")
    assert zoom(page) == 1


def test_by_touch_on_a_phone(demo: Callable[..., Page]) -> None:
    """Tap, pinch and drag; while all is shown, a finger on the picture still scrolls the page."""
    page = demo(True, size=SMALL, has_touch=True)
    page.get_by_role("button", name="Seed 7").tap()
    assert said(page, "seed") == "7"
    screen = page.locator(".il-characters-screen")
    screen.scroll_into_view_if_needed()
    box = screen.bounding_box()
    assert box and screen.evaluate("(e) => e.style.touchAction") == "pan-y"
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    client = page.context.new_cdp_session(page)

    def touch(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": u, "y": v, "id": k} for k, (u, v) in enumerate(places)]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", (x - 30, y), (x + 30, y))
    for apart in range(35, 95, 5):
        touch("touchMove", (x - apart, y), (x + apart, y))
    touch("touchEnd")
    assert zoom(page) == pytest.approx(3, rel=0.1)
    assert screen.evaluate("(e) => e.style.touchAction") == "none"
    before = ink(page)
    touch("touchStart", (x, y))
    for far in range(5, 65, 5):
        touch("touchMove", (x + far, y))
    touch("touchEnd")
    assert (ink(page) != before).any()
    page.get_by_role("button", name="New sheet").tap()
    assert said(page, "seed") == "12" and zoom(page) == 1
    for _ in range(4):
        page.get_by_role("button", name="New sheet").tap()
    assert said(page, "seed") == "60"
    assert page.get_by_text("Not compared with real characters: drawn in this page.").is_visible()


@pytest.mark.parametrize("size", [DESKTOP, PHONE, SMALL], ids=["desktop", "phone", "small"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_nothing_sticks_out(demo: Callable[..., Page], size: tuple[int, int], dark: bool) -> None:
    page = demo(dark, size=size)
    page.get_by_role("button", name="Blend: choose a second one").click()
    page.get_by_role("button", name="Seed 2", exact=True).click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not demo_faults(page)
    colour = page.locator(".il-characters-screen").evaluate(
        "(c) => { const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "for (let k = 0; k < d.length; k += 4) if (d[k + 3] === 255) return d[k]; }"
    )
    assert (colour > 128) == dark, "the ink has the colour of the ground"


def test_as_a_widget_it_gets_its_file_from_the_kernel(demo: Callable[..., Page], small: Site) -> None:
    """The module that anywidget loads, with a model that answers as the kernel does."""
    widget = live.characters(4, strings={"more": "Neues Blatt"})
    file = packed_file(CHARACTERS)
    values = {"options": widget.options, "strings": widget.strings, "wanted": []}
    code = f"""
      const values = {{ ...{json.dumps(values)}, files: {{}} }}, listeners = {{}};
      const file = {{ spec: {json.dumps(file["spec"])}, bytes: new DataView(Uint8Array.from({list(file["bytes"])}).buffer) }};
      const model = {{
        get: (name) => values[name], set: (name, value) => (values[name] = value),
        on: (event, f) => (listeners[event] = f), off: (event) => delete listeners[event],
        save_changes() {{ values.files = {{ [values.wanted[0]]: file }}; listeners["change:files"](); }},
      }};
      widget.render({{ model, el: document.querySelector("#place") }});"""
    module = f"<script type=module>\n{str(widget._esm).replace('export default', 'const widget =')}\n{code}</script>"
    write_page(small.folder, "widget", f"<style>{widget._css}</style><div id=place></div>{module}")
    page = demo(name="widget")
    page.get_by_role("button", name="Neues Blatt").click()
    assert said(page, "seed") == "12"
