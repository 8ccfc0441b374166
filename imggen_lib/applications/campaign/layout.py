"""Where everything goes: five kinds of layout, chosen by the size alone, in whole CSS pixels.

No text ever stands on the picture. A headline that would be smaller than :data:`LEAST` is not squeezed in: the size gets the layout
``logo``, without the headline, and says so in words (`note`).
"""

from collections.abc import Callable
from typing import NamedTuple

LEAST, LEAST_BUTTON = 11, 10  # pixels of type, headline and button
SLACK = 1.05  # what rounding each letter to whole pixels may add to a line
BRAND, BUTTON = "latent", "See the drafts"
MARK = ((0.14, 0.14), (0.58, 0.22), (1.18, 0.30))  # the brand's three dots: place and radius in em
WORD = 1.80  # where the brand's name begins, in em

#: The width of a text in em, that is at a type size of 1 pixel.
Measure = Callable[[str], float]


class Box(NamedTuple):
    """Upper left corner, width and height."""

    x: int
    y: int
    w: int
    h: int


class Line(NamedTuple):
    """A line of text: where it begins, its baseline, and the size of its type."""

    text: str
    x: int
    y: int
    px: int


class Layout(NamedTuple):
    """Everything that is drawn; `garments` stand in the picture in a row, or below one another if it is taller than wide."""

    kind: str
    width: int
    height: int
    picture: Box
    garments: int
    headline: tuple[Line, ...]
    brand: Line
    stacked: bool  # the brand's dots stand above its name
    button: Box | None
    button_text: Line | None
    note: str


def clamp(value: int, low: int, high: int) -> int:
    """The value, or the bound that it is beyond."""
    return max(low, min(value, high))


def cap(px: int) -> int:
    """The height of a capital letter."""
    return (px * 73 + 50) // 100


def leading(px: int) -> int:
    """From one baseline to the next."""
    return (px * 112 + 50) // 100


def block_height(px: int, lines: int) -> int:
    """Of some lines, from the top of the capitals to the last baseline."""
    return cap(px) + (lines - 1) * leading(px)


