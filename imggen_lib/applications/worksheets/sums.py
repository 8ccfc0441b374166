"""The sums of a worksheet, from a seed: the same in Python and in a page."""

from typing import NamedTuple

from imggen_lib.chance import Chance
from imggen_lib.checks import whole
from imggen_lib.errors import unknown_name

#: The kinds of sums, with the sign between the two numbers, the smallest and the largest of either.
KINDS = {"addition": ("+", 10, 99), "subtraction": ("\u2212", 10, 99), "multiplication": ("\u00d7", 2, 12)}
COUNT = 20  # sums a sheet
MOST = 40


class Sum(NamedTuple):
    """Two whole numbers and the sign between them."""

    a: int
    sign: str
    b: int

    @property
    def answer(self) -> int:
        """What is right."""
        return {"+": self.a + self.b, "\u2212": self.a - self.b, "\u00d7": self.a * self.b}[self.sign]

    @property
    def text(self) -> str:
        """The sum as it is printed in the key, with its answer."""
        return f"{self.a} {self.sign} {self.b} = {self.answer}"

    @property
    def digits(self) -> tuple[int, ...]:
        """The digits that the hand writes, from left to right; the answer is the pupil's."""
        return tuple(int(c) for c in f"{self.a}{self.b}")


def draw_sums(chance: Chance, kind: str = "addition", count: int = COUNT) -> list[Sum]:
    """`count` different sums; in a subtraction the larger number stands first, so no answer is below 0."""
    if kind not in KINDS:
        raise ValueError(unknown_name("kind of sums", kind, tuple(KINDS)))
    if whole(count, "the number of sums", 1) > MOST:
        raise ValueError(f"a sheet holds at most {MOST} sums, got {count}")
    sign, least, most = KINDS[kind]
    found: list[Sum] = []
    while len(found) < count:
        a, b = (least + chance.below(most - least + 1) for _ in range(2))
        if kind == "subtraction" and a < b:
            a, b = b, a
        if (one := Sum(a, sign, b)) not in found:
            found.append(one)
    return found
