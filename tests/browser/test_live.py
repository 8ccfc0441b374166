"""The live demos in a real browser: from a file, without a network; the numbers are PyTorch's, and each demo is operated by mouse,
by keyboard alone, and by touch."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Locator, Page
from reader import PHONE, Site, demo_site, opener, write_page

from imggen_lib.checkpoint import pretrained
from imggen_lib.live.base import mount
from imggen_lib.live.layers import run
from imggen_lib.live.pack import HALF_A_GREY_LEVEL
from imggen_lib.live.shipped import BOTH, DIGITS, generators, packed_file
from imggen_lib.live.wire import unpacked
from imggen_lib.losses.vae import bernoulli_log_prob, iwae_bound, log_importance_weights
from imggen_lib.metrics.pixel import ssim
from imggen_lib.models.blocks import one_hot
from imggen_lib.noise import latents, slerp
from imggen_lib.people.human import preference
from imggen_lib.sampling import decode

MAP, GAN, READER = "mnist-vae-map", "mnist-gan-classes", "mnist-vae-small" + BOTH
LAST = "mnist-vae-mlp"
DEMOS = {
    "map": ("explorer", {"model": MAP, "seed": 1}),
    "classes": ("explorer", {"model": GAN, "choices": [GAN, MAP], "seed": 1}),
    "walk": ("explorer", {"model": MAP, "walk": True}),
    "drawing": ("drawing", {"model": READER, "draws": 64}),
    "guess": ("real_or_fake", {"model": GAN, "real": DIGITS, "count": 12, "seed": 5}),
    "empty": ("explorer", {"model": "nobody"}),
}


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A page a demo, as the book has it: a script a demo, one file of weights a model."""
    html = {page: mount(demo, options, "Something else.") for page, (demo, options) in DEMOS.items()}
    sized = mount("explorer", {"model": MAP, "choices": [MAP, GAN, LAST]}, "Something else.")
    html["sized"] = sized.replace("data-options", f"data-sizes='{json.dumps({MAP: 290, GAN: 460})}' data-options")
    html["held"] = mount("explorer", {"model": MAP}, "Something else.").replace("data-options", "data-hold='400' data-options")
    html["two"] = html["map"] + html["guess"]
    with demo_site(tmp_path_factory.mktemp("live"), html, [*generators(), READER, DIGITS]) as site:
        yield site


@pytest.fixture
def demo(browser: Browser, pages: Site) -> Iterator[Callable[..., Page]]:
    """Open a demo's page from its file; at the end nothing may have gone wrong."""
    with opener(browser, pages, forgiven="empty.html") as tab:

        def open_demo(name: str, **options: Any) -> Page:
            page = tab(**options).goto(f"{pages.file}{name}.html")
            if name not in ("empty", "held"):
                page.wait_for_selector(".imggen-live [data-ready]")
            return page

        yield open_demo