def wrap(text: str, width: float, measure: Measure) -> list[str]:
    """Lines that are at most `width` em wide if each word is; as many words a line as fit."""
    lines: list[str] = []
    for word in text.split():
        if lines and measure(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def balanced(text: str, width: float, measure: Measure) -> list[str]:
    """The same number of lines as :func:`wrap`, in the narrowest of 24 widths that has it, so that no word is left alone."""
    best = wrap(text, width, measure)
    for k in range(23, 0, -1):
        tried = wrap(text, width * k / 24, measure)
        if len(tried) > len(best) or max(map(measure, tried)) > width:
            break
        best = tried
    return best


def fitted(
    text: str, width: int, height: int, most: int, lines: int, measure: Measure, least: int = LEAST
) -> tuple[int, list[str]]:
    """The largest type, from `most` down to `least`, at which the text fits in at most so many lines; 0 if there is none."""
    for px in range(most, least - 1, -1):
        room = width / (px * SLACK)
        found = balanced(text, room, measure)
        if found and len(found) <= lines and block_height(px, len(found)) <= height and max(map(measure, found)) <= room:
            return px, found
    return 0, []


def text_width(text: str, px: int, measure: Measure) -> int:
    """In pixels, with slack, rounded up."""
    return -int(-(measure(text) * px * SLACK) // 1)


def brand_width(px: int, measure: Measure) -> int:
    """The three dots and the name."""
    return text_width(BRAND, px, measure) + int(WORD * px)


def garment_count(width: int, height: int) -> int:
    """How many garments stand in a picture: as many squares as its long side holds, rounded, at most four."""
    long, short = max(width, height), min(width, height)
    return clamp((2 * long + short) // (2 * short), 1, 4)


def _lines(found: list[str], x: int, top: int, px: int) -> tuple[Line, ...]:
    return tuple(Line(text, x, top + cap(px) + k * leading(px), px) for k, text in enumerate(found))


def _button(text: str, x: int, bottom: int, room: int, px: int, measure: Measure) -> tuple[Box, Line] | None:
    """A button whose lower left corner is at (x, bottom), at most `room` wide; None if its text would be too small."""
    for size in range(px, LEAST_BUTTON - 1, -1):
        inside, high = text_width(text, size, measure), (size * 12) // 5
        if inside + 2 * size <= room:
            box = Box(x, bottom - high, inside + 2 * size, high)
            middle = x + (box.w - int(measure(text) * size)) // 2
            return box, Line(text, middle, box.y + (high + cap(size)) // 2, size)
    return None


def _tower(w: int, h: int, headline: str, button: str, measure: Measure) -> Layout | None:
    """Taller than wide: brand, picture over the full width, headline, button."""
    m = clamp(min(w, h) // 12, 12, 48)
    brand = clamp(m, 14, 40)
    found = _button(button, m, h - m, w - 2 * m, clamp(m * 2 // 3, 11, 28), measure)
    px, lines = fitted(headline, w - 2 * m, h * 24 // 100, w // 6, 4, measure)
    if not px or not found:
        return None
    tall = block_height(px, len(lines))
    top = found[0].y - m - px // 5 - tall
    y = m + cap(brand) + m
    picture = Box(0, y, w, top - m - y)
    return Layout("tower", w, h, picture, garment_count(w, picture.h), _lines(lines, m, top, px),
                  Line(BRAND, m, m + cap(brand), brand), False, *found, "")  # fmt: skip


def _side(w: int, h: int, headline: str, button: str, measure: Measure) -> Layout | None:
    """Text on the left (brand, headline, button), picture over the full height on the right."""
    m = clamp(min(w, h) // 12, 12, 48)
    wide = w * 44 // 100
    room, brand = w - wide - 2 * m, clamp(min(w, h) // 14, 14, 40)
    found = _button(button, m, h - m, room, clamp(w // 60, 12, 28), measure)
    if not found:
        return None
    low, high = m + cap(brand) + m, found[0].y - m
    px, lines = fitted(headline, room, high - low, h * 22 // 100, 4, measure)
    if not px:
        return None
    top = low + (high - low - block_height(px, len(lines))) // 2
    return Layout("side", w, h, Box(w - wide, 0, wide, h), garment_count(wide, h), _lines(lines, m, top, px),
                  Line(BRAND, m, m + cap(brand), brand), False, *found, "")  # fmt: skip


def _strip(w: int, h: int, headline: str, button: str, measure: Measure) -> Layout | None:
    """One row: picture, headline, and on the right the brand above the button, or under 60 pixels of height the brand alone."""
    m = clamp(h // 7, 7, 14)
    count = clamp(w // 300, 1, 4)
    wide = count * h + h // 4
    brand = clamp(h // 5, 13, 20)
    column = brand_width(brand, measure)
    found, note = None, "no button: the whole banner is one"
    if h >= 60:
        found, note = _button(button, 0, h - m, w // 4, 13, measure), ""
        if not found:
            return None
        column = max(column, found[0].w)
    x = w - m - column
    px, lines = fitted(headline, x - wide - 3 * m, h - 2 * m, h * 2 // 5, 2, measure)
    if not px:
        return None
    top = (h - block_height(px, len(lines))) // 2
    name = Line(BRAND, x, m + cap(brand) + (2 if found else (h - 2 * m - cap(brand)) // 2), brand)
    box, text = (None, None) if not found else (found[0]._replace(x=x), found[1]._replace(x=found[1].x + x))
    return Layout("strip", w, h, Box(0, 0, wide, h), count, _lines(lines, wide + 3 * m // 2, top, px), name, False, box, text, note)


def _logo(w: int, h: int, measure: Measure, note: str) -> Layout:
    """Picture and brand alone."""
    m = clamp(min(w, h) // 10, 5, 24)
    wide = w // 2 if w >= h else w
    picture = Box(0, 0, wide, h) if w >= h else Box(0, 0, w, h * 3 // 4)
    left = Box(wide, 0, w - wide, h) if w >= h else Box(0, h * 3 // 4, w, h - h * 3 // 4)
    for px in range(clamp(left.h * 2 // 5, 11, 28), 10, -1):
        if brand_width(px, measure) <= left.w - 2 * m and px <= left.h - 2 * m:
            x = left.x + (left.w - brand_width(px, measure)) // 2
            line, stacked = Line(BRAND, x, left.y + (left.h + cap(px)) // 2, px), False
            break
    else:
        px = next((k for k in range(40, LEAST_BUTTON - 1, -1) if text_width(BRAND, k, measure) <= left.w - 2 * m), 0)
        if not px or 2 * px > left.h - 2 * m:
            raise ValueError(f"{w}x{h} has no room even for the brand")
        x = left.x + (left.w - int(measure(BRAND) * px)) // 2
        line, stacked = Line(BRAND, x, left.y + left.h // 2 + cap(px) + 1, px), True
    return Layout("logo", w, h, picture, garment_count(picture.w, picture.h), (), line, stacked, None, None, note)


def lay_out(width: int, height: int, headline: str, measure: Measure, button: str = BUTTON) -> Layout:
    """The layout of a size, by rule: taller than wide a ``tower``, under 150 pixels of height a ``strip``, else ``side``.

    Under 10,000 square pixels, and where the headline or the button would be too small to read, ``logo``; `note` says why.
    """
    if min(width, height) < 40 or max(width, height) > 4000:
        raise ValueError(f"a banner has sides of 40 to 4,000 pixels, got {width} x {height}")
    if not headline.strip() or not button.strip():
        raise ValueError("a headline and a button have words")
    if width * height < 10_000:
        return _logo(width, height, measure, "too small for a headline: picture and brand alone")
    kind = _tower if height > width else _strip if height < 150 else _side
    found = kind(width, height, headline, button, measure)
    words = f"the headline would be smaller than {LEAST} pixels, or the button than {LEAST_BUTTON}: picture and brand alone"
    return found or _logo(width, height, measure, words)
