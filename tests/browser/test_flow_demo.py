"""The flow demo in a real browser: it trains when asked, time and solvers move points, reflow straightens, drawings are learned."""

from collections.abc import Callable, Iterator

import pytest
from flow_page import ask, cells, train
from plane_page import add_a_point_by_keys, after, draw_a_stroke, draw_by_a_finger, picture, steps, waits_trains_and_pauses
from playwright.sync_api import Browser, Page, expect
from reader import PHONE, Site, demo_site, named_opener, write_page

from imggen_lib.live import flow


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    pages = {"moons": flow().html(), "ring": flow("ring", "vae").html(), "drawn": flow("drawn").html()}
    with demo_site(tmp_path_factory.mktemp("flow"), pages) as site:
        write_page(site.folder, "dark", flow().html(), theme="dark")
        yield site


@pytest.fixture
def visit(browser: Browser, demos: Site) -> Iterator[Callable[..., Page]]:
    """Open a demo from file:// (or http, which modules need); no page may have a fault in the end."""
    with named_opener(browser, demos, ".il-flow") as found:
        yield found


def test_it_waits_trains_and_pauses(visit: Callable[..., Page]) -> None:
    page = visit("moons")
    first = picture(page, 1)
    waits_trains_and_pauses(page, "Train", page.locator(".il-status"), 4)
    assert picture(page, 1) == first


def test_samples_come_near_the_data_and_stand_beside_trivial_ones(visit: Callable[..., Page]) -> None:
    page = visit("ring")
    start = [float(cells(page, "Flow")[1]), float(cells(page, "VAE")[0])]
    gaussian, real = (float(cells(page, row)[0]) for row in ("A fitted Gaussian", "Real points, 19 of 20 below"))
    assert real < gaussian / 3
    train(page, 500)
    flow_now, vae = float(cells(page, "Flow")[1]), float(cells(page, "VAE")[0])
    assert flow_now < start[0] / 5 and flow_now < gaussian / 2
    assert vae < start[1] / 5
    names = page.locator(".il-flow-table tbody th").all_inner_texts()
    assert names == ["Flow", "VAE", "A fitted Gaussian", "Real points, 19 of 20 below"]


def test_time_moves_the_points_and_the_field(visit: Callable[..., Page]) -> None:
    page = visit("moons")
    train(page, 150)
    spread = "const x = view.path; return Math.sqrt(x.at(0).reduce((s, v) => s + v * v, 0) / x.at(0).length);"
    assert ask(page, spread) == pytest.approx(1, abs=0.15)  # it begins as noise
    end = picture(page)
    page.get_by_role("slider", name="Time t").fill("0.35")
    page.wait_for_function("document.querySelector('.il-flow').dataset.time === '0.350'")
    middle = picture(page)
    assert middle != end
    expect(page.locator("figcaption").first).to_contain_text("t = 0.35")
    page.get_by_label("show the field").uncheck()
    assert picture(page) != middle
    page.get_by_role("button", name="Play the flow").click()
    page.wait_for_function("document.querySelector('.il-flow').dataset.time === '1.000'")
    expect(page.get_by_role("button", name="Play the flow")).to_be_visible()
    assert page.locator(".il-flow-time output").get_attribute("aria-live") == "off"  # sixty numbers a second are no news
    assert steps(page) == 150  # to look at it trains nothing


def test_who_wants_no_motion_sees_stills(visit: Callable[..., Page]) -> None:
    page = visit("moons", reduced_motion="reduce")
    page.evaluate(
        """() => { window.seen = new Set(); const root = document.querySelector('.il-flow');
        new MutationObserver(() => seen.add(root.dataset.time)).observe(root, { attributeFilter: ['data-time'] }); }"""
    )
    page.get_by_role("button", name="Play the flow").click()
    page.wait_for_function("seen.has('1.000')")
    assert set(page.evaluate("[...seen]")) <= {"0.000", "0.250", "0.500", "0.750", "1.000"}


def test_one_step_of_euler_runs_to_the_middle_and_more_steps_mend_it(visit: Callable[..., Page]) -> None:
    page = visit("ring")
    train(page, 400)
    radius = "const end = view.path.at(-1); return Math.sqrt((2 * end.reduce((s, v) => s + v * v, 0)) / end.length) / 2;"
    assert ask(page, radius) == pytest.approx(0.75, abs=0.12)  # the ring's
    slider = page.get_by_role("slider", name="Steps")
    slider.fill("1")
    expect(page.locator(".il-flow-table thead")).to_contain_text("Euler, 1")
    assert ask(page, radius) < 0.25
    expect(page.locator(".il-status")).to_contain_text("steps 1:")
    page.get_by_label("Solver").select_option("Heun")
    expect(page.locator(".il-flow-table thead")).to_contain_text("Heun, 1")
    assert ask(page, "return view.path.length;") == 2
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".il-flow-solver output")).to_contain_text("2 (calls: 4)")
    slider.fill("50")
    expect(page.locator(".il-flow-table thead")).to_contain_text("Heun, 50")
    assert ask(page, "return view.path.length;") == 51


