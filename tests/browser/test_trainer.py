"""The trainer demo in a real browser: it waits, trains when asked, shows who moved, and can be broken and mended."""

from collections.abc import Callable, Iterator

import pytest
from plane_page import add_a_point_by_keys, after, draw_a_stroke, draw_by_a_finger, picture, steps, waits_trains_and_pauses
from playwright.sync_api import Browser, Page, expect
from reader import PHONE, Site, demo_site, named_opener, write_page

from imggen_lib.live import trainer

CASES = [("gan", "collapse"), ("gan", "dirac-r1"), ("vae", "arc")]


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A page a preset, with nothing but the mount and the script: what the book's pages are made of."""
    presets = [*CASES, ("gan", "r1"), ("gan", "wgan")]
    pages = {f"{kind}-{preset}": trainer(kind, preset).html() for kind, preset in presets}
    with demo_site(tmp_path_factory.mktemp("trainer"), pages) as site:
        yield site


@pytest.fixture
def visit(browser: Browser, demos: Site) -> Iterator[Callable[..., Page]]:
    """Open a demo from file:// (or http, which modules need); no page may have a fault in the end."""
    with named_opener(browser, demos, ".il-trainer") as found:
        yield found


def advance(page: Page, count: int) -> None:
    """Train without drawing, which is what takes time on a machine without a graphics card."""
    page.locator(".il-trainer").evaluate("(root, n) => { for (let k = 0; k < n; k++) root.trainer.view.step(); }", count)


@pytest.mark.parametrize(("kind", "preset"), CASES)
def test_it_waits_trains_and_pauses(visit: Callable[..., Page], kind: str, preset: str) -> None:
    page = visit(f"{kind}-{preset}")
    waits_trains_and_pauses(page, "Run", page.get_by_role("status"), 3)


def test_one_move_shows_which_network_moved(visit: Callable[..., Page]) -> None:
    page = visit("gan-collapse")
    said, lit = page.get_by_role("status"), page.locator(".il-on")
    weights = "root => { const { game } = root.trainer.view; return [game.generator, game.critic].map((n) => n.params.join()); }"
    states = [page.locator(".il-trainer").evaluate(weights)]
    for who in ("Critic", "Generator"):
        page.get_by_role("button", name="One move").click()
        expect(said).to_contain_text(f"the {who.lower()} moved")
        expect(lit).to_have_text([who])
        states.append(page.locator(".il-trainer").evaluate(weights))
    start, critic, generator = states
    assert start[0] == critic[0] and start[1] != critic[1]
    assert critic[0] != generator[0] and critic[1] == generator[1]


def test_slow_motion_says_whose_turn_it_is_and_where_the_gradient_goes(visit: Callable[..., Page]) -> None:
    page = visit("gan-collapse")
    page.get_by_role("combobox", name="Speed").select_option("1")
    page.get_by_role("button", name="Run").click()
    expect(page.locator(".il-on")).to_have_text(["Critic"])
    expect(page.get_by_role("status")).to_contain_text("into the critic and stops there")
    assert page.locator(".il-back").count() == 1
    page.get_by_text("More settings").click()
    page.get_by_label("Critic's steps for each").select_option("1")
    expect(page.locator(".il-on")).to_have_text(["Generator"], timeout=8000)
    assert page.locator(".il-back").count() == 3
    expect(page.get_by_role("button", name="Pause")).to_be_visible()


@pytest.mark.parametrize("name", ["gan-r1", "vae-arc"])
def test_a_drawing_of_ones_own_is_learned(visit: Callable[..., Page], name: str) -> None:
    """By the mouse, by the keyboard, while it trains, and not at all without a point."""
    page = visit(name)
    places = "root => root.trainer.settings.drawn.length"
    root, said = page.locator(".il-trainer"), page.get_by_role("status")
    page.get_by_role("button", name="Draw your own data").click()
    assert root.evaluate(places) > 40
    draw_a_stroke(page, "Run", said)
    drawn = root.evaluate("root => root.trainer.settings.drawn")
    assert len(drawn) >= 20
    assert drawn[0] == pytest.approx([-0.69, 0.575], abs=0.03) and drawn[-1] == pytest.approx([0.69, 0.575], abs=0.06)
    advance(page, 600)
    close = root.evaluate(
        "root => { const { view } = root.trainer; view.draw({}); return view.quality.average?.near ?? view.quality.near; }"
    )
    assert close > 0.5, "what it makes lies on the stroke"
    add_a_point_by_keys(page)
    assert root.evaluate("root => root.trainer.settings.drawn.at(-1)") == pytest.approx([-0.2, -0.05])
    expect(said).to_contain_text(f"{len(drawn) + 1} points")
    page.keyboard.press("Backspace")
    assert root.evaluate(places) == len(drawn) and steps(page) == 600


