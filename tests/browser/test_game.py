"""The game in a real browser: played by keys and by touch, watched, paused, and equal to Python's in every position."""

import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Locator, Page, expect
from reader import PHONE, Site, demo_site, opener

from imggen_lib import live
from imggen_lib.applications.levels import grammar, tiles
from imggen_lib.applications.levels.agent import solve
from imggen_lib.applications.levels.physics import play
from imggen_lib.live.base import page_script
from imggen_lib.live.layers import run
from imggen_lib.live.shipped import DECODER, LEVELS, packed_file
from imggen_lib.live.wire import unpacked

OWN = grammar.make_level(31, columns=48)
FILE = packed_file(LEVELS)
TEXTS = zlib.decompress(FILE["bytes"], -15).decode().split("\n\n")
STORED = [{**level, "text": text} for level, text in zip(FILE["spec"]["levels"], TEXTS, strict=True)]


def closed() -> np.ndarray:
    level = np.zeros((14, 32), np.uint8)
    level[13] = tiles.GROUND
    level[5:13, 9] = tiles.BRICK
    return level


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    demos = {"stored": live.game(), "own": live.game([OWN, closed()]), "hard": live.game(first=23)}
    pages = {name: f"<a href='#'>before</a>{demo.html()}<a href='#'>after</a>" for name, demo in demos.items()}
    with demo_site(tmp_path_factory.mktemp("game"), pages, [LEVELS, DECODER]) as found:
        yield found


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Callable[..., Page]]:
    with opener(browser, site) as tab:

        def make(name: str = "stored", **options: Any) -> Page:
            page = tab(**options).goto(f"{site.file}{name}.html")
            page.wait_for_selector(".il-game[data-ready]")
            return page

        yield make


def said(page: Page, name: str) -> str:
    return page.locator(".il-game").get_attribute(f"data-{name}") or ""


def until(page: Page, condition: str) -> None:
    """Wait until the data of the game fulfil the condition, in which they are called `d`."""
    page.wait_for_function(f"() => {{ const d = document.querySelector('.il-game').dataset; return {condition}; }}")


def test_it_waits_and_is_played_by_keys(visit: Callable[..., Page]) -> None:
    page = visit()
    assert said(page, "state") == "paused" and said(page, "frames") == "0"
    page.wait_for_timeout(300)
    assert said(page, "frames") == "0"  # nothing moves until the reader wants it
    screen = page.get_by_role("application")
    screen.focus()
    page.keyboard.down("ArrowRight")
    until(page, "Number(d.column) >= 4")
    page.keyboard.press("Escape")
    until(page, "d.state === 'paused'")
    column, frames = said(page, "column"), said(page, "frames")
    page.wait_for_timeout(200)
    assert (said(page, "column"), said(page, "frames")) == (column, frames)
    page.keyboard.up("ArrowRight")
    page.keyboard.down("ArrowLeft")
    until(page, f"Number(d.column) < {column}")
    page.keyboard.up("ArrowLeft")
    page.keyboard.press("r")
    until(page, "Number(d.column) === 0 && d.state === 'playing'")


PAD = """([axes, ...pressed]) => {
  const buttons = Array.from({ length: 17 }, (_, k) => ({ pressed: pressed.includes(k), touched: false, value: 0 }));
  const pad = { id: "a pad", index: 0, connected: true, mapping: "standard", axes: [axes, 0, 0, 0], buttons };
  Object.defineProperty(navigator, "getGamepads", { configurable: true, value: () => [null, pad, null, null] });
}"""
PAD_JUMP, PAD_LEFT, PAD_RIGHT = 0, 14, 15  # of the standard layout (W3C, Gamepad): the lower button on the right, left, right


