"""What a banner has to pass before it leaves the house: every check looks at the pixels of the finished file.

The masks that a drawing keeps say *where* a text should be; whether it can be read there is asked of the decoded PNG.
"""

import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, UInt8

from imggen_lib.applications.campaign.layout import Line
from imggen_lib.applications.campaign.palette import LARGE, SHAPE, TEXT, luminance
from imggen_lib.applications.campaign.render import Banner, brand_parts, line_mask, png
from imggen_lib.applications.campaign.sizes import Size

LARGE_PX = 18.66  # WCAG's 14 points of bold type, in CSS pixels
HEIGHTS = {"headline": 8, "button": 7, "brand": 7}  # CSS pixels from the baseline to the top of the tallest letter, at least
EDGE = 3  # CSS pixels that every text keeps from the edge
NEAR = 4  # CSS pixels around a text that are its local ground
WEIGHT = 0.6  # of the limit, at most
PERCENTILE = 5  # of the contrast of a text's pixels
NAMES = ("size", "whole", "apart", "legible", "contrast", "picture", "border", "weight")


class Verdict(NamedTuple):
    """One check of one banner: what was found, and the bar; `at_least` says on which side of it is good."""

    name: str
    value: float
    bar: float
    at_least: bool
    words: str

    @property
    def passed(self) -> bool:
        """Whether the value is on the right side of the bar, or on it."""
        return self.value >= self.bar if self.at_least else self.value <= self.bar


def text_bar(px: int) -> float:
    """WCAG's bar for bold type of this size in CSS pixels: 3 from 18.66 pixels on, else 4.5."""
    return LARGE if px >= LARGE_PX else TEXT


def lines(banner: Banner) -> dict[str, Line]:
    """The texts of a banner by the names of their masks."""
    found = {f"headline {k}": line for k, line in enumerate(banner.layout.headline, 1)}
    if banner.layout.button_text:
        found["button"] = banner.layout.button_text
    return found | {"brand": brand_parts(banner.layout)[0]}


def decoded(content: bytes) -> UInt8[np.ndarray, "h w 3"]:
    """The pixels of a picture file."""
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def luminances(pixels: UInt8[np.ndarray, "h w 3"]) -> Float[np.ndarray, "h w"]:
    """Relative luminance of each pixel, 0 to 1; asked once for each colour that occurs."""
    packed = (pixels.astype(np.uint32) << np.array([16, 8, 0], np.uint32)).sum(2)
    colours, index = np.unique(packed, return_inverse=True)
    values = np.array([luminance((int(c >> 16), int(c >> 8 & 255), int(c & 255))) for c in colours])
    return values[index].reshape(packed.shape)


def low_contrast(light: Float[np.ndarray, "h w"], mask: Float[np.ndarray, "h w"], around: int) -> float:
    """The 5th percentile, over pixels that a text covers wholly near its outline, of the contrast with the local ground.

    That is the pixels at most `around` away, along and across, that no part of the text covers: of the darkest and the lightest
    of them the one with the lower contrast counts. Soft rims count for neither, as WCAG asks. 1 where there is nothing to compare.
    """
    from scipy.ndimage import maximum_filter, minimum_filter

    rows, columns = np.nonzero(mask)
    if not len(rows):
        return 1.0
    window = tuple(slice(max(0, int(x.min()) - around), int(x.max()) + around + 1) for x in (rows, columns))
    light, mask = light[window], mask[window]
    ground = mask == 0
    core = mask == 1
    if not core.any() or not ground.any():
        return 1.0
    low = minimum_filter(np.where(ground, light, 2.0), 2 * around + 1)[core]
    high = maximum_filter(np.where(ground, light, -1.0), 2 * around + 1)[core]
    text = light[core]
    ratios = [(np.maximum(text, other) + 0.05) / (np.minimum(text, other) + 0.05) for other in (low, high)]
    beside = high >= 0  # the inside of a thick stroke has no ground near it
    return float(np.percentile(np.minimum(*ratios)[beside], PERCENTILE)) if beside.any() else 1.0


def _height(mask: Float[np.ndarray, "h w"], baseline: int) -> int:
    """How far the ink of a line of text reaches above its baseline, in device pixels."""
    rows = np.flatnonzero(mask.any(1))
    return max(0, baseline - int(rows[0])) if len(rows) else 0


def _whole(banner: Banner, texts: dict[str, Line]) -> float:
    """The smallest share of a text's ink that is on the banner and keeps its distance from the edge."""
    shares, s = [], banner.scale
    for name, line in texts.items():
        mask, pad = banner.masks[name], 60 * s
        free = line_mask(line, mask.shape[1] + 2 * pad, mask.shape[0] + 2 * pad, s, pad).sum()
        shares.append(float(mask[EDGE * s : -EDGE * s, EDGE * s : -EDGE * s].sum() / free) if free else 0.0)
    return min(shares)