def test_a_finger_draws_and_does_not_scroll(visit: Callable[..., Page]) -> None:
    page = visit("gan-r1", size=PHONE, has_touch=True)
    draw_by_a_finger(page)
    assert page.locator(".il-trainer").evaluate("root => root.trainer.settings.drawn.length") == 1


def test_the_generator_can_be_seen_as_a_bent_grid(visit: Callable[..., Page]) -> None:
    page = visit("gan-r1")
    advance(page, 300)
    page.locator(".il-trainer").evaluate("root => root.trainer.view.draw({})")
    before = picture(page)
    page.get_by_label("show the generator as a bent grid").check()
    assert picture(page) != before


def test_a_collapse_can_be_mended_while_it_runs(visit: Callable[..., Page]) -> None:
    page = visit("gan-collapse")
    advance(page, 1500)
    redraw = "root => { const { view } = root.trainer; view.draw({}); return [view.quality.average.found, view.steps]; }"
    found, count = page.locator(".il-trainer").evaluate(redraw)
    assert found <= 4 and count == 1500
    push = page.locator(".il-trainer").evaluate("root => root.trainer.view.game.losses.push")
    page.get_by_role("combobox", name="Penalty", exact=True).select_option("R1")
    advance(page, 1500)
    after_push = page.locator(".il-trainer").evaluate("root => root.trainer.view.game.losses.push")
    found, count = page.locator(".il-trainer").evaluate(redraw)
    assert count == 3000 and after_push < push / 5  # it went on, with a gentler critic


def test_a_change_of_data_starts_anew_and_the_dirac_gan_brings_its_own_settings(visit: Callable[..., Page]) -> None:
    page = visit("gan-r1")
    advance(page, 5)
    page.get_by_text("More settings").click()
    page.get_by_label("Data *").select_option(label="one point (the Dirac-GAN)")
    assert steps(page) == 0
    assert page.get_by_label("Optimiser *").input_value() == "descent"
    expect(page.locator(".il-trainer-numbers")).to_contain_text("Distance from the middle")
    page.get_by_label("Data *").select_option(label="two moons")
    assert page.get_by_label("Optimiser *").input_value() == "adam"
    expect(page.locator(".il-trainer-numbers")).to_contain_text("Pieces covered")


def test_numbers_beyond_all_bounds_stop_it_with_a_sentence(visit: Callable[..., Page]) -> None:
    page = visit("gan-wgan")
    page.locator(".il-trainer").evaluate("root => root.trainer.view.game.critic.params.fill(1e200)")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("status")).to_contain_text("beyond all bounds")
    expect(page.get_by_role("button", name="Run")).to_be_visible()
    page.get_by_role("button", name="Reset").click()
    page.get_by_role("button", name="One move").click()
    expect(page.get_by_role("status")).to_contain_text("the critic moved")


def test_the_page_stays_responsive_and_rests_when_nobody_looks(visit: Callable[..., Page]) -> None:
    page = visit("gan-r1")
    page.evaluate("document.body.append(Object.assign(document.createElement('div'), { style: 'height: 5000px' }))")
    page.get_by_role("button", name="Run").click()
    after(page, 10)
    page.evaluate("window.scrollTo(0, 4000)")
    page.wait_for_timeout(600)
    rest = page.locator(".il-trainer").evaluate("root => root.trainer.view.steps")
    page.wait_for_timeout(600)
    assert page.locator(".il-trainer").evaluate("root => root.trainer.view.steps") == rest
    page.evaluate("window.scrollTo(0, 0)")
    after(page, rest)


def test_what_is_moved_while_it_runs_is_in_sight_with_the_picture(visit: Callable[..., Page]) -> None:
    """On a desktop the controls, the plane and the charts beside it are on one screen; captions are 14 pixels large."""
    for name, controls in (("gan-collapse", ("Loss", "Penalty", "Its weight")), ("vae-arc", ("β, the weight",))):
        page = visit(name, size=(1280, 900))
        page.add_style_tag(content="body { width: 690px; margin: 0 auto; }")
        plane, beside = (page.locator("canvas").nth(k).bounding_box() for k in (0, 1))
        assert plane and beside and beside["x"] > plane["x"] + plane["width"] and beside["y"] < plane["y"] + 60
        assert beside["x"] + beside["width"] > 1280 / 2 + 690 / 2 - 40, "the right half is used"
        for control in controls:
            box = page.get_by_role("combobox", name=control).bounding_box()
            assert box and plane["y"] + plane["height"] - box["y"] < 620
        style = "all => [...new Set(all.map(e => getComputedStyle(e).fontSize + ' ' + getComputedStyle(e).fontWeight))]"
        assert page.locator("figcaption").evaluate_all(style) == ["14px 400"]
        empty = "c => new Set(new Uint32Array(c.pen.getImageData(0, 0, c.width, 30).data.buffer)).size"
        assert page.locator(".il-trainer canvas").last.evaluate(empty) == 1, "no axis and no curve before there is one"


