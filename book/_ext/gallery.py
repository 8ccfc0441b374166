"""The page of pictures: every figure, slider, film and live demo of the book, small, with its words and a link to its place.

``{gallery} gan_theory`` lists those of one chapter. They are taken from the pages as read, so a new picture appears by itself; its
words are its alt text (of a cell's picture: the cell's metadata ``mystnb: {image: {alt: ...}}``). `gallery_words` in the
configuration replaces the few words of this module. Small pictures are written to ``_static/gallery`` when the page is.
"""

import base64
import html
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import thumbnails
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

PAGE = "book/appendix/gallery"
WORDS = {
    "figure": "",
    "slider": "slider",
    "film": "film",
    "live": "live demo",
    "diagram": "diagram",
    "sheet": "to fill in",
    "table": "table",
    "nameless": "{title}, picture {number}",
    "elsewhere": "The pictures are listed on the website.",
}

SLIDER = re.compile(r"<div data-frames><div role=\"img\" aria-label=\"(?P<alt>[^\"]*)\" style=\"(?P<style>[^\"]*)\">")
FILM = re.compile(r"<img src=\"data:image/gif;base64,(?P<data>[^\"]+)\" alt=\"(?P<alt>[^\"]*)\"")
LIVE = re.compile(r"<div class='imggen-live' data-demo='(?P<demo>\w+)'[^>]*><p>(?P<alt>.*?)</p>", re.S)
SHEET = re.compile(r"<iframe title=\"(?P<alt>[^\"]*)\"")
DIAGRAM = re.compile(r"<div class=\"imggen-diagram\" role=\"group\" aria-label=\"(?P<alt>[^\"]*)\"")
TABLE = re.compile(r"<div [^>]*role=\"region\" aria-label=\"(?P<alt>[^\"]*)\"[^>]*><table")


@dataclass(frozen=True)
class Shown:
    kind: str  # a key of WORDS
    alt: str
    data: bytes | None = None  # a picture that stands in the page itself: PNG or GIF
    uri: str | None = None  # a picture that is a file
    grid: tuple[int, int] = (1, 1)  # a slider's picture holds all of its frames: rows, columns
    at: tuple[int, int] = (0, 0)  # the one that is shown first


