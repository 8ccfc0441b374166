"""The whole book as one PDF, without LaTeX: the built pages in one, printed by Chromium.

What moves on the screen is said in words on paper: sliders and demos become their picture and the name of the page they work on,
a film becomes its last frame, hidden code is shown. The table of contents gets its page numbers from a first printing.
"""

import argparse
import base64
import io
import posixpath
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from pathlib import Path, PurePosixPath
from typing import Any

import yaml
from bs4 import BeautifulSoup, Tag
from chromium import MISSING, READY, ROOT, chromium, launch, toc, toc_pages
from PIL import Image
from playwright.sync_api import Browser, sync_playwright
from pypdf import PdfReader

STYLE = Path(__file__).with_name("pdf.css")

WORDS = {
    "contents": "Contents",
    "slider": "On the page “{page}” of the website a slider moves this picture. Here it stands at {value}.",
    "demo": "On the page “{page}” of the website there is something to try here: {name}.",
    "a demo": "a demonstration",
    "explorer": "a model whose numbers you move, and which draws what they say",
    "drawing": "a sheet on which you draw a digit, and a VAE that draws it again",
    "real_or_fake": "twelve images, of which you say which are generated",
    "trainer": "a network that trains before your eyes",
    "flow": "a network that learns to carry noise to data, and whose paths you straighten",
    "characters": "made-up characters to zoom into, blend, and save for a plotter",
    "xrays": "twelve X-rays that you call normal or ill, and a threshold to move",
    "game": "platform levels to play, and an agent to watch",
    "film": "The last picture of a film. The film runs on the page “{page}” of the website.",
    "solution": "Solution",
}

MATHJAX = '{options: {enableMenu: false, processHtmlClass: "tex2jax_process|mathjax_process|math|output_area"}}'
SHORT = 30  # lines of code that stay on one page

GONE = "script, style, noscript, form, button, .headerlink, .toctree-wrapper"
GONE += ", .equation-test, .equation-source > :not(.admonition-title)"

# A formula that is wider than the paper is made smaller.
FIT = """() => {
  for (const formula of document.querySelectorAll("mjx-container")) {
    const box = formula.closest(".math.notranslate, p, li, td, dd, dt") ?? formula.parentElement;
    const drawn = formula.querySelector("mjx-math") ?? formula;
    const room = box.clientWidth - (box.querySelector(".eqno")?.getBoundingClientRect().width ?? 0);
    const wide = drawn.getBoundingClientRect().width;
    if (room > 0 && wide > room) formula.style.fontSize = `${((parseFloat(formula.style.fontSize) || 100) * 0.98 * room) / wide}%`;
  }
}"""


def note(soup: BeautifulSoup, kind: str, **values: str) -> Tag:
    """A sentence in place of something that moves."""
    paragraph = soup.new_tag("p", attrs={"class": "on-the-website"})
    paragraph.string = WORDS[kind].format(**values)
    return paragraph


def last_frame(source: str) -> str:
    """A film's last picture, as an address with the data in it."""
    with Image.open(io.BytesIO(base64.b64decode(source.split(",", 1)[1]))) as film:
        film.seek(getattr(film, "n_frames", 1) - 1)
        out = io.BytesIO()
        film.convert("RGB").save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def still(soup: BeautifulSoup, article: Tag, page: str) -> None:
    """Replace what moves by what stands still."""
    for book in article.select("[data-frames]"):
        stands = []
        for row in book.select("[data-labels]"):
            value = str(row["data-labels"]).split("|")[int(str(row.get("data-at", 0)))]
            stands.append(" ".join(dict.fromkeys([next(row.stripped_strings, value), value])))
            row.decompose()
        book.append(note(soup, "slider", page=page, value=", ".join(stands)))
    for demo in article.select("iframe, .imggen-live, .widget-subarea"):
        kind = WORDS.get(str(demo.get("data-demo")), WORDS["a demo"])
        name = demo.get("title") or demo.get("aria-label") or demo.get("data-title") or kind
        demo.replace_with(note(soup, "demo", page=page, name=str(name)))
    for image in article.select('img[src^="data:image/gif"]'):
        image["src"] = last_frame(str(image["src"]))
        image.insert_after(note(soup, "film", page=page))
    for hidden in article.select("details"):
        summary = hidden.find("summary")
        if isinstance(summary, Tag):
            summary.decompose()
        hidden.name, hidden["class"] = "div", ["was-hidden"]
        if hidden.find_parent(class_="tag_solution"):
            label = soup.new_tag("p", attrs={"class": "solution-label"})
            label.string = WORDS["solution"]
            hidden.insert(0, label)
    for code in article.select("pre"):
        if code.get_text().strip().count("\n") < SHORT:
            code["class"] = [*(code.get("class") or []), "short"]
    for tests in article.select(".equation-source"):
        tests["class"] = ["equation-source"]  # no box


