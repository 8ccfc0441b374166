"""The notebooks that readers open: those of the pages with ordinary Markdown in place of MyST, in ``notebooks/`` of the built book.

They are made when all pages are written, from the same resolved pages, so references, numbers and titles are those of the book.
Code cells are the source's, in order, with their stored outputs; a figure's caption stands in a cell below. What the page hides is
closed (``jupyter: source_hidden`` for JupyterLab, ``cellView: form`` for Colab); checks that only the tests read (tags
``remove-cell`` and ``check``) are left out. Links lead to the published pages (``html: baseurl:`` in the configuration, else the
forge's pages of the repository's address); while there are none, their words stand alone.

The role ``{wheel}`here` `` is a link to the library's wheel, which ``make book`` puts beside the notebooks.
"""

import base64
import mimetypes
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urljoin

import nbformat
from as_markdown import Markdown, Page
from docutils import nodes
from repository import found
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxRole
from sphinx.util.math import get_node_equation_number
from sphinxcontrib.bibtex.transforms import BibliographyTransform, node_text_transform

from imggen_lib import __version__

FOLDER = "notebooks"
WHEEL = f"imggen_lib-{__version__}-py3-none-any.whl"
WORDS = {"page": "This notebook is a page of the book: {title}.", "sources": "Sources"}
CHECK = {"remove-cell", "check"}
INSTALL = "install"  # this cell is hidden on the page, and open in a notebook
CLOSED = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
FOLDED = {"hide-output", "hide-cell", "remove-output", "remove-cell"}
STRIDE = 10_000  # MyST-NB counts a cell's lines from (its place + 1) times this


def chapters(app: Sphinx) -> list[str]:
    """The pages that are notebooks."""
    return [name for name in sorted(app.env.found_docs) if app.env.doc2path(name).endswith(".ipynb")]


def site(app: Sphinx) -> str:
    """Where the book is published, with a slash at its end; "" if that is not known."""
    there = app.config.html_baseurl or found(app).pages
    return f"{there.rstrip('/')}/" if there else ""


def numbered(numbers: Any, suffix: str = "") -> str:
    return f"{'.'.join(map(str, numbers))}{suffix}" if numbers else ""


def page(app: Sphinx, docname: str) -> Page:
    """What the writer asks of a page."""
    env, builder = app.env, app.builder
    figures, titles = env.toc_fignumbers.get(docname, {}), env.toc_secnumbers.get(docname, {})
    here = urljoin(site(app), builder.get_target_uri(docname)) if site(app) else ""
    writer: Any = SimpleNamespace(builder=SimpleNamespace(config=app.config, name="html", fignumbers=figures))

    def equation(node: nodes.math_block) -> str | None:
        return str(get_node_equation_number(writer, node)) if node.get("number") else None

    def figure(node: nodes.figure) -> str:
        number = next((figures["figure"][name] for name in node["ids"] if name in figures.get("figure", {})), None)
        return str(app.config.numfig_format["figure"]) % numbered(number) if number else ""

    def heading(node: nodes.title) -> str:
        anchor = f"#{node.parent['ids'][0]}" if isinstance(node.parent, nodes.section) else ""
        return numbered(titles.get(anchor, titles.get("", ()) if node.parent.parent is node.document else ()), ". ")

    def picture(uri: str) -> str:
        path = Path(app.srcdir) / uri
        kind = mimetypes.guess_type(path.name)[0]
        return uri if ":" in uri else f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"

    return Page(lambda uri: urljoin(here, uri) if here else None, picture, equation, figure, heading)


def blocks(node: nodes.Element, level: int = 0) -> Iterator[tuple[nodes.Element, int]]:
    """A page's blocks without the sections around them; the level of a heading."""
    for child in node.children:
        if isinstance(child, nodes.section):
            yield from blocks(child, level + 1)
        elif isinstance(child, nodes.Element):
            yield child, level


def place(block: nodes.Element) -> int:
    """The place of the notebook's cell that a block comes from; -1 if the block does not know."""
    lines = [node.line for node in block.findall() if getattr(node, "line", None)]
    return lines[0] // STRIDE - 1 if lines else -1


def parted(doctree: nodes.document, source: Any) -> dict[int, list[tuple[nodes.Element, int]]]:
    """The blocks of each Markdown cell; what an extension put between them belongs to the cell before."""
    found: dict[int, list[tuple[nodes.Element, int]]] = {}
    now = next(k for k, cell in enumerate(source.cells) if cell.cell_type == "markdown")
    for block, level in blocks(doctree):
        if block.get("nb_element") == "cell_code":
            continue
        there = place(block)
        if now < there < len(source.cells) and source.cells[there].cell_type == "markdown":
            now = there
        found.setdefault(now, []).append((block, level))
    return found


