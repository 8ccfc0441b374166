"""A sheet for raters without Jupyter: one HTML file that holds its images, keeps the answers, and gives them back as a CSV.

It needs no network and may not use any (its content security policy says so), asks for no name, works by keyboard alone and on a
phone, and keeps the answers in the browser's storage where there is one, so that a reload loses nothing, and neither do two tabs.
A slip can be taken back. A second person at the same browser starts anew, under an own random number, and nothing of the first
one's is lost: the CSV has the answers of everybody who used this sheet in this browser. It is what
:func:`imggen_lib.people.study.read_judgements` or :func:`imggen_lib.people.opinions.read_opinions` reads. Every text is an
argument, so that a sheet can be had in any language: ``texts={"question": ...}`` replaces entries of ``TEXTS``.
"""

import base64
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from imggen_lib import files
from imggen_lib.data import to_uint8
from imggen_lib.people.opinions import OPINION_COLUMNS, OpinionTrial, check_points
from imggen_lib.people.sheet_page import PAGE, SCRIPT, STYLE
from imggen_lib.people.study import COLUMNS, Source, Trial

if TYPE_CHECKING:
    from PIL.Image import Image

TEXTS: dict[str, str] = {
    "title": "Comparing images",
    "question": "Which of the two images looks more real?",
    "opinion_title": "Judging images",
    "opinion_question": "How real does this image look?",
    "intro": "You will be asked {of} times. There is no answer that we would like to hear: say what you see. If you cannot decide, "
    "follow your first impression. You may stop at any time. Your answers are kept under a random number, without your name.",
    "keys": "Click or tap an image, or press the key 1 or the left arrow for the left one, 2 or the right arrow for the right one.",
    "opinion_keys": "Click or tap a number, or press its key.",
    "left": "left image",
    "right": "right image",
    "tie": "cannot tell",
    "image": "the image to judge",
    "scale_low": "bad",
    "scale_high": "excellent",
    "start": "Start",
    "continue": "Continue",
    "count": "{n} of {of}",
    "progress": "progress",
    "stop": "Stop here",
    "back": "Back",
    "anew": "Someone else? Start anew",
    "pause_title": "A short break",
    "pause": "{n} of {of} are done. Look out of the window for a moment, then go on.",
    "end_title": "Thank you",
    "end": "You have answered {n} of {of}. Save the answers as a file, or copy the text; send it to whoever gave you this page.",
    "save": "Save as a file",
    "copy": "Copy",
    "copied": "Copied.",
    "answers": "your answers",
    "panel_keys": "Or press a key in this field:",
    "panel_end": "Thank you. All {of} are done; the answers are in the file.",
    "volatile": "This browser keeps nothing: if you close or reload the page before the end, your answers are lost.",
}


def worded(texts: Mapping[str, str] | None) -> dict[str, str]:
    """``TEXTS`` with some entries replaced; a name that is not among them is refused."""
    unknown = set(texts or {}) - TEXTS.keys()
    if unknown:
        raise ValueError(f"there is no text {min(unknown)!r}; the names are {', '.join(TEXTS)}")
    return TEXTS | dict(texts or {})


