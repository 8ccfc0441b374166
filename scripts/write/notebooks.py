"""Work on the book's notebooks: ``pair`` (text to notebook), ``run`` (execute and store outputs), ``check`` (pairs agree, code is
formatted, generated cells are what they should be), ``format`` (ruff on the code cells of the texts; exercise cells made from their
solutions, and the first cell, which installs the library, from the repository's address).

The MyST text is what one edits. ``pair`` writes its cells into the notebook and keeps the outputs of cells that did not change;
``run`` executes; both write files that do not change when nothing did.
"""

import argparse
import html
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import install_cell
import jupytext
import nbformat
from exercises import tagged, with_exercises
from forge import configured
from jupytext.compare import NotebookDifference, compare_notebooks
from nbclient import NotebookClient
from running_times import record

BOOK = Path(__file__).parents[2] / "book"
WIDTH = 84  # characters that fit beside the margin on a desktop
WIDGET = "application/vnd.jupyter.widget-view+json"


def texts() -> list[Path]:
    """The text halves of the pairs: the MyST files whose header names jupytext."""
    return sorted(p for p in BOOK.rglob("*.md") if p.read_text(encoding="utf-8").startswith("---\njupytext:"))


def write(notebook: Any, path: Path) -> None:
    """Write with cell numbers as ids and without the kernel's version, so that files differ only where cells do."""
    notebook.metadata.pop("language_info", None)
    notebook.metadata.get("jupytext", {}).pop("text_representation", None)  # as `jupytext --sync` writes it
    for k, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{k}"
    nbformat.validate(notebook)
    path.write_text(nbformat.writes(notebook, indent=1) + "\n", encoding="utf-8")


def paired(text: Path) -> Any:
    """The notebook that the text says, with the outputs stored in its twin for cells whose code is the same."""
    notebook = jupytext.read(text)
    twin = text.with_suffix(".ipynb")
    stored: dict[str, Any] = {}
    if twin.exists():
        old = nbformat.read(twin, as_version=4)
        stored = {c.source: c for c in old.cells if c.cell_type == "code"}
        if "widgets" in old.metadata:
            notebook.metadata["widgets"] = old.metadata["widgets"]
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.source in stored:
            cell.outputs = stored[cell.source].outputs
            cell.execution_count = stored[cell.source].execution_count
        if tagged(cell, "install"):  # silent where the library is, whatever the address
            cell.outputs, cell.execution_count = [], 1
    return notebook


def _bar_text(state: dict[str, Any], model: str) -> str | None:
    """The last line of a tqdm bar, from its widgets; None if the widget is something else."""
    children = state.get(model, {}).get("state", {}).get("children", [])
    parts = [state.get(c.removeprefix("IPY_MODEL_"), {}) for c in children]
    if [p.get("model_name") for p in parts] != ["HTMLModel", "FloatProgressModel", "HTMLModel"]:
        return None
    text = parts[0]["state"]["value"] + parts[2]["state"]["value"]
    return re.sub(r"\s+", " ", html.unescape(text)).strip()


def _merged(outputs: list[Any]) -> list[Any]:
    """Consecutive pieces of the same stream as one: on a busy machine a kernel sends what was printed in several."""
    out: list[Any] = []
    for output in outputs:
        if out and output.output_type == "stream" == out[-1].output_type and output.name == out[-1].name:
            out[-1].text += output.text
        else:
            out.append(output)
    return out


def without_bars(notebook: Any) -> None:
    """Replace finished progress bars by their last line, and drop stored widget state: nothing on the page needs a kernel."""
    state = notebook.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {}).get("state", {})
    for cell in notebook.cells:
        kept = []
        for output in cell.get("outputs", []):
            view = output.get("data", {}).get(WIDGET)
            if view is None:
                kept.append(output)
            elif text := _bar_text(state, view["model_id"]):
                kept.append(nbformat.v4.new_output("stream", name="stdout", text=text + "\n"))
            elif "imggen-live" in output["data"].get("text/html", ""):  # a live demo: its mount stays for the page
                del output["data"][WIDGET]
                kept.append(output)
        if cell.cell_type == "code":
            cell.outputs = _merged(kept)
    notebook.metadata.pop("widgets", None)