def test_reflow_straightens_and_the_first_flow_can_be_seen_again(visit: Callable[..., Page]) -> None:
    page = visit("ring")
    button = page.get_by_role("button", name="Reflow")
    button.click()
    expect(page.locator(".il-status")).to_contain_text("Train first")
    train(page, 400)
    button.click()
    page.wait_for_function("document.querySelector('.il-flow').dataset.stages === '2'")
    page.get_by_role("button", name="Pause").click()
    train(page, 250)
    first, second = (list(map(float, (cells(page, row)[k] for k in (0, 3, 4)))) for row in ("Flow", "Reflow 1"))
    assert second[0] < first[0] / 5 and second[1] < first[1] / 10 and second[2] < first[2] / 3
    straight = picture(page)
    page.get_by_label("Show", exact=True).select_option("Flow")
    assert picture(page) != straight
    assert "Flow at time" in str(page.locator("canvas").first.get_attribute("aria-label"))
    page.get_by_role("button", name="Reset").click()
    expect(page.get_by_label("Show", exact=True)).to_be_hidden()
    assert page.locator(".il-flow").get_attribute("data-stages") == "1"


def test_a_drawing_of_ones_own_is_learned(visit: Callable[..., Page]) -> None:
    """By the mouse, by the keyboard, while it trains, and not at all without a point."""
    page = visit("moons")
    said, plane = page.locator(".il-status"), page.locator("canvas").first
    assert plane.get_attribute("role") == "img" and plane.get_attribute("tabindex") is None
    page.get_by_role("button", name="Draw your own data").click()
    draw_a_stroke(page, "Train", said)
    drawn = ask(page, "return settings.drawn;")
    assert len(drawn) >= 20 and drawn[0] == pytest.approx([-0.69, 0.575], abs=0.03)
    train(page, 400)
    ends = ask(page, "return Array.from(view.path.at(-1), (v) => v / 2);")
    assert sum(ends[1::2]) / len(ends[1::2]) == pytest.approx(0.575, abs=0.08)  # they lie on the stroke
    add_a_point_by_keys(page)
    assert ask(page, "return settings.drawn.at(-1);") == pytest.approx([-0.2, -0.05])
    expect(said).to_contain_text(f"{len(drawn) + 1} points")
    page.keyboard.press("Backspace")
    assert ask(page, "return settings.drawn.length;") == len(drawn) and steps(page) == 400


def test_pairs_of_old_data_are_not_kept(visit: Callable[..., Page]) -> None:
    page = visit("drawn")
    train(page, 20)
    page.get_by_role("button", name="Reflow").click()
    page.wait_for_function("document.querySelector('.il-flow').dataset.stages === '2'")
    page.get_by_role("button", name="Pause").click()
    page.locator("canvas").first.focus()
    page.keyboard.press(" ")
    expect(page.locator(".il-status")).to_contain_text("starts anew")
    assert page.locator(".il-flow").get_attribute("data-stages") == "1" and steps(page) == 0


def test_a_finger_draws_and_does_not_scroll(visit: Callable[..., Page]) -> None:
    page = visit("moons", size=PHONE, has_touch=True)
    draw_by_a_finger(page)
    assert ask(page, "return settings.drawn.length;") == 1


def test_both_pictures_stand_side_by_side_on_the_same_axes(visit: Callable[..., Page]) -> None:
    page = visit("moons", size=(1280, 900))
    page.add_style_tag(content="body { width: 690px; margin: 0 auto; }")
    left, right = (page.locator("canvas").nth(k).bounding_box() for k in (0, 1))
    assert left and right and right["x"] > left["x"] + left["width"]
    assert right["y"] == pytest.approx(left["y"], abs=1) and right["width"] == pytest.approx(left["width"], abs=1)
    for name in ("Time t", "Steps"):  # what is moved stands over what it moves
        control = page.get_by_role("slider", name=name).bounding_box()
        assert control and 0 < left["y"] + left["height"] - control["y"] < 600
    train(page, 30)
    page.get_by_label("Beside it *").select_option("VAE")
    assert steps(page) == 0 and cells(page, "VAE")
    expect(page.locator("figcaption").nth(1)).to_contain_text("VAE: one jump")