def _drawn(page: Page, name: str, z: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
    """What the script in the page draws, one image at a time."""
    numbers = page.evaluate(
        """async ([name, z, labels]) => {
          const { openNetwork, pageModel } = imggenLive.tools;
          const network = await openNetwork(pageModel({}, {}), name);
          return z.map((row, i) => Array.from(network.draw(Float32Array.from(row), 1, labels && [labels[i]])));
        }""",
        [name, z.tolist(), None if labels is None else labels.tolist()],
    )
    return torch.tensor(numbers)


@pytest.mark.parametrize("name", generators())
def test_the_page_draws_what_pytorch_draws(name: str, demo: Callable[..., Page]) -> None:
    """To 1e-3 a pixel with the same weights; with the full ones to what the file says, half a grey level or, in 8 bits, more."""
    model = pretrained(name).model()
    z, labels = latents(range(100), model.latent_dim), torch.arange(100) % model.classes if model.classes else None
    drawn = _drawn(demo("map"), name, z, labels)
    file = packed_file(name)
    nets = unpacked(file["spec"], file["bytes"])
    packed = run(nets["decode"] + nets["show"], z, one_hot(labels, model.classes, z)).flatten(1)
    assert drawn.shape == packed.shape
    assert (drawn - packed).abs().max() < 1e-3
    said = file["spec"]["difference"]
    assert (drawn - decode(model, z, labels).flatten(1)).abs().max() < said["largest"] * 1.05 + 1e-3
    assert file["spec"]["weights"] == "int8" or said["largest"] <= HALF_A_GREY_LEVEL


def test_several_images_at_once_are_the_same(demo: Callable[..., Page]) -> None:
    page = demo("map")
    apart = page.evaluate(
        """async (name) => {
          const { openNetwork, pageModel, normals } = imggenLive.tools;
          const network = await openNetwork(pageModel({}, {}), name);
          const random = () => 0; random.normal = (() => { let k = 0; return () => Math.sin(++k); })();
          const z = normals(random, 3 * network.spec.latent);
          const all = network.draw(z, 3, [1, 5, 9]);
          return Math.max(...[1, 5, 9].map((label, i) => {
            const one = network.draw(z.slice(i * network.spec.latent, (i + 1) * network.spec.latent), 1, [label]);
            return Math.max(...one.map((v, k) => Math.abs(v - all[i * one.length + k])));
          }));
        }""",
        GAN,
    )
    assert apart < 1e-6


def test_likelihood_and_similarity_are_pythons(demo: Callable[..., Page]) -> None:
    """The same network, the same tosses, the same draws: log p(x) in nats and SSIM of what the reader sees."""
    page = demo("drawing")
    page.get_by_role("button", name="Draw the digit 5").click()
    page.wait_for_selector("[data-nats]")
    noise = torch.Generator().manual_seed(0)
    eps, uniforms = torch.randn(64, 16, generator=noise), torch.rand(784, generator=noise)
    said = page.evaluate(
        """async ([name, eps, uniforms]) => {
          const { openNetwork, pageModel, logLikelihood, tossed } = imggenLive.tools;
          const network = await openNetwork(pageModel({}, {}), name);
          const [seen, again] = [...document.querySelectorAll(".il-figure canvas")].map((c) => c.shown);
          const x = tossed(seen, Float32Array.from(uniforms));
          let nats = 0;
          for (const value of logLikelihood(network, x, Float32Array.from(eps))) nats = value;
          return { nats, seen: Array.from(seen), again: Array.from(again), x: Array.from(x) };
        }""",
        [READER, eps.flatten().tolist(), uniforms.tolist()],
    )
    seen, again, x = (torch.tensor(said[k]).view(1, 1, 28, 28) for k in ("seen", "again", "x"))
    assert torch.equal(x.flatten(), torch.where(uniforms < (seen.flatten() + 1) / 2, 1.0, -1.0))
    file = packed_file(READER)
    nets = unpacked(file["spec"], file["bytes"])
    mu, logvar = run(nets["encode"], x.double()).chunk(2, 1)
    z = mu + torch.exp(0.5 * logvar) * eps.double()
    log_px = bernoulli_log_prob(((x + 1) / 2).expand(64, -1, -1, -1).double(), run(nets["decode"], z))
    expected = iwae_bound(log_importance_weights(log_px[:, None], z[:, None], mu, logvar))
    assert abs(said["nats"] - expected.item()) < 2e-3
    assert abs(float(page.locator("[data-ssim]").get_attribute("data-ssim") or "nan") - ssim(seen, again).item()) < 1e-5
    mean, _ = run(nets["encode"], seen.double()).chunk(2, 1)
    assert (run(nets["decode"] + nets["show"], mean) - again).abs().max() < 1e-3
    assert file["spec"]["weights"] == "fp16"  # as shipped: nothing is rounded


def test_formulas_are_pythons(demo: Callable[..., Page]) -> None:
    page = demo("map")
    for right, n in ((6, 12), (9, 12), (0, 12), (31, 48), (90, 120)):
        assert page.evaluate("([k, n]) => imggenLive.tools.coinTest(k, n)", [right, n]) == pytest.approx(
            preference(right, n).p_value
        )
    a, b = torch.randn(2, 9, generator=torch.Generator().manual_seed(0))
    for t in (0.0, 0.3, 1.0):
        there = page.evaluate("([a, b, t]) => Array.from(imggenLive.tools.between(a, b, t))", [a.tolist(), b.tolist(), t])
        assert torch.allclose(torch.tensor(there), slerp(a, b, t), atol=1e-6)
        line = page.evaluate("([a, b, t]) => Array.from(imggenLive.tools.between(a, b, t, false))", [a.tolist(), b.tolist(), t])
        assert torch.allclose(torch.tensor(line), a + t * (b - a), atol=1e-6)


def _image(page: Page) -> np.ndarray:
    return np.array(page.evaluate("Array.from(document.querySelector('.il-picture').shown)"))


def _settled(page: Page) -> None:
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def _changes(page: Page, act: Callable[[], Any]) -> None:
    before = _image(page)
    act()
    _settled(page)
    assert np.abs(_image(page) - before).max() > 0.02, "the picture did not change"


def _z(page: Page) -> list[float]:
    return [float(v) for v in (page.locator("[data-z]").get_attribute("data-z") or "").split()]


def test_a_point_is_dragged_on_the_map(demo: Callable[..., Page]) -> None:
    page = demo("map")
    box = page.locator(".il-map").bounding_box()
    assert box is not None

    def drag() -> None:
        page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.6 * box["height"])
        page.mouse.down()
        page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 0.25 * box["height"], steps=5)
        page.mouse.up()

    _changes(page, drag)
    assert _z(page) == pytest.approx([7 * 0.75 - 3.5, 3.5 - 7 * 0.25], abs=0.05)
    drawn = decode(pretrained(MAP).model(), torch.tensor([_z(page)])).flatten()
    assert np.abs(_image(page) - drawn.numpy()).max() < 0.03  # z is told in three digits
    page.mouse.move(box["x"], box["y"])
    _settled(page)
    assert _z(page) == pytest.approx([7 * 0.75 - 3.5, 3.5 - 7 * 0.25], abs=0.05), "moved without a button"
    page.get_by_text("Test images near here: mostly 0").wait_for()


