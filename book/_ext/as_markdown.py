"""Ordinary Markdown from a page as Sphinx has resolved it: what Jupyter, Colab and a forge's view of a notebook can show.

References are links with the words of the page, equations and figures have the numbers of the page, admonitions are block quotes,
and those that fold are ``<details>``. What this module does not know is reported as a warning, which stops ``make book``.
"""

import html
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from docutils import nodes
from sphinx.locale import admonitionlabels
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)

# What stands at the beginning of a paragraph and would make it a heading, a quotation or a list.
OPENING = re.compile(r"^(?:(?P<sign>#{1,6}|[>+-])(?=\s|$)|(?P<number>\d+)(?=[.)](?:\s|$)))")
SILENT = ("index", "comment", "target", "substitution_definition", "system_message", "toctree", "meta", "highlightlang", "label")
# The children are shown as they are.
OPEN = ("inline", "generated", "container", "compound", "decoration", "legend", "abbreviation", "acronym", "glossary", "figure")
ENVIRONMENT = re.compile(r"\\begin\{(align|gather|equation|multline)\*?\}(.*)\\end\{\1\*?\}", re.S)
INSIDE = {"align": "aligned", "gather": "gathered", "multline": "multlined"}


def escaped(text: str) -> str:
    """Words that Markdown and MathJax leave alone."""
    text = re.sub(r"\\(?=[!-/:-@\[-`{-~])", r"\\\\", text.replace("\n", " "))
    text = re.sub(r"[*`$]|(?<![^\W_])_|_(?![^\W_])|(?<=\])\(|~(?=~)", lambda m: "\\" + m[0], text)
    return re.sub(r"<(?=[A-Za-z/!?])", "&lt;", re.sub(r"&(?=#?\w+;)", "&amp;", text))


def code(text: str) -> str:
    """A span of code, in as many backticks as it needs."""
    marks = "`" * (max(map(len, re.findall(r"`+", text)), default=0) + 1)
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{marks}{space}{text}{space}{marks}"


def formula(latex: str) -> str:
    """A formula that no browser takes for a tag: ``a<b`` without a space is the beginning of one."""
    return re.sub(r"<(?=[A-Za-z/!?])", r"\\lt ", latex.strip())


def displayed(latex: str, number: str | None, flat: bool) -> str:
    """A displayed formula with its number; in one line where each line would get a sign of its own (a block quote)."""
    latex = formula(latex)
    if whole := ENVIRONMENT.fullmatch(latex):
        name = INSIDE.get(whole[1])
        latex = f"\\begin{{{name}}}{whole[2]}\\end{{{name}}}" if name else whole[2].strip()
    elif r"\\" in latex and not re.fullmatch(r"\\begin\{(\w+\*?)\}.*\\end\{\1\}", latex, re.S):
        latex = f"\\begin{{split}}{latex}\\end{{split}}"  # as Sphinx does it for the page
    latex = re.sub(r"(?<!\\)%.*", "", latex) if flat else latex
    lines = [line for line in latex.splitlines() if line.strip()]  # an empty line would end the formula
    if number:
        lines.append(f"\\tag{{{number}}}")
    return f"$$ {' '.join(line.strip() for line in lines)} $$" if flat else "\n".join(["$$", *lines, "$$"])


def indented(block: str, first: str, rest: str) -> str:
    lines = block.split("\n")
    return "\n".join([first + lines[0], *(rest + line if line else rest.rstrip() for line in lines[1:])])


@dataclass
class Page:
    """What a page's nodes do not say themselves."""

    link: Callable[[str], str | None]  # the whole address of one on the page; None where there is none
    picture: Callable[[str], str]  # a picture's file as an address
    equation: Callable[[nodes.math_block], str | None]  # numbers as on the page
    figure: Callable[[nodes.figure], str]  # "Fig. 2.4", or "" for one without a number
    heading: Callable[[nodes.title], str]  # "2.4. ", or ""


