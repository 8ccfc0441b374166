"""The book's notebooks for readers, from a build that knows its address: no MyST, links that lead somewhere, the page's numbers."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import library_wheel as wheel
import nbformat
import pytest
from bs4 import BeautifulSoup
from chromium import ROOT
from nbclient import NotebookClient
from raw_myst import raw
from reader import Site

REPO = "https://github.com/owner/name"
PAGES = "https://owner.github.io/name/"
SOURCES = {path.stem: path for path in sorted((ROOT / "book").glob("*/*.ipynb"))}
every_chapter = pytest.mark.parametrize("name", SOURCES)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The book as the forge builds it."""
    folder = tmp_path_factory.mktemp("addressed")
    book = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]
    command = [*book, "build", ".", "--path-output", str(folder), "--all", "-W", "--keep-going", "--quiet"]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "REPO": REPO}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    wheel.build(folder / "_build" / "html" / "notebooks")
    return folder / "_build" / "html"


def made(built: Path, name: str) -> Any:
    found = nbformat.read(built / "notebooks" / f"{name}.ipynb", 4)
    nbformat.validate(found)
    return found


def markdown(notebook: Any) -> Iterator[str]:
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            yield cell.source


def soup(built: Path, name: str) -> BeautifulSoup:
    page = SOURCES[name].relative_to(ROOT).with_suffix(".html")
    return BeautifulSoup((built / page).read_text(encoding="utf-8"), "html.parser")


def test_there_is_one_for_each_chapter(built: Path, site: Site) -> None:
    for folder in (built, site.folder):
        assert {path.stem for path in (folder / "notebooks").glob("*.ipynb")} == set(SOURCES)


@every_chapter
def test_nothing_of_myst_is_left(built: Path, site: Site, name: str) -> None:
    for folder in (built, site.folder):  # with an address and as it was built here
        assert [found for text in markdown(made(folder, name)) for found in raw(text)] == []


@every_chapter
def test_every_link_leads_to_an_anchor_of_a_page(built: Path, name: str) -> None:
    text, ids = "\n\n".join(markdown(made(built, name))), dict[str, set[str]]()
    targets = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"(?s)```.*?```", "", text))
    assert any(target.startswith(PAGES) for target in targets)
    for target in targets:
        assert re.match(r"https?://|data:image/", target), f"{target} leads nowhere in a notebook"
        page, _, anchor = target.removeprefix(PAGES).partition("#")
        if target.startswith(PAGES):
            assert (built / page).is_file(), target
            if page not in ids and page.endswith(".html"):
                html = BeautifulSoup((built / page).read_text(encoding="utf-8"), "html.parser")
                ids[page] = {str(tag["id"]) for tag in html.find_all(id=True)}
            assert not anchor or anchor in ids[page], target


@every_chapter
def test_numbers_are_those_of_the_page(built: Path, name: str) -> None:
    page, texts = soup(built, name), list(markdown(made(built, name)))
    shown = [re.sub(r"[^\d.]", "", str(number.contents[0])) for number in page.select("div.math span.eqno")]
    assert re.findall(r"\\tag\{([\d.]+)\}", "\n".join(texts)) == shown
    figures = [str(tag.get_text()).strip() for tag in page.select("figcaption .caption-number")]
    assert [found[1] for text in texts if (found := re.match(r"\*\*(Fig\. [\d.]+):\*\* ", text))] == figures
    headings = [
        re.sub(r"\s+", " ", h.get_text().removesuffix("#")).strip() for h in page.select("article h1, article h2, article h3")
    ]
    code = re.compile(r"(?ms)^(`{3,}).*?^\1")
    there = [re.sub(r"[*`\\]", "", h) for text in texts for h in re.findall(r"^#{1,3} (.*)$", code.sub("", text), re.M)]
    assert [re.sub(r"\$.*?\$", "", h) for h in there if h != "Sources"] == [re.sub(r"\\\(.*?\\\)", "", h) for h in headings]


@every_chapter
def test_code_and_outputs_are_the_sources(built: Path, name: str) -> None:
    source = [c for c in nbformat.read(SOURCES[name], 4).cells if c.cell_type == "code"]
    kept = [c for c in source if not {"remove-cell", "check"} <= set(c.metadata.get("tags", []))]
    found = [c for c in made(built, name).cells if c.cell_type == "code"]
    assert [c.source for c in found] == [c.source for c in kept]
    assert [c.outputs for c in found] == [c.outputs for c in kept]
    assert [c.metadata.get("tags") for c in found] == [c.metadata.get("tags") for c in kept]


@every_chapter
def test_the_buttons_give_these_notebooks(built: Path, site: Site, name: str) -> None:
    path = SOURCES[name].relative_to(ROOT).as_posix()
    links = {str(a["href"]) for a in soup(built, name).select("header a[href], .article-header-buttons a[href]")}
    assert f"../../notebooks/{name}.ipynb" in links
    assert f"https://colab.research.google.com/github/owner/name/blob/notebooks/{path}" in links
    assert f"https://mybinder.org/v2/gh/owner/name/notebooks?urlpath=lab/tree/{path}" in links
    here = BeautifulSoup((site.folder / path.replace(".ipynb", ".html")).read_text(encoding="utf-8"), "html.parser")
    assert here.select_one(f'a[href="../../notebooks/{name}.ipynb"]')


def test_the_wheel_lies_beside_them_and_is_linked(site: Site) -> None:
    (there,) = (site.folder / "notebooks").glob("imggen_lib-*.whl")
    page = BeautifulSoup((site.folder / "book/start/using.html").read_text(encoding="utf-8"), "html.parser")
    assert page.select_one(f'a[href="../../notebooks/{there.name}"]')


def test_one_of_them_runs(built: Path, tmp_path: Path) -> None:
    notebook = made(built, "using")
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert not [o for c in notebook.cells for o in c.get("outputs", []) if o.output_type == "error"]
