"""``python -m imggen_lib.applications.worksheets FOLDER``: worksheets with their keys, each with a seed of its own."""

import argparse
import json
from pathlib import Path
from typing import Any

from imggen_lib.applications.worksheets.hand import LEVELS, MODEL
from imggen_lib.applications.worksheets.pdf import PAPERS, provenance, save_pdf
from imggen_lib.applications.worksheets.sheet import sheet_images, worksheet
from imggen_lib.applications.worksheets.sums import COUNT, KINDS
from imggen_lib.checks import whole


def make(
    folder: str | Path, *, first: int = 0, sheets: int = 1, kind: str = "addition", level: str = "easy", count: int = COUNT,
    paper: str = "a4",
) -> list[dict[str, Any]]:  # fmt: skip
    """Write ``worksheet-SEED.pdf`` for each of `sheets` seeds from `first` on, and ``worksheets.json`` with keys and provenance.

    Raises:
        ValueError: for what :func:`.worksheet` and :func:`.save_pdf` refuse, and for no sheet at all.
    """
    from imggen_lib.checkpoint import pretrained

    whole(sheets, "the number of sheets", 1)
    made = [worksheet(seed, kind=kind, level=level, count=count) for seed in range(first, first + sheets)]
    there, model, told = Path(folder), pretrained(MODEL).model(), []
    there.mkdir(parents=True, exist_ok=True)
    for sheet in made:
        name = f"worksheet-{sheet.seed}.pdf"
        save_pdf(there / name, sheet, sheet_images(sheet, model), paper=paper)
        said = {"file": name, "seed": sheet.seed, "hand": sheet.hand.seed, "kind": kind, "level": level, "paper": paper}
        told.append({**said, "key": [one.text for one in sheet.sums], **provenance(sheet)})
    (there / "worksheets.json").write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return told


def main() -> None:
    """Read the command line, write the folder, say what is in it."""
    parser = argparse.ArgumentParser(prog="python -m imggen_lib.applications.worksheets", description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--sheets", type=int, default=1, help="how many, each with the next seed")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--kind", choices=tuple(KINDS), default="addition")
    parser.add_argument("--level", choices=LEVELS, default="easy", help="how legible the hand is")
    parser.add_argument("--count", type=int, default=COUNT, help="sums a sheet")
    parser.add_argument("--paper", choices=tuple(PAPERS), default="a4")
    given = vars(parser.parse_args())
    try:
        told = make(given.pop("folder"), **given)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    for one in told:
        print(f"{one['file']}: hand {one['hand']}, {len(one['key'])} sums")


if __name__ == "__main__":
    main()
