"""Handing over: ``campaign.zip`` with the banners at one and two pixels a CSS pixel, the report, the brand's sheet and the sources.

Nothing leaves that fails a check. Every file is the same at every making, dates included.
"""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from imggen_lib import files
from imggen_lib.applications.campaign.brand import brand_sheet
from imggen_lib.applications.campaign.checks import Verdict, all_passed, check
from imggen_lib.applications.campaign.layout import BUTTON, lay_out
from imggen_lib.applications.campaign.palette import Palette, contrast, palette
from imggen_lib.applications.campaign.render import Banner, measure, png, render
from imggen_lib.applications.campaign.sizes import SIZES, Size
from imggen_lib.applications.report import Figure, Part, Section, Table, picture_url, report

SCALES = (1, 2)
TEXTS: dict[str, str] = {
    "title": "Campaign: {headline}",
    "warning": "Drafts and mood pictures: these garments were generated, and nobody can buy them",
    "summary": "Summary",
    "passed": "{passed} of {n} files passed all of {checks} checks.",
    "whatever": "No check says whether anybody likes a banner, or clicks on it. The chapter says what sample would.",
    "sizes": "The ten fixed sizes of the IAB. 300x600 is not among them.",
    "head": "file, layout, weight (kB), limit (kB), lowest contrast, said in words",
    "case": "{size}",
    "alt": "the banner {size}: {headline}, with {garments} garments in dots",
    "caption": "{size} at {scale} device pixels a CSS pixel",
    "check_head": "check, found, bar, result, in words",
    "least": "at least {bar}",
    "most": "at most {bar}",
    "yes": "passed",
    "no": "failed",
    "brand": "The brand",
    "brand_alt": "the brand's dots and name, its six colours with their contrasts, type and dots",
}


class Piece(NamedTuple):
    """One file of a campaign: its size, its drawing, its content and its checks."""

    size: Size
    banner: Banner
    content: bytes
    verdicts: list[Verdict]

    @property
    def name(self) -> str:
        """Its path in the archive."""
        return f"{self.banner.scale}x/{self.size.name}.png"


def campaign(
    headline: str, garments: Float[np.ndarray, "n h w"], hue: float, *, button: str = BUTTON, colours: Palette | None = None,
    scales: Sequence[int] = SCALES, sizes: Sequence[Size] = SIZES, smooth: bool = False,
) -> list[Piece]:  # fmt: skip
    """Every size of a campaign, drawn and checked; `garments` are ink from 0 to 1, the hue is in degrees."""
    chosen = palette(hue) if colours is None else colours
    pieces = []
    for size in sizes:
        layout = lay_out(size.width, size.height, headline, measure, button)
        for scale in scales:
            banner = render(layout, chosen, garments, scale, smooth)
            content = png(banner)
            pieces.append(Piece(size, banner, content, check(banner, size, content)))
    return pieces


def _row(piece: Piece) -> list[str | int | float]:
    found = {v.name: v for v in piece.verdicts}
    return [piece.name, piece.banner.layout.kind, f"{len(piece.content) / 1000:.1f}", str(piece.size.limit),
            found["contrast"].words, piece.banner.layout.note or "\u2013"]  # fmt: skip


def _checks(piece: Piece, words: Mapping[str, str]) -> Table:
    rows = [
        [v.name, f"{v.value:.2f}", words["least" if v.at_least else "most"].format(bar=f"{v.bar:g}"),
         words["yes" if v.passed else "no"], v.words]
        for v in piece.verdicts
    ]  # fmt: skip
    return Table(rows, words["check_head"].split(", "), piece.name)


def campaign_report(pieces: Sequence[Piece], headline: str, *, texts: Mapping[str, str] | None = None) -> str:
    """The report: a summary, then a page a size with the banner and every check of every file."""
    words = TEXTS | dict(texts or {})
    passed = sum(all_passed(piece.verdicts) for piece in pieces)
    said = words["passed"].format(passed=passed, n=len(pieces), checks=len(pieces[0].verdicts))
    table = Table([_row(piece) for piece in pieces], words["head"].split(", "), words["sizes"])
    sheet = Figure(picture_url(brand_sheet(pieces[0].banner.palette)), words["brand_alt"], "", 800, False)
    sections = [Section(words["summary"], [said, table, words["whatever"]]), Section(words["brand"], [sheet])]
    cases = []
    for size in dict.fromkeys(piece.size for piece in pieces):
        mine = [piece for piece in pieces if piece.size == size]
        shown = max(mine, key=lambda piece: piece.banner.scale)
        alt = words["alt"].format(size=size.name, headline=headline, garments=shown.banner.layout.garments)
        caption = words["caption"].format(size=size.name, scale=shown.banner.scale)
        figure = Figure(picture_url(shown.content), alt, caption, size.width, False)
        parts: list[Part] = [figure, *([shown.banner.layout.note] if shown.banner.layout.note else [])]
        cases.append(Section(words["case"].format(size=size.name), [*parts, *(_checks(piece, words) for piece in mine)]))
    return report(words["title"].format(headline=headline), sections=sections, cases=cases, warnings=[words["warning"]])


def sources(pieces: Sequence[Piece], headline: str, hue: float, about: Mapping[str, Any]) -> dict[str, Any]:
    """Where everything comes from, as plain data; `about` says what is known of the garments."""
    colours = pieces[0].banner.palette
    pairs = {"ink on paper": (colours.ink, colours.paper), "dots on panel": (colours.dots, colours.panel),
             "text on button": (colours.button_text, colours.button)}  # fmt: skip
    return {
        "headline": headline,
        "hue": hue,
        "colours": {name: "#{:02x}{:02x}{:02x}".format(*value) for name, value in colours._asdict().items()},
        "contrasts": {name: round(contrast(a, b), 2) for name, (a, b) in pairs.items()},
        "garments": dict(about),
        "data": "Fashion-MNIST (Xiao, Rasul and Vollgraf 2017), MIT licence",
        "type": "DejaVu Sans Bold, free to use and to embed (licence of Bitstream Vera)",
        "sizes": "IAB Tech Lab, New Ad Portfolio, fixed sizes",
        "use": TEXTS["warning"],
        "files": {piece.name: {v.name: [round(v.value, 4), v.passed] for v in piece.verdicts} for piece in pieces},
    }


def refused(pieces: Sequence[Piece]) -> list[str]:
    """What does not pass, in words: the file, the check, and what was found."""
    return [f"{piece.name}: {v.name} ({v.words})" for piece in pieces for v in piece.verdicts if not v.passed]


def save_campaign(
    path: Path | str, pieces: Sequence[Piece], headline: str, hue: float, about: Mapping[str, Any],
    *, card: str = "", texts: Mapping[str, str] | None = None,
) -> Path:  # fmt: skip
    """Write ``campaign.zip``: whole, or not at all; a `card` becomes ``card.md`` in it.

    Raises ``ValueError``, in words, if a single file fails a check.
    """
    if bad := refused(pieces):
        raise ValueError(f"{len(bad)} checks failed, nothing was written; {'; '.join(bad[:3])}")
    contents = {piece.name: piece.content for piece in pieces}
    contents["brand.png"] = brand_sheet(pieces[0].banner.palette)
    contents["report.html"] = campaign_report(pieces, headline, texts=texts).encode()
    contents["sources.json"] = (json.dumps(sources(pieces, headline, hue, about), indent=1, ensure_ascii=False) + "\n").encode()
    if card:
        contents["card.md"] = card.encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_STORED if name.endswith(".png") else zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return files.write(files.expanded(path), lambda target: target.write_bytes(out.getvalue()))
