"""The exact field of a stroke with round ends."""

from typing import Any

import numpy as np

CENTRES = (np.arange(32) + 0.5) * 109 / 32


def capsule(x: Any, y: Any, left: float, right: float, height: float, width: float) -> Any:
    """The signed distance to a horizontal stroke from `left` to `right`, half as wide as twice `width`; positive inside."""
    return width - np.hypot(np.clip(x, left, right) - x, y - height)
