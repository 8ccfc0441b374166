"""Answers of raters, in a file to which lines are only ever added: one row a dataclass, the columns its fields.

The row's last field is a UTC time that ends in Z. A line that stops before that Z was cut short (the power went); its answer is
lost, and reading passes over it. A whole line that makes no sense is an error with the line's number, never passed over.
"""

import csv
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

Row = TypeVar("Row")
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
_EXAMPLE = "2026-01-31T12:00:00"  # what is missing of a time that was cut short
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
    if milliseconds < 0:
        raise ValueError(f"need milliseconds >= 0, got {milliseconds}")
    if not _is_time(timestamp):
        raise ValueError(
            f"need a time like {_EXAMPLE}Z, got {timestamp!r}; a spreadsheet may have rewritten it when the file was saved there"
        )


def _is_time(text: str) -> bool:
    """A time of the calendar, written as :func:`now` writes it."""
    try:
        return bool(_STAMP.fullmatch(text)) and datetime.fromisoformat(text) is not None
    except ValueError:
        return False


def _cut_short(cells: Sequence[str], count: int) -> bool:
    """Is this the beginning of a line? Cells are missing, or the time stops before its Z."""
    if len(cells) != count:
        return len(cells) < count
    return any(_is_time(cells[-1] + rest) for rest in (_EXAMPLE[len(cells[-1]) :] + "Z", "0Z"))


def latest(rows: Iterable[Any]) -> list[Any]:
    """One answer a rater and item: of several the last one in the list counts. Raises ``ValueError`` for a rater on two sheets.

    A sheet is one person's, and each person has an own pseudonym; under one pseudonym on two sheets, answers of two people (or
    one person's first and second thoughts about the same items) would be taken for each other.
    """
    last: dict[tuple[str, str], Any] = {}
    sheets: dict[str, str] = {}
    for row in rows:
        if sheets.setdefault(row.rater, row.sheet) != row.sheet:
            raise ValueError(
                f"rater {row.rater} answered the sheets {sheets[row.rater]} and {row.sheet}: two people under one pseudonym, or "
                "one person twice? Give each person an own pseudonym, or keep one of the sheets"
            )
        last[row.rater, row.item] = row
    return list(last.values())


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
    """The answers in the file. A torn line (cut short, wherever a restart continued after it) is left out, as are empty lines and
    the line of column names where files were joined.

    Raises ``ValueError`` with the line's number for a whole line that makes no sense, for two torn lines one after the other (no
    restart does that, a program that rewrote the file does), and if the columns are others.
    """
    names: Sequence[str] = columns(kind)
    types = [field.type for field in fields(kind)]  # type: ignore[arg-type]
    lines = Path(path).read_text(encoding="utf-8-sig", errors="replace").splitlines()
    if not lines or (len(lines) == 1 and ",".join(names).startswith(lines[0])):
        return []
    if lines[0].split(",") != list(names):
        raise ValueError(f"{path}: the columns must be {','.join(names)}, found {lines[0][:200]}")
    found, torn = [], False
    for number, cells in enumerate((next(csv.reader([line]), []) for line in lines[1:]), 2):
        if not any(cells) or cells == list(names):
            continue
        torn, before = _cut_short(cells, len(names)), torn
        if torn and before:
            raise ValueError(
                f"{path}, lines {number - 1} and {number}: both end too early; has another program rewritten the file?"
            )
        if torn:
            continue
        if len(cells) > len(names):
            raise ValueError(f"{path}, line {number}: {len(cells)} cells for {len(names)} columns")
        try:
            found.append(kind(*(convert(cell) for convert, cell in zip(types, cells, strict=True))))  # type: ignore[operator]
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}") from error
    return found
