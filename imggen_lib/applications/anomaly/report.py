r"""The report of an anomaly score, one page a case: what the score says, what it rests on, and what it does not say.

A map of \|x - reconstruction\| is left out: it lights up ribs, edges and letters of every image, and without somebody's marks of
where a lesion is nobody can say how often it points at one. With ``differences=True`` it is shown, under that warning.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from imggen_lib.applications.anomaly.case import Case
from imggen_lib.applications.report import Check, Checks, Figure, Part, Section, Table, image_url, numeral, report, save_report
from imggen_lib.applications.verdict import Measured
from imggen_lib.metrics.intervals import wilson_interval

WARNING = "Not for clinical use"
TEXTS: dict[str, str] = {
    "title": "Report of an anomaly score",
    "checks": "What was checked",
    "limits_title": "Limits",
    "limits": "An unusual image is not a sick one, and a sick one need not be unusual: the score says how unlike the normal "
    "training images an image is, by a model that has seen nothing but them. The edge of a film, a letter or a tube can raise it.",
    "pixels": "The images have {height}x{width} pixels; a detail smaller than a pixel can be seen by no reader and by no model.",
    "no_map": "Where in the image the score comes from is not shown. The difference between an image and its reconstruction lights "
    "up ribs and edges, too, and nobody has marked where the lesions are, so it cannot be measured how often it points at one.",
    "map_warning": "The third picture, |image - reconstruction|, is no map of lesions: it lights up ribs and edges, too, and it "
    "was not measured how often it points at a lesion.",
    "case": "Image {index}",
    "image": "The image.",
    "reconstruction": "What the model of normal images makes of it.",
    "difference": "|image - reconstruction|, which is no map of lesions.",
    "difference_alt": "the absolute difference of the two pictures before, brightest where it is largest",
    "image_alt": "image {index}, enlarged",
    "reconstruction_alt": "its reconstruction",
    "nearest_title": "The normal training images that are nearest to it, pixel by pixel:",
    "nearest": "Number {k}.",
    "nearest_alt": "normal training image number {k}",
    "score": "Score (higher: less usual)",
    "percentile": "Normal validation images with this score or a lower one, in %",
    "flag": "Called unusual at the threshold {threshold}",
    "truth": "What the data set says",
    "yes": "yes",
    "no": "no",
    "extreme": "No normal validation image has a score as high as this one: beyond that the percentile does not tell cases apart.",
    "case_limits": "The score alone says nothing about a disease. How often it is right is in the part on checks, with intervals.",
}


def worded(texts: Mapping[str, str] | None) -> dict[str, str]:
    """``TEXTS`` with some entries replaced; names that are not among them are left to the report."""
    return TEXTS | {name: text for name, text in (texts or {}).items() if name in TEXTS}


def _pictures(case: Case, words: Mapping[str, str], differences: bool) -> list[Figure]:
    def large(image: Tensor, alt: str, caption: str) -> Figure:
        return Figure(image_url(image, 4), words[alt].format(index=case.index), words[caption], 200)

    found = [large(case.image, "image_alt", "image"), large(case.reconstruction, "reconstruction_alt", "reconstruction")]
    if differences:
        apart = (case.image - case.reconstruction).abs()
        found.append(large(2 * apart / apart.max().clamp(min=1e-12) - 1, "difference_alt", "difference"))
    return found


def _percentile(case: Case, n: int) -> Measured:
    """The percentile among `n` scores, with Wilson's interval, in %."""
    k = round(case.percentile * n / 100)
    if n < 1 or abs(100 * k / n - case.percentile) > 1e-6:
        raise ValueError(f"a percentile of {case.percentile:g} cannot be that of {n} scores")
    low, high = wilson_interval(k, n)
    return Measured(case.percentile, min(100 * low, case.percentile), max(100 * high, case.percentile), n)


