"""A report that stands by itself: one HTML file with its pictures, for the screen, a phone and paper, in light and dark.

It has no scripts and asks nothing of the network (its content security policy says so). Its warnings stand at the head of every
section and of every case, and in print at the foot of every sheet of paper; each case begins a new sheet. Every text that the
report itself says can be replaced, so that it can be had in any language: ``texts={"passed": ...}`` replaces entries of ``TEXTS``.
What it shows is plain data::

    page = report(
        "An audit", warnings=["Not for clinical use"],
        sections=[Section("Checks", [Checks([Check("AUROC", Measured(0.78, 0.74, 0.82, 624), at_least=0.7)])])],
        cases=[Section("Image 17", [[Figure(image_url(image), "the image")], Table([["score", 3.2]])])],
    )
    save_report("report.html", page)
"""

import base64
import io
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from imggen_lib import files
from imggen_lib.applications import report_page as page
from imggen_lib.applications.verdict import Measured
from imggen_lib.people.sheet import bitmap

TEXTS: dict[str, str] = {
    "contents": "Contents",
    "check": "Check",
    "measured": "Measured",
    "bar": "Bar",
    "result": "Result",
    "interval": "{value} [{low},\u00a0{high}], n\u00a0=\u00a0{n}",
    "at_least": "at least {bar}",
    "at_most": "at most {bar}",
    "between": "{low} to {high}",
    "no_bar": "none",
    "passed": "passed",
    "failed": "failed",
    "not_judged": "not judged",
    "unsure": "the interval reaches beyond the bar",
    "all_passed": "{passed} of {of} checks passed.",
    "some_failed": "{failed} of {of} checks failed: {names}.",
    "sheet": "sheet",
}
_IMAGE = re.compile(r"data:image/(png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/]+={0,2}")


class Check(NamedTuple):
    """A number with its interval, and the bar that it has to meet: at least, at most, or both; without a bar it is not judged."""

    name: str
    measured: Measured
    at_least: float | None = None
    at_most: float | None = None
    digits: int = 3

    def meets(self, value: float) -> bool:
        """Whether a value is on the right side of the bar; a bar that is met exactly is met."""
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)

    @property
    def passed(self) -> bool | None:
        """Whether the measured value meets the bar; None if there is no bar."""
        return None if self.at_least is None and self.at_most is None else self.meets(self.measured.value)

    @property
    def sure(self) -> bool:
        """Whether the whole interval is on the side of the bar on which the value is."""
        ends = [self.meets(end) for end in (self.measured.low, self.measured.high)]
        return all(ends) if self.passed else not any(ends) and not self._inside()

    def _inside(self) -> bool:
        """Whether what meets a bar with two ends lies wholly within the interval."""
        low, high = self.at_least, self.at_most
        return low is not None and high is not None and self.measured.low < low and self.measured.high > high


class Figure(NamedTuple):
    """A picture as a data URL (:func:`image_url`, :func:`picture_url`), with the words that stand for it and a caption."""

    source: str
    alt: str
    caption: str = ""
    width: int = 160  # of the screen, in CSS pixels; less where there is less room
    pixelated: bool = True


class Checks(NamedTuple):
    """A table of checks, and what it is about."""

    checks: Sequence[Check]
    caption: str = ""


class Table(NamedTuple):
    """Rows of texts and numbers; the first cell of a row is its name. A :class:`Measured` shows its interval and its n."""

    rows: Sequence[Sequence[str | int | float | Measured]]
    head: Sequence[str] = ()
    caption: str = ""
    digits: int = 3


#: What a section consists of: a paragraph, a table, checks, a figure, or figures in a row.
Part = str | Table | Checks | Figure | Sequence[Figure]


class Section(NamedTuple):
    """A heading, and under it paragraphs (texts), tables, checks, figures, and rows of figures (lists)."""

    title: str
    parts: Sequence[Part]
    warning: str = ""  # said here alone, after the warnings of the report


def image_url(image: Tensor, scale: int = 1) -> str:
    """An image ``(c, h, w)`` in [-1, 1] as a data URL: PNG, each pixel `scale` pixels wide."""
    out = io.BytesIO()
    bitmap(image, scale).save(out, "PNG", optimize=True)
    return picture_url(out.getvalue())


def picture_url(content: bytes, kind: str = "png") -> str:
    """The bytes of a picture file as a data URL; `kind` is png, jpeg, gif, webp or svg+xml. A picture in SVG runs no scripts."""
    url = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
    _checked_url(url)
    return url


def _checked_url(url: str) -> None:
    if not _IMAGE.fullmatch(url):
        raise ValueError(f"a figure of a report is a data URL of an image, so that no network is needed; got {url[:60]!r}")


def worded(texts: Mapping[str, str] | None) -> dict[str, str]:
    """``TEXTS`` with some entries replaced; a name that is not among them is refused."""
    unknown = set(texts or {}) - TEXTS.keys()
    if unknown:
        raise ValueError(f"there is no text {min(unknown)!r}; the names are {', '.join(TEXTS)}")
    return TEXTS | dict(texts or {})


def check_measured(name: str, measured: Measured) -> None:
    """Raises ``ValueError`` unless it is finite, with an n and an interval around its value."""
    value, low, high, n = measured
    if not all(map(math.isfinite, (value, low, high))) or n < 1 or not low <= value <= high:
        raise ValueError(f"{name!r} needs finite numbers, an n and an interval around its value, got {tuple(measured)}")


