"""A whole edition in a folder: the print, the plotter's files, the sheet of seeds, where it all comes from, and a colophon.

``python -m imggen_lib.applications.characters FOLDER`` writes it; so does :func:`make`.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path as File
from typing import Any, NamedTuple

import numpy as np
import torch

from imggen_lib.applications.characters import colours, measures, models, page, paths, svg
from imggen_lib.applications.characters.fields import Fields
from imggen_lib.applications.characters.measures import Nearest
from imggen_lib.applications.characters.seed_sheet import save_seed_sheet
from imggen_lib.checkpoint import versions
from imggen_lib.data import kanji
from imggen_lib.data.kanjivg import LICENCE, SHA256, to_distance
from imggen_lib.metrics.novelty import data_copying

LICENCE_NAME, LICENCE_URL = "CC BY-SA 3.0", "https://creativecommons.org/licenses/by-sa/3.0/"


class Plot(NamedTuple):
    """What a plotter draws: outlines as found, outlines and hatching in their order, and how many specks were left out."""

    found: list[paths.Path]
    outlines: list[paths.Path]
    hatching: list[paths.Path]
    specks: int


def plot(fields: Fields, sheet: page.Sheet, *, level: float = 0.0, spacing: float = 0.9, pen: float = 0.3) -> Plot:
    """The paths of a sheet of characters, in millimetres of the page. Hatching goes cell by cell."""
    found: list[paths.Path] = []
    lines: list[paths.Path] = []
    specks = 0
    for k, field in enumerate(fields):
        shape, corner = paths.shape_of(field, sheet.cell, level=level), np.array(sheet.corner(k))
        specks += shape.specks
        found += [ring + corner for ring in paths.rings_of(shape.ink)]
        inside = [line + corner for line in paths.hatch(shape.ink, spacing=spacing, pen=pen)]
        lines += paths.ordered(inside, rounds=0, home=tuple(lines[-1][-1]) if lines else (0.0, 0.0))
    return Plot(found, paths.ordered(found), lines, specks)


def real_fields(split: str) -> Fields:
    """The fields of KanjiVG's characters of a split, in units of the box."""
    return to_distance(kanji(split).floats())[:, 0].double().numpy()


def copying(fields: Fields) -> dict[str, float]:
    """The book's test of copies (:func:`~imggen_lib.metrics.novelty.data_copying`) with the distance 1 - IoU."""
    train = real_fields("train")
    held_out, made = (torch.from_numpy(1 - measures.nearest(part, train).iou) for part in (real_fields("test"), fields))
    told = data_copying(held_out, made)
    return {"z": round(told.z, 3), "near_duplicates": round(told.near_duplicates, 4), "median_ratio": round(told.median_ratio, 4)}


def _sha256(path: File) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _written(folder: File, fields: Fields, sheet: page.Sheet, hue: float, level: float) -> dict[str, Any]:
    """The print and the plotter's files; what is to be told of them."""
    drawn, tints = plot(fields, sheet, level=level), colours.palette(hue)
    ink = page.page_coverage(fields, sheet, level=level)
    page.save_print(folder / "print_a3.png", ink, tints, sheet)
    title, about = (
        "Characters that no dictionary has",
        f"Made with a model that learnt from {LICENCE}. {LICENCE_NAME}, {LICENCE_URL}",
    )
    outline, lines = svg.Layer("outlines", tints.ink, drawn.outlines), svg.Layer("hatching", tints.second, drawn.hatching)
    for name, layers in (("plot_a3.svg", [outline]), ("plot_a3_two_pens.svg", [outline, lines])):
        (folder / name).write_text(svg.svg(layers, sheet, title=title, about=about), encoding="utf-8")
    again = svg.read_svg((folder / "plot_a3.svg").read_text(encoding="utf-8"))["1 outlines"]
    travels = paths.travel(drawn.found), paths.travel(drawn.outlines)
    return {
        "palette": {**tints._asdict(), "contrast": [round(colours.contrast(tints.paper, c), 3) for c in (tints.ink, tints.second)]},
        "print": {"pixels": list(sheet.pixels), "dpi": sheet.dpi, "grey_band_pixels": round(page.grey_band(ink), 3)},
        "plot": {
            "paths": len(again), "closed": sum(map(paths.closed, again)), "points": sum(map(len, again)),
            "drawn_mm": round(paths.length(drawn.outlines), 1), "travel_mm": round(travels[1], 1),
            "travel_in_page_order_mm": round(travels[0], 1), "share": round(travels[1] / travels[0], 4),
            "hatching_lines": len(drawn.hatching), "iou_with_print": round(svg.overlap(svg.filled(again, sheet), ink > 0.5), 5),
        },
        "specks_removed": drawn.specks,
    }  # fmt: skip


