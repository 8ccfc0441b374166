"""A study with people: a blind, balanced, seeded sheet of comparisons, and the file that keeps the answers.

A rater sees two images and picks one. The sheet holds only ids that reveal nothing; what they stand for is in the plan's `key`,
which stays with whoever runs the study and can be made again from the seed. The answers are a CSV file to which lines are only
ever added:

    sheet         id of the rater's sheet
    item          id of the pair of images; the same pair has the same id on every sheet, whichever image is on the left
    left, right   ids of the images as shown (after `unblind`: names of the systems)
    choice        left, right or tie
    rater         a pseudonym: letters, digits, - and _ only, so that no name or address gets in by mistake
    milliseconds  from showing the pair to the answer
    timestamp     UTC, 2026-01-31T12:00:00Z
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.checks import whole
from imggen_lib.noise import generator_for, mix, on_cpu
from imggen_lib.people.answers import append_row, check_answer, columns, latest, now, read_rows

_STREAM = 21  # of random numbers; see noise.generator_for
_IMAGE, _ITEM, _SHEET, _DECK, _SIDE, _ORDER = range(6)  # what the numbers are drawn for
CHOICES = ("left", "right", "tie")


@dataclass(frozen=True)
class Trial:
    """One line of a sheet: the ids of the sheet, of the pair, and of the two images where they are shown."""

    sheet: str
    item: str
    left: str
    right: str


class Source(NamedTuple):
    """What an image id stands for: the system that made it, and which of its images it is."""

    system: str
    number: int


class Plan(NamedTuple):
    """The trials in the order they are shown; what image ids stand for; and of each catch trial the image that must be chosen."""

    trials: list[Trial]
    key: dict[str, Source]
    catch: dict[str, str]


@dataclass(frozen=True)
class Judgement:
    """One answer, one line of the file; the columns are those above."""

    sheet: str
    item: str
    left: str
    right: str
    choice: str
    rater: str
    milliseconds: int
    timestamp: str

    def __post_init__(self) -> None:
        if self.choice not in CHOICES:
            raise ValueError(f"a choice is one of {', '.join(CHOICES)}, not {self.choice!r}")
        check_answer(self.rater, self.milliseconds, self.timestamp)
        if any(set(text) & set(',"\r\n') or not text for text in (self.sheet, self.item, self.left, self.right)):
            raise ValueError("ids are not empty and hold no comma, quote or line break")


COLUMNS = columns(Judgement)


def judge(trial: Trial, choice: str, rater: str, milliseconds: int) -> Judgement:
    """The answer to a trial, given now."""
    return Judgement(trial.sheet, trial.item, trial.left, trial.right, choice, rater, milliseconds, now())


def append_judgement(path: Path | str, judgement: Judgement) -> None:
    """Add one line to the file; on the disk when this returns, and nothing that is there is changed."""
    append_row(path, judgement)


def read_judgements(path: Path | str) -> list[Judgement]:
    """The answers in the file; see :func:`imggen_lib.people.answers.read_rows` for torn and for wrong lines."""
    return read_rows(path, Judgement)


def _id(*parts: int) -> str:
    """Sixteen characters that depend on `parts` alone and look like no order."""
    return f"{mix(*parts):016x}"


def _deck(images: int, count: int, *parts: int) -> list[int]:
    """`count` image numbers: all in random order, then all again in another, ..., so that each comes up equally often."""
    draw = generator_for(*parts)
    rounds = [torch.randperm(images, generator=draw) for _ in range(-(-count // images))]
    return torch.cat(rounds)[:count].tolist() if rounds else []


def _items(names: Sequence[str], pairs: list[tuple[int, int]], counts: list[int], images: int, seed: int, paired: bool) -> list:
    """(item id, first image, second image) of every pair of systems, as often as `counts` says; the same for every sheet."""
    need = [sum(c for pair, c in zip(pairs, counts, strict=True) if s in pair) for s in range(len(names))]
    decks = [iter(_deck(images, need[s], seed, _STREAM, _DECK, s)) for s in range(len(names))]
    rows = []
    for p, ((a, b), count) in enumerate(zip(pairs, counts, strict=True)):
        shared = _deck(images, count, seed, _STREAM, _DECK, len(names) + p)
        for t in range(count):
            i, j = (shared[t], shared[t]) if paired else (next(decks[a]), next(decks[b]))
            rows.append((_id(seed, _STREAM, _ITEM, p, t), (a, i), (b, j)))
    return rows


@on_cpu
def comparison_plan(
    systems: Sequence[str], images: int, per_pair: int, *, seed: int, sheet: int = 0, paired: bool = False, catch: int = 0,
    catch_pair: tuple[str, str] | None = None,
) -> Plan:  # fmt: skip
    """A sheet of comparisons of every pair of `systems`, `per_pair` (even) times each, from images 0 to `images` - 1.

    Every system is on the left as often as on the right, against each other one. Pairs of images and all ids depend on `seed`
    and the arguments but `sheet`, so that raters judge the same ones and agreement can be measured; the order and the sides
    depend on `sheet` as well: one number a rater. An image comes back only after all of its system's have been shown. With
    `paired`, both images of a trial have the same number (the same latent, prompt or original). `catch` (even) further trials
    show `catch_pair`: a system whose image must win, and one whose must lose.
    """
    if len(set(systems)) != len(systems) or len(systems) < 2:
        raise ValueError(f"at least two systems with different names are needed, got {list(systems)}")
    images, per_pair, catch = whole(images, "images"), whole(per_pair, "per_pair"), whole(catch, "catch")
    if images < 1 or per_pair < 2 or per_pair % 2 or catch < 0 or catch % 2:
        raise ValueError(
            f"per_pair and catch must be even (left as often as right), images at least 1; got {per_pair}, {catch}, {images}"
        )
    if catch and (catch_pair is None or catch_pair[0] == catch_pair[1]):
        raise ValueError("catch trials need catch_pair: the system whose image must win and another whose must lose")
    # Ids depend on all that makes the study, so that answers of another one are never taken for this one's.
    seed = mix(seed, *repr((list(systems), images, per_pair, paired, catch, catch_pair)).encode())
    names = [*systems, *(n for n in catch_pair or () if n not in systems)]
    pairs = list(combinations(range(len(systems)), 2))
    counts = [per_pair] * len(pairs)
    if catch and catch_pair:
        pairs, counts = [*pairs, (names.index(catch_pair[0]), names.index(catch_pair[1]))], [*counts, catch]
    rows = _items(names, pairs, counts, images, seed, paired)
    side, ids = generator_for(seed, _STREAM, _SIDE, sheet), {}
    first_left = torch.cat([torch.randperm(c, generator=side) < c // 2 for c in counts]).tolist()
    trials, sheet_id = [], _id(seed, _STREAM, _SHEET, sheet)
    for (item, *both), keep in zip(rows, first_left, strict=True):
        shown = [_id(seed, _STREAM, _IMAGE, *image) for image in both]
        ids.update({name: Source(names[s], i) for name, (s, i) in zip(shown, both, strict=True)})
        trials.append(Trial(sheet_id, item, *(shown if keep else shown[::-1])))
    must = {row[0]: _id(seed, _STREAM, _IMAGE, *row[1]) for row in rows[len(rows) - catch :]}
    order = torch.randperm(len(trials), generator=generator_for(seed, _STREAM, _ORDER, sheet)).tolist()
    return Plan([trials[k] for k in order], ids, must)


def unblind(judgements: Iterable[Judgement], plan: Plan) -> list[Judgement]:
    """The answers with names of systems in place of image ids, without catch trials; any sheet's plan of that seed serves.

    If a rater judged an item twice, the later answer counts; a rater on two sheets is refused
    (:func:`imggen_lib.people.answers.latest`).
    """
    kept = [j for j in latest(judgements) if j.item not in plan.catch]
    unknown = {name for j in kept for name in (j.left, j.right)} - plan.key.keys()
    if unknown:
        raise ValueError(f"{len(unknown)} image ids are not in the plan, such as {min(unknown)}: another seed or other systems?")
    return [replace(j, left=plan.key[j.left].system, right=plan.key[j.right].system) for j in kept]


def caught(judgements: Iterable[Judgement], plan: Plan) -> dict[str, tuple[int, int]]:
    """Of each rater, how many catch trials were right, and how many there were. Decide what to demand before the study.

    Each catch trial counts once: of two answers to it the later one, as in :func:`unblind`.
    """
    result: dict[str, tuple[int, int]] = {}
    for j in latest(judgements):
        if j.item in plan.catch:
            right, total = result.get(j.rater, (0, 0))
            chosen = {"left": j.left, "right": j.right}.get(j.choice)
            result[j.rater] = (right + (chosen == plan.catch[j.item]), total + 1)
    return result


class Pace(NamedTuple):
    """A rater's median time to answer in milliseconds, and the share of answers given faster than somebody can look."""

    median: float
    hasty: float


