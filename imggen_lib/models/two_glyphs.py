"""A reader of pictures with two coloured glyphs: which glyph stands in each half, and in which colour."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from imggen_lib.data.two_glyphs import COLOURS, GLYPHS


class HalfReader(nn.Module):
    """Reads each half of a picture by itself: what stands on one side cannot tell it what stands on the other."""

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *(nn.Conv2d(3, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(width, 2 * width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
            *(nn.Linear(2 * width * 7 * 3, 96), nn.ReLU()),
        )
        self.glyph, self.colour = nn.Linear(96, len(GLYPHS)), nn.Linear(96, len(COLOURS))

    def forward(self, halves: Float[Tensor, "n 3 28 14"]) -> tuple[Float[Tensor, "n glyphs"], Float[Tensor, "n colours"]]:
        """Scores of the glyphs and of the colours."""
        h = self.body(halves)
        return self.glyph(h), self.colour(h)

    @torch.no_grad()
    def read(self, images: Float[Tensor, "n 3 28 28"]) -> Int[Tensor, "n 4"]:
        """The meaning of each picture, as in :mod:`imggen_lib.data.two_glyphs`: glyph and colour left, glyph and colour right."""
        found = []
        for part in images.split(1000):
            sides = [self(half) for half in part.split(14, 3)]
            found.append(torch.stack([scores.argmax(1) for side in sides for scores in side], 1))
        return torch.cat(found)
