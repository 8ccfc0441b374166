"""How the command line reads values; what cannot be meant is refused before anything is loaded."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path


def count(most: int = 2**40 - 1, least: int = 1) -> Callable[[str], int]:
    """A reader of whole numbers up to the largest that can be meant; ``60_000``, ``60000`` and ``6e4`` are the same."""

    def read(text: str) -> int:
        try:
            value = int(text) if "e" not in text.lower() else int(float(text))
            if "e" in text.lower() and value != float(text):
                raise ValueError
        except (ValueError, OverflowError):
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"must be at least {least:,} and at most {most:,}, got {text}")
        return value

    return read


def number(text: str) -> float:
    """A number that float32 can hold."""
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not abs(value) < 1e30:
        raise argparse.ArgumentTypeError(f"must be a number, and of size below 1e30, got {text}")
    return value


def filled(text: str) -> str:
    """Text with something in it: an empty one is mostly a shell variable that is not set."""
    kind, colon, rest = text.partition(":")
    if not text.strip() or (colon and kind in ("folder", "files", "shards") and not rest.strip()):
        raise argparse.ArgumentTypeError(f"nothing is named in {text!r}: a variable that is not set?")
    return text


def path(text: str) -> Path:
    """A path with ``~`` put in: a shell leaves the one in ``--out=~/run`` to us."""
    try:
        return Path(filled(text)).expanduser()
    except RuntimeError:
        raise argparse.ArgumentTypeError(f"{text!r} begins with ~, but no home folder is known for it") from None


def minutes(text: str) -> float:
    """A time above zero, in minutes."""
    value = number(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"must be above 0 minutes, got {text}")
    return value


def own_name(text: str) -> str:
    """The name of a network of one's own."""
    if ":" not in text:
        raise argparse.ArgumentTypeError(f"a network of your own is named MODULE:NAME, such as my_nets:Generator, got {text!r}")
    return text


def option(text: str) -> tuple[str, object]:
    """``key=value``: a number, true or false as JSON has them, or else a word."""
    key, equals, value = text.partition("=")
    if not equals or not key.isidentifier():
        raise argparse.ArgumentTypeError(f"an option is KEY=VALUE, got {text!r}")
    try:
        found = json.loads(value)
    except ValueError:
        return key, value
    return key, found if isinstance(found, int | float | bool) else value
