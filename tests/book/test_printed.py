"""What cells print is read as it stands: no TeX, which is only for charts and text, and rates that say "per"."""

import json
import re
from pathlib import Path

import pytest

BOOK = Path(__file__).parents[2] / "book"
NOTEBOOKS = sorted(p for p in BOOK.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)
TEX = re.compile(r"\$[^$\s\d][^$\s]*\$|\\(?:mu|sigma|beta|hat|frac|log)\b")
RATE = re.compile(r"\b(?:nats|bits|error|numbers|record) an? (?:image|pixel|point|dimension|step)\b")


def _printed(notebook: Path) -> list[str]:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    outputs = [o for c in cells if c["cell_type"] == "code" for o in c["outputs"] if o["output_type"] == "stream"]
    return [line for o in outputs for line in "".join(o["text"]).splitlines()]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.stem)
def test_nothing_printed_has_tex_or_a_rate_without_per(notebook: Path) -> None:
    assert not [line for line in _printed(notebook) if TEX.search(line) or RATE.search(line)]


def test_the_rule_finds_what_it_is_for() -> None:
    assert TEX.search("$\\mu$      : SNR ≈ 0.34") and TEX.search("$a$: 3") and not TEX.search("$HOME costs $5 or $6")
    assert RATE.search("≈ -206.1 nats an image") and not RATE.search("nats per image")
