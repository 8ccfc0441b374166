"""The landscape in a real browser: walked by keys and by touch, from the map, without WebGL, without a worker, with a headset."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect
from reader import PHONE, Site, demo_site, opener

from imggen_lib import live
from imggen_lib.applications.worlds import generator, noise
from imggen_lib.live.shipped import LANDSCAPE, stored

WORLD = stored(LANDSCAPE)["spec"]["world"]
CELL, TILE = WORLD["cell"], generator.TILE
NO_WEBGL = """
const get = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
  return kind === "webgl2" ? null : get.call(this, kind, ...more);
};
"""
NO_WORKER = "window.Worker = function () { throw new Error('no workers here'); };"
#: A headset as small as it can be: two eyes in a room, and a pointer that looks down ahead.
HEADSET = """
const ends = [], selects = [];
const eye = (x) => ({
  projectionMatrix: Float32Array.of(1, 0, 0, 0, 0, 1, 0, 0, 0, 0, -1, -1, 0, 0, -1, 0),
  transform: {
    position: { x, y: 1.6, z: 0 },
    inverse: { matrix: Float32Array.of(1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, -x, -1.6, 0, 1) },
  },
});
const [s, c] = [Math.sin(-0.3), Math.cos(-0.3)];
const held = Float32Array.of(1, 0, 0, 0, 0, c, s, 0, 0, -s, c, 0, 0.2, 1.2, 0, 1);
const pointer = { transform: { position: { x: 0.2, y: 1.2, z: 0 }, matrix: held } };
const frame = { getViewerPose: () => ({ views: [eye(-0.03), eye(0.03)] }), getPose: () => pointer };
window.headset = {
  frames: 0,
  axes: [0, 0, 0, 0],
  select: () => selects.forEach((f) => f({ frame, inputSource: {} })),
  end: () => ends.forEach((f) => f()),
};
const session = {
  inputSources: [{ gamepad: headset }],
  updateRenderState(state) { headset.state = state; },
  requestReferenceSpace: async () => ({}),
  addEventListener: (name, f) => ({ end: ends, select: selects })[name].push(f),
  requestAnimationFrame: (f) => requestAnimationFrame((now) => { headset.frames += 1; f(now, frame); }),
  end: () => headset.end(),
};
window.XRWebGLLayer = class {
  framebuffer = null;
  getViewport(view) { return { x: view.transform.position.x < 0 ? 0 : 64, y: 0, width: 64, height: 64 }; }
};
Object.defineProperty(navigator, "xr", { value: { isSessionSupported: async () => true, requestSession: async () => session } });
WebGL2RenderingContext.prototype.makeXRCompatible = async () => {};
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    demos = {"land": live.world(seed=5), "noise": live.world("noise", seed=5)}
    pages = {name: f"<a href='#'>before</a>{demo.html()}<a href='#'>after</a>" for name, demo in demos.items()}
    with demo_site(tmp_path_factory.mktemp("world"), pages, [LANDSCAPE]) as found:
        yield found


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Callable[..., Page]]:
    with opener(browser, site) as tab:

        def make(name: str = "land", script: str = "", whole: bool = False, **options: Any) -> Page:
            page = (found := tab(**options)).page
            page.add_init_script(script)
            found.goto(f"{site.file}{name}.html")
            until(page, "d.ready" if not whole else "d.ready && d.field && d.missing === '0'")
            return page

        yield make


def said(page: Page, name: str) -> str:
    return page.locator(".il-world").get_attribute(f"data-{name}") or ""


def until(page: Page, condition: str) -> None:
    """Wait until the data of the demo fulfil the condition, in which they are called `d`, the camera `c`."""
    page.wait_for_function(
        "() => { const e = document.querySelector('.il-world'); const d = e?.dataset, c = e?.world?.camera;"
        f" return d && c && ({condition}); }}"
    )


def camera(page: Page) -> dict[str, float]:
    found: dict[str, float] = page.evaluate(
        "(({ x, y, z, yaw, above, eye }) => ({ x, y, z, yaw, above, eye }))(document.querySelector('.il-world').world.camera)"
    )
    return found