def test_the_map_by_keyboard_alone(demo: Callable[..., Page]) -> None:
    page = demo("map")
    while page.evaluate("!document.activeElement.classList.contains('il-map')"):
        page.keyboard.press("Tab")
    _changes(page, lambda: [page.keyboard.press("ArrowUp") for _ in range(8)])
    assert _z(page) == pytest.approx([0.6, 0.4], abs=1e-3)
    page.keyboard.press("Shift+ArrowLeft")
    _settled(page)
    assert _z(page) == pytest.approx([0.58, 0.4], abs=1e-3)
    page.keyboard.press("Home")
    _settled(page)
    assert _z(page) == [0, 0]
    slider = page.get_by_role("slider", name="z2")
    slider.focus()
    _changes(page, lambda: [page.keyboard.press("ArrowRight") for _ in range(10)])
    assert _z(page) == pytest.approx([0, 0.5], abs=1e-3)


def test_buttons_and_sliders_of_the_explorer(demo: Callable[..., Page]) -> None:
    page = demo("classes")
    _changes(page, page.get_by_role("button", name="Random").click)
    before = _z(page)
    _changes(page, lambda: page.get_by_label("Class", exact=True).select_option("7"))
    assert _z(page) == before
    file = packed_file(GAN)
    z, label = torch.tensor([before]), one_hot(torch.tensor([7]), 10, torch.zeros(1, 1))
    drawn = run(unpacked(file["spec"], file["bytes"])["decode"], z, label).flatten().numpy()
    assert np.abs(_image(page) - drawn).max() < 0.1
    _changes(page, lambda: page.get_by_role("slider", name="z2", exact=True).fill("3"))
    visible = page.get_by_role("slider", name=re.compile(r"^z\d+$"))
    assert visible.count() == 5
    page.get_by_role("button", name="59 more").press("Enter")
    assert visible.count() == 64
    page.get_by_role("button", name="Keep as A").click()
    page.get_by_role("button", name="Random").click()
    page.get_by_role("button", name="Keep as B").click()
    there = _image(page)
    way = page.get_by_role("slider", name="From A to B")
    _changes(page, lambda: way.fill("0"))
    _changes(page, lambda: way.fill("0.5"))
    way.fill("1")
    _settled(page)
    assert np.abs(_image(page) - there).max() < 1e-5
    _changes(
        page, lambda: page.get_by_label("Model", exact=True).select_option(MAP) and page.wait_for_selector(f"[data-ready={MAP}]")
    )


def test_a_walk_walks_until_it_is_stopped(demo: Callable[..., Page]) -> None:
    page = demo("map")
    page.get_by_role("button", name="Walk").click()
    _changes(page, lambda: page.wait_for_timeout(500))
    page.get_by_role("button", name="Stop").click()
    stopped = _z(page)
    page.wait_for_timeout(200)
    assert _z(page) == stopped
    assert page.get_by_role("button", name="Walk").get_attribute("aria-pressed") == "false"