def case_section(
    case: Case, threshold: float | None = None, *, reference: int | None = None, differences: bool = False, digits: int = 3,
    texts: Mapping[str, str] | None = None,
) -> Section:  # fmt: skip
    """One page: the image, its reconstruction, the score with its percentile, the nearest normal images, and the limits.

    Args:
        case: As :func:`imggen_lib.applications.anomaly.case.cases` makes it.
        threshold: A score above it is called unusual; None for no call.
        reference: Of how many scores the percentile is, for its interval; without it the percentile stands alone.
        differences: Whether to show \\|x - reconstruction\\|, under a warning.
        digits: Behind the point of the score.
        texts: Entries that replace those of :data:`TEXTS`.
    """
    words = worded(texts)
    rows: list[list[str | Measured]] = [[words["score"], numeral(case.score, digits)]]
    rows.append([words["percentile"], numeral(case.percentile, 1) if reference is None else _percentile(case, reference)])
    if threshold is not None:
        called = words["yes" if case.score > threshold else "no"]
        rows.append([words["flag"].format(threshold=numeral(threshold, digits)), called])
    if case.truth:
        rows.append([words["truth"], case.truth])
    near = [
        Figure(image_url(image, 4), words["nearest_alt"].format(k=k), words["nearest"].format(k=k), 130)
        for k, image in enumerate(case.nearest, 1)
    ]
    parts: list[Part] = [_pictures(case, words, differences), Table(rows, digits=1)]
    parts += [words["extreme"]] if case.percentile == 100 else []
    parts += [words["nearest_title"], near] if near else []
    parts.append(words["case_limits"])
    return Section(words["case"].format(index=case.index), parts, words["map_warning"] if differences else "")


def anomaly_report(
    cases: Sequence[Case], *, checks: Sequence[Check] = (), threshold: float | None = None, reference: int | None = None,
    about: Sequence[str] = (), limits: Sequence[str] = (), warning: str = WARNING, differences: bool = False, digits: int = 3,
    texts: Mapping[str, str] | None = None, lang: str = "en",
) -> str:  # fmt: skip
    """The HTML of the report: what was checked, the limits, then a page a case; `warning` stands on every page.

    Args:
        cases: One page each, in this order; at least one.
        checks: What was measured of the score, with bars; failed ones belong here, too.
        threshold: A score above it is called unusual; None for no call.
        reference: Of how many scores (of validation normals) the percentiles are, for their intervals.
        about: Paragraphs for the beginning: which model, which data, which score, how the threshold was chosen.
        limits: Paragraphs after those that hold for every such score.
        warning: For every page; medical images need one, others may have another.
        differences: Whether to show \\|x - reconstruction\\|, under a warning; left out by default, see the module.
        digits: Behind the point of scores.
        texts: Entries that replace those of :data:`TEXTS` and of the report's own ``TEXTS``.
        lang: The language of the texts.
    """
    if not cases or not warning:
        raise ValueError("a report has at least one case, and a warning for every page")
    words = worded(texts)
    height, width = cases[0].image.shape[1:]
    known = [words["limits"], words["pixels"].format(height=height, width=width), *([] if differences else [words["no_map"]])]
    first: list[Part] = [*about, *([Checks(checks)] if checks else [])]
    sections = [Section(words["checks"], first)] if first else []
    sections.append(Section(words["limits_title"], [*known, *limits]))
    more: dict[str, Any] = {"reference": reference, "differences": differences, "digits": digits, "texts": texts}
    pages = [case_section(case, threshold, **more) for case in cases]
    rest = {name: text for name, text in (texts or {}).items() if name not in TEXTS}
    return report(words["title"], sections=sections, cases=pages, warnings=[warning], texts=rest, lang=lang)


def save_anomaly_report(path: Path | str, cases: Sequence[Case], **options: object) -> Path:
    """Write :func:`anomaly_report` with these options to a file, whole or not at all; the path."""
    return save_report(path, anomaly_report(cases, **options))  # type: ignore[arg-type]
