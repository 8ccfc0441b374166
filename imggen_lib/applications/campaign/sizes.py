"""The ten fixed sizes of the IAB's portfolio, and the weight that each may have.

Sizes are in CSS pixels; limits in kilobytes of 1,000 bytes for what is loaded first, which of a still image is the file itself.
300 x 600, which agencies often ask for, is not among the fixed sizes. Source: IAB Tech Lab, New Ad Portfolio: Advertising Creative
Guidelines.
"""

from typing import NamedTuple


class Size(NamedTuple):
    """Width and height in CSS pixels, and the most that the file may weigh in kilobytes."""

    width: int
    height: int
    limit: int

    @property
    def name(self) -> str:
        """As people say it: ``300x250``."""
        return f"{self.width}x{self.height}"


SIZES: tuple[Size, ...] = (
    Size(970, 250, 250), Size(970, 90, 200), Size(728, 90, 150), Size(320, 50, 50), Size(300, 50, 50),
    Size(300, 250, 150), Size(160, 600, 150), Size(300, 1050, 250), Size(640, 1136, 300), Size(120, 60, 50),
)  # fmt: skip


def size(name: str) -> Size:
    """The size of this name. Raises ``ValueError`` for one that is not among the ten."""
    for one in SIZES:
        if one.name == name:
            return one
    raise ValueError(f"{name} is not one of the ten fixed sizes; they are {', '.join(one.name for one in SIZES)}")
