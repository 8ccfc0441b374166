"""The errors that a user can meet. Each message says what happened, what was expected, and what to do."""

from collections.abc import Iterable
from difflib import get_close_matches


class DataError(ValueError):
    """The data is there but cannot be used: corrupted, of the wrong kind, or too little."""


class DataUnavailable(DataError):
    """The data is neither at hand nor can it be downloaded."""


class CheckpointError(ValueError):
    """A checkpoint is missing, damaged, or was made for something else."""


class TrainingDiverged(RuntimeError):
    """A term of the loss is no longer a finite number."""


def printable(text: str) -> str:
    """`text` with line breaks, control signs and bytes that are no text written out: no name moves the cursor or fakes a line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def shortened(text: str, most: int = 80) -> str:
    """The beginning of a text that may be of any length."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def unknown_name(kind: str, name: str, known: Iterable[str]) -> str:
    """A message for a name that does not exist, with the nearest one that does."""
    names = sorted(known)
    name = shortened(name)  # it may come from somebody else's file
    near = get_close_matches(name.lower(), names, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"unknown {kind} {name!r}.{hint} Known: {', '.join(names)}."
