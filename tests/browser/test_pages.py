"""Every page of the book, over http and from the disk, with the network cut: whole, readable, within its weight, and linked."""

import gzip
import os
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from chromium import toc_pages
from playwright.sync_api import Page
from reader import PHONE, Site, Tab

MOST = 1_500_000  # bytes of a page with all that it loads, compressed

# Text with TeX in it outside code and formulas: what MathJax or MyST has overlooked.
RAW_TEX = r"""() => {
  const article = document.querySelector("article.bd-article").cloneNode(true);
  for (const e of article.querySelectorAll("pre, code, .sig, mjx-container, script, style, iframe, .citation")) e.remove();
  return article.textContent.match(/\$[^$\n]{1,60}\$|\\[a-zA-Z]+[{_^ ]|\\\(|\\\[/)?.[0] ?? "";
}"""

# A picture inside a link may leave the words to the link.
PICTURES = """async all => Promise.all(all.map(async picture => {
  picture.loading = "eager";
  await picture.decode().catch(() => {});
  return [picture.alt || picture.closest("a")?.textContent.trim() || "", picture.naturalWidth, picture.src.slice(0, 120)];
}))"""


MARKS = """() => [...document.querySelectorAll(".equation-test")].filter(
  mark => !mark.closest("div.math > .eqno")).map(mark => mark.title)"""

# Pictures of cells and of sliders whose border is nearly white and opaque. Sheets of images have a grey border of their own.
SLABS = """async () => {
  document.documentElement.dataset.theme = "dark";
  const found = [];
  const pictures = [...document.querySelectorAll(".cell_output img:not([src^='data:image/gif']), ul.gallery img")];
  for (const box of document.querySelectorAll("[data-frames] > [role=img]")) {
    const image = new Image();
    image.src = box.style.backgroundImage.slice(5, -2);
    pictures.push(image);
  }
  for (const picture of pictures) {
    picture.loading = "eager";
    await picture.decode();
    const [width, height] = [picture.naturalWidth, picture.naturalHeight];
    const pen = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d", { willReadFrequently: true });
    pen.drawImage(picture, 0, 0);
    const edges = [[0, 0, width, 1], [0, height - 1, width, 1], [0, 0, 1, height], [width - 1, 0, 1, height]];
    const bytes = edges.flatMap(edge => [...pen.getImageData(...edge).data]);
    let white = 0;
    for (let k = 0; k < bytes.length; k += 4)
      white += bytes[k + 3] > 128 && Math.min(bytes[k], bytes[k + 1], bytes[k + 2]) > 225;
    const ground = picture.isConnected ? getComputedStyle(picture).backgroundColor : "rgba(0, 0, 0, 0)";
    if (white > bytes.length / 16 || ground !== "rgba(0, 0, 0, 0)")
      found.push(`${picture.alt} ${picture.src.slice(-40)} ${ground}`);
  }
  document.documentElement.dataset.theme = "light";
  return found;
}"""

# On a phone: boxes that go on beyond their edge without the class that fades them out, and pictures drawn smaller than they
# are and lead nowhere. What MathJax writes for screen readers is hidden and may be wider.
CUT = """() => {
  const boxes = document.querySelectorAll("pre, table, .output, [role=region], .pst-scrollable-table-container, mjx-container");
  const lost = [];
  for (let box of boxes) {
    if (!box.checkVisibility() || box.scrollWidth <= box.clientWidth + 1 || box.matches("table")) continue;
    if (getComputedStyle(box).overflowX === "visible") continue;
    const fades = box.matches(".cut-right") && getComputedStyle(box).maskImage !== "none";
    if (!fades) lost.push(box.outerHTML.slice(0, 120));
  }
  for (const table of document.querySelectorAll("article table")) {
    const cut = table.checkVisibility() && table.getBoundingClientRect().right > innerWidth + 1;
    if (cut && !table.closest(".cut-right")) lost.push(table.outerHTML.slice(0, 120));
  }
  for (const picture of document.querySelectorAll(".cell_output img"))
    if (picture.clientWidth && picture.naturalWidth > picture.clientWidth + 1 && !picture.closest("a")) lost.push(picture.alt);
  return lost;
}"""