def pace(judgements: Iterable[Judgement], least: int = 500) -> dict[str, Pace]:
    """How quickly each rater answered; an answer in fewer than `least` milliseconds is hasty.

    In ms, neither way is better. Both images have to be looked at, which takes most people longer than half a second; many
    hasty answers are a second sign, beside :func:`caught`, of somebody who does not look. Somebody who is bored slowly has none.
    """
    times: dict[str, list[int]] = {}
    for j in latest(judgements):
        times.setdefault(j.rater, []).append(j.milliseconds)
    return {rater: Pace(float(median(t)), sum(ms < least for ms in t) / len(t)) for rater, t in times.items()}


def agreement_table(judgements: Iterable[Judgement]) -> Float[Tensor, "raters items"]:
    """Which image each rater chose of each item, for `human.krippendorff_alpha`: 0 or 1, a tie 0.5, NaN where there is no answer.

    Give it the answers before :func:`unblind`. Images are told apart by their ids, so it does not matter who saw them on which
    side. If a rater judged an item twice, the later line counts; a rater on two sheets is refused.
    """
    rows = latest(judgements)
    raters, items = sorted({j.rater for j in rows}), sorted({j.item for j in rows})
    table = torch.full((len(raters), len(items)), torch.nan, dtype=torch.float64)
    for j in rows:
        chosen = {"left": j.left, "right": j.right}.get(j.choice)
        table[raters.index(j.rater), items.index(j.item)] = 0.5 if chosen is None else float(chosen == max(j.left, j.right))
    return table