def picture(page: Page) -> np.ndarray:
    """What is drawn when nothing moves, read before the browser takes it away: height x width x 3."""
    code = """() => new Promise((done) => {
      const { world } = document.querySelector(".il-world");
      const { gl, draw } = world.scene;
      world.scene.draw = (...given) => {
        const fading = draw(...given);
        if (fading || !given[0].fine) return fading; // the picture with all pixels, when one stands still
        world.scene.draw = draw;
        const [w, h] = [gl.drawingBufferWidth, gl.drawingBufferHeight];
        const bytes = new Uint8Array(4 * w * h);
        gl.readPixels(0, 0, w, h, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
        done({ w, h, bytes: Array.from(bytes), fault: gl.getError() });
        return fading;
      };
      world.wake();
    })"""
    found = page.evaluate(code)
    assert found["fault"] == 0
    return np.array(found["bytes"], np.uint8).reshape(found["h"], found["w"], 4)[::-1, :, :3].astype(float)


def heights(page: Page, column: int, row: int) -> np.ndarray:
    page.wait_for_function(f"document.querySelector('.il-world').world.tiles().at({column}, {row})")
    found = page.evaluate(f"[...document.querySelector('.il-world').world.tiles().at({column}, {row}).heights]")
    return np.reshape(found, (72, 72))


