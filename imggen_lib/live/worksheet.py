"""A worksheet in the page: handwritten sums from a seed, answered, marked and printed.

The page draws the sheet that :mod:`imggen_lib.applications.worksheets` draws: the same hand, sums, variations and outlines from the
same seed; tests compare them.
"""

from collections.abc import Mapping
from typing import Any

from imggen_lib.applications.worksheets.hand import LEVELS, MODEL, SPREAD, hands, pack_kept
from imggen_lib.applications.worksheets.sums import KINDS
from imggen_lib.errors import unknown_name
from imggen_lib.live.base import Live
from imggen_lib.live.shipped import offers, packed_file

HANDS = "worksheet-hands"
MOST = 20  # sums in a page


@offers(HANDS)
def worksheet_hands() -> dict[str, Any]:
    """The hands that may write, the most legible first: their seeds, and which variations of each digit were kept."""
    said = [[hand.seed, pack_kept(hand.kept)] for hand in hands()]
    return {"spec": {"hands": said, "spread": SPREAD, "model": MODEL}, "bytes": b""}


class Worksheet(Live):
    """See :func:`worksheet`."""

    demo = "worksheet"
    parts = ("product", "net", "characters_math", "worksheet_math")
    words = (
        "A live demo stands here: a sheet of handwritten sums that a network draws, which marks your answers and can be printed "
        "with its key. It needs JavaScript, or a running notebook."
    )

    def file(self, name: str) -> dict[str, Any]:
        return packed_file(name) if name in (MODEL, HANDS) else super().file(name)


def worksheet(
    seed: int = 0, kind: str = "addition", level: str = "easy", count: int = 10, *, strings: Mapping[str, str] | None = None
) -> Worksheet:
    """A sheet of `count` sums in one hand; the reader types answers, and the page marks them.

    The sheet of a seed is that of :func:`imggen_lib.applications.worksheets.sheet.worksheet`, which makes it as a PDF.

    Raises:
        ValueError: for an unknown kind or difficulty, a seed that is no whole number of 32 bits, or more than 20 sums.
    """
    if kind not in KINDS:
        raise ValueError(unknown_name("kind of sums", kind, tuple(KINDS)))
    if level not in LEVELS:
        raise ValueError(unknown_name("difficulty", level, LEVELS))
    if not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise ValueError(f"a seed is a whole number from 0 to {2**32 - 1}, got {seed!r}")
    if not isinstance(count, int) or not 1 <= count <= MOST:
        raise ValueError(f"a page has 1 to {MOST} sums, got {count!r}")
    given = {"model": MODEL, "cases": HANDS, "seed": seed, "kind": kind, "level": level, "count": count}
    return Worksheet(given, strings=strings)