def names(addresses: Iterable[str]) -> dict[str, str]:
    """What each page is called inside the one document: its file's name, with the folder's before it where two have the same."""
    stems = [(address, PurePosixPath(address)) for address in addresses]
    count = Counter(path.stem for _, path in stems)
    return {address: path.stem if count[path.stem] == 1 else f"{path.parent.name}-{path.stem}" for address, path in stems}


def anchor(address: str, page: str, pages: Mapping[str, str]) -> str | None:
    """Where a link on `page` leads inside the one document; None if it leads out of the book's pages."""
    if re.match(r"[a-z]+:", address):
        return address
    path, _, fragment = address.partition("#")
    target = pages.get(posixpath.normpath(posixpath.join(posixpath.dirname(page), path)) if path else page)
    if target is None:
        return None
    return f"#{target}--{fragment}" if fragment else f"#{target}"


def chapter(site: Path, address: str, pages: Mapping[str, str]) -> Tag:
    """One page of the site as a part of the whole: its own anchors, no chrome, nothing that moves. `pages`: see :func:`names`."""
    stem, file = pages[address], site / address
    soup = BeautifulSoup(file.read_text(encoding="utf-8"), "html.parser")
    article = soup.select_one("article.bd-article")
    if article is None:
        raise ValueError(f"there is no article in {file}")
    title = article.find("h1")
    for element in article.select(GONE):
        element.decompose()
    still(soup, article, title.get_text().strip() if isinstance(title, Tag) else stem)
    for element in article.find_all(id=True):
        element["id"] = f"{stem}--{element['id']}"
    for link in article.find_all("a", href=True):
        target = anchor(str(link["href"]), address, pages)
        if target is None:
            link.unwrap()
        else:
            link["href"] = target
    for image in article.find_all("img", src=True):
        if not str(image["src"]).startswith("data:"):
            image["src"] = (file.parent / str(image["src"])).resolve().as_uri()
        image.attrs.pop("loading", None)
    article.name, article["id"], article["class"] = "section", stem, ["chapter"]
    return article


def contents(chapters: dict[str, Tag], numbers: list[int]) -> str:
    """The table of contents: parts, chapters and their sections, each with its page if it is known already."""
    known = iter(numbers)

    def line(heading: Tag, target: str) -> str:
        number = next(known, 0)
        words = f"<span>{escape(heading.get_text().strip())}</span><i></i><b>{number or ''}</b>"
        return f'<li class="level-{heading.name[1]}"><a href="#{target}">{words}</a></li>'

    def lines(part: Tag) -> Iterator[str]:
        for heading in part.find_all(["h1", "h2", "h3", "h4", "h5", "h6"]):
            holder = part if heading.name == "h1" else heading.find_parent("section", id=True)
            entry = line(heading, str((holder or part)["id"]))  # every heading has a number, two levels are shown
            if heading.name in ("h1", "h2"):
                yield entry

    plan = toc()
    groups = [{"root": plan["root"]}, *plan.get("parts", [{"chapters": plan.get("chapters", [])}])]
    out = ""
    for group in groups:
        inside = [a for a in toc_pages(group) if a in chapters]
        if inside and "caption" in group:
            out += f'<li class="part">{escape(group["caption"])}</li>'
        out += "".join(entry for a in inside for entry in lines(chapters[a]))
    return f'<nav class="contents"><p class="title">{WORDS["contents"]}</p><ul>{out}</ul></nav>'


