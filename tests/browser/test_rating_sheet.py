"""A sheet on a rater's own machine: two tabs lose nothing, a slip is taken back, a second person gets an own number."""

from collections import Counter
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Browser, BrowserContext, Page

from imggen_lib.people.sheet import comparison_sheet, save_sheet, shown_images
from imggen_lib.people.study import Plan, comparison_plan, read_judgements, unblind


@pytest.fixture
def plan() -> Plan:
    return comparison_plan(["a", "b"], 6, 6, seed=1)


@pytest.fixture
def sheet(plan: Plan, tmp_path: Path) -> str:
    draw = torch.Generator().manual_seed(0)
    images = {name: torch.rand(6, 1, 16, 16, generator=draw) * 2 - 1 for name in "ab"}
    return save_sheet(tmp_path / "sheet.html", comparison_sheet(plan.trials, shown_images(plan.key, images))).as_uri()


def _open(context: BrowserContext, sheet: str) -> Page:
    page = context.new_page()
    page.goto(sheet)
    return page


def _ready(*pages: Page) -> list[str]:
    """What the pages count once all of them take answers."""
    for page in pages:
        page.wait_for_selector("#trial:not(.waiting)")
        page.wait_for_timeout(400)
    return [page.inner_text("#count") for page in pages]


def test_two_tabs_a_slip_and_a_second_person(browser: Browser, plan: Plan, sheet: str, tmp_path: Path) -> None:
    context = browser.new_context()
    one = _open(context, sheet)
    assert one.is_hidden("#anew") and one.inner_text("#start") == "Start"
    one.click("#start")
    _ready(one)
    one.keyboard.press("1")
    two = _open(context, sheet)
    assert two.is_visible("#anew") and two.inner_text("#start") == "Continue"
    two.click("#start")
    assert _ready(one, two) == ["2 of 6", "2 of 6"]
    for page in (two, one, two):  # each goes on where the other one is
        page.keyboard.press("2")
        counts = _ready(one, two)
        assert counts[0] == counts[1]
    assert counts == ["5 of 6", "5 of 6"]
    one.keyboard.press("Backspace")
    assert _ready(one, two) == ["4 of 6", "4 of 6"]
    three = _open(context, sheet)  # somebody else, before the first one is done
    three.click("#anew")
    three.click("#start")
    assert _ready(three) == ["1 of 6"]
    three.keyboard.press("1")
    for _ in range(3):
        _ready(one)
        one.keyboard.press("1")
    one.wait_for_selector("#end:not([hidden])")
    path = tmp_path / "answers.csv"
    path.write_text(one.input_value("#csv"))
    rows = read_judgements(path)
    first = Counter(row.rater for row in rows).most_common(1)[0][0]
    mine = [row for row in rows if row.rater == first]
    assert [row.choice for row in mine] == ["left", "right", "right", "left", "left", "left"]
    assert len(rows) == 7 and len({row.rater for row in rows}) == 2 == len({row.rater for row in unblind(rows, plan)})
    one.click("#end .anew")  # a finished sheet, too, can be given to the next person
    assert one.is_visible("#intro") and one.inner_text("#start") == "Start"
    context.close()
