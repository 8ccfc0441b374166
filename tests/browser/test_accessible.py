"""axe finds no serious fault on any page, light and dark, on a desktop and on a phone; sliders and sheets work by keyboard."""

import itertools

from axe import faults
from chromium import toc_pages
from playwright.sync_api import Frame, Page
from reader import DESKTOP, PHONE, Site, Tab

# What MathJax draws is hidden from screen readers (they get MathML), and there are ten thousand spans of coloured code in the book,
# of a dozen classes. Without the drawings and with one span of each class axe looks at all that differs and is ten times faster.
THIN = """() => {
  document.head.insertAdjacentHTML("beforeend", "<style>* { transition: none !important; }</style>");
  for (const drawn of document.querySelectorAll("mjx-container > mjx-math")) drawn.replaceChildren();
  const seen = new Set();
  for (const span of document.querySelectorAll("div.highlight pre span")) {
    const kind = span.className + " in " + span.closest("div.highlight").parentElement.className;
    if (seen.has(kind)) span.replaceWith(span.textContent);
    seen.add(kind);
  }
}"""


def test_axe(tab: Tab, book_page: str) -> None:
    page = tab.goto(book_page)
    page.evaluate(THIN)
    for size, theme in itertools.product((DESKTOP, PHONE), ("light", "dark")):
        if page.viewport_size != {"width": size[0], "height": size[1]}:
            page.set_viewport_size({"width": size[0], "height": size[1]})
            page.wait_for_timeout(600)  # the page looks anew at what can be scrolled
        page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        # The theme changes colours only.
        found = faults(page, () if theme == "light" else ("color-contrast", "link-in-text-block"))
        assert not found, f"{size[0]} px, {theme}:\n" + "\n".join(found)


def test_axe_finds_faults(tab: Tab) -> None:
    """The test above can fail."""
    page = tab.goto(toc_pages()[0])
    page.evaluate(
        """() => { const p = document.querySelector("article h1").parentElement;
             p.insertAdjacentHTML("beforeend", '<p style="color:#aaa;background:#fff">pale</p><input><button></button>'); }"""
    )
    found = "\n".join(faults(page, ("color-contrast", "label", "button-name")))
    assert "color-contrast" in found and "label" in found and "button-name" in found


def test_sliders(tab: Tab, site: Site, book_page: str) -> None:
    """Each slider takes the arrow keys, says its value, and changes its picture."""
    if "data-frames" not in (site.folder / book_page).read_text(encoding="utf-8"):
        return
    page = tab.goto(book_page)
    for book in page.locator("[data-frames]").all():
        picture = book.locator("[role=img]")
        for slider in book.locator("input[type=range]").all():
            slider.focus()
            value = slider.locator("xpath=following-sibling::output")
            page.keyboard.press("Home")
            first, said = picture.screenshot(), value.inner_text()
            assert slider.get_attribute("aria-valuetext") == said
            page.keyboard.press("ArrowRight")
            assert value.inner_text() != said and slider.get_attribute("aria-valuetext") == value.inner_text()
            page.keyboard.press("End")
            assert picture.screenshot() != first
            page.keyboard.press("Home")
            assert picture.screenshot() == first and value.inner_text() == said
        for choice in book.get_by_role("radio").all():
            before = picture.screenshot()
            if not choice.is_checked():
                choice.focus()
                page.keyboard.press("Space")
                assert choice.is_checked() and picture.screenshot() != before


def sheets(page: Page) -> list[Frame]:
    """The rating sheets of a page, each in its frame."""
    frames = [e.element_handle().content_frame() for e in page.locator("iframe[srcdoc]").all()]
    return [frame for frame in frames if frame is not None and frame.locator("#trial").count()]


def test_rating_sheets(tab: Tab, site: Site, book_page: str) -> None:
    """A sheet in the page is answered by keyboard to its end, and every answer is in the list that the rater sends."""
    if "<iframe" not in (site.folder / book_page).read_text(encoding="utf-8"):
        return
    page = tab.goto(book_page)
    for frame in sheets(page):
        total = int(frame.locator("#bar").get_attribute("max") or 0)
        assert total > 0 and not faults(frame)
        frame.locator("#start").focus()
        page.keyboard.press("Enter")
        answered = 0
        while answered < total:
            frame.locator("#trial:not(.waiting)").wait_for()
            if answered == 0:
                assert not faults(frame)
            page.wait_for_timeout(350)
            page.keyboard.press("12"[answered % 2])
            answered += 1
            other = "document.querySelector('#end:not([hidden]), #pause:not([hidden])')"
            done = f"n => document.getElementById('bar').value === n || {other}"
            frame.wait_for_function(done, arg=answered)
            if frame.locator("#pause").is_visible():
                page.keyboard.press("Tab")
                page.keyboard.press("Enter")
        lines = frame.locator("#csv").input_value().strip().splitlines()
        assert len(lines) == total + 1
        assert not faults(frame)