def captions(doctree: nodes.document) -> dict[int, list[nodes.caption]]:
    """The captions of the pictures that each code cell makes."""
    found: dict[int, list[nodes.caption]] = {}
    for cell in doctree.findall(lambda n: isinstance(n, nodes.container) and n.get("nb_element") == "cell_code"):
        found[place(cell)] = [c for c in cell.findall(nodes.caption) if isinstance(c.parent, nodes.figure)]
    return found


def closed(cell: Any) -> Any:
    """A code cell as Jupyter and Colab are to show it; MyST-NB's own entries go."""
    tags = set(cell.metadata.get("tags", []))
    hides = set() if INSTALL in tags else tags
    kept = {key: value for key, value in cell.metadata.items() if key != "mystnb"}
    hidden = {name: True for name, of in (("source_hidden", CLOSED), ("outputs_hidden", FOLDED)) if hides & of}
    if hidden:
        kept["jupyter"] = {**kept.get("jupyter", {}), **hidden}
    if hides & CLOSED:
        kept["cellView"] = "form"
    if hides & FOLDED:
        kept["collapsed"] = True
    return nbformat.from_dict({**cell, "metadata": kept})


def sources(app: Sphinx, docname: str, write: Markdown) -> str:
    """The works that a notebook cites, as on the page of references."""
    cite: Any = app.env.get_domain("cite")
    cited = {target.key for ref in cite.citation_refs if ref.docname == docname for target in ref.targets}
    said = []
    for citation in cite.citations:
        if citation.key in cited:
            entry = BibliographyTransform.backend.paragraph(citation.formatted_entry)
            node_text_transform(entry)
            said.append(f"- {write.line(entry.children).strip()}")
    words = {**WORDS, **app.config.reader_notebook_words}
    return "\n".join([f"## {words['sources']}", "", *said]) if said else ""


def notebook(app: Sphinx, docname: str) -> Any:
    """The notebook of one page for readers."""
    source = nbformat.read(app.env.doc2path(docname), as_version=4)
    doctree = app.env.get_and_resolve_doctree(docname, app.builder)
    write, cells = Markdown(page(app, docname)), list[Any]()
    words, pictures = parted(doctree, source), captions(doctree)
    for k, cell in enumerate(source.cells):
        if cell.cell_type == "code":
            if not set(cell.metadata.get("tags", [])) >= CHECK:
                cells.append(closed(cell))
            said = "\n\n".join(write.block(caption) for caption in pictures.get(k, []))
        else:
            parts = [write.heading(b, n) if isinstance(b, nodes.title) else write.block(b) for b, n in words.get(k, [])]
            said = "\n\n".join(filter(None, parts))
        if said:
            cells.append(nbformat.v4.new_markdown_cell(said))
    said = sources(app, docname, write)
    if there := site(app):
        title = f"[{app.env.titles[docname].astext()}]({urljoin(there, app.builder.get_target_uri(docname))})"
        said += "\n\n" + {**WORDS, **app.config.reader_notebook_words}["page"].format(title=title)
    if said.strip():
        cells.append(nbformat.v4.new_markdown_cell(said.strip()))
    for k, cell in enumerate(cells):
        cell["id"] = f"cell-{k}"
    metadata = {"kernelspec": source.metadata["kernelspec"], "colab": {"toc_visible": True, "provenance": []}}
    made = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    nbformat.validate(made)
    return made


def _write(app: Sphinx, failure: Exception | None) -> None:
    """Called when all pages are written. The sources of the notebooks go: the download is the notebook for readers."""
    if failure or app.builder.name != "html":
        return
    folder, names = Path(app.outdir) / FOLDER, chapters(app)
    folder.mkdir(exist_ok=True)
    if len({Path(name).name for name in names}) < len(names):
        raise ExtensionError("two notebooks have one name")
    for old in folder.glob("*.ipynb"):
        old.unlink()
    for name in names:
        text = nbformat.writes(notebook(app, name), indent=1) + "\n"
        (folder / f"{Path(name).name}.ipynb").write_text(text, encoding="utf-8")
        (Path(app.outdir) / "_sources" / f"{name}.ipynb").unlink(missing_ok=True)


def _download(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """The download button gives the notebook for readers."""
    if app.builder.name != "html" or doctree is None or pagename not in chapters(app):
        return
    for button in context.get("header_buttons", []):
        for inner in button.get("buttons", []):
            if inner.get("label") == "download-source-button":
                inner["url"] = f"{context['pathto'](FOLDER, 1)}/{Path(pagename).name}.ipynb"


class Wheel(SphinxRole):
    """A link to the library's wheel, where the pages have one."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        up = "../" * self.env.docname.count("/")
        link = nodes.reference("", "", nodes.literal("", WHEEL), refuri=f"{up}{FOLDER}/{WHEEL}", internal=True)
        return [link], []


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_config_value("reader_notebook_words", {}, "html")
    app.add_role("wheel", Wheel())
    app.connect("html-page-context", _download, priority=503)
    app.connect("build-finished", _write, priority=800)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
