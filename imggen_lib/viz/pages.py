"""HTML for the page that works without a kernel and without a network: films, and sliders over precomputed pictures."""

import base64
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any
from zlib import crc32

import numpy as np
from torch import Tensor

from imggen_lib.viz.figure import Picture, palette_png
from imggen_lib.viz.sheets import enlarged, gif, tile


class Html:
    """Something for the page that is neither text nor a figure, with its HTML."""

    def __init__(self, html: str, words: str) -> None:
        self.html, self.words = html, words

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return f"<{self.words}>"


def _data_url(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def film(frames: Sequence[Tensor], alt: str, **options: Any) -> Html:
    """A training film for the page: see :func:`gif`; `alt` says in words what it shows."""
    source = _data_url(gif(frames, **options), "gif")
    return Html(f'<img src="{source}" alt="{escape(alt)}" style="width:100%;max-width:900px">', "training film")


def flipbook(frames: Sequence[Tensor], labels: Sequence[str], alt: str, columns: int | None = None, scale: int = 2) -> Html:
    """A slider through sheets of images that works without a kernel and without a network: all frames are in the page.

    `labels` has a text for each frame, shown beside the slider; the arrow keys move it.
    """
    if not frames or len(frames) != len(labels):
        raise ValueError(f"a flipbook needs a label for each frame, got {len(frames)} frames and {len(labels)} labels")
    return _slider_page([[tile(f, columns)] for f in frames], {"": labels}, alt, scale, colours=16, pixelated=True)


Axes = Mapping[str, Sequence[float | str] | Mapping[str, Any]]


def sliders(draw: Callable[..., Picture], axes: Axes, alt: str, colours: int = 32, told: Callable[..., str] | None = None) -> Html:
    """One slider or two that choose among charts drawn beforehand: ``draw(value)`` or ``draw(value, value)`` for every choice.

    Two values are two buttons to choose from. `axes` maps the name beside each slider (a symbol, best) to its values, or to a
    mapping from what is said to the value; `alt` says in words what is seen, ``told(value, value)`` what each choice means, in a
    line below. All charts must have the same size. Works without a kernel and without a network; keep the product of the numbers
    of values under about 80.
    """
    if len(axes) not in (1, 2) or not all(axes.values()):
        raise ValueError(f"one or two sliders with at least one value each, got {list(axes)}")
    values = [list(v.values()) if isinstance(v, Mapping) else list(v) for v in axes.values()]
    choices = [[(a, b) for b in values[1]] if len(values) == 2 else [(a,)] for a in values[0]]
    table = [[np.asarray(draw(*choice).pixels()) for choice in row] for row in choices]
    if len({cell.shape for row in table for cell in row}) > 1:
        raise ValueError("all charts must have the same size")
    labels = {name: [_said(v) for v in given] for name, given in axes.items()}
    lines = [] if told is None else [told(*choice) for row in choices for choice in row]
    return _slider_page(table, labels, alt, scale=1, colours=colours, pixelated=False, lines=lines)


def _said(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}".replace("-", "\u2212")


# A slider or a choice has moved: its words, and the part of the picture that is seen.
_MOVE = (
    "const row=this.closest('[data-labels]'),box=row.closest('[data-frames]'),said=row.dataset.labels.split('|')[this.value];"
    "row.dataset.at=this.value;"
    "if(this.type==='range'){this.setAttribute('aria-valuetext',said);row.lastElementChild.textContent=said}"
    "const at=[...box.querySelectorAll('[data-labels]')].map(e=>100*e.dataset.at/(e.dataset.labels.split('|').length-1||1));"
    "box.firstElementChild.style.backgroundPosition=(at[1]??0)+'% '+at[0]+'%';"
    "const line=box.querySelector('[data-told]'),n=[...box.querySelectorAll('[data-at]')].map(e=>+e.dataset.at);"
    "if(line)line.textContent=line.dataset.told.split('|')[n.length>1?n[0]*line.dataset.columns+n[1]:n[0]]"
)


def _slider(name: str, values: Sequence[str], start: int, words: str) -> str:
    """A slider with its name and its value; screen readers are told the value as it is shown."""
    shown = escape(values[start])
    return (
        f'{escape(name)}<input type="range" style="flex:1;min-width:0" min="0" max="{len(values) - 1}" value="{start}" '
        f'aria-label="{escape(words)}" aria-valuetext="{shown}" oninput="{_MOVE}">'
        f'<output aria-hidden="true" style="min-width:3em">{shown}</output>'
    )


def _choice(name: str, values: Sequence[str], start: int, group: str) -> str:
    """Two values to choose from: a slider would have two stops."""
    buttons = [
        f'<label style="display:flex;gap:.3em;align-items:center;min-height:2em">'
        f'<input type="radio" name="{group}" value="{k}"{" checked" * (k == start)} oninput="{_MOVE}">{escape(value)}</label>'
        for k, value in enumerate(values)
    ]
    return f"<span>{escape(name)}</span>{''.join(buttons)}"


def _slider_page(
    table: list[list[np.ndarray]],
    axes: Mapping[str, Sequence[str]],
    alt: str,
    scale: int,
    colours: int,
    pixelated: bool,
    lines: Sequence[str] = (),
) -> Html:
    """All pictures in one PNG, rows for the first control and columns for the second; a control moves what is seen of it."""
    height, width = table[0][0].shape[:2]
    sprite = palette_png(enlarged(np.concatenate([np.concatenate(row, 1) for row in table]), 1), colours)
    starts = [len(values) // 2 for values in axes.values()]
    shares = [100 * start / max(len(values) - 1, 1) for start, values in zip(starts, axes.values(), strict=True)]
    style = (
        f"width:100%;max-width:{width * scale}px;aspect-ratio:{width}/{height};{'image-rendering:pixelated;' * pixelated}"
        f"background-size:{100 * len(table[0])}% {100 * len(table)}%;"
        f"background-position:{[*shares, 0][1]}% {shares[0]}%;background-image:url({_data_url(sprite, 'png')})"
    )
    row_style = f"display:flex;flex-wrap:wrap;gap:0 .6em;align-items:center;max-width:{width * scale}px"
    controls = []
    for k, ((name, values), start) in enumerate(zip(axes.items(), starts, strict=True)):
        words = f"{alt}: {name}" if name else alt
        data = f'data-labels="{escape("|".join(values))}" data-at="{start}" style="{row_style}"'
        if len(values) == 2:
            group = f"choice-{crc32(sprite)}-{k}"
            inside = _choice(name, values, start, group)
            controls.append(f'<div role="radiogroup" aria-label="{escape(words)}" {data}>{inside}</div>')
        else:
            controls.append(f"<label {data}>{_slider(name, values, start, words)}</label>")
    picture = f'<div role="img" aria-label="{escape(alt)}" style="{style}"></div>'
    if lines:
        shown = escape(lines[starts[0] * len(table[0]) + [*starts, 0][1]])
        told = f'data-told="{escape("|".join(lines))}" data-columns="{len(table[0])}"'
        controls.append(f'<p role="status" {told} style="max-width:{width * scale}px;margin:.2em 0">{shown}</p>')
    return Html(f"<div data-frames>{picture}{''.join(controls)}</div>", "sliders")
