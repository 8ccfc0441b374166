"""A study with opinion scores: a blind, balanced, seeded sheet of single images, and the file that keeps the scores.

A rater sees one image at a time and gives it a whole number, 1 (bad) to 5 (excellent), say; the plan knows how many points there
are. As in `study`, ids reveal nothing, what they stand for is in the plan's `key`, and lines are only ever added to the file:

    sheet         id of the rater's sheet
    item          id of the image
    score         a whole number
    rater         a pseudonym: letters, digits, - and _ only, so that no name or address gets in by mistake
    milliseconds  from showing the image to the answer
    timestamp     UTC, 2026-01-31T12:00:00Z
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import torch

from imggen_lib.checks import whole
from imggen_lib.noise import generator_for, mix, on_cpu
from imggen_lib.people.answers import WORD, append_row, check_answer, columns, latest, now, read_rows
from imggen_lib.people.human import Rating
from imggen_lib.people.study import Source

_STREAM = 22  # of random numbers; see noise.generator_for
_IMAGE, _SHEET, _DECK, _ORDER = range(4)  # what the numbers are drawn for
MOST_POINTS = 9  # of a scale, so that each point has a key


def check_points(points: int) -> None:
    """Raise ``ValueError`` unless a scale from 1 to `points` can be had."""
    points = whole(points, "points")
    if not 2 <= points <= MOST_POINTS:
        raise ValueError(f"a scale has between 2 and {MOST_POINTS} points, so that each has a key; got {points}")


@dataclass(frozen=True)
class OpinionTrial:
    """One line of a sheet: the ids of the sheet and of the image."""

    sheet: str
    item: str


class OpinionPlan(NamedTuple):
    """The trials in the order they are shown, what image ids stand for, and the best score; the worst is 1."""

    trials: list[OpinionTrial]
    key: dict[str, Source]
    points: int = 5


@dataclass(frozen=True)
class Opinion:
    """One score, one line of the file; the columns are those above."""

    sheet: str
    item: str
    score: int
    rater: str
    milliseconds: int
    timestamp: str

    def __post_init__(self) -> None:
        if not (WORD.fullmatch(self.sheet) and WORD.fullmatch(self.item)):
            raise ValueError(f"ids are letters, digits, - and _, not {self.sheet!r} and {self.item!r}")
        if not 1 <= self.score <= MOST_POINTS:
            raise ValueError(f"a score is a whole number from 1 to {MOST_POINTS} at most, not {self.score}")
        check_answer(self.rater, self.milliseconds, self.timestamp)


OPINION_COLUMNS = columns(Opinion)


@on_cpu
def opinion_plan(
    systems: Sequence[str], images: int, per_system: int, *, seed: int, sheet: int = 0, points: int = 5
) -> OpinionPlan:
    """A sheet of `per_system` single images of each system, from images 0 to `images` - 1, none twice, in mixed order.

    They are scored from 1 to `points` (9 at most); give the sheet or the panel the same number.

    Which images are shown depends on `seed` alone, so that raters judge the same ones and agreement can be measured; the order
    depends on `sheet` as well: one number a rater.
    """
    if len(set(systems)) != len(systems) or not systems:
        raise ValueError(f"at least one system is needed, each with its own name; got {list(systems)}")
    images, per_system, points = whole(images, "images"), whole(per_system, "per_system"), whole(points, "points")
    if not 1 <= per_system <= images:
        raise ValueError(f"per_system must be between 1 and the number of images, got {per_system} of {images}")
    check_points(points)
    study = crc32("\n".join((*systems, str(images), str(per_system))).encode())  # other systems, other ids, even with the same seed
    key, sheet_id = {}, f"{mix(seed, _STREAM, _SHEET, sheet, study):016x}"
    for s, name in enumerate(systems):
        for number in torch.randperm(images, generator=generator_for(seed, _STREAM, _DECK, s))[:per_system].tolist():
            key[f"{mix(seed, _STREAM, _IMAGE, s, number, study):016x}"] = Source(name, number)
    items = list(key)
    order = torch.randperm(len(items), generator=generator_for(seed, _STREAM, _ORDER, sheet)).tolist()
    return OpinionPlan([OpinionTrial(sheet_id, items[k]) for k in order], key, points)


def score(trial: OpinionTrial, value: int, rater: str, milliseconds: int) -> Opinion:
    """The answer to a trial, given now."""
    return Opinion(trial.sheet, trial.item, value, rater, milliseconds, now())


def append_opinion(path: Path | str, opinion: Opinion) -> None:
    """Add one line to the file; on the disk when this returns, and nothing that is there is changed."""
    append_row(path, opinion)


def read_opinions(path: Path | str) -> list[Opinion]:
    """The answers in the file; see :func:`imggen_lib.people.answers.read_rows` for torn and for wrong lines."""
    return read_rows(path, Opinion)


def unblind_opinions(opinions: Iterable[Opinion], plan: OpinionPlan) -> list[Rating]:
    """The scores with names of systems, for :func:`imggen_lib.people.human.mean_opinion_score`.

    If a rater scored an image twice, the later score counts; a rater on two sheets and a score above the plan's points are refused.
    """
    rows = latest(opinions)
    unknown = {row.item for row in rows} - plan.key.keys()
    if unknown:
        raise ValueError(f"{len(unknown)} image ids are not in the plan, such as {min(unknown)}: another seed or other systems?")
    if beyond := [row for row in rows if row.score > plan.points]:
        raise ValueError(f"rater {beyond[0].rater} gave {beyond[0].score} on a scale from 1 to {plan.points}")
    return [Rating(row.rater, plan.key[row.item].system, row.item, row.score) for row in rows]
