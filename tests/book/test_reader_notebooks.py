"""The notebooks that readers open: a small book with everything that MyST writes, and what becomes of it."""

import ast
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("myst_nb")
pytest.importorskip("sphinxcontrib.bibtex")

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output  # noqa: E402
from raw_myst import raw  # noqa: E402

ROOT = Path(__file__).parents[2]
EXTENSIONS = ROOT / "book" / "_ext"
SITE = "https://example.org/book/"

CONF = """
import sys
sys.path.insert(0, {extensions!r})
project = "Small"
extensions = ["myst_nb", "sphinxcontrib.bibtex", "reader_notebooks"]
nb_execution_mode = "off"
myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
numfig = True
bibtex_bibfiles = ["references.bib"]
bibtex_reference_style = "author_year"
html_baseurl = {site!r}
"""
INDEX = """# Small

```{toctree}
:numbered:
one
two
```

```{toctree}
references
words
```
"""
WORDS = """# Words

```{glossary}
critic
  It looks.
```
"""
BIB = "@article{someone2020, author={Some One and An Other and A Third}, title={On {GANs}}, journal={J}, year={2020}}\n"

FIRST = r"""(the-start)=
# First things

A word: {term}`critic`, cited {cite:t}`someone2020` and {cite}`someone2020`. See {doc}`two`, {ref}`the-start`, {numref}`fig-dots`,
{eq}`game`, [the end](two.ipynb#the-end), <https://example.com/a_b>. Prices: \$5 and \$6; 2 * 3 * 4; a_b, _c_; `x | y`; $p(x|z)<q$.

$$
V = \min_G \max_D
D(x)
$$ (game)

$$
a \\ b
$$

\begin{align}
c &= d
\end{align}
"""
SECOND = r"""
:::{admonition} Proof of {eq}`game`
:class: dropdown proof
It holds for $a<b$ and **all** of

$$
x = y \\
z = 1
$$
:::

:::{note}
Look.

$$
n \\
= 1
$$
:::

````{admonition} Exercise 1
:class: tip
1. First
2. Second

   ```python
   print("# no heading")
   ```
````
"""
THIRD = r"""
| name | says |
| --- | ---: |
| `a` | $p(x\|z)$ |

term
: What it is, {eq}`game`.

> Said.

![A dot](dot.png)

1\. is no list
"""
FIGURE = {"mystnb": {"figure": {"name": "fig-dots", "caption": "Dots by {eq}`game`, *many*.\n"}, "image": {"alt": "dots"}}}
DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def cells() -> list[Any]:
    shown = [new_output("display_data", data={"image/png": DOT, "text/plain": "dots"})]
    return [
        new_code_cell("import os", metadata={"tags": ["remove-cell", "install"]}, execution_count=1),
        new_markdown_cell(FIRST),
        new_code_cell("a = 1\nplot(a)", metadata={"tags": ["hide-input"], **FIGURE}, outputs=shown, execution_count=2),
        new_code_cell("print(a == 1)", metadata={"tags": ["remove-cell", "check"]}, execution_count=3),
        new_markdown_cell(SECOND),
        new_code_cell("b = 2", metadata={"tags": ["solution", "hide-cell"]}, execution_count=4),
        new_markdown_cell(THIRD),
        new_code_cell("c = 3", metadata={"tags": ["remove-cell"]}, execution_count=5),
    ]