def test_a_walk_starts_by_itself_only_if_motion_is_welcome(demo: Callable[..., Page]) -> None:
    assert demo("walk").get_by_role("button", name="Stop").count() == 1
    quiet = demo("walk", reduced_motion="reduce")
    assert quiet.get_by_role("button", name="Stop").count() == 0
    quiet.get_by_role("button", name="Walk").click()
    _changes(quiet, lambda: quiet.wait_for_timeout(500))


def test_the_image_is_saved(demo: Callable[..., Page], tmp_path: Path) -> None:
    from PIL import Image

    page = demo("map")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as PNG").click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    with Image.open(path) as picture:
        saved = np.asarray(picture.convert("L"))
    assert path.name == f"{MAP}.png" and saved.shape == (280, 280)
    assert np.abs(saved[5::10, 5::10].flatten() - (_image(page) + 1) * 127.5).max() <= 1


def test_a_class_can_be_seen_alone_and_the_theme_changes_the_map(demo: Callable[..., Page]) -> None:
    page = demo("map")
    ground = "document.querySelector('.il-map').toDataURL()"
    start = page.evaluate(ground)
    page.get_by_role("button", name="7", exact=True).click()
    alone = page.evaluate(ground)
    assert alone != start
    page.get_by_role("button", name="7", exact=True).click()
    assert page.evaluate(ground) == start
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    _settled(page)
    assert page.evaluate(ground) != start


def _draw(page: Page, points: list[tuple[float, float]]) -> None:
    box = page.locator(".il-paper").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + points[0][0] * box["width"], box["y"] + points[0][1] * box["height"])
    page.mouse.down()
    for x, y in points[1:]:
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
    page.mouse.up()


def _nats(page: Page) -> float:
    page.wait_for_selector("[data-nats]")
    return float(page.locator("[data-nats]").get_attribute("data-nats") or "nan")


def test_a_drawing_is_centred_read_and_drawn_again(demo: Callable[..., Page]) -> None:
    page = demo("drawing")
    _changes(page, lambda: _draw(page, [(0.1, 0.1), (0.3, 0.08), (0.25, 0.2), (0.18, 0.35)]))  # a small 7 in a corner
    seen = (_image(page).reshape(28, 28) + 1) / 2
    at = np.arange(28) + 0.5
    assert abs((seen.sum(0) * at).sum() / seen.sum() - 14) < 0.3 and abs((seen.sum(1) * at).sum() / seen.sum() - 14) < 0.3
    rows = np.flatnonzero(seen.max(1) > 0.05)
    assert 19 <= rows[-1] - rows[0] + 1 <= 22
    assert -300 < _nats(page) < -30
    again = np.array(page.evaluate("Array.from(document.querySelectorAll('.il-figure canvas')[1].shown)"))
    assert np.corrcoef(again, _image(page))[0, 1] > 0.7
    scale = page.get_by_role("img", name=re.compile("^Scale of log p"))
    assert "half of the test digits" in (scale.get_attribute("aria-label") or "")
    page.get_by_text(re.compile(r"of 100 test digits have less")).wait_for()
    _draw(page, [(0.5, 0.6), (0.9, 0.9)])
    page.get_by_role("button", name="Undo").click()
    _settled(page)
    assert np.allclose(_image(page).reshape(28, 28), seen * 2 - 1)
    page.get_by_role("button", name="Clear").click()
    page.get_by_text("Nothing is drawn yet.").wait_for()
    assert page.locator("[data-nats]").count() == 0 and _image(page).max() == -1


def test_a_scribble_is_less_probable_than_a_digit(demo: Callable[..., Page]) -> None:
    page = demo("drawing")
    for digit in (0, 3, 7):
        page.get_by_role("button", name=f"Draw the digit {digit}").click()
        _settled(page)
        assert -170 < _nats(page) < -20
    page.get_by_role("button", name="Clear").click()
    _draw(page, [(0.1, 0.1), (0.9, 0.9), (0.9, 0.1), (0.1, 0.9), (0.5, 0.05), (0.5, 0.95), (0.05, 0.5), (0.95, 0.5)])
    _settled(page)
    assert _nats(page) < -200


