"""The archive opens from the disk, and the printed book has all its chapters, links that lead somewhere, and nothing to click."""

import zipfile
from pathlib import Path

import archive
import pdf
import pytest
import yaml
from chromium import READY, ROOT, toc_pages
from playwright.sync_api import Browser, Page
from pypdf import PdfReader
from reader import Site, Tab

CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))

# Anything that only makes sense on a screen, a formula or a piece of code beyond the paper's edge, an anchor that is there twice.
LEFTOVERS = """() => {
  const ids = [...document.querySelectorAll("[id]")].map(e => e.id);
  const links = [...document.querySelectorAll("a[href^='#']")].map(a => a.getAttribute("href").slice(1));
  const lost = links.filter(id => !ids.includes(id));
  const edge = document.documentElement.clientWidth + 1;
  const wide = [...document.querySelectorAll("pre, table, img, mjx-math, [role=img]")].filter(
    e => e.getBoundingClientRect().right > edge);
  return {
    controls: document.querySelectorAll("button, input:not([name^=sd-tab]), iframe, canvas, form, nav:not(.contents)").length,
    lost, twice: ids.filter((id, k) => ids.indexOf(id) !== k), wide: wide.map(e => e.outerHTML.slice(0, 120)),
    formulas: document.querySelectorAll("mjx-container").length, errors: document.querySelectorAll("mjx-merror").length,
  };
}"""


def test_the_archive_opens_from_the_disk(tab: Tab, site: Site, tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        archive.pack(site.folder, tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as packed:
        packed.extractall(tmp_path)
    folder = tmp_path / archive.FOLDER
    assert {"README.txt", "licences.txt", "index.html"} <= {path.name for path in folder.iterdir()}
    tab.site = Site(folder.resolve(), "http://127.0.0.1:1/")
    tab.page.goto(tab.site.file + "index.html")
    tab.page.wait_for_url("**/" + toc_pages()[0])
    tab.page.evaluate(READY)
    tab.page.locator("a.right-next").click()
    tab.page.wait_for_url("**/" + toc_pages()[1])


def test_an_archive_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="make book"):
        archive.pack(tmp_path, tmp_path / "a.zip")


@pytest.fixture
def on_paper(site: Site, tmp_path: Path) -> Path:
    source = tmp_path / "book.html"
    source.write_text(pdf.document(site.folder, CONFIG, []), encoding="utf-8")
    return source


def test_the_book_on_paper(page: Page, tab: Tab, site: Site, on_paper: Path) -> None:
    tab.site = Site(Path("/"), site.http)  # the page takes its pictures from the site
    page.set_viewport_size({"width": 627, "height": 900})
    page.emulate_media(media="print")
    page.goto(on_paper.as_uri())
    page.evaluate(READY)
    page.evaluate(pdf.FIT)
    assert [e.get_attribute("id") for e in page.locator("section.chapter").all()] == list(pdf.names(toc_pages()).values())
    found = page.evaluate(LEFTOVERS)
    assert found.pop("formulas") == sum((site.folder / p).read_text(encoding="utf-8").count('class="math ') for p in toc_pages())
    assert found == {"controls": 0, "lost": [], "twice": [], "wide": [], "errors": 0}


def test_the_pdf_has_page_numbers_and_bookmarks(browser: Browser, site: Site, tmp_path: Path) -> None:
    """Two pages are printed as the book is; the numbers in the table of contents are the pages where the chapters begin."""
    first = [toc_pages()[0], toc_pages()[-1]]
    target = tmp_path / "book.pdf"
    numbers = pdf.write(browser, site.folder, CONFIG, target, first)
    reader = PdfReader(target)
    text = [page.extract_text() for page in reader.pages]
    titles = [str(pdf.chapter(site.folder, p, pdf.names(first)).find("h1").get_text()).strip() for p in first]
    outline = [entry.title for entry in reader.outline if not isinstance(entry, list)]
    assert [t.strip() for t in outline] == titles
    for title, entry in zip(titles, [e for e in reader.outline if not isinstance(e, list)], strict=True):
        start = (reader.get_destination_page_number(entry) or 0) + 1
        assert start in numbers and title.split()[-1] in text[start - 1]
        assert str(start) in text[1]
