"""A worksheet in a real browser: answered by keys and by touch, marked, changed, printed; light and dark; narrow and wide."""

from collections.abc import Callable, Iterator

import pytest
from axe import demo_faults
from playwright.sync_api import Browser, Page, expect
from reader import PHONE, Site, demo_opener, themed_site

from imggen_lib import live
from imggen_lib.applications.worksheets import hand, sheet
from imggen_lib.live.worksheet import HANDS


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    html = f"<a href='#'>before</a>{live.worksheet(7, count=6).html()}"
    with themed_site(tmp_path_factory.mktemp("worksheet"), html, [hand.MODEL, HANDS]) as site:
        yield site


@pytest.fixture
def demo(browser: Browser, small: Site) -> Iterator[Callable[..., Page]]:
    """Open the demo from its file; at the end nothing may have gone wrong."""
    with demo_opener(browser, small, ".il-worksheet[data-ready]") as found:
        yield found


def answers(page: Page) -> list[str]:
    """What stands on the page's sums, by the words for those who do not see them."""
    return [x.get_attribute("aria-label") or "" for x in page.locator(".il-worksheet-sum").all()]


def test_a_sheet_is_answered_by_keys_and_marked(demo: Callable[..., Page]) -> None:
    """All six right by Enter alone; then one wrong, one open, and the words say so."""
    page, ours = demo(), sheet.worksheet(7, count=6)
    assert [f"{s.a} plus {s.b} =, handwritten" for s in ours.sums] == answers(page)
    assert page.locator(".il-worksheet").get_attribute("data-hand") == str(ours.hand.seed)
    page.locator(".il-worksheet-answer").first.focus()
    for one in ours.sums:
        page.keyboard.type(str(one.answer))
        page.keyboard.press("Enter")
    expect(page.locator(".il-status")).to_have_text("All 6 right.")
    assert page.locator("[data-good=true]").count() == 6
    fields = page.locator(".il-worksheet-answer")
    fields.nth(1).fill("1")
    assert page.locator("[data-good=true]").count() == 5, "a mark goes when its answer is changed"
    fields.nth(2).fill("")
    fields.nth(3).fill("4x")
    page.get_by_role("button", name="Mark my answers").click()
    expect(page.locator(".il-status")).to_have_text("3 of 6 right, 1 still open.")
    assert page.locator(".il-worksheet-mark").all_text_contents()[1:4] == [
        *(f"no: {ours.sums[1].answer}", "open", f"no: {ours.sums[3].answer}"),
    ]


def test_another_sheet_by_touch_on_a_phone(demo: Callable[..., Page]) -> None:
    """Kind, difficulty and seed change the sheet as in Python; nothing is wider than the phone; a bad seed is said and undone."""
    page = demo(size=PHONE, has_touch=True)
    page.get_by_role("button", name="New sheet").tap()
    assert answers(page) == [f"{s.a} plus {s.b} =, handwritten" for s in sheet.worksheet(8, count=6).sums]
    page.get_by_label("Sums", exact=True).select_option("multiplication")
    page.get_by_label("Handwriting").select_option("hard")
    ours = sheet.worksheet(8, kind="multiplication", level="hard", count=6)
    assert answers(page) == [f"{s.a} times {s.b} =, handwritten" for s in ours.sums]
    seed = page.get_by_label("Seed of the sheet")
    seed.fill("123")
    seed.press("Enter")
    expect(page.locator(".il-worksheet-title")).to_contain_text("Worksheet 123: 6 sums")
    seed.fill("minus one")
    seed.press("Enter")
    expect(page.locator(".il-status")).to_contain_text("A whole number")
    assert seed.input_value() == "123"
    page.get_by_label("Show in print").tap()
    first = sheet.worksheet(123, kind="multiplication", level="hard", count=6).sums[0]
    expect(page.locator(".il-worksheet-meant").first).to_have_text(f"{first.a} \u00d7 {first.b}")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    for box in (x.bounding_box() for x in page.locator(".il-worksheet :is(button, input[type=text], select)").all()):
        assert box is not None and box["height"] >= 24


def test_the_sheet_and_its_key_are_printed(demo: Callable[..., Page]) -> None:
    """What is printed: six sums as curves, the key on a page of its own, who wrote it; the frame goes afterwards."""
    page = demo()
    page.evaluate("""() => {
      window.found = [];
      const append = document.body.append.bind(document.body);
      document.body.append = (node) => {
        append(node);
        if (node.tagName !== "IFRAME") return;
        node.contentWindow.print = () => {
          window.found.push(node.contentDocument.documentElement.outerHTML);
          node.contentWindow.dispatchEvent(new Event("afterprint"));
        };
      };
    }""")
    page.get_by_role("button", name="Print the sheet").click()
    (html,) = page.evaluate("window.found")
    assert html.count("<svg") == 6 and "break-before:page" in html and "learnt from MNIST" in html
    assert all(one.text in html for one in sheet.worksheet(7, count=6).sums)
    assert page.locator("iframe").count() == 0


@pytest.mark.parametrize("dark", [False, True])
def test_everybody_can_use_it(demo: Callable[..., Page], dark: bool) -> None:
    """axe finds nothing before and after marking; the digits have the colour of the text; every control is reached by Tab."""
    page = demo(dark=dark)
    assert demo_faults(page) == []
    page.locator(".il-worksheet-answer").first.fill("1")
    page.get_by_role("button", name="Mark my answers").click()
    assert demo_faults(page) == []
    same = page.evaluate("""() => { const s = document.querySelector(".il-worksheet-sum");
      return getComputedStyle(s).fill === getComputedStyle(s.closest(".il-worksheet")).color; }""")
    assert same
    page.get_by_text("before").focus()
    reached = 0
    for _ in range(16):
        page.keyboard.press("Tab")
        reached += page.evaluate("!!document.activeElement.closest('.il-worksheet')")
    assert reached >= 12
