"""One headline in ten sizes of banner, redrawn and checked as one types; colours, dots, layouts and checks are Python's.

The scripts ``campaign_math.js``, ``campaign_layout.js`` and ``campaign_draw.js`` are :mod:`imggen_lib.applications.campaign` once
more; a test compares the two.
"""

import io
import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from imggen_lib.errors import unknown_name
from imggen_lib.live.base import Live
from imggen_lib.live.shipped import offers, packed_file

MODEL, TYPE = "fashion-gan-classes", "campaign-type"
LONGEST = 60  # letters of a headline


class CampaignDemo(Live):
    """See :func:`campaign`."""

    demo = "campaign"
    parts = ("product", "net", "campaign_math", "campaign_layout", "campaign_draw")
    words = (
        "A live demo stands here: a headline and generated garments are laid out in ten sizes of banner, and each is checked. "
        "It needs JavaScript, or a running notebook."
    )

    def file(self, name: str) -> dict[str, Any]:
        return packed_file(name)


def letters() -> str:
    """The letters that the demo's type has: those of Latin-1, and the signs that typesetters add."""
    return (
        "".join(map(chr, (*range(32, 127), *range(161, 173), *range(174, 256))))
        + "\u2013\u2014\u2018\u2019\u201a\u201c\u201d\u201e\u2026\u20ac"
    )


@offers(TYPE)
@cache
def campaign_type() -> dict[str, Any]:
    """The type of the banners for the page: widths as Pillow measures them, and the font, reduced to :func:`letters`, deflated.

    The widths are in thousandths of an em, one a letter, and what pairs of letters add to them. The font is DejaVu Sans Bold of
    matplotlib under another name, as its licence asks of a changed one.
    """
    import matplotlib
    from fontTools import subset
    from fontTools.ttLib import TTFont

    from imggen_lib.applications.campaign.render import measure

    every = letters()
    alone = {a: 1000 * measure(a) for a in every}
    pairs = {a + b: 1000 * measure(a + b) - alone[a] - alone[b] for a in every for b in every}
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans-Bold.ttf"
    font = TTFont(path, recalcTimestamp=False)
    options = subset.Options(hinting=False, drop_tables=["FFTM"], layout_features=[], name_IDs=[0, 1, 2, 13], notdef_outline=True)
    cutter = subset.Subsetter(options)
    cutter.populate(text=every)
    cutter.subset(font)
    font["name"].setName("imggen banner", 1, 3, 1, 0x409)
    out = io.BytesIO()
    font.save(out)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    content = packer.compress(out.getvalue()) + packer.flush()
    return {"spec": {"name": TYPE, "widths": alone, "pairs": {k: v for k, v in pairs.items() if abs(v) > 1e-9}}, "bytes": content}


def campaign(
    headline: str = "Nobody has worn this", *, label: str = "Dress", hue: float = 70, seed: int = 1,
    strings: Mapping[str, str] | None = None,
) -> CampaignDemo:  # fmt: skip
    """A headline, a class of garments, a hue and a seed in the ten fixed sizes, as banners in dots, each with its checks.

    Every banner is drawn pixel by pixel and checked on its pixels: no text cut off, nothing on top of anything, letters of their
    height, contrast of each text with its local ground, dots on theirs, the border, and the weight of the file that can be saved.
    The garments are what the generator draws first: the rules of :mod:`imggen_lib.applications.campaign.choose` (class, silhouette,
    copies) need training images, and are not asked here.

    Raises:
        ValueError: for a headline without words, one of more than 60 letters or with letters that the type has not, and for
            another class.
    """
    from imggen_lib.applications.campaign.choose import CLASSES

    if not headline.strip() or len(headline) > LONGEST:
        raise ValueError(f"a headline has from 1 to {LONGEST} letters, got {len(headline)}")
    if missing := sorted(set(headline) - set(letters())):
        raise ValueError(f"the type has no letter for {' '.join(missing)}")
    if label not in CLASSES:
        raise ValueError(unknown_name("class", label, list(CLASSES)))
    options = {"model": MODEL, "type": TYPE, "headline": headline, "label": CLASSES.index(label), "hue": hue % 360, "seed": seed}
    return CampaignDemo(options, strings=strings)