@pytest.mark.parametrize("width", [358, 390])
def test_it_fits_a_phone_and_has_a_name_for_everything(visit: Callable[..., Page], width: int) -> None:
    page = visit("ring", size=(width, 740), has_touch=True)
    train(page, 3)
    page.get_by_role("button", name="Reflow").tap()
    page.wait_for_function("document.querySelector('.il-flow').dataset.stages === '2'")
    page.locator("summary").tap()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for control in page.locator("button, select, input").all():
        assert control.evaluate("e => e.tagName === 'BUTTON' ? e.textContent.trim() !== '' : e.labels?.length > 0 || e.ariaLabel")
    for canvas in page.locator("canvas").all():
        assert canvas.get_attribute("role") == "img" and canvas.get_attribute("aria-label")


def test_it_works_by_keyboard_and_follows_the_theme(visit: Callable[..., Page]) -> None:
    page = visit("dark", size=PHONE, dark=True)
    page.get_by_role("button", name="Train").focus()
    page.keyboard.press("Enter")
    after(page, 3)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Train")).to_be_focused()
    dark = picture(page)
    page.evaluate("document.documentElement.dataset.theme = 'light'")
    page.wait_for_timeout(200)
    assert picture(page) != dark


def test_the_browsers_gradient_is_a_finite_difference(visit: Callable[..., Page]) -> None:
    """The same functions as in tests/live/test_live_flow.py, here without Node and without PyTorch."""
    page = visit("moons")
    error = ask(
        page,
        """
        const { game } = view;
        const batch = game.draw();
        const grad = game.gradient(batch).grad.slice();
        const { params } = game.net;
        let [worst, size] = [0, 0];
        for (let j = 0; j < grad.length; j += 97) {
          const [h, kept] = [1e-6, params[j]];
          const at = (p) => ((params[j] = p), game.gradient(batch).value);
          const slope = (at(kept + h) - at(kept - h)) / (2 * h);
          params[j] = kept;
          worst = Math.max(worst, Math.abs(slope - grad[j]));
          size = Math.max(size, Math.abs(grad[j]));
        }
        return worst / size;
        """,
    )
    assert error < 1e-3


def test_numbers_beyond_all_bounds_stop_it_with_a_sentence(visit: Callable[..., Page]) -> None:
    page = visit("moons")
    ask(page, "view.game.net.params.fill(1e200);")
    page.get_by_role("button", name="Train").click()
    expect(page.locator(".il-status")).to_contain_text("beyond all bounds")
    page.get_by_role("button", name="Reset").click()
    page.get_by_role("button", name="Train").click()
    after(page, 3)


def test_it_rests_when_nobody_looks(visit: Callable[..., Page]) -> None:
    page = visit("moons")
    page.evaluate("document.body.append(Object.assign(document.createElement('div'), { style: 'height: 9000px' }))")
    page.get_by_role("button", name="Train").click()
    after(page, 5)
    page.evaluate("window.scrollTo(0, 8000)")
    page.wait_for_timeout(600)
    rest = ask(page, "return view.game.total;")
    page.wait_for_timeout(500)
    assert ask(page, "return view.game.total;") == rest
    page.evaluate("window.scrollTo(0, 0)")
    after(page, rest)


def test_texts_can_be_replaced_and_the_widget_is_the_same_demo(visit: Callable[..., Page], demos: Site) -> None:
    write_page(demos.folder, "zh", flow(strings={"train": "训练", "gan": "对抗"}).html())
    page = visit("zh")
    expect(page.get_by_role("button", name="训练")).to_be_visible()
    expect(page.get_by_role("rowheader", name="对抗")).to_be_visible()
    (demos.folder / "widget.js").write_text(str(flow("ring")._esm), encoding="utf-8")
    call = (
        "<div id='place'></div><script type='module'>import widget from './widget.js';"
        "const values = { options: { data: 'ring', beside: 'gan' }, strings: {} };"
        "window.end = widget.render({ model: { get: (name) => values[name] }, el: document.querySelector('#place') });</script>"
    )
    write_page(demos.folder, "widget", call)
    page = visit("widget", http=True)
    page.get_by_role("button", name="Train").click()
    after(page, 5)
    page.evaluate("window.end()")
    rest = ask(page, "return view.game.total;")
    page.wait_for_timeout(300)
    assert ask(page, "return view.game.total;") == rest