def test_a_gamepad_plays(visit: Callable[..., Page]) -> None:
    page = visit("own")
    page.get_by_role("button", name="Harder").click()  # a bare floor up to a wall
    page.evaluate(PAD, [0, PAD_RIGHT])
    page.get_by_role("button", name="Play").click()
    until(page, "Number(d.column) >= 3 && d.state === 'playing'")
    page.evaluate(PAD, [0, PAD_RIGHT, PAD_JUMP])
    until(page, "Number(d.jumps) === 1")
    page.evaluate(PAD, [0])
    frames = int(said(page, "frames"))
    until(page, f"Number(d.frames) > {frames + 60}")
    column = int(said(page, "column"))
    page.wait_for_timeout(200)
    assert int(said(page, "column")) == column, "it runs on when nothing is pressed"
    page.evaluate(PAD, [0, PAD_LEFT])
    until(page, f"Number(d.column) === {column - 1}")
    page.evaluate(PAD, [0.3])
    column = int(said(page, "column"))
    page.wait_for_timeout(200)
    assert abs(int(said(page, "column")) - column) <= 1, "a stick that is a little off its middle is not tilted"
    page.evaluate(PAD, [-0.9])
    until(page, f"Number(d.column) < {column - 1} || Number(d.column) === 0")
    page.evaluate(PAD, [0.9])
    until(page, f"Number(d.column) > {column}")


def test_a_death_is_told_and_space_begins_again(visit: Callable[..., Page]) -> None:
    page = visit("hard")
    page.get_by_role("application").focus()
    page.keyboard.down("ArrowRight")
    until(page, "d.outcome === 'hit' || d.outcome === 'fell'")
    page.keyboard.up("ArrowRight")
    expect(page.get_by_role("status")).to_contain_text("Space or Restart begins again")
    page.keyboard.press("ArrowLeft")
    assert said(page, "outcome") != "playing"
    page.keyboard.press("Space")
    until(page, "d.outcome === 'playing' && d.state === 'playing'")


def test_the_agent_ends_where_python_says_to_the_bit(visit: Callable[..., Page]) -> None:
    page = visit()
    page.get_by_role("button", name="Watch the agent").click()
    until(page, "d.state === 'agent'")
    until(page, "d.outcome === 'won'")
    stored = STORED[0]
    expected = play(tiles.parse_level(stored["text"]), stored["inputs"])
    assert (int(said(page, "frames")), int(said(page, "hash"))) == (expected.frames, expected.hash)
    expect(page.get_by_role("status")).to_contain_text("It is the one that Python stored")


def test_every_stored_level_is_finished_by_its_inputs_in_this_browser(visit: Callable[..., Page]) -> None:
    page = visit()
    code = page_script("game").replace(
        '"use strict";',
        '"use strict"; window.play = (text, inputs) => gamePlay(gameCourse(gameRead(text)), gameInputs(inputs));',
        1,
    )
    page.evaluate(code)
    for level in STORED:
        found = page.evaluate("([text, inputs]) => window.play(text, inputs)", [level["text"], level["inputs"]])
        assert found == play(tiles.parse_level(level["text"]), level["inputs"])._asdict() and found["outcome"] == "won"


def test_the_agent_searches_in_levels_of_one_s_own(visit: Callable[..., Page]) -> None:
    page = visit("own")
    page.get_by_role("button", name="Watch the agent").click()
    until(page, "d.outcome === 'won'")
    assert int(said(page, "frames")) == solve(OWN).frames
    page.get_by_role("button", name="Harder").click()
    assert said(page, "level") == "1"
    page.get_by_role("button", name="Watch the agent").click()
    expect(page.get_by_role("status")).to_contain_text("The agent found no way to the end")
    until(page, "d.state === 'paused'")
    assert said(page, "outcome") == "playing" and int(said(page, "column")) <= 9


def test_levels_are_chosen_by_number_and_difficulty(visit: Callable[..., Page]) -> None:
    page = visit()
    number = page.get_by_role("spinbutton", name="Level")
    expect(page.get_by_role("button", name="Easier")).to_be_disabled()
    page.get_by_role("button", name="Harder").click()
    expect(number).to_have_value("2")
    number.fill("24")
    number.press("Enter")
    assert said(page, "level") == "23"
    expect(page.get_by_role("button", name="Harder")).to_be_disabled()
    expect(page.get_by_role("status")).to_contain_text("Level 24 of 24: 96 columns")


def normals(seed: int, count: int) -> np.ndarray:
    """The page's normal random numbers (mulberry32, Box and Muller)."""
    state, uniform = seed, []
    for _ in range(2 * count):
        state = (state + 0x6D2B79F5) & 0xFFFFFFFF
        t = (state ^ (state >> 15)) * (state | 1) & 0xFFFFFFFF
        t = (t ^ (t + ((t ^ (t >> 7)) * (t | 61) & 0xFFFFFFFF))) & 0xFFFFFFFF
        uniform.append(((t ^ (t >> 14)) & 0xFFFFFFFF) / 2**32)
    first, second = np.array(uniform).reshape(count, 2).T
    return np.sqrt(-2 * np.log(1 - first)) * np.cos(2 * np.pi * second)