@dataclass
class Markdown:
    """Writes blocks of one page; `quotes` and `cells` count the block quotes and table cells around the present one."""

    page: Page
    quotes: int = 0
    cells: int = 0

    # Within a line

    def line(self, children: Iterable[nodes.Node]) -> str:
        """Inline nodes as one line."""
        return "".join(map(self._inline, children))

    def _inline(self, node: nodes.Node) -> str:
        if isinstance(node, nodes.Text):
            return escaped(node.astext())
        assert isinstance(node, nodes.Element)
        around = {"emphasis": "*", "title_reference": "*", "strong": "**"}.get(node.tagname)
        tag = {"superscript": "sup", "subscript": "sub"}.get(node.tagname)
        inner = "" if isinstance(node, nodes.literal | nodes.math | nodes.raw) else self.line(node.children)
        if around:
            return f"{around}{inner.strip()}{around}" if inner.strip() else ""
        if tag:
            return f"<{tag}>{inner}</{tag}>"
        if isinstance(node, nodes.literal):
            return code(node.astext())
        if isinstance(node, nodes.math):
            return self._bars(f"${' '.join(formula(node.astext()).split())}$")
        if isinstance(node, nodes.reference):
            return self._link(node, inner)
        if isinstance(node, nodes.image):
            return f"![{escaped(node.get('alt', ''))}]({self.page.picture(node['uri'])})"
        if isinstance(node, nodes.raw):
            return node.astext() if "html" in node.get("format", "") else ""
        if isinstance(node, nodes.footnote_reference):
            return f"[{node.astext()}]"
        return inner if self._known(node) else ""

    def _bars(self, math: str) -> str:
        """A formula without the sign that ends a table's cell."""
        return re.sub(r"\\?\|", lambda m: r"\Vert " if len(m[0]) == 2 else r"\vert ", math) if self.cells else math

    def _known(self, node: nodes.Element) -> bool:
        if node.tagname in SILENT:
            return False
        if node.tagname not in OPEN:
            LOGGER.warning(f"a notebook for readers cannot show {node.tagname!r}: book/_ext/as_markdown.py", location=node)
        return True

    def _link(self, node: nodes.reference, words: str) -> str:
        address = node.get("refuri") or f"#{node.get('refid', '')}"
        whole = address if re.match(r"(https?|mailto):", address) else self.page.link(address)
        if not whole or not words.strip():
            return words
        return f"<{whole}>" if node.astext() == whole else f"[{words}]({whole.replace('(', '%28').replace(')', '%29')})"

    def _html(self, children: Iterable[nodes.Node]) -> str:
        """Inline nodes for the line of a fold, where Markdown is not read."""
        out = []
        for node in children:
            tag = {"emphasis": "em", "strong": "strong", "literal": "code"}.get(getattr(node, "tagname", ""))
            if isinstance(node, nodes.Text):
                out.append(html.escape(node.astext(), quote=False))
            elif isinstance(node, nodes.math):
                out.append(f"${formula(node.astext())}$")
            elif isinstance(node, nodes.Element):
                inner = self._html(node.children)
                out.append(f"<{tag}>{inner}</{tag}>" if tag else inner)
        return "".join(out)

    # Blocks

    def blocks(self, children: Sequence[nodes.Node]) -> str:
        """Blocks one under the other; loose inline nodes between them become paragraphs."""
        out: list[str] = []
        loose: list[nodes.Node] = []
        for node in [*children, None]:
            if isinstance(node, nodes.Text | nodes.Inline) and not isinstance(node, nodes.target):
                loose.append(node)
                continue
            if loose:
                out.append(self.line(loose).strip())
                loose = []
            if isinstance(node, nodes.Element):
                out.append(self.block(node))
        return "\n\n".join(filter(None, out))

    def block(self, node: nodes.Element) -> str:
        """One block; "" if there is nothing to be seen of it."""
        write: Any = getattr(self, f"_{node.tagname}", None)
        if write:
            return str(write(node))
        if isinstance(node, nodes.Admonition):
            return self._admonition(node)
        if isinstance(node, nodes.Inline):
            return self.line([node])
        return self.blocks(node.children) if self._known(node) else ""

    def _paragraph(self, node: nodes.paragraph) -> str:
        return OPENING.sub(lambda m: f"\\{m['sign']}" if m["sign"] else f"{m['number']}\\", self.line(node.children).strip())

    def _title(self, node: nodes.title, level: int = 6) -> str:
        return f"{'#' * level} {self.page.heading(node)}{self.line(node.children).strip()}"

    def heading(self, node: nodes.title, level: int) -> str:
        return self._title(node, min(level, 6))

    def _section(self, node: nodes.section) -> str:
        return self.blocks(node.children)

    def _literal_block(self, node: nodes.literal_block) -> str:
        marks = "`" * max(3, max(map(len, re.findall(r"`+", node.astext())), default=0) + 1)
        language = node.get("language", "")
        return f"{marks}{'' if language in ('default', 'none') else language}\n{node.astext().rstrip()}\n{marks}"

    _doctest_block = _literal_block

    def _math_block(self, node: nodes.math_block) -> str:
        return self._bars(displayed(node.astext(), self.page.equation(node), bool(self.quotes or self.cells)))

    def _bullet_list(self, node: nodes.bullet_list) -> str:
        return self._items(node, [f"{node.get('bullet', '-')} "] * len(node))

    def _enumerated_list(self, node: nodes.enumerated_list) -> str:
        start = node.get("start", 1)
        return self._items(node, [f"{start + k}. " for k in range(len(node))])

    def _items(self, node: nodes.Element, signs: list[str]) -> str:
        items = [self.blocks(item.children) for item in node.children if isinstance(item, nodes.Element)]
        loose = any("\n\n" in item for item in items)
        lines = [indented(item, sign, " " * len(sign)) for item, sign in zip(items, signs, strict=True)]
        return ("\n\n" if loose else "\n").join(lines)

    def _definition_list(self, node: nodes.definition_list) -> str:
        out = []
        for item in node.findall(nodes.definition_list_item):
            terms = ", ".join(f"**{self.line(t.children).strip()}**" for t in item.children if isinstance(t, nodes.term))
            says = [d for d in item.children if isinstance(d, nodes.definition)]
            out.append(indented(f"{terms}: {self.blocks([c for d in says for c in d.children])}", "- ", "  "))
        return "\n".join(out)

    def quoted(self, children: Sequence[nodes.Node], title: str = "") -> str:
        self.quotes += 1
        said = self.blocks(children)
        self.quotes -= 1
        return indented("\n\n".join(filter(None, [title, said])), "> ", "> ")

    def _block_quote(self, node: nodes.block_quote) -> str:
        return self.quoted(node.children)

    def _attribution(self, node: nodes.attribution) -> str:
        return f"\u2014 {self.line(node.children)}"

    def _admonition(self, node: nodes.Element) -> str:
        """A block quote with a bold title, or a fold."""
        title, rest = next(iter(node.children), None), node.children
        if isinstance(title, nodes.title):
            words, rest = title.children, node.children[1:]
        else:
            words = [nodes.Text(str(admonitionlabels.get(node.tagname, node.tagname)))]
        if "dropdown" in node["classes"] or "toggle" in node["classes"]:
            return f"<details>\n<summary>{self._html(words)}</summary>\n\n{self.blocks(rest)}\n\n</details>"
        return self.quoted(rest, f"**{self.line(words).strip()}**")

    _topic = _sidebar = _admonition

    def _rubric(self, node: nodes.rubric) -> str:
        return f"**{self.line(node.children).strip()}**"

    def _transition(self, node: nodes.transition) -> str:
        return "---"

    def _line_block(self, node: nodes.line_block) -> str:
        return "  \n".join(self.line(child.children) for child in node.findall(nodes.line))

    def _footnote(self, node: nodes.footnote) -> str:
        label = next(iter(node.findall(nodes.label)))
        return f"[{label.astext()}] {self.blocks([c for c in node.children if c is not label])}"

    def _image(self, node: nodes.image) -> str:
        return self._inline(node)

    def _caption(self, node: nodes.caption) -> str:
        number = self.page.figure(node.parent) if isinstance(node.parent, nodes.figure) else ""
        words = self.line(node.children).strip()
        return f"**{number}:** {words}" if number else f"*{words}*"

    def _raw(self, node: nodes.raw) -> str:
        """HTML stays, but scripts belong to the page, and a live demo needs them: of it the sentence is shown."""
        if "html" not in node.get("format", ""):
            return ""
        text = re.sub(r"<script\b.*?</script>", "", node.astext(), flags=re.S).strip()
        return re.sub(r"<[^>]+>", "", text) if "imggen-live" in text else re.sub(r"\n\s*\n", "\n", text)

    def _table(self, node: nodes.table) -> str:
        self.cells += 1
        rows = [[self._cell(entry) for entry in row.findall(nodes.entry)] for row in node.findall(nodes.row)]
        self.cells -= 1
        head = rows.pop(0) if next(iter(node.findall(nodes.thead)), None) is not None else [""] * len(rows[0])
        signs = [{"text-right": "---:", "text-center": ":---:"}.get(a, "---") for a in self._sides(node, len(head))]
        table = "\n".join(f"| {' | '.join(row)} |" for row in [head, signs, *rows])
        title = next(iter(node.findall(nodes.title)), None)
        return f"*{self.line(title.children)}*\n\n{table}" if title is not None else table

    def _sides(self, node: nodes.table, columns: int) -> list[str]:
        entries = list(next(iter(node.findall(nodes.row))).findall(nodes.entry))[:columns]
        return [next((c for c in entry["classes"] if c.startswith("text-")), "") for entry in entries]

    def _cell(self, entry: nodes.entry) -> str:
        said = self.blocks(entry.children).replace("\n\n", "<br>").replace("\n", " ")
        said = re.sub(r"\$\$ (.*?) \$\$", r"$\\displaystyle \1$", said)
        return re.sub(r"(?<!\\)\|", r"\\|", said)
