"""The flow of codes in a real browser: loaded on demand, by mouse, touch and keyboard; what is drawn is PyTorch's."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, expect
from reader import DESKTOP, PHONE, Site, Tab, opener, themed_site

from imggen_lib import live
from imggen_lib.checkpoint import pretrained
from imggen_lib.live.latent_file import FLOW, STUDENT, drawn, flow_file, restored

SMALL = (358, 740)
CHAPTER = "book/outlook/generators.html"
SIZES = f"""data-sizes='{{"{FLOW}": 430, "{STUDENT}": 390}}'"""
ROOT = ".il-latent"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Pages with nothing but the demo, as the book has it: what it may ask for later is not loaded at first."""
    demo = live.latent(solver="heun", steps=4, guidance=1)
    html = demo.html().replace("data-demo='latent'", f"data-demo='latent' {SIZES}")
    files = [demo.options["model"], demo.options["real"], *demo.options["later"]]
    with themed_site(tmp_path_factory.mktemp("latent"), html, files) as site:
        yield site


@pytest.fixture
def demo(browser: Browser, small: Site) -> Iterator[Callable[..., Page]]:
    """Open the demo from its file; at the end nothing may have gone wrong."""
    with opener(browser, small) as tab:

        def open_demo(dark: bool = False, **options: Any) -> Page:
            page = tab(dark=dark, **options).goto(f"{small.file}{'dark' if dark else 'light'}.html")
            page.wait_for_selector(f"{ROOT}[data-ready]")
            return page

        yield open_demo


def faults(page: Page) -> list[Any]:
    page.evaluate(AXE_SCRIPT)
    found: list[Any] = page.evaluate("axe.run('.imggen-live').then((r) => r.violations.map((v) => [v.id, v.nodes[0].html]))")
    return found


def shown(page: Page, way: str) -> np.ndarray:
    """The six pictures of one way, (6, 784)."""
    code = "(all) => all.map((c) => Array.from(c.shown))"
    return np.array(page.locator(f".il-latent-row[data-way={way}] canvas").evaluate_all(code))


def said(page: Page, name: str) -> str:
    return page.locator(ROOT).get_attribute(f"data-{name}") or ""


def after(page: Page, act: Callable[[], Any]) -> None:
    """Do something and wait until it is drawn."""
    before = int(said(page, "drawn"))
    act()
    page.wait_for_function(f"() => Number(document.querySelector('{ROOT}').dataset.drawn) > {before}")


def load(page: Page, touch: bool = False) -> None:
    ask = page.get_by_role("button", name="Load the flow and its student (820 kB)")
    ask.tap() if touch else ask.click()
    page.wait_for_selector(f"{ROOT}[data-loaded=true]")