def build(folder: Path, site: str) -> Path:
    """The small book, with warnings as errors; the folder of its pages."""
    import base64

    source, out = folder / "source", folder / "out"
    source.mkdir(parents=True)
    files = {"conf.py": CONF.format(extensions=str(EXTENSIONS), site=site), "index.md": INDEX, "words.md": WORDS}
    files |= {"references.md": "# References\n\n```{bibliography}\n```\n", "references.bib": BIB, "_config.yml": "title: Small\n"}
    for name, text in files.items():
        (source / name).write_text(text, encoding="utf-8")
    (source / "dot.png").write_bytes(base64.b64decode(DOT))
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}, "jupytext": {"formats": "x"}}
    two = [
        new_code_cell("1", metadata={"tags": ["remove-cell", "install"]}),
        new_markdown_cell("# Second things\n\n## The end\n\nIt is."),
    ]
    for name, parts in {"one": cells(), "two": two}.items():
        nbformat.write(new_notebook(cells=parts, metadata=metadata), source / f"{name}.ipynb")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", source, out]
    known = {key: value for key, value in os.environ.items() if key not in ("REPO", "GITHUB_REPOSITORY", "CI_PROJECT_URL")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=known)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("small"), SITE)


@pytest.fixture(scope="module")
def made(out: Path) -> Any:
    found = nbformat.read(out / "notebooks" / "one.ipynb", 4)
    nbformat.validate(found)
    return found


def words(made: Any) -> str:
    return "\n\n".join(cell.source for cell in made.cells if cell.cell_type == "markdown")


def test_references_are_links_with_the_words_and_numbers_of_the_page(made: Any) -> None:
    text = words(made)
    assert text.startswith("# 1. First things\n")
    assert f"[critic]({SITE}words.html#term-critic)" in text
    assert re.search(rf"cited One \*et al\.\* \[\[2020\]\({SITE}references\.html#\w+\)\]", text), text
    assert re.search(rf"and \[\[One \*et al\.\*, 2020\]\({SITE}references\.html#\w+\)\]", text)
    assert f"[Second things]({SITE}two.html)" in text and f"[First things]({SITE}one.html#the-start)" in text
    assert f"[Fig. 1.1]({SITE}one.html#fig-dots)" in text and f"[(1.1)]({SITE}one.html#equation-game)" in text
    assert f"[the end]({SITE}two.html#the-end)" in text and "<https://example.com/a_b>" in text
    assert "## Sources\n\n- Some One" in text and f"page of the book: [First things]({SITE}one.html)" in text


def test_words_are_words_and_formulas_are_formulas(made: Any) -> None:
    text = words(made)
    assert r"\$5 and \$6; 2 \* 3 \* 4; a_b, *c*; `x | y`; $p(x|z)<q$" not in text  # a browser would take <q for a tag
    assert r"\$5 and \$6; 2 \* 3 \* 4; a_b, *c*; `x | y`; $p(x|z)\lt q$" in text
    assert "$$\nV = \\min_G \\max_D\nD(x)\n\\tag{1.1}\n$$" in text
    assert "$$\n\\begin{split}a \\\\ b\\end{split}\n$$" in text
    assert "\\begin{aligned}\nc &= d\n\\end{aligned}" in text
    assert "| `a` | $p(x\\vert z)$ |" in text and "| name | says |\n| --- | ---: |" in text
    assert "1\\. is no list" in text and "> Said." in text
    assert f"- **term**: What it is, [(1.1)]({SITE}one.html#equation-game)." in text
    assert "![A dot](data:image/png;base64," in text


def test_admonitions_are_quotations_and_those_that_fold_are_details(made: Any) -> None:
    text = words(made)
    assert "<details>\n<summary>Proof of (1.1)</summary>\n\nIt holds for $a\\lt b$ and **all** of\n\n$$\n" in text
    assert text.count("<details>") == text.count("</details>") == 1
    # In a quotation each line would get a sign of its own, so the formula has one.
    assert "> **Note**\n>\n> Look.\n>\n> $$ \\begin{split}n \\\\ = 1\\end{split} $$" in text
    assert '> **Exercise 1**\n>\n> 1. First\n>\n> 2. Second\n>\n>    ```python\n>    print("# no heading")\n>    ```' in text


def test_the_caption_stands_below_its_cell(made: Any) -> None:
    at = next(k for k, cell in enumerate(made.cells) if "plot" in cell.source)
    assert made.cells[at + 1].source == f"**Fig. 1.1:** Dots by [(1.1)]({SITE}one.html#equation-game), *many*."
    assert made.cells[at].outputs[0].data["image/png"].strip() == DOT


