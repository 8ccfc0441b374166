"""Random numbers that are a function of a place: whoever asks for the noise at (x, y) gets the same, in any order, anywhere.

A hash of 32 bits, so that JavaScript can repeat it exactly (``Math.imul`` and ``>>>``).
"""

import numpy as np
from jaxtyping import Float32, Int, UInt32

#: The golden ratio as a fraction of 2^32; keeps seed 0 and channel 0 away from 0, which a hash leaves where it is.
GOLDEN = 0x9E3779B9
#: The standard deviation of the sum of four bytes: each has the variance (256^2 - 1) / 12.
BYTES_SD = (4 * (256**2 - 1) / 12) ** 0.5
_LIMIT = 1 << 31


def scramble(h: UInt32[np.ndarray, "*shape"]) -> UInt32[np.ndarray, "*shape"]:
    """A bijection of 32 bits in which each bit of the answer depends on all bits of the question.

    ``h ^= h >> 16; h *= 0x7feb352d; h ^= h >> 15; h *= 0x846ca68b; h ^= h >> 16``, modulo 2^32.
    Source: Wellons, "Prospecting for hash functions" (lowbias32), 2018.
    """
    h = h ^ (h >> np.uint32(16))
    h = h * np.uint32(0x7FEB352D)
    h = h ^ (h >> np.uint32(15))
    h = h * np.uint32(0x846CA68B)
    return h ^ (h >> np.uint32(16))


def hashed(seed: int, channel: int, x: Int[np.ndarray, "*#shape"], y: Int[np.ndarray, "*#shape"]) -> UInt32[np.ndarray, "*shape"]:
    """``s(s(s(s(seed + GOLDEN) + channel) + x) + y)`` with ``s`` = :func:`scramble`, all modulo 2^32; x and y broadcast.

    Raises:
        ValueError: if a coordinate is 2^31 or more cells away from the origin.
    """
    for name, place in (("x", x), ("y", y)):
        if place.size and (int(place.min()) < -_LIMIT or int(place.max()) >= _LIMIT):
            raise ValueError(f"{name} must be from -2^31 to 2^31 - 1: the hash has 32 bits")
    key = np.array([(seed + GOLDEN) & 0xFFFFFFFF], np.uint32)
    key = scramble(scramble(key) + np.uint32(channel & 0xFFFFFFFF))
    columns, rows = x.astype(np.int64).astype(np.uint32), y.astype(np.int64).astype(np.uint32)
    return scramble(scramble(key[0] + columns) + rows)


def normal(seed: int, channel: int, x: Int[np.ndarray, "*#shape"], y: Int[np.ndarray, "*#shape"]) -> Float32[np.ndarray, "*shape"]:
    """Nearly standard normal: the sum of the hash's four bytes, less 510, over ``BYTES_SD`` (mean 0, variance 1, within 3.46).

    In float32: ``Math.fround((sum - 510) * Math.fround(1 / BYTES_SD))``, rounded once.
    """
    h = hashed(seed, channel, x, y)
    total = (h & np.uint32(255)) + ((h >> np.uint32(8)) & np.uint32(255)) + ((h >> np.uint32(16)) & np.uint32(255))
    total = (total + (h >> np.uint32(24))).astype(np.float32)
    return (total - np.float32(510)) * np.float32(1 / BYTES_SD)


def field(seed: int, channel: int, left: int, top: int, height: int, width: int) -> Float32[np.ndarray, "height width"]:
    """The noise of one channel on the window whose first cell is (x, y) = (`left`, `top`)."""
    return normal(seed, channel, np.arange(left, left + width)[None, :], np.arange(top, top + height)[:, None])


def fbm(seed: int, left: int, top: int, height: int, width: int, *, octaves: int = 7, gain: float = 0.5) -> np.ndarray:
    """Fractional Brownian motion as everybody draws it: octaves of smoothed noise, each half as wide and `gain` times as high.

    Octave k is :func:`field` on a lattice of 2^(octaves - 1 - k) cells, joined by the quintic 6t^5 - 15t^4 + 10t^3. Unit: the
    highest octave's noise has variance 1. Sources: Perlin, "An image synthesizer", 1985; Musgrave, 1993.
    """
    land = np.zeros((height, width))
    for k in range(octaves):
        step = 2 ** (octaves - 1 - k)
        x, y = np.arange(left, left + width)[None, :], np.arange(top, top + height)[:, None]
        (i, u), (j, v) = ((place // step, (place % step) / step) for place in (x, y))
        u, v = (t**3 * (t * (6 * t - 15) + 10) for t in (u, v))
        corner = [[normal(seed, k, i + b, j + a).astype(float) for b in (0, 1)] for a in (0, 1)]
        upper, lower = ((1 - u) * c[0] + u * c[1] for c in corner)
        land += gain**k * ((1 - v) * upper + v * lower)
    return land
