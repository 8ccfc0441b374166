"""What can be counted in items of pixels, how near they are to known ones, and the two classical ways to get more of them."""

import numpy as np
from jaxtyping import Float, UInt8
from skimage.measure import label

from imggen_lib.applications.sprites import Palette, Pictures, check_pictures
from imggen_lib.noise import generator_for

COUNTS = ("area", "colours", "parts", "edges", "outline")
DARK = 40  # of 255: the lightness below which a colour may be an outline


def counted(pictures: Pictures, palette: Palette) -> Float[np.ndarray, "_n 5"]:
    """For each picture: opaque pixels, colours, separate parts, and two shares.

    The shares: neighbours side by side, both opaque, of different colours (pixel art has flat runs, noise has none); and pixels at
    the silhouette's edge that are dark (items have an outline). Parts touch at sides or corners.
    """
    check_pictures(pictures, palette)
    light = palette[:, :3].astype(float) @ np.array([0.2126, 0.7152, 0.0722])
    rows = []
    for picture in pictures:
        opaque = picture > 0
        framed = np.pad(opaque, 1)
        inside = framed[:-2, 1:-1] & framed[2:, 1:-1] & framed[1:-1, :-2] & framed[1:-1, 2:]
        rim = opaque & ~inside
        both = opaque[:, 1:] & opaque[:, :-1]
        changes = (picture[:, 1:] != picture[:, :-1])[both]
        parts = int(label(opaque, connectivity=2).max())
        dark = (light[picture[rim]] < DARK).mean() if rim.any() else 0.0
        rows.append([opaque.sum(), len(np.unique(picture[opaque])), parts, changes.mean() if both.any() else 0.0, dark])
    return np.array(rows, dtype=np.float64)


def nearest_share(pictures: Pictures, known: Pictures) -> Float[np.ndarray, " _n"]:
    """How far each picture is from the nearest known one, where `known` may lie up to two pixels off.

    The pixels that differ, over those that are opaque in either: 0 for a copy, 1 for nothing in common.
    """
    if pictures.shape[1:] != known.shape[1:]:
        raise ValueError(f"the pictures have different shapes: {pictures.shape[1:]} and {known.shape[1:]}")
    best = np.ones(len(pictures))
    for down in range(-2, 3):
        for right in range(-2, 3):
            moved = np.roll(known, (down, right), axis=(1, 2))
            for k, picture in enumerate(pictures):
                union = ((picture > 0) | (moved > 0)).sum(axis=(1, 2))
                best[k] = min(best[k], ((picture != moved).sum(axis=(1, 2)) / np.maximum(union, 1)).min())
    return best


def _by_light(picture: UInt8[np.ndarray, "_rows _columns"], palette: Palette) -> np.ndarray:
    """The picture's entries from dark to light, each as often as it occurs."""
    light = palette[:, :3].astype(float) @ np.array([0.2126, 0.7152, 0.0722])
    used = picture[picture > 0]
    return used[np.argsort(light[used], kind="stable")]


def recoloured(known: Pictures, palette: Palette, n: int, seed: int = 0) -> Pictures:
    """The palette swap: the shape of one item with the colours of another, dark for dark and light for light.

    Each of its colours becomes the one that the other item has at the same rank of lightness.
    """
    check_pictures(known, palette)
    random = np.random.default_rng([seed, 1])
    made = []
    for _ in range(n):
        shape, other = known[random.integers(len(known))], known[random.integers(len(known))]
        mine, theirs = _by_light(shape, palette), _by_light(other, palette)
        swap = np.arange(len(palette), dtype=np.uint8)
        for entry in np.unique(mine):
            rank = (np.flatnonzero(mine == entry).mean() + 0.5) / len(mine)
            swap[entry] = theirs[min(len(theirs) - 1, int(rank * len(theirs)))]
        made.append(swap[shape])
    return np.stack(made)


def recombined(known: Pictures, n: int, labels: np.ndarray, seed: int = 0) -> Pictures:
    """The upper right half of one item and the lower left half of another of its kind, along the falling diagonal."""
    if len(labels) != len(known):
        raise ValueError(f"{len(known)} items need as many labels, got {len(labels)}")
    random = np.random.default_rng([seed, 2])
    rows, columns = np.indices(known.shape[1:])
    upper = columns / known.shape[2] >= rows / known.shape[1]
    made = []
    for _ in range(n):
        first = int(random.integers(len(known)))
        second = int(random.choice(np.flatnonzero(labels == labels[first])))
        made.append(np.where(upper, known[first], known[second]))
    return np.stack(made)


def told_apart(first: Float[np.ndarray, "n d"], second: Float[np.ndarray, "m d"], seed: int = 0) -> float:
    """How well a random forest tells two sets apart, by what was counted: AUROC over ten folds; 0.5 is not at all, 1 is always."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    x, y = np.concatenate([first, second]), np.repeat([0, 1], [len(first), len(second)])
    state = int(generator_for(seed, 52).initial_seed() % 2**31)
    folds = StratifiedKFold(10, shuffle=True, random_state=state)
    forest = RandomForestClassifier(200, min_samples_leaf=3, random_state=state, class_weight="balanced")
    return float(roc_auc_score(y, cross_val_predict(forest, x, y, cv=folds, method="predict_proba")[:, 1]))
