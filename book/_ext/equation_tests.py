"""Every labelled equation gets a mark beside its number that leads to the source of its test; an appendix page lists them all.

Steps of a proof and of a pencil exercise's solution have neither label nor test: what they end in has one.

The test of the equation ``(gan-value)`` is the function ``test_gan_value`` in ``tests/equations/``. The directive
``{equation-tests} gan_theory`` lists the equations of one chapter, each with its number, its formula, and its test's source.
"""

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

BOOK = Path(__file__).parent.parent
TESTS = BOOK.parent / "tests" / "equations"
PAGE = "book/appendix/equations"
DISPLAY = re.compile(r"^\$\$\n(?P<latex>.*?)\n\$\$(?: \((?P<label>[\w-]+)\))?$", re.M | re.S)


@dataclass(frozen=True)
class Equation:
    label: str | None
    latex: str


@dataclass(frozen=True)
class EquationTest:
    path: Path
    function: str
    says: str  # how it checks: the first line of the docstring


LITERAL = re.compile(r"^(```+|~~~+)\{(?:code-cell|literalinclude|code)[^\n]*\n.*?^\1$", re.M | re.S)
STEPS = re.compile(
    r"^(?P<fence>```+|:::+)\{admonition\}[^\n]*\n(?::[\w-]+:[^\n]*\n)*?:class:[^\n]*[ ](?:proof|pencil-solution)(?![\w-])[^\n]*\n"
    r"(?P<body>.*?)^(?P=fence)$",
    re.M | re.S,
)


def prose(text: str) -> str:
    """A chapter's text without its code cells and literal blocks, and without what stands in proofs and pencil solutions."""
    return STEPS.sub("", LITERAL.sub("", text))


def steps(text: str) -> list[str]:
    """What stands in the chapter's proofs and pencil solutions."""
    return [found["body"] for found in STEPS.finditer(LITERAL.sub("", text))]


def equations(chapter: Path) -> list[Equation]:
    """The display equations of a chapter's MyST text, in order."""
    return [Equation(m["label"], m["latex"]) for m in DISPLAY.finditer(prose(chapter.read_text(encoding="utf-8")))]


def tests() -> dict[str, EquationTest]:
    """The test of each label. Two tests of one label are an error."""
    found: dict[str, EquationTest] = {}
    for path in sorted(TESTS.glob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                label = node.name.removeprefix("test_").replace("_", "-")
                if label in found:
                    raise ValueError(f"two tests of the equation {label}")
                says = (ast.get_docstring(node) or "").split("\n\n")[0].replace("\n", " ")
                found[label] = EquationTest(path, node.name, says)
    return found


class EquationTests(SphinxDirective):
    """The equations of one chapter with their tests."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        chapter = next(BOOK.glob(f"*/{self.arguments[0]}.md"), None)
        if chapter is None:
            raise self.error(f"there is no chapter {self.arguments[0]!r}")
        self.env.note_dependency(str(chapter))
        known, lines = tests(), []
        for equation in equations(chapter):
            if equation.label not in known:
                continue  # tests/test_equations.py refuses this
            test = known[equation.label]
            self.env.note_dependency(str(test.path))
            lines += [f"(test-{equation.label})=", "", f"{{eq}}`{equation.label}` {test.says}", ""]
            lines += ["$$", *equation.latex.splitlines(), "$$", ""]
            lines += [f"````{{admonition}} {test.function}", ":class: dropdown equation-source"]
            lines += [
                f"```{{literalinclude}} ../../tests/equations/{test.path.name}",
                f":pyobject: {test.function}",
                "```",
                "````",
                "",
            ]
        node = nodes.container(classes=["equation-tests"])
        self.state.nested_parse(StringList(lines, source=str(chapter)), self.content_offset, node)
        return node.children


NUMBER = re.compile(r'(<div class="math[^"]*" id="equation-(?P<label>[\w-]+)">\s*<span class="eqno">.*?)</span>', re.S)


def marked(body: str, page: str, words: str, known: dict[str, EquationTest]) -> str:
    """The page's HTML with a mark beside the number of each equation that has a test: a link to the test's source on `page`."""

    def mark(match: re.Match[str]) -> str:
        if match["label"] not in known:
            return match[0]
        label, function = match["label"], known[match["label"]].function
        return f'{match[1]}<a class="equation-test" href="{page}#test-{label}" title="{function}">{words}</a></span>'

    return NUMBER.sub(mark, body)


def _mark(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    numbered = doctree is not None and ' id="equation-' in context.get("body", "")
    if app.builder.format == "html" and PAGE in app.env.found_docs and numbered:
        page = app.builder.get_relative_uri(pagename, PAGE)
        context["body"] = marked(context.get("body", ""), page, app.config.equation_test_words, tests())


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_config_value("equation_test_words", "tested", "html")
    app.add_directive("equation-tests", EquationTests)
    app.connect("html-page-context", _mark)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
