"""Who gets which colour: pictures of two glyphs beside the sentence that asked for them."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from imggen_lib.applications.sentence.nearest import centred
from imggen_lib.applications.sentence.obedience import as_json, share
from imggen_lib.applications.verdict import Measured
from imggen_lib.data import two_glyphs
from imggen_lib.data.two_glyphs import COLOURS, GLYPHS, RELATIVES
from imggen_lib.noise import mix

Meanings = Int[np.ndarray, "n 4"]
Images = Float[Tensor, "n 3 28 28"]
OTHER = "something else"
#: Forms of sentences that training had not, each by its sentence about a red A left of a blue 7. The first leaves the places open.
UNHEARD = {
    "a red A and a blue 7": "a {left_colour} {left} and a {right_colour} {right}",
    "a A red left of a 7 blue": "a {left} {left_colour} left of a {right} {right_colour}",
    "left of a blue 7 a red A": "left of a {right_colour} {right} a {left_colour} {left}",
}


@runtime_checkable
class ReadsHalves(Protocol):
    """What can say which glyph stands in each half, and in which colour."""

    def read(self, images: Images) -> Int[Tensor, "n 4"]:
        """The meaning of each picture, as in :mod:`imggen_lib.data.two_glyphs`."""


def colour_of(halves: Float[Tensor, "n 3 h w"]) -> Int[Tensor, " n"]:
    """The colour whose hue is nearest to the mean hue of the ink: nothing is trained.

    A pixel's hue is the angle of ``R + G exp(2 pi i / 3) + B exp(4 pi i / 3)``, and black and grey add nothing. An empty half
    is the first colour.
    """
    angles = 2 * torch.pi * torch.arange(3) / 3
    axes = torch.stack([angles.cos(), angles.sin()], 1)
    palette = torch.tensor(list(COLOURS.values())) @ axes
    ink = ((halves + 1) / 2).clamp(0, 1).sum((2, 3)) @ axes
    return (ink @ (palette / palette.norm(dim=1, keepdim=True)).T).argmax(1)


class PlainReader:
    """A second reader that was never trained: colours by :func:`colour_of`, a glyph by the most similar of many real halves."""

    def __init__(self, bank: int = 4000, seed: int = 78) -> None:
        meanings = two_glyphs.draw_meanings(bank, mix(seed, 0), "any")
        images = two_glyphs.draw_images(meanings, mix(seed, 1))
        self.pixels = torch.cat([self._ink(half) for half in images.split(14, 3)])
        self.labels = torch.from_numpy(np.concatenate([meanings[:, 0], meanings[:, 2]]))

    @staticmethod
    def _ink(halves: Float[Tensor, "n 3 28 14"]) -> Float[Tensor, "n 784"]:
        ink = halves.amax(1, keepdim=True)
        full = torch.nn.functional.pad(ink, (7, 7), value=-1.0)
        return centred(full)[0].flatten(1)

    def read(self, images: Images) -> Int[Tensor, "n 4"]:
        """The meaning of each picture: glyph and colour left, glyph and colour right."""
        parts = []
        for part in images.split(500):
            row = []
            for half in part.split(14, 3):
                row += [self.labels[torch.cdist(self._ink(half), self.pixels).argmin(1)], colour_of(half)]
            parts.append(torch.stack(row, 1))
        return torch.cat(parts)


def outcomes(asked: Meanings, shown: Int[np.ndarray, "m k"]) -> list[str]:
    """For each picture one of :data:`imggen_lib.data.two_glyphs.RELATIVES`, or ``something else``."""
    if asked.shape != shown.shape:
        raise ValueError(f"each picture needs four numbers asked and four shown, got {asked.shape} and {shown.shape}")
    same = (two_glyphs.relatives(asked) == shown[:, None]).all(2)
    return [RELATIVES[int(row.argmax())] if row.any() else OTHER for row in same]


def _both(asked: Meanings, shown: Meanings, first: int) -> Bool[np.ndarray, " n"]:
    """Whether the glyphs (0) or the colours (1) of both sides are there, on whichever side."""
    columns = [first, first + 2]
    return np.asarray((np.sort(asked[:, columns], 1) == np.sort(shown[:, columns], 1)).all(1))


def binding(asked: Meanings, shown: Meanings) -> dict[str, Measured]:
    """Shares of all pictures with each outcome, with both glyphs and with both colours; and how often colours are *bound*.

    A picture is bound if each glyph has the colour that the sentence gives it, wherever it stands. ``bound, of those with all
    four`` counts only pictures with both glyphs and both colours: a coin would reach one half there. It is missing where there is
    no such picture.
    """
    names = np.array(outcomes(asked, shown))
    all_four = names != OTHER
    bound = (names == RELATIVES[0]) | (names == RELATIVES[1])
    found = {name: share(names == name) for name in (*RELATIVES, OTHER)}
    found |= {"both glyphs": share(_both(asked, shown, 0)), "both colours": share(_both(asked, shown, 1))}
    if all_four.any():
        found["bound, of those with all four"] = share(bound[all_four])
    return found


def sentences(meanings: Meanings, seed: int) -> list[str]:
    """One of the ways to say each meaning, by chance."""
    rng = np.random.Generator(np.random.PCG64(seed))
    return [two_glyphs.write(meaning, rng.random(1)) for meaning in meanings]


def unheard(meaning: Int[np.ndarray, " 4"], form: str) -> str:
    """A meaning in one of the forms of :data:`UNHEARD`. Raises `ValueError` for another."""
    if form not in UNHEARD:
        raise ValueError(f"there is no form {form!r}; there are {', '.join(UNHEARD)}")
    left, left_colour, right, right_colour = (int(k) for k in meaning)
    hues = list(COLOURS)
    return UNHEARD[form].format(
        left=GLYPHS[left], left_colour=hues[left_colour], right=GLYPHS[right], right_colour=hues[right_colour]
    )


def retrieved(meanings: Meanings, pool: int, seed: int) -> Images:
    """The baseline without a generator: the picture of that one of `pool` training meanings which shares most with what is asked.

    What is shared is counted place by place: glyph and colour, left and right. Ties go to one of the nearest by chance.
    """
    kept = two_glyphs.draw_meanings(pool, mix(seed, 0))
    rng = np.random.Generator(np.random.PCG64(mix(seed, 2)))
    best = np.empty(len(meanings), dtype=np.int64)
    for k, meaning in enumerate(meanings):
        common = (kept == meaning).sum(1)
        best[k] = rng.choice(np.flatnonzero(common == common.max()))
    return two_glyphs.draw_images(kept[best], mix(seed, 1))


def read_by(asked: Meanings, images: Images, readers: dict[str, ReadsHalves]) -> dict[str, Any]:
    """:func:`binding` by each reader, for a record; and how often all readers agree on all four."""
    shown = {name: reader.read(images).numpy() for name, reader in readers.items()}
    found: dict[str, Any] = {name: as_json(binding(asked, what)) for name, what in shown.items()}
    first, *rest = shown.values()
    found["agree"] = as_json({"all": share(np.all([(first == other).all(1) for other in rest], 0))})["all"]
    return found


def by_form(asked: Meanings, shown: Meanings, texts: Sequence[str]) -> dict[str, list[float]]:
    """The share as asked, by the sentence's form: ``left of``, ``right of``, or both sides named."""
    right = (asked == shown).all(1)
    forms = np.array(["left of" if " left of " in t else "right of" if " right of " in t else "both named" for t in texts])
    return as_json({form: share(right[forms == form]) for form in sorted(set(forms))})
