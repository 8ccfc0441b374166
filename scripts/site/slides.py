"""Slides for teachers: one PDF a chapter, with its figures, its numbered equations and its exercises with pencil and paper.

They are taken from the built pages, as the book on paper is (``pdf.py``), so that text, numbers and pictures are the book's. A
slide has the heading of the section that it is from; a figure has its caption; up to two equations that follow each other under one
heading share a slide, each with the sentences before it; proofs and solutions stay in the book.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import pdf
import yaml
from bs4 import Tag
from chromium import MISSING, READY, ROOT, chromium, launch, toc_pages
from playwright.sync_api import Browser, sync_playwright
from pypdf import PdfReader

STYLE = Path(__file__).with_name("slides.css")
PARTS = ("ideas", "practice", "evaluation", "applications", "tools", "outlook")  # folders of chapters
LONG = 420  # letters before an equation that a slide still has
WIDTH, HEIGHT = 1280, 720

# What is too large for its slide is made smaller, formulas and pictures included.
FIT = """() => {
  for (const slide of document.querySelectorAll("section.slide")) {
    const body = slide.querySelector(".body");
    for (let scale = 1; scale > 0.4 && (body.scrollHeight > body.clientHeight + 1 || body.scrollWidth > body.clientWidth + 1); )
      body.style.setProperty("--scale", (scale -= 0.05).toFixed(2));
  }
}"""


@dataclass
class Slide:
    """One slide: the heading it stands under, and what is on it."""

    heading: str
    kind: str  # "figure", "equations", "exercise"
    parts: list[Tag] = field(default_factory=list)


def _folded(element: Tag) -> bool:
    """Whether it stands in a proof, a solution or a box that the page folds."""
    return any({"dropdown", "pencil-solution", "proof", "was-hidden"} & set(p.get("class") or []) for p in element.parents)


def _before(equation: Tag) -> Tag | None:
    """The paragraph that leads to an equation, unless it is long."""
    found = equation.find_previous_sibling()
    if isinstance(found, Tag) and found.name == "p" and len(found.get_text()) <= LONG:
        return found
    return None


def slides(chapter: Tag) -> Iterator[Slide]:
    """The slides of a chapter, in its order. `chapter` is what :func:`pdf.chapter` makes of a page."""
    heading, last = "", Slide("", "")
    for element in list(chapter.find_all(["h1", "h2", "h3", "figure", "div"])):
        names = set(element.get("class") or [])
        if element.name in ("h1", "h2", "h3"):
            heading = element.get_text().strip()
        elif _folded(element) or element.find_parent("figure"):
            continue
        elif element.name == "figure" and element.find("figcaption"):
            yield (last := Slide(heading, "figure", [element]))
        elif "math" in names and element.find(class_="eqno"):
            parts = [part for part in (_before(element), element) if part is not None]
            if last.kind == "equations" and last.heading == heading and sum(p.name == "div" for p in last.parts) < 2:
                last.parts += parts
            else:
                yield (last := Slide(heading, "equations", parts))
        elif {"exercise", "pencil"} <= names:
            yield (last := Slide(heading, "exercise", [element]))


def deck(chapter: Tag, title: str, config: Mapping[str, Any], static: str) -> str:
    """The slides of a chapter as one page of HTML, a title slide first."""
    found = list(slides(chapter))  # whole, since equations join the slide before them
    count = f"<p>{escape(config['title'])}</p><p>{escape(config['author'])}</p>"
    pages = [f'<section class="slide first"><h1>{escape(title)}</h1><div class="body">{count}</div></section>']
    for number, slide in enumerate(found, 2):
        inside = "".join(map(str, slide.parts))
        pages.append(
            f'<section class="slide {slide.kind}"><h2>{escape(slide.heading)}</h2><div class="body"><div>{inside}</div></div>'
            f"<footer>{escape(config['title'])}<b>{number}</b></footer></section>"
        )
    language = config["sphinx"]["config"].get("language", "en")
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<link rel="stylesheet" href="{static}/pygments.css"><style>{STYLE.read_text(encoding="utf-8")}</style>'
        f"<script>window.MathJax = {pdf.MATHJAX};</script>"
        f'<script defer src="{static}/mathjax/tex-chtml.js"></script></head><body>{"".join(pages)}</body></html>'
    )


def write(browser: Browser, site: Path, config: Mapping[str, Any], address: str, target: Path) -> int:
    """Print one chapter's slides to `target`; how many there are."""
    soup = pdf.chapter(site, address, pdf.names(toc_pages()))
    heading = soup.find("h1")
    title = heading.get_text().strip() if isinstance(heading, Tag) else target.stem
    target.parent.mkdir(parents=True, exist_ok=True)
    source = target.with_suffix(".html")
    source.write_text(deck(soup, title, config, (site / "_static").resolve().as_uri()), encoding="utf-8")
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    page.set_default_timeout(600_000)
    page.emulate_media(media="print", color_scheme="light")
    page.goto(source.as_uri())
    page.evaluate(READY)
    page.evaluate(FIT)
    page.pdf(path=target, width=f"{WIDTH}px", height=f"{HEIGHT}px", print_background=True, outline=True, tagged=True)
    count = int(page.locator("section.slide").count())
    page.close()
    source.unlink()
    if len(PdfReader(target).pages) != count:
        raise RuntimeError(f"{target.name} has {len(PdfReader(target).pages)} pages for {count} slides")
    return count


def chapters(addresses: Iterable[str]) -> list[str]:
    """Those of the book's pages that are chapters: notebooks in the folders of chapters."""
    pages = (Path(address) for address in addresses)
    return [page.as_posix() for page in pages if page.parent.name in PARTS and (ROOT / page).with_suffix(".ipynb").exists()]


def main() -> None:
    parser = argparse.ArgumentParser(description="print the chapters of the built book as slides")
    parser.add_argument("names", nargs="*", metavar="chapter", help="such as gan_theory (default: all)")
    parser.add_argument("--site", type=Path, default=ROOT / "_build" / "html")
    parser.add_argument("--out", type=Path, default=ROOT / "_build" / "slides")
    options = parser.parse_args()
    program = chromium()
    if program is None:
        sys.exit(MISSING)
    if not (options.site / "index.html").is_file():
        sys.exit(f"there is no built book in {options.site}: make book")
    known = {Path(address).stem: address for address in chapters(toc_pages())}
    if unknown := set(options.names) - set(known):
        sys.exit(f"no chapter of this name: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    with sync_playwright() as playwright:
        browser = launch(playwright, program)
        for name in options.names or known:
            target = options.out / f"{name}.pdf"
            count = write(browser, options.site, config, known[name], target)
            print(f"{target}: {count} slides, {target.stat().st_size / 1e6:.1f} MB")
        browser.close()


if __name__ == "__main__":
    main()
