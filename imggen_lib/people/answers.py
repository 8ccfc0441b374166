"""Answers of raters, in a file to which lines are only ever added: one row a dataclass, the columns its fields.

The row's last field is a UTC time that ends in Z; a line without it was cut short and is passed over when reading.
"""

import csv
import os
import re
from collections.abc import Sequence
from dataclasses import astuple, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

Row = TypeVar("Row")
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
WORD = re.compile(r"[A-Za-z0-9_-]{1,64}")


def columns(kind: type) -> tuple[str, ...]:
    """The column names of a kind of row."""
    return tuple(field.name for field in fields(kind))


def now() -> str:
    """The time, UTC, as the last column has it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def check_answer(rater: str, milliseconds: int, timestamp: str) -> None:
    """Raise ``ValueError`` for what is no pseudonym (a name, an address), or no time."""
    if not WORD.fullmatch(rater):
        raise ValueError(f"a rater is a pseudonym of letters, digits, - and _ (no name, no address), not {rater!r}")
    if milliseconds < 0 or not _STAMP.fullmatch(timestamp):
        raise ValueError(f"need milliseconds >= 0 and a time like 2026-01-31T12:00:00Z, got {milliseconds}, {timestamp!r}")


def append_row(path: Path | str, row: Any) -> None:
    """Add one line to the file, and the line of column names if it is new; on the disk when this returns.

    Nothing that is there is changed. After a torn last line (the power went) the answer starts a new line.
    """
    with Path(path).open("ab+") as file:
        size = file.seek(0, os.SEEK_END)
        text = "" if size else ",".join(columns(type(row))) + "\n"
        if size:
            file.seek(-1, os.SEEK_END)
            text = "" if file.read(1) == b"\n" else "\n"
        file.write((text + ",".join(map(str, astuple(row))) + "\n").encode())
        file.flush()
        os.fsync(file.fileno())


def read_rows(path: Path | str, kind: type[Row]) -> list[Row]:
    """The answers in the file. A torn line (cut short, wherever a restart continued after it) is left out.

    Raises ``ValueError`` with the line's number for a whole line that makes no sense, and if the columns are others.
    """
    names: Sequence[str] = columns(kind)
    types = [field.type for field in fields(kind)]  # type: ignore[arg-type]
    lines = Path(path).read_text(encoding="utf-8-sig", errors="replace").splitlines()
    if not lines or (len(lines) == 1 and ",".join(names).startswith(lines[0])):
        return []
    if lines[0].split(",") != list(names):
        raise ValueError(f"{path}: the columns must be {','.join(names)}, found {lines[0][:200]}")
    found = []
    for number, cells in enumerate((next(csv.reader([line]), []) for line in lines[1:]), 2):
        if len(cells) < len(names) or (len(cells) == len(names) and not cells[-1].endswith("Z")):
            continue
        try:
            found.append(kind(*(convert(cell) for convert, cell in zip(types, cells, strict=True))))  # type: ignore[operator]
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}") from error
    return found
