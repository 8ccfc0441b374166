"""What the demos that train in the plane have in common, as their tests ask for it."""

from playwright.sync_api import Locator, Page, expect


def steps(page: Page) -> int:
    return int(page.locator("[data-steps]").get_attribute("data-steps") or 0)


def after(page: Page, count: int) -> int:
    """Wait until more than `count` steps have been drawn."""
    page.wait_for_function("n => Number(document.querySelector('[data-steps]')?.dataset.steps) > n", arg=count)
    return steps(page)


def picture(page: Page, which: int = 0) -> str:
    return str(page.locator("canvas").nth(which).evaluate("c => c.toDataURL()"))


def waits_trains_and_pauses(page: Page, start: str, status: Locator, pictures: int) -> None:
    """Nothing moves until the reader presses `start`; a pause holds it; the seed decides everything."""
    before = [picture(page, k) for k in range(pictures)]
    page.wait_for_timeout(300)
    assert steps(page) == 0
    page.get_by_role("button", name=start).click()
    after(page, 20)
    page.get_by_role("button", name="Pause").click()
    here = steps(page)
    assert all(picture(page, k) != before[k] for k in range(pictures))
    page.wait_for_timeout(300)
    assert steps(page) == here
    expect(status).to_contain_text(f"Paused after {here} steps")
    page.get_by_role("button", name="Reset").click()
    assert steps(page) == 0
    assert picture(page) == before[0]


def draw_a_stroke(page: Page, start: str, status: Locator) -> None:
    """What one can draw on is cleared, training is refused without a point, and a stroke is drawn by the mouse."""
    plane = page.locator("canvas").first
    assert plane.get_attribute("role") == "application"
    page.get_by_role("button", name="Clear the drawing").click()
    page.get_by_role("button", name=start).click()
    expect(status).to_contain_text("Nothing is drawn yet")
    box = plane.bounding_box()
    assert box
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.25 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 0.25 * box["height"], steps=40)
    page.mouse.up()


def add_a_point_by_keys(page: Page) -> None:
    """From the middle down, far to the left, and set."""
    page.locator("canvas").first.focus()
    for key in ("ArrowDown", "Shift+ArrowLeft", " "):
        page.keyboard.press(key)


def draw_by_a_finger(page: Page) -> None:
    """One point, by a tap on a plane that does not scroll."""
    page.get_by_role("button", name="Draw your own data").tap()
    page.get_by_role("button", name="Clear the drawing").tap()
    plane = page.locator("canvas").first
    assert plane.evaluate("c => getComputedStyle(c).touchAction") == "none"
    plane.scroll_into_view_if_needed()
    box = plane.bounding_box()
    assert box
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
