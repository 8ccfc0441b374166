"""A line under each chapter's title: how long it takes to read, and how long its notebook took to run.

The time to read is counted from the chapter's MyST text (`minutes`). The time to run is measured by `make run`, which writes
`book/times.json`; where no measurement is recorded, the line says nothing of it. ``chapter_times_words`` in the configuration
replaces the sentences.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

BOOK = Path(__file__).parent.parent
TIMES = BOOK / "times.json"
WORDS_A_MINUTE = 200
SECONDS_AN_EQUATION = 20
SECONDS_A_CELL = 15
FOLDED = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
WORDS = {
    "read": "About {minutes} minutes to read.",
    "run_seconds": "The notebook runs in about {seconds} seconds on {cores}, without a GPU.",
    "run_minutes": "The notebook runs in about {minutes} minutes on {cores}, without a GPU.",
    "one_core": "one CPU core",
    "several_cores": "{cores} CPU cores",
}

HEADER = re.compile(r"\A---\n.*?^---\n", re.M | re.S)
TAGS = re.compile(r"^:?tags: \[(?P<tags>[^\]]*)\]", re.M)
FENCE = re.compile(r"^(?P<marks>`{3,}|:{3,})(?:\{(?P<name>[\w-]+)\})?(?P<rest>.*)$")
OPTION = re.compile(r"^:[\w-]+:")
EQUATION = re.compile(r"^\$\$\n.*?\n\$\$(?: \([\w-]+\))?$", re.M | re.S)
LITERAL = {"code-cell", "code", "literalinclude", None}  # None: a listing without a directive


@dataclass(frozen=True)
class Counts:
    words: int
    equations: int  # displayed ones; a formula inside a line counts as a word
    cells: int  # whose code is open on the page


def parted(text: str) -> tuple[str, list[str]]:
    """The prose of a MyST text, with what stands in admonitions, and its code cells. Listings are in neither."""
    prose: list[str] = []
    cells: list[list[str]] = []
    fences: list[str] = []
    listing: list[str] | None = None
    closing = ""
    for line in HEADER.sub("", text).splitlines():
        fence = FENCE.match(line)
        if listing is not None:
            if line.strip() == closing:
                listing = None
            else:
                listing.append(line)
        elif fences and line.strip() == fences[-1]:
            fences.pop()
        elif fence and fence["name"] in LITERAL:
            listing, closing = [], fence["marks"]
            if fence["name"] == "code-cell":
                cells.append(listing)
        elif fence:
            fences.append(fence["marks"])
            prose.append(fence["rest"])
        elif not (fences and OPTION.match(line)):
            prose.append(line)
    return "\n".join(prose), ["\n".join(cell) for cell in cells]


def folded(cell: str) -> bool:
    tags = TAGS.search(cell)
    return bool(tags and FOLDED & set(re.split(r"[,\s]+", tags["tags"])))


def counts(text: str) -> Counts:
    """What a reader meets in a chapter's MyST text. Folded code, listings for a terminal and citations count nothing."""
    prose, cells = parted(text)
    equations = len(EQUATION.findall(prose))
    prose = EQUATION.sub("", prose)
    for pattern, replacement in (
        (r"\{cite[:\w]*\}`[^`]*`", ""),
        (r"\{[\w:-]+\}`[^`]*`", "reference"),
        (r"\$[^$]+\$", "formula"),
        (r"`[^`]*`", "name"),
        (r"\]\([^)]*\)", "]"),
    ):
        prose = re.sub(pattern, replacement, prose)
    return Counts(len(re.findall(r"\w+(?:['\u2019.,-]\w+)*", prose)), equations, sum(not folded(cell) for cell in cells))


def minutes(found: Counts) -> int:
    """The time to read; from ten minutes on in steps of five, since nobody knows it better."""
    seconds = 60 * found.words / WORDS_A_MINUTE + SECONDS_AN_EQUATION * found.equations + SECONDS_A_CELL * found.cells
    exact = seconds / 60
    return max(2, round(exact)) if exact < 10 else 5 * round(exact / 5)


def sentences(text: str, record: dict[str, object] | None, words: dict[str, str]) -> str:
    """The line for a chapter's text and its entry in `times.json`, if there is one."""
    said = [words["read"].format(minutes=minutes(counts(text)))]
    if record:
        seconds = float(str(record["seconds"]))
        cores = words["one_core" if record["cores"] == 1 else "several_cores"].format(cores=record["cores"])
        if seconds < 95:
            said.append(words["run_seconds"].format(seconds=max(10, 10 * round(seconds / 10)), cores=cores))
        else:
            said.append(words["run_minutes"].format(minutes=max(2, round(seconds / 60)), cores=cores))
    return " ".join(said)


def _line(app: Sphinx, doctree: nodes.document) -> None:
    """Called when a page has been read. A notebook of the book gets its line; the landing page gets none."""
    docname = app.env.docname
    text = BOOK.parent / f"{docname}.md"
    is_chapter = app.env.doc2path(docname).endswith(".ipynb") and docname != app.config.root_doc and text.exists()
    title = next(iter(doctree.findall(nodes.title)), None)
    if not is_chapter or title is None:
        return
    app.env.note_dependency(str(text))
    app.env.note_dependency(str(TIMES))
    record = json.loads(TIMES.read_text(encoding="utf-8")).get(text.stem)
    words = {**WORDS, **app.config.chapter_times_words}
    line = sentences(text.read_text(encoding="utf-8"), record, words)
    title.parent.insert(title.parent.index(title) + 1, nodes.paragraph("", line, classes=["chapter-times"]))


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_config_value("chapter_times_words", {}, "env")
    app.add_css_file("reader.css")
    app.connect("doctree-read", _line)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