def run(text: Path) -> None:
    """Execute a pair's notebook in its own folder and store the outputs."""
    notebook = paired(text)
    began = time.perf_counter()
    resources = {"metadata": {"path": str(text.parent)}}
    NotebookClient(notebook, timeout=900, record_timing=False, store_widget_state=True, resources=resources).execute()
    seconds = time.perf_counter() - began
    without_bars(notebook)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    write(notebook, text.with_suffix(".ipynb"))
    size = text.with_suffix(".ipynb").stat().st_size
    print(f"{text.stem}: {seconds:.0f} s, {size / 1000:.0f} kB; {record(text.stem, seconds)}", flush=True)


def disagreements() -> list[str]:
    """The names of pairs whose halves differ in cells or tags."""
    found = []
    for text in texts():
        twin = text.with_suffix(".ipynb")
        if not twin.exists():
            found.append(f"{text.name}: there is no {twin.name}")
            continue
        try:
            compare_notebooks(jupytext.read(twin), jupytext.read(text), "md:myst", raise_on_first_difference=True)
        except (AssertionError, NotebookDifference) as error:
            found.append(f"{text.name}: {next(filter(None, str(error).splitlines()), 'different')}")
    for twin in sorted(p for p in BOOK.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts):
        if twin.with_suffix(".md") not in texts():
            found.append(f"{twin.name}: there is no text half")
    return found


def formatted(source: str) -> str:
    """A cell's code as ruff writes it, with lines that fit the page."""
    command = [sys.executable, "-m", "ruff", "format", "--quiet", "--line-length", str(WIDTH), "-"]
    done = subprocess.run(command, input=source + "\n", capture_output=True, text=True, check=True)
    return done.stdout.rstrip("\n")


def as_text(notebook: Any) -> str:
    """The MyST text as ``jupytext --sync`` writes it from the notebook: entries in the order of JSON, no version of jupytext."""
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict(json.loads(json.dumps(cell.metadata, sort_keys=True)))
    return re.sub(r"\n +jupytext_version: .*", "", jupytext.writes(notebook, fmt="md:myst"))


def _bare(cells: list[Any]) -> list[Any]:
    """What counts when cells are compared."""
    return [(c.cell_type, c.source, c.metadata.get("tags", [])) for c in cells]


def reformat(text: Path, write_back: bool) -> list[str]:
    """Format a text's code cells and make its generated cells; what was (or is) not as it should be."""
    notebook, found = jupytext.read(text), []
    installed = install_cell.first(notebook.cells, install_cell.code(configured().url, install_cell.version()))
    if _bare(installed) != _bare(notebook.cells):
        found.append(f"{text.name}: the first cell does not install the library as _config.yml says; run make format pair")
    before = [(c.cell_type, c.source, c.metadata.get("mystnb")) for c in installed]
    notebook.cells = with_exercises(installed)
    for cell in notebook.cells:
        if cell.cell_type == "code" and (better := formatted(cell.source)) != cell.source:
            if not tagged(cell, "exercise"):
                found.append(f"{text.name}: a cell is not formatted: {cell.source.splitlines()[0]}")
            cell.source = better
    if not found and [(c.cell_type, c.source, c.metadata.get("mystnb")) for c in notebook.cells] != before:
        found.append(f"{text.name}: an exercise is not what its solution makes it, or a bar over a check or a solution has no name")
    if not found and as_text(notebook) != text.read_text(encoding="utf-8"):
        found.append(f"{text.name}: not as jupytext writes it")
    if found and write_back:
        text.write_text(as_text(notebook), encoding="utf-8")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("pair", "run", "check", "format"))
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all")
    args = parser.parse_args()
    chosen = [p.resolve().with_suffix(".md") for p in args.notebooks] or texts()
    if args.what == "check":
        found = disagreements() + [line for text in texts() for line in reformat(text, write_back=False)]
        print("\n".join(found) or f"{len(texts())} pairs agree")
        sys.exit(bool(found))
    for text in chosen:
        if args.what == "run":
            run(text)
        elif args.what == "format":
            reformat(text, write_back=True)
        else:
            write(paired(text), text.with_suffix(".ipynb"))


if __name__ == "__main__":
    main()