def document(site: Path, config: dict[str, Any], numbers: list[int], addresses: list[str] | None = None) -> str:
    """The whole book, or some of its pages, as one HTML page."""
    addresses = addresses or toc_pages()
    pages = names(addresses)
    chapters = {a: chapter(site, a, pages) for a in addresses}
    static = (site / "_static").resolve().as_uri()
    authors = f"{escape(config['author'])}, {config['copyright']}"
    cover = f'<header><p class="book">{escape(config["title"])}</p><p>{authors}</p></header>'
    return (
        f'<!doctype html><html lang="{config["sphinx"]["config"].get("language", "en")}"><head><meta charset="utf-8">'
        f"<title>{escape(config['title'])}</title>"
        f'<link rel="stylesheet" href="{static}/pygments.css"><link rel="stylesheet" href="{static}/sphinx-design.min.css">'
        f"<style>{STYLE.read_text(encoding='utf-8')}</style><script>window.MathJax = {MATHJAX};</script>"
        f'<script defer src="{static}/mathjax/tex-chtml.js"></script></head>'
        f"<body>{cover}{contents(chapters, numbers)}{''.join(map(str, chapters.values()))}</body></html>"
    )


def outline(pdf: Path) -> list[int]:
    """The page of every heading, in order."""
    reader = PdfReader(pdf)

    def flat(entries: list[Any]) -> Iterator[Any]:
        for entry in entries:
            if isinstance(entry, list):
                yield from flat(entry)
            else:
                yield entry

    return [(reader.get_destination_page_number(entry) or 0) + 1 for entry in flat(reader.outline)]


def printed(browser: Browser, source: Path, target: Path, footer: str) -> None:
    """Let Chromium print a page of HTML."""
    margin: Any = {"top": "20mm", "bottom": "20mm", "left": "22mm", "right": "22mm"}
    page = browser.new_page(viewport={"width": 627, "height": 900})
    page.set_default_timeout(600_000)
    page.emulate_media(media="print", color_scheme="light")
    page.goto(source.as_uri())
    page.evaluate(READY)
    page.evaluate(FIT)
    page.pdf(
        path=target, format="A4", margin=margin, outline=True, tagged=True, print_background=True,
        display_header_footer=True, header_template="<span></span>", footer_template=footer,
    )  # fmt: skip
    page.close()


def write(browser: Browser, site: Path, config: dict[str, Any], target: Path, addresses: list[str] | None = None) -> list[int]:
    """Print twice, the second time with the page numbers of the first; the page of every heading."""
    footer = (
        '<div style="width:100%;margin:0 22mm;font:8pt sans-serif;color:#555;display:flex;justify-content:space-between">'
        f"<span>{escape(config['title'])}</span><span class='pageNumber'></span></div>"
    )
    source = target.with_suffix(".html")
    numbers: list[int] = []
    for _ in range(2):
        html = document(site, config, numbers, addresses)
        source.write_text(html, encoding="utf-8")
        printed(browser, source, target, footer)
        numbers = outline(target)
        if len(numbers) != len(re.findall(r"<h[1-6][ >]", html)):
            raise RuntimeError(f"Chromium made {len(numbers)} bookmarks, one for each heading was expected")
    source.unlink()
    return numbers


def main() -> None:
    parser = argparse.ArgumentParser(description="print the built book to one PDF")
    parser.add_argument("--site", type=Path, default=ROOT / "_build" / "html")
    parser.add_argument("--out", type=Path, default=ROOT / "_build" / "imggen-book.pdf")
    options = parser.parse_args()
    program = chromium()
    if program is None:
        sys.exit(MISSING)
    if not (options.site / "index.html").is_file():
        sys.exit(f"there is no built book in {options.site}: make book")
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    with sync_playwright() as playwright:
        browser = launch(playwright, program)
        write(browser, options.site, config, options.out)
        browser.close()
    print(f"{options.out}: {len(PdfReader(options.out).pages)} pages, {options.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