def test_the_worker_s_tiles_are_python_s_here_and_a_million_tiles_away(visit: Callable[..., Page]) -> None:
    page = visit()
    assert page.evaluate("document.querySelector('.il-world').world.helper.beside"), "from a file, too, a worker makes the tiles"
    window = lambda column, row: (5, TILE * column - 4, TILE * row - 4, 72, 72)  # noqa: E731
    assert abs(heights(page, 0, 0) - generator.heights(generator.shipped(), *window(0, 0))).max() < 1e-3
    page.get_by_role("button", name="A million tiles away").click()
    column, row = (int(camera(page)[name] // (TILE * CELL)) for name in ("x", "z"))
    assert column > 999_000 and row > 999_000
    assert abs(heights(page, column, row) - generator.heights(generator.shipped(), *window(column, row))).max() < 1e-3
    until(page, "c.above !== null")
    page.get_by_role("button", name="Noise").click()
    until(page, "d.kind === 'noise' && d.ready")
    waves = noise.fbm(*window(0, 0), octaves=WORLD["octaves"], gain=WORLD["gain"]) * WORLD["scale"]
    assert abs(heights(page, 0, 0) - waves).max() < 1e-3


def test_it_is_walked_and_flown_by_keys(visit: Callable[..., Page]) -> None:
    page = visit()
    page.get_by_role("application").first.focus()
    page.get_by_role("application").first.press("Escape")
    begin = camera(page)
    page.get_by_role("application").first.focus()
    page.keyboard.down("w")
    page.wait_for_function(
        "([x, z]) => { const c = document.querySelector('.il-world').world.camera; return Math.hypot(c.x - x, c.z - z) > 90; }",
        arg=[begin["x"], begin["z"]],
    )
    page.keyboard.up("w")
    there = camera(page)
    ahead = np.array([np.sin(begin["yaw"]), -np.cos(begin["yaw"])])
    moved = np.array([there["x"] - begin["x"], there["z"] - begin["z"]])
    assert moved @ ahead / np.linalg.norm(moved) > 0.999, "not the way one looks"
    page.keyboard.down("e")
    until(page, f"c.y > {there['y'] + 200}")
    page.keyboard.up("e")
    page.keyboard.down("q")
    until(page, "Math.abs(c.above - c.eye) < 0.1")
    page.keyboard.up("q")
    page.keyboard.down("ArrowRight")
    page.wait_for_function("(yaw) => Math.abs(document.querySelector('.il-world').world.camera.yaw - yaw) > 0.3", arg=there["yaw"])
    page.keyboard.up("ArrowRight")
    page.keyboard.down("ArrowUp")
    page.wait_for_timeout(800)
    page.keyboard.up("ArrowUp")
    page.wait_for_timeout(100)
    low, now = camera(page)["above"], camera(page)
    assert 0.3 * now["eye"] < low < 2.5 * now["eye"], "feet stay on the ground"
    expect(page.get_by_role("status")).to_contain_text("of the start")
    page.get_by_role("button", name="Back to the start").click()
    until(page, f"Math.hypot(c.x - {begin['x']}, c.z - {begin['z']}) < 1")


def test_it_looks_like_land_under_a_sky(visit: Callable[..., Page]) -> None:
    page = visit(whole=True)
    seen = picture(page)
    high = len(seen)
    sky, land = seen[: high // 5], seen[-high // 3 :]
    assert (sky[..., 2] > sky[..., 0]).mean() > 0.9, "the sky is blue"
    assert land.mean(-1).std() > 12, "a grey blanket"
    assert (abs(land - land.mean(-1, keepdims=True)).max(-1) > 12).mean() > 0.3, "no colours"
    rows = seen.mean((1, 2))
    assert abs(np.diff(rows)).max() < 60, "the rim of the land is hidden by fog"
    page.get_by_role("checkbox", name="Water stands in hollows").uncheck()
    dry = picture(page)
    page.get_by_role("checkbox", name="Water stands in hollows").check()
    assert float(said(page, "share")) > 0
    assert (abs(picture(page) - seen).max(-1) > 3).mean() < 0.01, "the same place looks the same"
    assert dry.shape == seen.shape


def test_the_map_says_where_water_would_stand_and_takes_one_there(visit: Callable[..., Page]) -> None:
    page = visit("noise", whole=True)
    assert 0.15 < float(said(page, "share")) < 0.45
    expect(page.get_by_role("status")).to_contain_text("water would stand on")
    board = page.get_by_role("application", name="Map from above")
    blue = board.evaluate(
        "(e) => { const { data } = e.getContext('2d').getImageData(0, 0, e.width, e.height); let n = 0;"
        " for (let k = 0; k < data.length; k += 4) n += data[k + 2] > data[k] + 70; return n / (data.length / 4); }"
    )
    assert 0.1 < blue < 0.5
    begin = camera(page)
    board.click(position={"x": 168, "y": 112})
    until(page, f"c.x > {begin['x'] + 30 * CELL}")
    there = camera(page)
    assert there["x"] - begin["x"] == pytest.approx(56 * 320 / 224 * CELL, rel=0.05) and abs(there["z"] - begin["z"]) < 2 * CELL
    board.focus()
    for key in ("ArrowUp", "ArrowUp", "ArrowUp", "Enter"):
        board.press(key)
    assert camera(page)["z"] == pytest.approx(there["z"] - 3 * 320 / 24 * CELL, abs=CELL)


def test_seeds_are_worlds(visit: Callable[..., Page]) -> None:
    page = visit()
    first = heights(page, 0, 0)
    field = page.get_by_role("spinbutton", name="Seed")
    field.fill("77")
    field.press("Enter")
    until(page, "d.seed === '77' && d.ready")
    assert abs(heights(page, 0, 0) - first).max() > 10
    page.get_by_role("button", name="New world").click()
    until(page, "d.seed !== '77' && d.ready")
    field.fill("5")
    field.press("Enter")
    until(page, "d.seed === '5' && d.ready")
    assert np.array_equal(heights(page, 0, 0), first)


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_shows_it_all_and_a_thumb_walks(visit: Callable[..., Page], dark: bool) -> None:
    page = visit(size=(358, PHONE[1]), has_touch=True, dark=dark)
    if dark:
        page.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "wider than the phone"
    for control in page.locator(".il-world button:visible, .il-world input:visible, .il-world canvas").all():
        box = control.bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 359
    fingers, begin = page.context.new_cdp_session(page), camera(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        fingers.send(
            "Input.dispatchTouchEvent",
            {"type": kind, "touchPoints": [{"x": x, "y": y, "id": k} for k, (x, y) in enumerate(points)]},
        )

    stick = page.locator(".il-world-stick").bounding_box()
    assert stick is not None
    x, y = stick["x"] + 52, stick["y"] + 52
    touch("touchStart", (x, y))
    touch("touchMove", (x, y - 40))
    page.wait_for_function(
        "([x, z]) => { const c = document.querySelector('.il-world').world.camera; return Math.hypot(c.x - x, c.z - z) > 60; }",
        arg=[begin["x"], begin["z"]],
    )
    touch("touchEnd")
    page.wait_for_timeout(200)
    rest = camera(page)
    page.wait_for_timeout(300)
    assert camera(page)["x"] == rest["x"], "it walks on without a thumb"
    screen = page.locator(".il-world-screen")
    box = screen.bounding_box()
    assert box is not None
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 3)
    page.touchscreen.tap(*middle)
    touch("touchStart", middle)
    for k in range(1, 6):
        touch("touchMove", (middle[0] - 16 * k, middle[1]))
    touch("touchEnd")
    until(page, f"Math.abs(c.yaw - {rest['yaw']}) > 0.2")
    lift = page.get_by_role("button", name="Rise").bounding_box()
    assert lift is not None and lift["width"] >= 44
    touch("touchStart", (lift["x"] + 20, lift["y"] + 20))
    until(page, f"c.y > {rest['y'] + 100}")
    touch("touchEnd")


def test_without_webgl_the_land_is_a_map_that_is_dragged(visit: Callable[..., Page]) -> None:
    page = visit(script=NO_WEBGL, whole=True)
    assert said(page, "view") == "map" and page.locator(".il-world-screen").count() == 0
    expect(page.get_by_text("This browser draws no WebGL").first).to_be_visible()
    board, begin = page.get_by_role("application", name="Map from above"), camera(page)
    box = board.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 100, y + 40, steps=4)
    page.mouse.up()
    scale = 320 / box["width"] * CELL
    assert camera(page)["x"] == pytest.approx(begin["x"] + 100 * scale, abs=CELL) and camera(page)["z"] == pytest.approx(
        begin["z"] - 40 * scale, abs=CELL
    )
    before = said(page, "field")
    board.focus()
    for _ in range(6):
        board.press("ArrowRight")
    until(page, f"d.field !== '{before}' && d.missing === '0'")
    shades = board.evaluate("(e) => new Set(e.getContext('2d').getImageData(0, 0, e.width, e.height).data).size")
    assert shades > 60


def test_without_a_worker_tiles_come_all_the_same(visit: Callable[..., Page]) -> None:
    page = visit(script=NO_WORKER)
    assert not page.evaluate("document.querySelector('.il-world').world.helper.beside")
    assert abs(heights(page, 0, 0) - generator.heights(generator.shipped(), 5, -4, -4, 72, 72)).max() < 1e-3


def test_reduced_motion_steps_and_does_not_glide(visit: Callable[..., Page]) -> None:
    page = visit(reduced_motion="reduce")
    page.get_by_role("application").first.focus()
    begin = camera(page)
    page.keyboard.press("ArrowRight")
    turned = (camera(page)["yaw"] - begin["yaw"]) % (2 * np.pi)
    assert turned == pytest.approx(np.pi / 6)
    page.keyboard.press("w")
    there = camera(page)
    assert np.hypot(there["x"] - begin["x"], there["z"] - begin["z"]) >= 3 * CELL
    page.wait_for_timeout(300)
    assert camera(page)["x"] == there["x"]


def test_the_keyboard_is_not_trapped(visit: Callable[..., Page]) -> None:
    page = visit()
    page.get_by_role("link", name="before").focus()
    seen = []
    for _ in range(20):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.getAttribute('aria-label') || document.activeElement.textContent"))
        if seen[-1] == "after":
            break
    assert seen[-1] == "after" and any("The landscape. Keys" in name for name in seen) and "Seed" in seen


def test_a_headset_is_offered_only_where_there_is_one(visit: Callable[..., Page]) -> None:
    page = visit()
    page.wait_for_timeout(200)
    expect(page.get_by_role("button", name="Enter with a headset")).to_have_count(0)


def test_with_a_headset_one_goes_by_pointing_and_turns_by_steps(visit: Callable[..., Page]) -> None:
    page = visit(script=HEADSET, whole=True)
    page.get_by_role("button", name="Enter with a headset").click()
    until(page, "d.headset === 'yes' && headset.frames > 2")
    assert page.evaluate("headset.state.depthFar") > 10_000
    begin = camera(page)
    page.evaluate("headset.select()")
    there = camera(page)
    way = np.array([there["x"] - begin["x"], there["z"] - begin["z"]])
    ahead = np.array([np.sin(begin["yaw"]), -np.cos(begin["yaw"])])
    assert np.linalg.norm(way) > 10 and way @ ahead / np.linalg.norm(way) > 0.97, json.dumps([begin, there])
    page.evaluate("headset.axes[2] = 1")
    until(page, f"Math.abs(c.yaw - {there['yaw']}) > 0.1")
    page.wait_for_timeout(300)
    assert (camera(page)["yaw"] - there["yaw"]) % (2 * np.pi) == pytest.approx(np.pi / 6), "one push, one step"
    page.evaluate("headset.end()")
    until(page, "!d.headset")
