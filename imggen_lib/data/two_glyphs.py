"""Two coloured glyphs in one picture, and sentences about them: ``a red A left of a blue 7``.

A *meaning* is four whole numbers: glyph and colour on the left, glyph and colour on the right, as indices into :data:`GLYPHS` and
:data:`COLOURS`; the two glyphs differ, and so do the two colours. Four pictures share their words: who has which colour, and
who stands where, is said by the order of the words alone. :func:`relatives` names these four.
"""

import re

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from imggen_lib.data.captions import indices, typed
from imggen_lib.data.glyphs import CLASSES, FONTS, _uniforms, render
from imggen_lib.errors import shortened

GLYPHS = "ACEHKPSTX247"
#: Red, green and blue of each colour in [0, 1]; their hues are 60 degrees apart or more.
COLOURS: dict[str, tuple[float, float, float]] = {
    "red": (1.0, 0.15, 0.15),
    "green": (0.15, 0.9, 0.15),
    "blue": (0.25, 0.45, 1.0),
    "yellow": (1.0, 1.0, 0.15),
}
VOCABULARY = ("", *GLYPHS, *COLOURS, "a", "left", "right", "of", "and")
LENGTH = 9  # tokens of a sentence, filled up with the empty one
#: Which meanings are held out of training: a red A wherever it stands, and each glyph left of the next one of :data:`GLYPHS`.
HELD_OUT = ("red A", "ordered pair")
#: The ways in which four pictures share their words, in the order of :func:`relatives`.
RELATIVES = ("as asked", "places swapped", "colours swapped", "glyphs swapped")
_TOKEN = {word: k for k, word in enumerate(VOCABULARY)}
_FACES = np.array([FONTS.index(name) for name in ("DejaVuSans", "DejaVuSerif", "cmss10")])
_FREE = {"slant": (0.0, 0.1), "weight": (0.015, 0.035), "scale": (0.62, 0.72), "x": (-0.7, 0.7), "y": (-1.5, 1.5)}
_HALF = 7.0  # pixels from the middle of the picture to the middle of a half


def held_out(meanings: Int[np.ndarray, "n 4"]) -> dict[str, Bool[np.ndarray, " n"]]:
    """Which meanings training never sees, by the names of :data:`HELD_OUT`; those that are both count as a red A alone."""
    left, left_colour, right, right_colour = meanings.T
    letter, red = GLYPHS.index("A"), list(COLOURS).index("red")
    first = ((left == letter) & (left_colour == red)) | ((right == letter) & (right_colour == red))
    second = (right == (left + 1) % len(GLYPHS)) & ~first
    return dict(zip(HELD_OUT, (first, second), strict=True))


def every_meaning() -> Int[np.ndarray, "n 4"]:
    """All 12 * 4 * 11 * 3 = 1,584 meanings."""
    grid = np.stack(np.meshgrid(*(np.arange(k) for k in (12, 4, 12, 4)), indexing="ij"), -1).reshape(-1, 4)
    return grid[(grid[:, 0] != grid[:, 2]) & (grid[:, 1] != grid[:, 3])]


def draw_meanings(n: int, seed: int, kind: str = "seen") -> Int[np.ndarray, "n 4"]:
    """`n` meanings, each uniform among those of a kind: ``seen``, or one of :data:`HELD_OUT`, or ``any``."""
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    pool = every_meaning()
    out = held_out(pool)
    kinds = {"any": np.ones(len(pool), dtype=bool), "seen": ~np.any(list(out.values()), 0), **out}
    if kind not in kinds:
        raise ValueError(f"there are no meanings {kind!r}; there are {', '.join(kinds)}")
    pool = pool[kinds[kind]]
    return pool[(_uniforms(n, seed, 0) * len(pool)).astype(np.int64)]


def relatives(meanings: Int[np.ndarray, "n 4"]) -> Int[np.ndarray, "n 4 4"]:
    """The four meanings with the same words, in the order of :data:`RELATIVES`: itself, places, colours, glyphs swapped."""
    return np.stack([meanings[:, order] for order in ([0, 1, 2, 3], [2, 3, 0, 1], [0, 3, 2, 1], [2, 1, 0, 3])], 1)


def draw_images(meanings: Int[np.ndarray, "n 4"], seed: int) -> Float[Tensor, "n 3 28 28"]:
    """A picture of each meaning, in [-1, 1], on black: font, slant, strokes, size and place vary a little, each on its own."""
    n, palette = len(meanings), np.array(list(COLOURS.values()), dtype=np.float32)
    out = np.zeros((n, 3, 28, 28), dtype=np.float32)
    for side, middle in ((0, -_HALF), (1, _HALF)):
        numbers = {
            name: low + (high - low) * _uniforms(n, seed, 10 * side + k) for k, (name, (low, high)) in enumerate(_FREE.items())
        }
        numbers["x"] = numbers["x"] + middle
        face = _FACES[(_uniforms(n, seed, 10 * side + 9) * len(_FACES)).astype(np.int64)]
        place = np.array([CLASSES.index(c) for c in GLYPHS])[meanings[:, 2 * side]]
        ink = render({"class": place, "font": face, **numbers}).astype(np.float32) / 255
        out += ink[:, None] * palette[meanings[:, 2 * side + 1]][:, :, None, None]
    return torch.from_numpy(np.minimum(out, 1) * 2 - 1)


def write(meaning: Int[np.ndarray, " 4"], choice: Float[np.ndarray, " k"] | None = None) -> str:
    """One sentence that says a meaning; the first number of `choice`, in [0, 1), picks among four forms (plain without)."""
    glyphs = [f"a {list(COLOURS)[meaning[k + 1]]} {GLYPHS[meaning[k]]}" for k in (0, 2)]
    left, right = glyphs
    forms = (
        f"{left} left of {right}",
        f"{right} right of {left}",
        f"left {left} and right {right}",
        f"right {right} and left {left}",
    )
    return forms[0 if choice is None else int(choice[0] * len(forms))]


def split(text: str) -> list[str]:
    """The tokens of a text: known words as they stand in the vocabulary, unknown ones as typed; ``A`` is a glyph, ``a`` is not."""
    words = typed(text)
    return [word if len(word) == 1 and word in _TOKEN else word.lower() if word.lower() in _TOKEN else word for word in words]


def tokens(texts: list[str]) -> Int[Tensor, "n length"]:
    """Token indices ``(n, LENGTH)``, filled up with 0; raises `ValueError` for unknown words and long sentences."""
    return indices(texts, split, _TOKEN, LENGTH, "sentence of two glyphs")


def parse(text: str) -> Int[np.ndarray, " 4"]:
    """The meaning of a sentence of :func:`write`; raises `ValueError` for a text that is none."""
    thing = rf"a ({'|'.join(COLOURS)}) ([{GLYPHS}])"
    words = " ".join(split(text))
    forms = (
        (rf"{thing} left of {thing}", False),
        (rf"{thing} right of {thing}", True),
        (rf"left {thing} and right {thing}", False),
        (rf"right {thing} and left {thing}", True),
    )
    for pattern, turned in forms:
        if found := re.fullmatch(pattern, words):
            first, second = ([GLYPHS.index(g), list(COLOURS).index(c)] for c, g in (found.groups()[:2], found.groups()[2:]))
            return np.array(second + first if turned else first + second)
    raise ValueError(f"{shortened(text)!r} does not say which glyph stands where; say 'a red A left of a blue 7'")