def test_drawing_by_keyboard_alone(demo: Callable[..., Page]) -> None:
    page = demo("drawing")

    def tab_to(locator: Locator) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            if locator.evaluate("(e) => e === document.activeElement"):
                return
        raise AssertionError("not reached by Tab")

    tab_to(page.get_by_role("slider", name="Pen"))
    tab_to(page.get_by_role("button", name="Draw the digit 4"))
    _changes(page, lambda: page.keyboard.press("Enter"))
    before = _nats(page)
    page.get_by_role("slider", name="Tilt").focus()
    _changes(page, lambda: [page.keyboard.press("ArrowRight") for _ in range(20)])
    assert _nats(page) != before
    page.get_by_role("slider", name="Pen").focus()
    _changes(page, lambda: page.keyboard.press("Home"))


def test_guessing_by_mouse(demo: Callable[..., Page]) -> None:
    page = demo("guess")
    cells = page.locator(".il-cell")
    assert cells.count() == 12
    for k in (0, 3, 4):
        cells.nth(k).click()
    cells.nth(4).click()  # taken back
    assert [cells.nth(k).get_attribute("aria-pressed") for k in (0, 3, 4)] == ["true", "true", "false"]
    page.get_by_role("button", name="Check").click()
    truth = [cells.nth(k).get_attribute("aria-label") or "" for k in range(12)]
    fake = ["generated;" in t for t in truth]
    right = sum(f == (k in (0, 3)) for k, f in enumerate(fake))
    assert 0 < sum(fake) < 12 and sum("was right" in t for t in truth) == right
    said = page.locator(".il-guess").evaluate("(e) => ({ ...e.dataset })")
    assert (int(said["right"]), int(said["n"])) == (right, 12)
    assert float(said["p"]) == pytest.approx(preference(right, 12).p_value)
    page.get_by_text(f"{right} of 12 right.").wait_for()
    cells.nth(1).click()
    assert cells.nth(1).get_attribute("aria-label") == truth[1], "the answers can be changed after the check"


def test_guessing_by_keyboard_alone_over_rounds(demo: Callable[..., Page]) -> None:
    page = demo("guess")
    first = page.evaluate("[...document.querySelectorAll('.il-cell canvas')].map((c) => c.toDataURL())")
    counts = []
    for turn in range(3):
        page.locator(".il-cell").first.focus()
        page.keyboard.press("Space")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        marked = page.evaluate("[...document.querySelectorAll('.il-cell')].map((c) => c.getAttribute('aria-pressed'))")
        assert marked.count("true") == 2 and marked[0] == "true"
        page.get_by_role("button", name="Check").focus()
        page.keyboard.press("Enter")
        labels = page.evaluate("[...document.querySelectorAll('.il-cell')].map((c) => c.getAttribute('aria-label'))")
        counts.append(sum("generated;" in t for t in labels))
        if turn < 2:
            page.keyboard.press("Enter")
    assert len(set(counts)) > 1, "the number of generated images is always the same"
    page.get_by_text("In 3 rounds").wait_for()
    assert int(page.locator(".il-guess").get_attribute("data-n") or 0) == 36
    page.get_by_role("button", name="Start counting anew").press("Enter")
    shown = page.evaluate("[...document.querySelectorAll('.il-cell canvas')].map((c) => c.toDataURL())")
    assert len(set(shown)) == 12 and not set(shown) & set(first)
    page.get_by_text("No answer yet.").wait_for()


def test_real_images_are_the_data_sets(demo: Callable[..., Page]) -> None:
    import zlib

    real = packed_file(DIGITS)
    known = {bytes(row) for row in np.frombuffer(zlib.decompress(real["bytes"], -15), np.uint8).reshape(-1, 784)}
    page = demo("guess")
    page.get_by_role("button", name="Check").click()
    for cell in page.locator(".il-cell").all():
        values = np.array(cell.locator("canvas").evaluate("(c) => Array.from(c.shown)"))
        is_real = np.round((values + 1) * 127.5).astype(np.uint8).tobytes() in known
        assert is_real == ("real;" in (cell.get_attribute("aria-label") or ""))


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", ["map", "classes", "drawing", "guess"])
def test_a_phone_shows_it_all_and_fingers_work(name: str, dark: bool, demo: Callable[..., Page], tmp_path: Path) -> None:
    page = demo(name, size=PHONE, has_touch=True, dark=dark)
    if dark:
        page.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "wider than the phone"
    for control in page.locator("button:visible, input:visible, select:visible, .il-canvas").all():
        box = control.bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= PHONE[0] + 1
    if name == "map":
        _changes(page, lambda: page.locator(".il-map").tap(position={"x": 60, "y": 200}))
    elif name == "drawing":
        _changes(page, lambda: page.locator(".il-paper").tap(position={"x": 60, "y": 200}))
    elif name == "guess":
        page.locator(".il-cell").first.tap()
        assert page.locator(".il-cell").first.get_attribute("aria-pressed") == "true"
    else:
        _changes(page, page.get_by_role("button", name="Random").tap)