def make(folder: str | File, seeds: Sequence[int] = range(60), *, hue: float = 250.0, bold: float = 0.0) -> dict[str, Any]:
    """Write an edition of up to 60 characters into `folder`; what ``provenance.json`` says of it is returned.

    ``print_a3.png`` (300 dots per inch), ``plot_a3.svg`` (outlines, all closed), ``plot_a3_two_pens.svg`` (outlines and hatching),
    ``seed_sheet.pdf``, ``provenance.json`` and ``colophon.txt``. `bold` is added to the field, in units of the box of 109: strokes
    grow by it on both sides. `hue` in degrees makes the palette.

    Raises:
        ValueError: for more seeds than the sheet has cells, or none.
    """
    sheet, seeds = page.Sheet(), list(seeds)
    if not 1 <= len(seeds) <= sheet.count:
        raise ValueError(f"a sheet has 1 to {sheet.count} characters, got {len(seeds)} seeds")
    folder = File(folder).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    shipped = models.pretrained()
    fields = models.draw_fields(shipped.model(), seeds)
    told = _written(folder, fields, sheet, hue, -bold)
    near = measures.nearest(fields, real_fields("train"))
    codes = kanji("train").factors["code"].numpy()[near.index]
    save_seed_sheet(folder / "seed_sheet.pdf", seeds, fields, Nearest(near.iou, near.index))
    files = ("print_a3.png", "plot_a3.svg", "plot_a3_two_pens.svg", "seed_sheet.pdf")
    provenance = {
        "licence": {"name": LICENCE_NAME, "url": LICENCE_URL, "why": "share alike: adapted from KanjiVG"},
        "data": {"name": LICENCE, "sha256": SHA256, "training_characters": len(kanji("train"))},
        "model": {"name": models.NAME, "sha256": shipped.meta["weights"]["sha256"], "images_seen": shipped.meta["images"]},
        "seeds": seeds, "hue": hue, "bold": bold, **told,
        "nearest": [
            {"seed": seed, "character": chr(code), "iou": round(float(iou), 4)}
            for seed, code, iou in zip(seeds, codes, near.iou, strict=True)
        ],
        "copying": copying(fields),
        "tool": versions(),
        "files": {name: {"bytes": (folder / name).stat().st_size, "sha256": _sha256(folder / name)} for name in files},
    }  # fmt: skip
    (folder / "provenance.json").write_text(json.dumps(provenance, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "colophon.txt").write_text(colophon(provenance), encoding="utf-8")
    return provenance


def colophon(told: dict[str, Any]) -> str:
    """What stands on the last page of a book: what this is, who made it of what, and what anybody may do with it."""
    iou = max(told["nearest"], key=lambda row: row["iou"])
    return f"""COLOPHON

{len(told["seeds"])} characters that no dictionary is known to have, made by a generative adversarial network.

They were not written by anybody. The network ({told["model"]["name"]}, weights {told["model"]["sha256"][:16]}) learnt from
{told["data"]["training_characters"]:,} Japanese characters of KanjiVG, by Ulrich Apel and contributors (kanjivg.tagaini.net).
Whoever reads Japanese may find real characters among them: the nearest is {iou["character"]}, which shares {iou["iou"]:.0%} of
its ink with seed {iou["seed"]}. All nearest characters are on the sheet of seeds.

Seeds {told["seeds"][0]} to {told["seeds"][-1]}. {told["specks_removed"]} specks were taken away.
Paper {told["palette"]["paper"]}, ink {told["palette"]["ink"]}, second pen {told["palette"]["second"]}.
Made with imggen_lib {told["tool"]["imggen_lib"]}; provenance.json has every number that is needed to make it again.

Licence: {told["licence"]["name"]}, {told["licence"]["url"]}
Name KanjiVG, say what you changed, and share alike. Xu Bing's "A Book from the Sky" was there before.
"""