@pytest.mark.parametrize(("kind", "preset"), CASES)
def test_it_fits_a_phone_and_has_a_name_for_everything(visit: Callable[..., Page], kind: str, preset: str) -> None:
    page = visit(f"{kind}-{preset}", size=(360, 740), has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.locator("summary").tap()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for control in page.locator("button, select, input").all():
        assert control.evaluate("e => e.textContent.trim() && e.tagName === 'BUTTON' || e.labels?.length > 0")
    for canvas in page.locator("canvas").all():
        assert canvas.get_attribute("role") == "img" and canvas.get_attribute("aria-label")
    page.get_by_role("button", name="One").first.tap()
    expect(page.get_by_role("status")).to_contain_text("moved")


def test_it_works_by_keyboard_and_follows_the_theme(visit: Callable[..., Page]) -> None:
    page = visit("vae-arc", size=PHONE)
    page.get_by_role("button", name="Run").focus()
    page.keyboard.press("Enter")
    after(page, 3)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Run")).to_be_focused()
    light = picture(page)
    page.evaluate("document.body.style.color = '#eee'; document.documentElement.dataset.theme = 'dark'")
    page.wait_for_timeout(200)
    assert picture(page) != light


def test_the_browsers_gradients_are_finite_differences(visit: Callable[..., Page]) -> None:
    """The same functions as in tests/test_live_trainer.py, here without Node and without PyTorch."""
    page = visit("gan-r1")
    error = page.locator(".il-trainer").evaluate(
        """root => {
          const { game, settings } = root.trainer.view;
          Object.assign(settings, { penalty: "r1r2", weight: 0.5, loss: "relativistic" });
          const batch = game.draw();
          const grad = game.criticGradient(batch).grad.slice();
          const value = () => { const { value, penalty } = game.criticGradient(batch); return value + penalty; };
          let [worst, size] = [0, 0];
          for (let j = 0; j < grad.length; j += 37) {
            const h = 1e-6;
            const kept = game.critic.params[j];
            game.critic.params[j] = kept + h;
            const up = value();
            game.critic.params[j] = kept - h;
            const down = value();
            game.critic.params[j] = kept;
            worst = Math.max(worst, Math.abs((up - down) / (2 * h) - grad[j]));
            size = Math.max(size, Math.abs(grad[j]));
          }
          return worst / size;
        }"""
    )
    assert error < 1e-4


def test_texts_can_be_replaced(visit: Callable[..., Page], demos: Site) -> None:
    html = trainer("gan", "r1", strings={"run": "开始", "gan-r1": "八个"}).html()
    write_page(demos.folder, "zh", html)
    page = visit("zh")
    expect(page.get_by_role("button", name="开始")).to_be_visible()
    expect(page.locator("option", has_text="八个")).to_have_count(1)


def test_the_notebooks_widget_is_the_same_demo(visit: Callable[..., Page], demos: Site) -> None:
    """anywidget imports the module and calls render with a model; here both are the page's."""
    widget = trainer("gan", "dirac")
    (demos.folder / "widget.js").write_text(str(widget._esm), encoding="utf-8")
    call = (
        "<div id='place'></div><script type='module'>import widget from './widget.js';"
        "const values = { options: { kind: 'gan', preset: 'dirac' }, strings: {} };"
        "window.end = widget.render({ model: { get: (name) => values[name] }, el: document.querySelector('#place') });</script>"
    )
    write_page(demos.folder, "widget", call)
    page = visit("widget", http=True)
    page.get_by_role("button", name="Run").click()
    after(page, 10)
    advance(page, 10_000)
    nearest = page.locator(".il-trainer").evaluate(
        """root => Math.min(...[root.trainer.view.path.first, root.trainer.view.path.last].flatMap(
          path => Array.from({ length: path.length / 2 - 1 }, (_, k) => Math.hypot(
            path[2 * k] + path[2 * k + 2], path[2 * k + 1] + path[2 * k + 3]) / 2)))"""
    )
    assert nearest > 0.45, "a chord of the path leads across the disc that it goes round"
    page.evaluate("window.end()")
    rest = page.locator(".il-trainer").evaluate("root => root.trainer.view.steps")
    page.wait_for_timeout(300)
    assert page.locator(".il-trainer").evaluate("root => root.trainer.view.steps") == rest