def check_all(checks: Sequence[Check]) -> None:
    """Raises ``ValueError`` unless the checks have names of their own, finite numbers, and bars that can be met."""
    names = [check.name for check in checks]
    if not names or len(set(names)) < len(names) or not all(names):
        raise ValueError("checks need at least one check, each with a name of its own")
    for check in checks:
        check_measured(check.name, check.measured)
        low, high = check.at_least, check.at_most
        if not all(bar is None or math.isfinite(bar) for bar in (low, high)):
            raise ValueError(f"the bar of {check.name!r} must be a finite number")
        if low is not None and high is not None and low > high:
            raise ValueError(f"nothing is at least {low:g} and at most {high:g}: the bar of {check.name!r} can never be met")


def numeral(value: float, digits: int) -> str:
    """A finite number as a report says it: whole numbers as they are, a real minus sign, commas between thousands."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"a report shows finite numbers, got {value}")
    return f"{value:,}" if isinstance(value, int) else f"{value:,.{digits}f}".replace("-", "\u2212")


def said(measured: Measured, digits: int, words: Mapping[str, str] = TEXTS) -> str:
    """A measured number in words: the value, its interval, and its n."""
    value, low, high = (numeral(float(x), digits) for x in measured[:3])
    return words["interval"].format(value=value, low=low, high=high, n=f"{measured.n:,}")


def bar_said(check: Check, words: Mapping[str, str] = TEXTS) -> str:
    """What a check asks for, in words."""
    low, high = (None if bar is None else numeral(float(bar), check.digits) for bar in (check.at_least, check.at_most))
    if low is not None and high is not None:
        return words["between"].format(low=low, high=high)
    if low is None and high is None:
        return words["no_bar"]
    return words["at_most"].format(bar=high) if low is None else words["at_least"].format(bar=low)


def outcome(check: Check, words: Mapping[str, str] = TEXTS) -> str:
    """Passed, failed or not judged, and whether the interval leaves that open."""
    if check.passed is None:
        return words["not_judged"]
    result = words["passed" if check.passed else "failed"]
    return result if check.sure else f"{result} ({words['unsure']})"


def summary(checks: Sequence[Check], words: Mapping[str, str] = TEXTS) -> str:
    """How many checks passed and which failed, in one sentence; those without a bar do not count."""
    judged = [check for check in checks if check.passed is not None]
    failed = [check.name for check in judged if not check.passed]
    if failed:
        return words["some_failed"].format(failed=len(failed), of=len(judged), names=", ".join(failed))
    return words["all_passed"].format(passed=len(judged), of=len(judged)) if judged else ""


def _checks(block: Checks, words: Mapping[str, str]) -> str:
    check_all(block.checks)
    rows = [
        [page.cell(c.name), page.cell(said(c.measured, c.digits, words)), page.cell(bar_said(c, words)),
         page.cell(outcome(c, words), {None: "", True: "passed", False: "failed"}[c.passed])]
        for c in block.checks
    ]  # fmt: skip
    head = [words[name] for name in ("check", "measured", "bar", "result")]
    return page.table(head, rows, block.caption) + page.paragraph(summary(block.checks, words))


def _table(block: Table, words: Mapping[str, str]) -> str:
    def cell(value: str | int | float | Measured) -> str:
        if isinstance(value, str):
            return page.cell(value)
        if isinstance(value, Measured):
            check_measured("a cell", value)
            return page.cell(said(value, block.digits, words), "number")
        return page.cell(numeral(value, block.digits), "number")

    widths = {len(row) for row in block.rows} | ({len(block.head)} if block.head else set())
    if len(widths) != 1:
        raise ValueError(f"all rows of a table and its head must have the same length, got {sorted(widths)}")
    return page.table(block.head, [[cell(value) for value in row] for row in block.rows], block.caption)


def _part(part: object, words: Mapping[str, str]) -> str:
    if isinstance(part, str):
        return page.paragraph(part)
    if isinstance(part, Table):
        return _table(part, words)
    if isinstance(part, Checks):
        return _checks(part, words)
    figures = [part] if isinstance(part, Figure) else part
    if not isinstance(figures, Sequence) or not figures or not all(isinstance(one, Figure) for one in figures):
        raise ValueError(f"a section has texts, tables, checks, figures and lists of figures, got {type(part).__name__}")
    for figure in figures:
        _checked_url(figure.source)
        if not figure.alt:
            raise ValueError("a figure needs words that stand for it (alt)")
    n = len(figures)
    return page.figures([page.figure(f.source, f.alt, f.caption, f.width, f.pixelated, n) for f in figures])


def report(
    title: str, *, sections: Sequence[Section] = (), cases: Sequence[Section] = (), warnings: Sequence[str] = (),
    texts: Mapping[str, str] | None = None, lang: str = "en",
) -> str:  # fmt: skip
    """The HTML of a report: its sections, then its cases, one sheet of paper or more each.

    Args:
        title: What the report is about.
        sections: What comes before the cases, on common sheets.
        cases: One page each.
        warnings: Short sentences for the head of every section and case, and for the foot of every printed sheet.
        texts: Entries that replace those of :data:`TEXTS`.
        lang: The language of the texts, for screen readers: ``en``.

    Raises:
        ValueError: for a number that is not finite, an interval that is not around its value, a figure that is no data URL or
            has no words, and a table whose rows differ in length.
    """
    if not title or not (sections or cases):
        raise ValueError("a report needs a title, and a section or a case")
    words = worded(texts)

    def inside(section: Section) -> str:
        return "".join(_part(part, words) for part in section.parts)

    made = [[(s.title, s.warning, inside(s)) for s in group] for group in (sections, cases)]
    return page.document(title, made[0], made[1], list(warnings), words, lang)


def save_report(path: Path | str, html: str) -> Path:
    """Write the page as UTF-8: whole, or not at all."""
    return files.write(files.expanded(path), lambda target: target.write_text(html, encoding="utf-8"))