# Formulas on lines of their own that are wider than a phone's column, or whose letters are smaller than 11 pixels.
WIDE = """() => [...document.querySelectorAll("mjx-container[display]")].filter(f => f.clientWidth &&
  (f.scrollWidth > f.clientWidth + 1 || parseFloat(getComputedStyle(f).fontSize) < 11)).map(f => f.parentElement.id)"""


class Links(HTMLParser):
    """The anchors, the links and the formulas of a page as it is on the disk."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.formulas = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors |= {value for value in (given.get("id"), given.get("name") if tag == "a" else None) if value}
        self.formulas += tag in ("span", "div") and "math" in (given.get("class") or "").split()
        for name in ("href", "src"):
            if given.get(name):
                self.links.append(str(given[name]))


def formulas(site: Site, page: str) -> int:
    return Links((site.folder / page).read_text(encoding="utf-8")).formulas


def test_over_http(tab: Tab, site: Site, book_page: str, record_property: Callable[[str, object], None]) -> None:
    """Formulas are set, pictures have words, nothing is wider than a phone, and the page weighs little.

    The icons are in the small font: a page that asks for the whole of Font Awesome has one that `icons.py` overlooked.
    """
    page = tab.goto(book_page)
    assert page.locator("mjx-container").count() == formulas(site, book_page)
    assert page.locator("mjx-merror, [data-mjx-error]").count() == 0
    assert page.evaluate(RAW_TEX) == ""
    assert page.evaluate(MARKS) == [], "the mark of an equation's test stands beside its number"
    assert page.locator(".imggen-live", has_text="JavaScript").locator("p:visible", has_text="JavaScript").count() == 0
    assert page.evaluate(SLABS) == [], "white pictures on a dark page"
    assert page.locator("article.bd-article h1").count() == 1
    check_pictures(page)
    assert not [url for url in tab.asked if "fontawesome" in url]
    files = {site.path(url) for url in tab.asked if url.startswith(site.http)}
    weight = sum(len(gzip.compress(path.read_bytes())) for path in files)
    record_property("weight", (book_page, len(files), weight))
    assert weight <= MOST, f"{weight / 1e6:.2f} MB"
    check_width(page)


def check_pictures(page: Page) -> None:
    """Each picture is there and says in words what it shows; an address is not words."""
    pictures = page.locator("img").evaluate_all(PICTURES)
    without = [source for alt, _, source in pictures if len(alt) < 8 or "_images/" in alt]
    assert not without, f"{len(without)} pictures without alt text: {without}"
    assert all(width for _, width, _ in pictures)
    for drawn in page.locator("[role=img], canvas:not([aria-hidden])").all():
        words = drawn.evaluate("e => e.getAttribute('aria-label') || e.querySelector(':scope > title')?.textContent || ''")
        assert len(words) >= 8


def check_width(page: Page) -> None:
    """On a phone the page is as wide as the window, and no formula inside a line leaves its column; on a desktop none is shrunk."""
    sizes = "all => [...new Set(all.map(f => Math.round(parseFloat(getComputedStyle(f).fontSize))))]"
    assert len(page.locator("article p > mjx-container:not([display])").evaluate_all(sizes)) <= 1
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    page.wait_for_timeout(600)  # formulas are fitted anew
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
    cut = page.locator("article p > mjx-container:not([display])").evaluate_all(
        "all => all.filter(f => f.getBoundingClientRect().right > innerWidth).map(f => f.textContent.slice(0, 60))"
    )
    assert not cut
    assert page.evaluate(CUT) == [], "cut off without a cue"
    assert page.evaluate(WIDE) == [], "formulas that do not fit a phone"


def test_from_the_disk(tab: Tab, site: Site, book_page: str) -> None:
    """No server, no network: the same page."""
    page = tab.goto(site.file + book_page)
    assert page.locator("mjx-container").count() == formulas(site, book_page)
    assert page.locator("mjx-merror, [data-mjx-error]").count() == 0


def test_previous_and_next(tab: Tab, site: Site) -> None:
    """From the first page on, "next" walks through the table of contents, and "previous" goes back."""
    pages = toc_pages()
    found = {}
    for page in pages:
        html = (site.folder / page).read_text(encoding="utf-8")
        for side in ("left-prev", "right-next"):
            link = re.search(rf'<a class="{side}"\s+href="([^"]+)"', html)
            found[page, side] = urljoin(page, link[1]) if link else None
    assert [found[page, "right-next"] for page in pages] == [*pages[1:], None]
    assert [found[page, "left-prev"] for page in pages] == [None, *pages[:-1]]
    tab.goto(pages[0]).locator("a.right-next").click()
    tab.page.wait_for_url("**/" + pages[1])
    tab.page.wait_for_load_state("load")
    tab.page.locator("a.left-prev").click()
    tab.page.wait_for_url("**/" + pages[0])


def test_links_inside_the_site(site: Site) -> None:
    """Every address inside the site exists, with its anchor."""
    files = [path for path in sorted(site.folder.rglob("*.html")) if "_static" not in path.parts]
    pages = {path: Links(path.read_text(encoding="utf-8")) for path in files}
    broken = []
    for path, found in pages.items():
        here = path.as_uri()
        for link in found.links:
            target = urlsplit(urljoin(here, link))
            if target.scheme != "file" or link.startswith("data:"):
                continue
            file = Path(unquote(target.path))
            anchor = unquote(target.fragment)
            if not file.is_file() or (anchor and file in pages and anchor not in pages[file].anchors):
                broken.append(f"{path.name}: {link}")
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_search(tab: Tab, site: Site, scheme: str) -> None:
    """A word typed into the search box finds the page that has it in its title; a click leads there."""
    start = getattr(site, scheme)
    wanted = toc_pages()[-1]
    tab.goto(start + wanted)
    title = tab.page.locator("article.bd-article h1").inner_text()
    word = max(re.findall(r"[^\W\d_]+", title), key=len)
    tab.goto(start + toc_pages()[0])
    tab.page.keyboard.press("Control+k")
    box = tab.page.locator("input[type=search]:visible")
    box.fill(word)
    box.press("Enter")
    tab.page.wait_for_url("**/search.html?**")
    result = tab.page.locator(f"#search-results a[href*='{wanted}']").first
    result.wait_for()
    tab.page.wait_for_load_state("networkidle")  # the excerpts are there
    result.click()
    tab.page.wait_for_url("**/" + wanted + "*")
    assert word in tab.page.locator("article.bd-article h1").inner_text()


def test_light_and_dark(open_tab: Callable[..., Tab]) -> None:
    """The page follows the system, the button overrules it, and the next page remembers."""
    tab = open_tab(dark=True)
    first, second = toc_pages()[:2]
    theme = "document.documentElement.dataset.theme"
    assert tab.goto(first).evaluate(theme) == "dark"
    for _ in range(3):
        tab.page.locator("button.theme-switch-button:visible").click()
        if tab.page.evaluate("document.documentElement.dataset.mode") == "light":
            break
    assert tab.page.evaluate(theme) == "light"
    assert tab.goto(second).evaluate(theme) == "light"


def test_licences(site: Site) -> None:
    text = (site.folder / "licences.txt").read_text(encoding="utf-8")
    for part in ("MathJax", "Font Awesome", "Bootstrap", "Sphinx", "sphinx-book-theme"):
        assert part in text
    for licence in ("MIT License", "Apache License", "SIL OPEN FONT LICENSE", "Redistribution and use"):
        assert licence in text


def test_screenshots(open_tab: Callable[..., Tab], book_page: str, shots: Path) -> None:
    """Pictures of the whole page for somebody to look at (only with ``--screenshots``)."""
    for name, size in (("desktop", (1280, 800)), ("phone", PHONE)):
        for dark in (False, True):
            tab = open_tab(size=size, dark=dark, reduced_motion="reduce")
            page = tab.goto(book_page)
            path = shots / f"{Path(book_page).stem}-{name}-{'dark' if dark else 'light'}.png"
            page.screenshot(path=os.fspath(path), full_page=True)
            assert path.stat().st_size > 1000
