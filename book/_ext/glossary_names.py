"""Each name of a glossary term can be used: ``{term}`ELBO``` finds the entry *evidence lower bound, ELBO (证据下界)*.

Sphinx knows an entry by its whole text only. Here the names before the brackets, separated by commas, and those in the brackets
become names of the same entry, for references and for the search. Two entries with one name are an error.
"""

import re

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

# Brackets and commas as in English and as in Chinese (\uff08 \uff09 \uff0c \u3001).
ENTRY = re.compile(r"^(?P<before>.*?)\s*[(\uff08](?P<inside>[^()\uff08\uff09]+)[)\uff09]\s*$")


def names(entry: str) -> list[str]:
    """The names in ``name, other name (其他名称)``, in order; the text itself if it has no brackets and no comma."""
    match = ENTRY.match(entry)
    parts = [match["before"], match["inside"]] if match else [entry]
    return [name.strip() for part in parts for name in re.split(r"[,\uff0c\u3001]", part) if name.strip()]


def _say_the_language(term: nodes.term) -> None:
    """Mark the Chinese in an entry as Chinese, for the choice of the font and for screen readers."""
    for text in [child for child in term.children if isinstance(child, nodes.Text)]:
        match = ENTRY.match(text.astext())
        if match and re.search(r"[\u4e00-\u9fff]", match["inside"]):
            start, end = match.span("inside")
            marked = nodes.inline("", match["inside"], classes=["language-zh"])
            term.replace(text, [nodes.Text(text[:start]), marked, nodes.Text(text[end:])])


def _note(app: Sphinx, doctree: nodes.document) -> None:
    """Called when a page has been read."""
    standard = app.env.get_domain("std")
    for term in doctree.findall(nodes.term):
        if not term["ids"] or not term["ids"][0].startswith("term-"):
            continue
        for name in names(term.astext()):
            place = (app.env.docname, term["ids"][0])
            known = standard.objects.get(("term", name))
            if known is None:
                standard.note_object("term", name, place[1], location=term)
                standard.data.setdefault("terms", {})[name.lower()] = place
                for index in term.findall(addnodes.index):  # what the search looks through first
                    index["entries"].append(("single", name, place[1], "main", None))
            elif known != place:
                raise ExtensionError(f"two entries of the glossary are called {name!r}")
        _say_the_language(term)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("doctree-read", _note)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
