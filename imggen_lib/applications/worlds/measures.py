"""What makes land land: slopes, spectrum, and above all that water finds its way out.

Land is an array of heights in metres, or patches of it ``(n, rows, columns)``; cells are squares of `cell` metres.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from imggen_lib.applications.worlds.generator import CELL

Land = Float[np.ndarray, "*n rows columns"]
LEAST = 1e-3  # metres: a cell that filling raises by less is no hollow but rounding


def patches(land: Float[np.ndarray, "rows columns"], size: int = 64, step: int | None = None) -> Float[np.ndarray, "n size size"]:
    """Squares of `size` cells, `step` cells apart (by default `size`, so that they share none)."""
    if size < 1 or size > min(land.shape):
        raise ValueError(f"a patch of {size} cells does not fit into {land.shape[0]} x {land.shape[1]}")
    every = step or size
    down, across = (range(0, n - size + 1, every) for n in land.shape)
    return np.stack([land[i : i + size, j : j + size] for i in down for j in across])


def slopes(land: Land, cell: float = CELL) -> Float[np.ndarray, "*n rows2 columns2"]:
    """Degrees, from central differences, without the outermost cells."""
    down = (land[..., 2:, 1:-1] - land[..., :-2, 1:-1]) / (2 * cell)
    across = (land[..., 1:-1, 2:] - land[..., 1:-1, :-2]) / (2 * cell)
    return np.degrees(np.arctan(np.hypot(down, across)))


def largest_gap(a: np.ndarray, b: np.ndarray) -> float:
    """Kolmogorov's distance: the largest difference, over all values, between the shares of `a` and of `b` that lie below it."""
    a, b = np.sort(a, axis=None), np.sort(b, axis=None)
    values = np.concatenate((a, b))
    below = np.searchsorted(a, values, "right") / a.size - np.searchsorted(b, values, "right") / b.size
    return float(np.abs(below).max())


def log_spectrum(land: Float[np.ndarray, "n size size"]) -> Float[np.ndarray, " half"]:
    """Mean log power of patches at 2, 3, ..., size/2 waves a patch, after the plane of best fit is taken off (Hann's window).

    The power is averaged over patches and over the ring of frequencies from k - 1/2 to k + 1/2, then its natural logarithm taken.
    """
    size = land.shape[-1]
    hann = np.hanning(size)
    power = (np.abs(np.fft.fft2(without_plane(land) * hann[:, None] * hann)) ** 2).mean(0)
    k = np.fft.fftfreq(size, 1 / size)
    ring = np.floor(np.hypot(k[:, None], k) + 0.5).astype(int)
    sums, counts = (np.bincount(ring.ravel(), w, size)[2 : size // 2 + 1] for w in (power.ravel(), np.ones(size * size)))
    return np.log(sums / counts)


def without_plane(land: Float[np.ndarray, "n size size"]) -> Float[np.ndarray, "n size size"]:
    """Patches less their plane of best fit (least squares)."""
    size = land.shape[-1]
    t = np.arange(size) - (size - 1) / 2
    basis = np.stack([np.ones((size, size)), np.broadcast_to(t, (size, size)), np.broadcast_to(t[:, None], (size, size))])
    flat = basis.reshape(3, -1)
    parts = land.reshape(len(land), -1) @ flat.T / (flat**2).sum(1)
    return land - (parts @ flat).reshape(land.shape)


def spectrum_error(a: Float[np.ndarray, "n size size"], b: Float[np.ndarray, "m size size"]) -> float:
    """The root mean squared difference of two log spectra (:func:`log_spectrum`), in nats; 0.69 is a factor of 2 in power."""
    return float(np.sqrt(((log_spectrum(a) - log_spectrum(b)) ** 2).mean()))


def curvature(land: Land) -> Float[np.ndarray, "*n rows4 columns4"]:
    """The divergence of the gradient, both by central differences, in metres a cell^2: negative on ridges, positive in valleys."""
    middle = land[..., 2:-2, 2:-2]
    ends = land[..., 4:, 2:-2] + land[..., :-4, 2:-2] + land[..., 2:-2, 4:] + land[..., 2:-2, :-4]
    return (ends - 4 * middle) / 4


def curvature_skew(land: Land) -> float:
    """The skewness of the curvature; negative where ridges are sharper than valleys, 0 for every Gaussian field."""
    c = curvature(np.asarray(land, float))
    d = c - c.mean()
    return float((d**3).mean() / (d**2).mean() ** 1.5)


def preferred_direction(land: Land) -> float:
    r"""How much steeper land is across its favourite direction than along it: 0 for none, 1 if it is all parallel folds.

    :math:`(\lambda_1 - \lambda_2) / (\lambda_1 + \lambda_2)`, with the eigenvalues of the mean of
    :math:`\nabla h\, \nabla h^T` over all cells.
    """
    land = np.asarray(land, float)
    down, across = land[..., 2:, 1:-1] - land[..., :-2, 1:-1], land[..., 1:-1, 2:] - land[..., 1:-1, :-2]
    a, b, c = (down**2).mean(), (across**2).mean(), (down * across).mean()
    return float(np.hypot(a - b, 2 * c) / (a + b)) if a + b > 0 else 0.0


def filled(land: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, "rows columns"]:
    """The land under water after endless rain that runs off over the border: each cell at the lowest height from which it drains.

    A greyscale reconstruction by erosion (scikit-image). Source: Vincent, IEEE Trans. Image Processing 2, 1993.
    """
    from skimage.morphology import reconstruction

    land = np.asarray(land, float)
    seed = land.copy()
    seed[1:-1, 1:-1] = land.max()
    return np.asarray(reconstruction(seed, land, method="erosion"))


def hollows(land: Float[np.ndarray, "rows columns"]) -> Bool[np.ndarray, "rows columns"]:
    """The cells where water would stand: those that :func:`filled` raises by more than ``LEAST`` metres."""
    return filled(land) - land > LEAST


def hollow_share(land: Float[np.ndarray, "n size size"]) -> list[float]:
    """The share of hollows of every patch. A hollow that a patch's border cuts open is none, so larger patches have a few more."""
    return [float(hollows(patch).mean()) for patch in land]


def fill_depth(land: Float[np.ndarray, "n size size"]) -> list[float]:
    """The mean depth in metres of the water that would stand, over all cells of a patch."""
    return [float((filled(patch) - patch).mean()) for patch in land]


def pit_share(land: Float[np.ndarray, "n size size"]) -> float:
    """The share of inner cells that are lower than all eight neighbours."""
    rows, columns = land.shape[-2:]
    around = [(a, b) for a in range(3) for b in range(3) if (a, b) != (1, 1)]
    lower = [land[..., 1:-1, 1:-1] < land[..., a : rows - 2 + a, b : columns - 2 + b] for a, b in around]
    return float(np.all(lower, axis=0).mean())


def likeness(patch: Float[np.ndarray, "size size"], land: Sequence[Float[np.ndarray, "rows columns"]]) -> float:
    """The largest correlation of a patch with a place of `land`, in all eight turns and mirrorings: 1 is a copy, at any scale."""
    from skimage.feature import match_template

    turned = [np.rot90(p, k) for p in (patch, patch[:, ::-1]) for k in range(4)]
    return max(float(match_template(place, t).max()) for place in land for t in turned)
