"""What counts the pictures of a drag: it counts those that change, and none where nothing is dragged. No clock is compared."""

import math
from pathlib import Path

import pytest
from frames import COUNT, dragged, page_of
from playwright.sync_api import Browser, Page

from imggen_lib.live.shipped import generators


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Page:
    path = tmp_path / "one.html"
    path.write_text(page_of("mnist-vae-small"), encoding="utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector(".il-explorer input.il-range")
    return page


def test_a_drag_is_counted_and_a_hand_that_only_passes_is_not(page: Page) -> None:
    passed = dragged(page, 0.5, hold=False)
    assert passed.changed == 0 and math.isnan(passed.ms) and passed.frames > 0
    found = dragged(page, 1.0)
    assert 0 < found.changed <= found.frames and found.ms > 0
    page.close()


def test_only_what_differs_from_the_frame_before_is_counted(page: Page) -> None:
    """One move of the slider is one picture, however many frames there are."""
    page.evaluate(COUNT)
    page.evaluate(
        """() => { const s = document.querySelector("input.il-range");
                   s.value = 2; s.dispatchEvent(new Event("input", { bubbles: true })); }"""
    )
    page.wait_for_timeout(400)
    found = page.evaluate("() => stopCounting()")
    assert found["changed"] == 1 and found["frames"] > 1
    page.close()


@pytest.mark.parametrize("name", generators())
def test_every_model_that_is_offered_has_a_page(name: str) -> None:
    text = page_of(name)
    assert f"[&quot;{name}" in text or f"&quot;{name}&quot;" in text
    assert f'["{name}"] = ' in text