def test_a_new_level_is_made_by_the_network_and_finished_by_the_agent(visit: Callable[..., Page]) -> None:
    page = visit()
    page.get_by_role("button", name="New level").click()
    until(page, "d.level === '24'")
    number = page.get_by_role("spinbutton", name="Level")
    seed = int(number.input_value())
    expect(page.get_by_role("status")).to_contain_text(f"Level {seed}, made by the network from this seed: 128 columns")
    text = page.evaluate("document.querySelector('.il-game').level().text")
    file = packed_file(DECODER)
    z = torch.tensor(normals(seed, 4 * 32), dtype=torch.float32).view(4, 32)
    with torch.no_grad():
        windows = run(unpacked(file["spec"], file["bytes"])["decode"], z).argmax(1).to(torch.uint8).numpy()
    ours = tiles.joined(list(windows))
    assert (tiles.parse_level(text) == ours).mean() > 0.999  # a tie of two kinds may fall either way
    page.get_by_role("button", name="Watch the agent").click()
    until(page, "d.outcome === 'won'")
    proof = solve(tiles.parse_level(text))
    assert play(tiles.parse_level(text), proof.inputs).hash == int(said(page, "hash"))
    page.get_by_role("button", name="Easier").click()
    assert int(said(page, "level")) < 24
    number.fill(str(seed))
    number.press("Enter")
    until(page, "d.level === '24'")
    assert page.evaluate("document.querySelector('.il-game').level().text") == text, "the same number is the same level"


def test_the_keyboard_is_not_trapped(visit: Callable[..., Page]) -> None:
    page = visit()
    page.get_by_role("link", name="before").focus()
    seen = []
    for _ in range(20):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.textContent || document.activeElement.getAttribute('aria-label')"))
        if seen[-1] == "after":
            break
    assert seen[-1] == "after" and any("The game. Keys" in name for name in seen) and "Watch the agent" in seen


def test_leaving_the_game_pauses_it(visit: Callable[..., Page]) -> None:
    page = visit()
    page.get_by_role("application").focus()
    page.keyboard.down("ArrowRight")
    until(page, "d.state === 'playing' && Number(d.frames) > 5")
    page.keyboard.press("Tab")
    until(page, "d.state === 'paused'")
    page.keyboard.up("ArrowRight")


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_shows_it_all_and_fingers_play(visit: Callable[..., Page], dark: bool) -> None:
    page = visit(size=PHONE, has_touch=True, dark=dark)
    if dark:
        page.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "wider than the phone"
    for control in page.locator(".il-game button:visible, .il-game input:visible, .il-game canvas").all():
        box = control.bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= PHONE[0] + 1
    right, jump = page.get_by_role("button", name="Right"), page.get_by_role("button", name="Jump")
    for button in (right, jump):
        box = button.bounding_box()
        assert box is not None and box["height"] >= 44
    fingers = page.context.new_cdp_session(page)

    def touch(*buttons: Locator) -> None:
        boxes = [button.bounding_box() or {} for button in buttons]
        points = [{"x": box["x"] + box["width"] / 2, "y": box["y"] + 20, "id": k} for k, box in enumerate(boxes)]
        fingers.send("Input.dispatchTouchEvent", {"type": "touchStart" if points else "touchEnd", "touchPoints": points})

    touch(right)
    until(page, "Number(d.column) >= 3 && d.state === 'playing'")
    touch(right, jump)  # a second finger, while the first runs on
    until(page, "Number(d.jumps) === 1")
    touch()
    until(page, "Number(d.frames) > 100")
    column = said(page, "column")
    page.wait_for_timeout(200)
    assert said(page, "column") == column, "it runs on without a finger"


def test_the_picture_follows_the_theme_and_motion_is_as_wished(visit: Callable[..., Page]) -> None:
    page = visit()
    picture = "document.querySelector('.il-game-screen').toDataURL()"
    light = page.evaluate(picture)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function(f"light => {picture} !== light", arg=light)
    quiet = visit(reduced_motion="reduce")
    before = quiet.evaluate(picture)
    quiet.get_by_role("button", name="Watch the agent").click()
    until(quiet, "Number(d.column) > 3")
    assert quiet.evaluate(picture) != before