@pytest.mark.parametrize("size", [DESKTOP, PHONE, SMALL], ids=["desktop", "phone", "small"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_noise_is_drawn_at_once_and_the_flow_when_asked(demo: Callable[..., Page], size: tuple[int, int], dark: bool) -> None:
    """Nothing sticks out, axe finds no fault, before and after."""
    touch = size != DESKTOP
    page = demo(dark, size=size, has_touch=touch)
    assert page.get_by_role("slider").count() == 0 and page.locator(".il-latent-row:visible").count() == 1
    assert not faults(page)
    load(page, touch)
    assert page.locator(".il-latent-row:visible").count() == 3 and page.get_by_role("slider").count() == 3
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth") and not faults(page)
    pick = page.get_by_role("button", name="Noise 4, Flow")
    after(page, lambda: pick.tap() if touch else pick.click())
    assert said(page, "chosen") == "3" and pick.get_attribute("aria-pressed") == "true"
    large = np.array(page.locator(".il-latent-way[data-way=flow] canvas").evaluate("(c) => Array.from(c.shown)"))
    assert np.array_equal(large, shown(page, "flow")[3])


def test_what_is_drawn_is_pytorchs(demo: Callable[..., Page]) -> None:
    """The page's own noise, by the decoder, by the flow with other settings, and by the student."""
    page = demo()
    load(page)
    page.get_by_label("Digit").select_option("7")
    page.get_by_label("Solver").select_option("euler")
    for name, keys in (("Steps", ["ArrowLeft"]), ("Guidance", ["ArrowRight", "ArrowRight"])):
        page.get_by_role("slider", name=name).focus()
        for key in keys:
            after(page, lambda key=key: page.keyboard.press(key))  # type: ignore[misc]
    assert [said(page, k) for k in ("digit", "solver", "steps", "guidance")] == ["7", "euler", "3", "1.2"]
    noise = torch.tensor(page.locator(ROOT).evaluate("(e) => Array.from(e.latent.drawn.noise)")).view(6, 32).double()
    vae, labels = pretrained("mnist-vae-res").model(), torch.full((6,), 7)
    flow = restored(flow_file(FLOW), vae).sampled_with(solver="euler", steps=3, guidance=1.2)
    with torch.no_grad():
        expected = {
            "prior": drawn(noise),
            "flow": drawn(flow.codes(noise, labels)),
            "student": drawn(restored(flow_file(STUDENT), vae).codes(noise, labels)),
        }
    for way, images in expected.items():
        np.testing.assert_allclose(shown(page, way), images.flatten(1), atol=1e-3, err_msg=way)
    expect(page.locator(f"{ROOT} .il-status")).to_contain_text("Digit 7, Euler, 3 steps, guidance 1.20, time 1.00")


def test_time_runs_and_is_moved(demo: Callable[..., Page]) -> None:
    """At t = 0 the code is the noise in the flow's scale; playing ends at t = 1; where the first step leads is a class mean."""
    page = demo(reduced_motion="reduce")
    load(page)
    end = shown(page, "flow")
    time = page.get_by_role("slider", name="Time t")
    time.focus()
    after(page, lambda: page.keyboard.press("Home"))
    start = shown(page, "flow")
    assert np.abs(start - shown(page, "prior")).mean() < 0.5 * np.abs(start - end).mean()
    after(page, lambda: page.get_by_label("Show").select_option("goal"))
    goal = shown(page, "flow")
    assert np.abs(goal - goal.mean(0)).mean() < 0.9 * np.abs(end - end.mean(0)).mean()  # towards the mean code of the class
    page.get_by_role("button", name="Let it flow").click()
    page.wait_for_function(f"() => document.querySelector('{ROOT}').dataset.t === '1'")
    expect(page.get_by_role("button", name="Let it flow")).to_be_visible()
    assert np.allclose(shown(page, "flow"), end, atol=1e-5)


def test_other_noise_by_button_and_by_seed(demo: Callable[..., Page]) -> None:
    page = demo(size=PHONE, has_touch=True)
    first = shown(page, "prior")
    after(page, lambda: page.get_by_role("button", name="Other noise").tap())
    assert said(page, "seed") == "2" and not np.allclose(shown(page, "prior"), first)
    seed = page.get_by_label("Seed")
    after(page, lambda: (seed.fill("1"), seed.press("Enter")))
    assert np.allclose(shown(page, "prior"), first)


def test_the_chapter_has_the_demo(open_tab: Callable[..., Tab], site: Site) -> None:
    """The real page, from its file; the flow comes by a click."""
    if not Path(site.folder, CHAPTER).exists() or "data-demo='latent'" not in Path(site.folder, CHAPTER).read_text("utf-8"):
        pytest.skip("the book in this folder has no chapter with this demo")
    page = open_tab(size=PHONE, dark=True).goto(site.file + CHAPTER)
    page.locator(".imggen-live[data-demo=latent]").scroll_into_view_if_needed()
    page.wait_for_selector(f"{ROOT}[data-ready]")
    page.get_by_role("button", name="Load the flow").click()
    page.wait_for_selector(f"{ROOT}[data-loaded=true]")
    assert page.locator(ROOT).evaluate("(e) => e.scrollWidth <= e.clientWidth + 1")