def test_nothing_of_myst_is_left(made: Any) -> None:
    assert raw(words(made)) == []
    assert "mystnb" not in str(made.metadata) + "".join(str(cell.metadata) for cell in made.cells)
    assert "jupytext" not in made.metadata  # it would write a second file beside the reader's


def test_raw_myst_is_found() -> None:
    for text in (FIRST, SECOND, "$$\na\n$$ (label)", "{cite}`x`", ":::{tip}\na\n:::", "(a-b)=\n# A", "```{note}\n```"):
        assert raw(text), text
    assert raw("`{cite}` in code, $\\frac{a}{b}$ and\n\n```python\n(a)=1\n{x}`\n```") == []


def test_code_stays_and_closes_as_on_the_page(made: Any) -> None:
    code = [cell for cell in made.cells if cell.cell_type == "code"]
    assert [cell.source for cell in code] == ["import os", "a = 1\nplot(a)", "b = 2", "c = 3"]  # without the tests' own check
    install, shown, solution, hidden = (cell.metadata for cell in code)
    assert install == {"tags": ["remove-cell", "install"]}
    assert shown == {"tags": ["hide-input"], "jupyter": {"source_hidden": True}, "cellView": "form"}
    closed = {"jupyter": {"source_hidden": True, "outputs_hidden": True}, "cellView": "form", "collapsed": True}
    assert solution == {"tags": ["solution", "hide-cell"], **closed} and hidden == {"tags": ["remove-cell"], **closed}


def test_links_lead_to_anchors_that_the_pages_have(out: Path, made: Any) -> None:
    links = re.findall(rf"\]\({SITE}([^)#]+)(?:#([^)]*))?\)", words(made))
    assert len(links) >= 10
    for page, anchor in links:
        assert not anchor or f'id="{anchor}"' in (out / page).read_text(encoding="utf-8"), (page, anchor)


def test_without_an_address_there_are_words_and_no_dead_links(tmp_path: Path) -> None:
    found = nbformat.read(build(tmp_path, "") / "notebooks" / "one.ipynb", 4)
    text = words(found)
    assert "A word: critic, cited One *et al.* [2020]" in text and "See Second things, First things, Fig. 1.1," in text
    assert re.findall(r"\]\((?!data:|https?:)[^)]*\)", text) == [] and "page of the book" not in text
    assert "## Sources" in text


def test_what_cannot_be_written_stops_the_build(tmp_path: Path) -> None:
    sys.path.insert(0, str(EXTENSIONS))
    try:
        writer = importlib.import_module("as_markdown")
    finally:
        sys.path.remove(str(EXTENSIONS))
    from docutils import nodes

    said: list[str] = []
    page: Any = None

    class Logger:
        def warning(self, words: str, **more: Any) -> None:
            said.append(words)

    unknown, kept = nodes.option_list("", nodes.paragraph("", "inside")), writer.LOGGER
    writer.LOGGER = Logger()
    try:
        assert writer.Markdown(page).block(unknown) == "inside"
    finally:
        writer.LOGGER = kept
    assert "option_list" in said[0]


def test_checks_that_are_left_out_leave_nothing_that_is_needed() -> None:
    """A cell that readers do not get may bind no name that a later one uses first."""
    for path in sorted((ROOT / "book").glob("*/*.ipynb")):
        missing: set[str] = set()
        for cell in nbformat.read(path, 4).cells:
            if cell.cell_type != "code":
                continue
            names = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Name)]
            bound = {node.id for node in names if isinstance(node.ctx, ast.Store)}
            if {"remove-cell", "check"} <= set(cell.metadata.get("tags", [])):
                missing |= bound
            else:
                used = {node.id for node in names if isinstance(node.ctx, ast.Load)}
                assert not used & missing - bound, f"{path.name}: {used & missing} only in a check"
                missing -= bound