def test_everything_has_a_name(demo: Callable[..., Page]) -> None:
    """Screen readers hear a name for each control and picture."""
    for name in ("map", "classes", "drawing", "guess"):
        page = demo(name)
        page.wait_for_timeout(50)
        for control in page.locator("button, input, select, canvas[role]").all():
            box = control.evaluate(
                "(e) => e.getAttribute('aria-label') || e.textContent.trim() || (e.labels && e.labels[0].textContent)"
            )
            assert box, control.evaluate("(e) => e.outerHTML")


def test_a_model_that_is_missing_is_said_in_the_page(demo: Callable[..., Page]) -> None:
    page = demo("empty")
    page.get_by_role("alert").get_by_text("nobody.js is missing").wait_for()


def test_a_heavy_demo_waits_for_the_click(demo: Callable[..., Page]) -> None:
    page = demo("held")
    assert page.evaluate("Object.keys(window.imggenLiveFiles || {})") == []
    page.get_by_role("button", name="Load this demo (400 kB)").click()
    page.wait_for_selector(f"[data-ready={MAP}]")


def test_a_choice_says_its_size_and_the_last_one_counts(demo: Callable[..., Page]) -> None:
    page = demo("sized")
    choice = page.get_by_label("Model", exact=True)
    assert choice.locator("option").all_inner_texts() == [f"{MAP} (290 kB)", f"{GAN} (460 kB)", LAST]
    assert page.evaluate("Object.keys(imggenLiveFiles)") == [MAP], "a model was loaded that nobody asked for"
    choice.focus()
    page.evaluate(  # two changes before the first file can have come
        """([first, last]) => {
          const choice = document.querySelector(".il-select");
          for (const name of [first, last]) {
            choice.value = name;
            choice.dispatchEvent(new Event("change"));
          }
        }""",
        [GAN, LAST],
    )
    page.wait_for_selector(f"[data-ready={LAST}]")
    page.wait_for_function("(name) => name in imggenLiveFiles", arg=GAN)
    page.wait_for_timeout(200)
    assert choice.input_value() == LAST and page.locator(f"[data-ready={LAST}]").count() == 1
    assert choice.evaluate("(e) => e === document.activeElement")
    assert page.locator("[aria-busy]").count() == 0


def test_texts_can_be_replaced(demo: Callable[..., Page], pages: Site) -> None:
    mine = mount("explorer", {"model": MAP}, "", {"random": "Zuf\u00e4llig"})
    words = json.dumps({"explorer": {"walk": "Wandern", "random": "Irgendwo"}})
    write_page(pages.folder, "words", f"<script>window.imggenLiveWords = {words}</script>{mine}")
    shown = demo("words")
    for name in ("Zuf\u00e4llig", "Wandern", "Save as PNG"):
        shown.get_by_role("button", name=name).wait_for()


def test_a_page_has_the_scripts_of_its_demos_and_each_starts_its_own(demo: Callable[..., Page]) -> None:
    page = demo("two")
    page.wait_for_selector(".il-explorer[data-ready]")
    page.wait_for_selector(".il-guess[data-ready], .il-real_or_fake[data-ready]")
    assert page.locator("script[src^=demo-]").count() == 2 and page.locator("#imggen-live-style").count() == 1
    assert set(page.evaluate("Object.keys(imggenLive.tools.words)")) >= {"explorer", "real_or_fake", "page"}
    assert page.evaluate("Object.keys(imggenLive.tools)").count("coinTest") == 1


def test_weights_are_light(pages: Site) -> None:
    """What the demos load by themselves is at most 500 kB as a server sends it; their script and style beside it stay small."""
    import gzip

    sizes = {path.stem: len(gzip.compress(path.read_bytes())) for path in pages.folder.glob("*.js")}
    assert max(sizes[name] for name in (MAP, READER)) <= 500_000, sizes
    assert sizes[GAN] + sizes[DIGITS] <= 500_000, sizes
    assert max(size for name, size in sizes.items() if name.startswith("demo-")) < 40_000, sizes