def _apart(banner: Banner, texts: dict[str, Line]) -> float:
    """How many pixels two texts share, a text shares with the picture, or the button's text has outside its button."""
    x, y, w, h = (value * banner.scale for value in banner.layout.picture)
    picture = np.zeros(banner.pixels.shape[:2], bool)
    picture[y : y + h, x : x + w] = True
    covered = np.sum([banner.masks[name] > 0 for name in texts], axis=0)
    bad = int((covered > 1).sum() + ((covered > 0) & picture).sum())
    if banner.layout.button:
        x, y, w, h = (value * banner.scale for value in banner.layout.button)
        outside = np.ones(picture.shape, bool)
        outside[y : y + h, x : x + w] = False
        bad += int(((banner.masks["button"] > 0) & outside).sum())
    return float(bad)


def _legible(banner: Banner, texts: dict[str, Line]) -> tuple[float, str]:
    """The smallest height of a text over what its role needs, and which that is."""
    found = []
    for name, line in texts.items():
        tall = _height(banner.masks[name], line.y * banner.scale) / banner.scale
        found.append((tall / HEIGHTS[name.split()[0]], f"{name}: {tall:g} px high"))
    return min(found)


def _contrast(banner: Banner, texts: dict[str, Line], light: Float[np.ndarray, "h w"]) -> tuple[float, str]:
    """The smallest contrast of a text over its bar, and which that is."""
    found = []
    for name, line in texts.items():
        ratio = low_contrast(light, banner.masks[name], NEAR * banner.scale)
        found.append((ratio / text_bar(line.px), f"{name}: {ratio:.2f} of {text_bar(line.px):g}"))
    return min(found)


def _ring(shape: tuple[int, int], scale: int) -> Bool[np.ndarray, "h w"]:
    ring = np.ones(shape, bool)
    ring[scale:-scale, scale:-scale] = False
    return ring


def _picture(banner: Banner, light: Float[np.ndarray, "h w"]) -> float:
    """The contrast of the dots with the ground between them, both as medians of the file's pixels; 1 without either."""
    x, y, w, h = (value * banner.scale for value in banner.layout.picture)
    window = (slice(y, y + h), slice(x, x + w))
    inside, values = banner.masks["dots"][window], light[window]
    free = ~_ring(light.shape, banner.scale)[window]
    top = inside[free].max(initial=0)
    if not top or not ((inside == 0) & free).any():
        return 1.0
    a, b = np.median(values[(inside == top) & free]), np.median(values[(inside == 0) & free])
    return float((max(a, b) + 0.05) / (min(a, b) + 0.05))


def check(banner: Banner, size: Size, content: bytes | None = None) -> list[Verdict]:
    """All checks of a banner, of its file `content` (:func:`~imggen_lib.applications.campaign.render.png` if not given).

    size: the file has the pixels that were asked for. whole: no text is cut off or nearer to the edge than 3 pixels. apart: no text
    lies on another, on the picture, or outside its button. legible: letters have their height. contrast: WCAG 2.2, 1.4.3, for each
    text against its local ground. picture: 3 to 1 for the dots (1.4.11). border: one colour all around, 3 to 1 to a white page.
    weight: at most 60 % of the limit.
    """
    content = png(banner) if content is None else content
    pixels, texts = decoded(content), lines(banner)
    right = pixels.shape[:2] == (size.height * banner.scale, size.width * banner.scale)
    if not right or pixels.shape != banner.pixels.shape:
        return [Verdict("size", 0.0, 1.0, True, f"{pixels.shape[1]} x {pixels.shape[0]} pixels")]
    light = luminances(pixels)
    edge = light[_ring(light.shape, banner.scale)]
    border = 1.05 / (float(edge.max()) + 0.05) if np.ptp(edge) == 0 else 1.0
    tall, which = _legible(banner, texts)
    ratio, worst = _contrast(banner, texts, light)
    weight = len(content) / (1000 * size.limit)
    dots, apart = _picture(banner, light), _apart(banner, texts)
    return [
        Verdict("size", 1.0, 1.0, True, f"{pixels.shape[1]} x {pixels.shape[0]} pixels"),
        Verdict("whole", _whole(banner, texts), 1.0, True, "share of the ink on the banner, of the worst text"),
        Verdict("apart", apart, 0.0, False, "pixels where a text lies on something"),
        Verdict("legible", tall, 1.0, True, which),
        Verdict("contrast", ratio, 1.0, True, worst),
        Verdict("picture", dots, SHAPE, True, f"dots on their ground: {dots:.2f}"),
        Verdict("border", border, SHAPE, True, f"edge on white: {border:.2f}"),
        Verdict("weight", weight, WEIGHT, False, f"{len(content) / 1000:.1f} of {size.limit} kB"),
    ]


def all_passed(verdicts: Sequence[Verdict]) -> bool:
    """Whether every check was made, and passed."""
    return [v.name for v in verdicts] == list(NAMES) and all(v.passed for v in verdicts)