def in_html(text: str) -> Shown | None:
    """The picture or demo in a cell's HTML, if there is one."""
    if match := SLIDER.search(text):
        style = html.unescape(match["style"])
        columns, rows = (int(n) // 100 for n in re.findall(r"background-size:(\d+)% (\d+)%", style)[0])
        x, y = (float(n) for n in re.findall(r"background-position:([\d.]+)% ([\d.]+)%", style)[0])
        at = round(y / 100 * (rows - 1)), round(x / 100 * (columns - 1))
        data = re.findall(r"base64,([^)]+)\)", style)[0]
        return Shown("slider", html.unescape(match["alt"]), base64.b64decode(data), grid=(rows, columns), at=at)
    if match := FILM.search(text):
        return Shown("film", html.unescape(match["alt"]), base64.b64decode(match["data"]))
    if match := LIVE.search(text):
        return Shown("live", html.unescape(re.sub(r"<[^>]+>", "", match["alt"])))
    for kind, pattern in (("sheet", SHEET), ("diagram", DIAGRAM), ("table", TABLE)):
        if match := pattern.search(text):
            return Shown(kind, html.unescape(match["alt"]))
    return None


class Place(nodes.General, nodes.Element):
    """Where the pictures of a chapter will stand."""


class Gallery(SphinxDirective):
    """The pictures of one chapter."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        return [Place("", chapter=self.arguments[0])]


def _holder(node: nodes.Node) -> nodes.Element:
    """What carries the anchor: the cell's output, or the picture itself. Myst-nb replaces what lies between."""
    above: Any = node
    while above is not None:
        if isinstance(above, nodes.container) and above.get("nb_element") == "cell_code_output":
            return above
        above = above.parent
    assert isinstance(node, nodes.Element)
    return node.parent if isinstance(node.parent, nodes.figure) else node


def _words(image: nodes.image) -> str:
    caption = next(iter(image.parent.findall(nodes.caption)), None) if isinstance(image.parent, nodes.figure) else None
    return str(image.get("alt") or (caption.astext() if caption else ""))


def _candidates(doctree: nodes.document) -> list[nodes.Element]:
    """Images and HTML in the order of the page, one for each output: where a cell gives both, pages show the HTML."""
    found: list[nodes.Element] = []
    for node in doctree.findall(lambda n: isinstance(n, nodes.image | nodes.raw)):
        bundle = node.parent.parent if isinstance(node.parent, nodes.container) and "mime_type" in node.parent else None
        if bundle is None or not found or found[-1].parent.parent is not bundle:
            found.append(node)
        elif node.parent["mime_type"] == "text/html":
            found[-1] = node
    return found


def pictures(doctree: nodes.document) -> list[tuple[nodes.Element, Shown]]:
    """All that is to be seen on a page, with the node that carries the anchor."""
    found = []
    for node in _candidates(doctree):
        shown = None
        if isinstance(node, nodes.raw) and "html" in node.get("format", ""):
            shown = in_html(node.astext())
        elif isinstance(node, nodes.image) and node["uri"].endswith((".png", ".gif", ".jpg", ".jpeg")) and ":" not in node["uri"]:
            shown = Shown("figure", _words(node), uri=node["uri"])
        if shown:
            found.append((_holder(node), shown))
    return found


def _anchors(app: Sphinx, doctree: nodes.document) -> None:
    """Give every picture of a page an anchor, `picture-1` and so on. Two pictures of one cell have the first one's."""
    for number, (holder, _) in enumerate(pictures(doctree), 1):
        if isinstance(holder, nodes.raw):
            holder.parent.insert(holder.parent.index(holder), nodes.target("", "", ids=[f"picture-{number}"]))
        elif not any(name.startswith("picture-") for name in holder["ids"]):
            holder["ids"].append(f"picture-{number}")


def _anchor(holder: nodes.Element) -> str:
    marked = holder.parent[holder.parent.index(holder) - 1] if isinstance(holder, nodes.raw) else holder
    assert isinstance(marked, nodes.Element)
    return str(next(name for name in marked["ids"] if name.startswith("picture-")))


def _small(app: Sphinx, name: str, shown: Shown) -> nodes.image:
    """Write the small picture; the words beside it are its text, so its own alt is empty."""
    data = shown.data or (Path(app.srcdir) / str(shown.uri)).read_bytes()
    content, size = thumbnails.small(data, shown.grid, shown.at)
    folder = Path(app.outdir) / "_static" / "gallery"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    uri = "../" * PAGE.count("/") + f"_static/gallery/{name}"
    width, height = (str(side) for side in size)
    # The candidate "?" tells Sphinx that the file is where it should be.
    return nodes.image("", uri=uri, alt="", width=width, height=height, loading="lazy", candidates={"?": ""})


def _item(app: Sphinx, docname: str, number: int, holder: nodes.Element, shown: Shown) -> nodes.list_item:
    """A small picture with its words under it, both one link."""
    words = {**WORDS, **app.config.gallery_words}
    target = f"{app.builder.get_relative_uri(PAGE, docname)}#{_anchor(holder)}"
    link = nodes.reference("", "", internal=True, refuri=target)
    if shown.data or shown.uri:
        link += _small(app, f"{Path(docname).name}-{number}.png", shown)
    else:
        link += nodes.inline("", words[shown.kind], classes=["gallery-box"])
    nameless = words["nameless"].format(title=app.env.titles[docname].astext(), number=number)
    link += nodes.inline("", shown.alt or nameless, classes=["gallery-words"])
    if words[shown.kind] and (shown.data or shown.uri):
        link += nodes.inline("", words[shown.kind], classes=["gallery-kind"])
    return nodes.list_item("", nodes.paragraph("", "", link))


def _fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the pictures where the directives stand, when the page is written."""
    for place in list(doctree.findall(Place)):
        chapter = next((name for name in app.env.all_docs if Path(name).name == place["chapter"]), None)
        if app.builder.name != "html":
            place.replace_self(nodes.paragraph("", {**WORDS, **app.config.gallery_words}["elsewhere"]))
            continue
        if chapter is None:
            raise ExtensionError(f"{docname}: there is no chapter {place['chapter']!r} in the table of contents")
        items = nodes.bullet_list("", classes=["gallery"])
        for number, (holder, shown) in enumerate(pictures(app.env.get_doctree(chapter)), 1):
            items += _item(app, chapter, number, holder, shown)
        place.replace_self([items] if len(items) else [])


def _again(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """The page is made from all others, so it is written whenever one of them was read."""
    return [PAGE] if PAGE in env.all_docs else []


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_config_value("gallery_words", {}, "html")
    app.add_node(Place)
    app.add_directive("gallery", Gallery)
    app.add_css_file("reader.css")
    app.connect("doctree-read", _anchors, priority=600)
    app.connect("env-updated", _again)
    app.connect("doctree-resolved", _fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
