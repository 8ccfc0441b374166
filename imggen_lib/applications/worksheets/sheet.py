"""A worksheet: what stands on it, all of it from a seed and three choices."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from imggen_lib.applications.worksheets.hand import MODEL, Hand, level_hands, write_hand
from imggen_lib.applications.worksheets.sums import COUNT, Sum, draw_sums
from imggen_lib.chance import Chance
from imggen_lib.checks import whole


class Worksheet(NamedTuple):
    """The sums of a sheet, the hand that writes them, and for each of their digits which of its variations is taken."""

    seed: int
    kind: str
    level: str
    hand: Hand
    sums: tuple[Sum, ...]
    variations: tuple[tuple[int, ...], ...]

    @property
    def written(self) -> tuple[int, ...]:
        """All digits that the hand writes, sum by sum."""
        return tuple(d for one in self.sums for d in one.digits)

    @property
    def command(self) -> str:
        """What makes this sheet again."""
        start = "python -m imggen_lib.applications.worksheets FOLDER --sheets 1"
        return f"{start} --first {self.seed} --kind {self.kind} --level {self.level} --count {len(self.sums)}"


def worksheet(seed: int, *, kind: str = "addition", level: str = "easy", count: int = COUNT) -> Worksheet:
    """The worksheet of a seed: first the hand is drawn among those of the difficulty, then the sums, then the variations.

    Raises:
        ValueError: for an unknown kind or difficulty, a seed below 0, or more sums than a sheet holds.
    """
    chance, among = Chance(whole(seed, "the seed", 0)), level_hands(level)
    hand = among[chance.below(len(among))]
    sums = tuple(draw_sums(chance, kind, count))
    variations = tuple(tuple(hand.kept[d][chance.below(len(hand.kept[d]))] for d in one.digits) for one in sums)
    return Worksheet(seed, kind, level, hand, sums, variations)


def sheet_images(sheet: Worksheet, model: nn.Module | None = None) -> Float[Tensor, "n 1 28 28"]:
    """The written digits in the order of :attr:`Worksheet.written`, in [-1, 1]; by the shipped generator if none is given."""
    from imggen_lib.checkpoint import pretrained

    drawn = write_hand(pretrained(MODEL).model() if model is None else model, sheet.hand.seed)
    taken = [v for one in sheet.variations for v in one]
    return drawn[torch.tensor(sheet.written), torch.tensor(taken)]
