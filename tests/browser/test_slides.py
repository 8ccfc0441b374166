"""The slides: each figure, equation and pencil exercise of a chapter once, nothing cut, no proof and no solution."""

from pathlib import Path

import pdf
import pytest
import slides
import yaml
from bs4 import BeautifulSoup, Tag
from chromium import READY, ROOT, toc_pages
from playwright.sync_api import Browser, Page
from pypdf import PdfReader
from reader import Site, Tab

CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
CHAPTERS = slides.chapters(toc_pages())
CUT = """() => [...document.querySelectorAll("section.slide")].filter((slide) => {
  const edge = slide.getBoundingClientRect();
  return [...slide.querySelectorAll("img, svg, mjx-math, p, table, footer")].some((e) => {
    const box = e.getBoundingClientRect();
    return box.right > edge.right + 1 || box.bottom > edge.bottom + 1 || box.left < edge.left - 1;
  });
}).map((slide) => slide.innerText.slice(0, 80))"""


def test_what_becomes_a_slide() -> None:
    page = """<section><h1>Chapter</h1><figure><img><figcaption>Fig. 1</figcaption></figure><figure><img></figure>
      <h2>Section</h2><p>Said before.</p><div class="math"><span class="eqno">(1)</span></div><div class="math">none</div>
      <div class="math"><span class="eqno">(2)</span></div><div class="math"><span class="eqno">(3)</span></div>
      <div class="admonition proof dropdown"><div class="math"><span class="eqno">(9)</span></div></div>
      <div class="admonition exercise pencil"><p>Do it.</p></div>
      <div class="admonition pencil-solution dropdown"><div class="admonition exercise pencil">no</div></div></section>"""
    chapter = BeautifulSoup(page, "html.parser").section
    assert isinstance(chapter, Tag)
    found = list(slides.slides(chapter))
    assert [(s.kind, s.heading) for s in found] == [
        ("figure", "Chapter"), ("equations", "Section"), ("equations", "Section"), ("exercise", "Section")
    ]  # fmt: skip
    assert [part.get_text().strip() for part in found[1].parts] == ["Said before.", "(1)", "(2)"]
    assert [part.get_text().strip() for part in found[2].parts] == ["(3)"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("slides")


@pytest.mark.parametrize("address", CHAPTERS, ids=[Path(a).stem for a in CHAPTERS])
def test_nothing_of_a_chapter_is_cut_or_lost(address: str, tab: Tab, site: Site, folder: Path) -> None:
    chapter = pdf.chapter(site.folder, address, pdf.names(toc_pages()))
    captions = [f for f in chapter.find_all("figure") if f.find("figcaption")]
    source = folder / f"{Path(address).stem}.html"
    source.write_text(slides.deck(chapter, "Title", CONFIG, (site.folder / "_static").resolve().as_uri()), encoding="utf-8")
    tab.site = Site(Path("/"), "http://127.0.0.1:1/")  # the deck and the site's files
    shown: Page = tab.page
    shown.set_viewport_size({"width": slides.WIDTH, "height": slides.HEIGHT})
    shown.emulate_media(media="print")
    shown.goto(source.as_uri())
    shown.evaluate(READY)
    shown.evaluate(slides.FIT)
    assert shown.locator("section.figure figure").count() == len(captions) > 0
    assert shown.evaluate(CUT) == []
    assert shown.locator("mjx-merror, .proof, .pencil-solution").count() == 0


def test_the_printed_slides(browser: Browser, site: Site, tmp_path: Path) -> None:
    target = tmp_path / "deck" / "gan_theory.pdf"
    count = slides.write(browser, site.folder, CONFIG, "book/ideas/gan_theory.html", target)
    reader = PdfReader(target)
    assert len(reader.pages) == count > 20 and [p.name for p in target.parent.iterdir()] == [target.name]
    text = "\n".join(page.extract_text() for page in reader.pages)
    assert "Fig. 3.1" in text and "With pencil and paper" in text and "Proof of" not in text
    box = reader.pages[0].mediabox
    assert float(box.width) / float(box.height) == pytest.approx(slides.WIDTH / slides.HEIGHT, rel=0.01)