def shown_images(key: Mapping[str, Source], systems: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The image ``(c, h, w)`` behind each id of a plan's key, from each system's images ``(n, c, h, w)``."""
    missing = {source.system for source in key.values()} - systems.keys()
    if missing:
        raise ValueError(f"there are no images of {', '.join(sorted(missing))}")
    short = {source.system for source in key.values() if source.number >= len(systems[source.system])}
    if short:
        raise ValueError(f"the plan asks for more images than there are of {', '.join(sorted(short))}")
    if len({tuple(images.shape[1:]) for images in systems.values()}) > 1:
        raise ValueError("all systems' images must have the same size and channels, or a rater sees who made them")
    return {name: systems[source.system][source.number] for name, source in key.items()}


def bitmap(image: Tensor, scale: int = 1) -> "Image":
    """An image ``(c, h, w)`` in [-1, 1] as 8-bit grey or RGB, each pixel `scale` pixels wide."""
    from PIL import Image

    if image.ndim != 3 or image.shape[0] not in (1, 3):
        raise ValueError(f"expected an image of shape (1 or 3, h, w), got {tuple(image.shape)}")
    pixels = to_uint8(image).cpu().permute(1, 2, 0).numpy()
    picture = Image.fromarray(pixels[:, :, 0] if len(image) == 1 else pixels)
    return picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)


def _data_url(image: Tensor) -> str:
    out = io.BytesIO()
    bitmap(image).save(out, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"


def _choices(words: Mapping[str, str], tie: bool) -> str:
    sides = "".join(
        f'<button class="pick" data-choice="{side}" aria-label="{escape(words[side])} ({k})"><img alt=""><span>{k}</span></button>'
        for k, side in enumerate(("left", "right"), 1)
    )
    draw = f'<button data-choice="tie">{escape(words["tie"])} (0)</button>' if tie else ""
    return f'<div class="images">{sides}</div>{draw}'


def _scale(words: Mapping[str, str], points: int) -> str:
    marks = {1: words["scale_low"], points: words["scale_high"]}
    buttons = "".join(
        f'<button data-choice="{k}">{k}<small>{escape(marks.get(k, ""))}</small></button>' for k in range(1, points + 1)
    )
    return f'<div class="images"><img class="one" alt="{escape(words["image"])}"></div><div class="scale">{buttons}</div>'


def _page(
    rows: list[tuple[str, ...]], columns: Sequence[str], shown: Mapping[str, Tensor], keys: Mapping[str, str], controls: str,
    words: Mapping[str, str], lang: str, pause: int,
) -> str:  # fmt: skip
    """The HTML of a sheet; `rows` are (sheet, item, ...) with the image ids last, as many as there are ``<img>`` in `controls`."""
    if not rows or len({row[0] for row in rows}) != 1 or pause < 1:
        raise ValueError("a page holds the trials of one sheet, at least one, with a break after one trial or more")
    count = controls.count("<img")
    wanted = sorted({name for row in rows for name in row[-count:]})
    if missing := [name for name in wanted if name not in shown]:
        raise ValueError(f"{len(missing)} of the {len(wanted)} images are missing, such as {missing[0]}")
    if len({tuple(shown[name].shape) for name in wanted}) > 1:
        raise ValueError("all images must have the same size and channels, or a rater sees who made them")
    content = {
        "sheet": rows[0][0],
        "columns": ",".join(columns),
        "trials": [row[1:] for row in rows],
        "images": {name: _data_url(shown[name]) for name in wanted},
        "keys": dict(keys),
        "pause": pause,
        "texts": {name: words[name] for name in ("count", "start", "continue", "pause", "end", "copied")},
    }
    text = json.dumps(content, ensure_ascii=False)
    content["digest"] = hashlib.sha256(text.encode()).hexdigest()[:16]
    small = max(shown[wanted[0]].shape[1:]) < 128
    data = json.dumps(content, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    parts = {"style": STYLE + ("img{image-rendering:pixelated}" if small else ""), "data": data, "script": SCRIPT}
    plain = {name: escape(text.replace("{of}", str(len(rows)))) for name, text in words.items()}
    return PAGE.format(lang=escape(lang), controls=controls, total=len(rows), t=plain, **parts)


def comparison_sheet(
    trials: Sequence[Trial], shown: Mapping[str, Tensor], *, texts: Mapping[str, str] | None = None, lang: str = "en",
    tie: bool = False, pause: int = 50,
) -> str:  # fmt: skip
    """The HTML of a sheet of comparisons, in the plan's order; `shown` has the image ``(c, h, w)`` in [-1, 1] of each id.

    With `tie` a rater may say that there is no telling. After every `pause` trials there is a break, as long as the rater wants.
    """
    words = worded(texts)
    keys = {"1": "left", "ArrowLeft": "left", "2": "right", "ArrowRight": "right"} | ({"0": "tie"} if tie else {})
    rows = [astuple(trial) for trial in trials]
    return _page(rows, COLUMNS, shown, keys, _choices(words, tie), words, lang, pause)


def opinion_sheet(
    trials: Sequence[OpinionTrial], shown: Mapping[str, Tensor], *, texts: Mapping[str, str] | None = None, lang: str = "en",
    points: int = 5, pause: int = 50,
) -> str:  # fmt: skip
    """The HTML of a sheet of single images, each to be scored from 1 to `points` (9 at most); higher is better."""
    check_points(points)
    words = worded(texts)
    words |= {name: words[f"opinion_{name}"] for name in ("title", "question", "keys")}
    keys = {str(k): str(k) for k in range(1, points + 1)}
    rows = [astuple(trial) for trial in trials]
    return _page(rows, OPINION_COLUMNS, shown, keys, _scale(words, points), words, lang, pause)


def save_sheet(path: Path | str, html: str) -> Path:
    """Write the page as UTF-8."""
    return files.write(files.expanded(path), lambda target: target.write_text(html, encoding="utf-8"))


def embedded(html: str, title: str, height: int = 560) -> str:
    """The sheet as an ``<iframe>`` for a notebook or a page: by itself, without access to what surrounds it."""
    return (
        f'<iframe title="{escape(title)}" sandbox="allow-scripts allow-downloads" srcdoc="{escape(html)}" '
        f'style="width:100%;height:{height}px;border:1px solid #888"></iframe>'
    )
