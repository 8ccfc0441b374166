"""Fields of shapes that are known, and some of real characters."""

import numpy as np

from imggen_lib.applications.characters import fields
from imggen_lib.data import kanji
from imggen_lib.data.kanjivg import BOX, CELLS, STROKE, to_distance

CENTRES = (np.arange(CELLS) + 0.5) * BOX / CELLS


def ring(radius: float = 30.0, width: float = STROKE, x: float = 54.5, y: float = 54.5) -> np.ndarray:
    """The exact field of a ring: ink within `width` of a circle."""
    away = np.hypot(CENTRES - x, (CENTRES - y)[:, None])
    return np.clip(width - np.abs(away - radius), fields.OUTSIDE, None)


def disc(radius: float, x: float, y: float) -> np.ndarray:
    return np.clip(radius - np.hypot(CENTRES - x, (CENTRES - y)[:, None]), fields.OUTSIDE, STROKE)


def held_out() -> np.ndarray:
    return to_distance(kanji("validation").floats(40))[:, 0].double().numpy()
