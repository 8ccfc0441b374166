"""The equations of the chapter on art."""

import numpy as np
import pytest
from drawn_shapes_art import CENTRES, capsule

from imggen_lib.applications.characters.fields import between, cubic, outlines


def test_art_field() -> None:
    """Against a search over many points of the edge: the distance to a capsule's edge, positive inside."""
    angle = np.linspace(0, 2 * np.pi, 4000)
    edge = np.concatenate([
        np.stack([40 + 6 * np.cos(angle), 50 + 6 * np.sin(angle)], 1)[np.cos(angle) <= 0],
        np.stack([70 + 6 * np.cos(angle), 50 + 6 * np.sin(angle)], 1)[np.cos(angle) >= 0],
        *(np.stack([np.linspace(40, 70, 2000), np.full(2000, y)], 1) for y in (44.0, 56.0)),
    ])  # fmt: skip
    for point in ([20.0, 20.0], [50.0, 52.0], [75.9, 50.0], [41.0, 58.0]):
        inside = np.hypot(np.clip(point[0], 40, 70) - point[0], point[1] - 50) < 6
        nearest = np.linalg.norm(edge - point, axis=1).min()
        f = nearest if inside else -nearest  # claim
        assert capsule(*point, 40, 70, 50, 6) == pytest.approx(f, abs=0.01)


def test_art_eikonal() -> None:
    """By differences, away from the middle line where two edges are equally near: the slope is 1 in every direction of approach."""
    random, h = np.random.default_rng(0), 1e-5
    for x, y in random.uniform(10, 100, (200, 2)):
        if abs(y - 50) < 0.1:
            continue
        right = (capsule(x + h, y, 40, 70, 50, 6) - capsule(x - h, y, 40, 70, 50, 6)) / (2 * h)
        down = (capsule(x, y + h, 40, 70, 50, 6) - capsule(x, y - h, 40, 70, 50, 6)) / (2 * h)
        slope = np.hypot(right, down)
        assert slope == pytest.approx(1, abs=1e-4)  # claim


def test_art_bold() -> None:
    """The field of a stroke that is wider by c on both sides is the field plus c, and so are its outlines."""
    x, y = CENTRES[None, :], CENTRES[:, None]
    for c in (-2.0, 1.5, 4.0):
        wider = capsule(x, y, 40, 70, 50, 6 + c)
        plus = capsule(x, y, 40, 70, 50, 6) + c  # claim
        assert np.abs(wider - plus).max() < 1e-12
    thin, bold = (outlines(capsule(x, y, 40, 70, 50, 6), level=-c)[0].area for c in (-2.0, 1.5))
    assert thin < outlines(capsule(x, y, 40, 70, 50, 6))[0].area < bold


def test_art_vanish() -> None:
    """The mean of the fields of two parallel strokes: its largest value, by a search over the plane."""
    y = np.linspace(0, 100, 20_001)
    for w, a in ((3.2, 4.0), (3.2, 6.4), (3.2, 10.0), (5.0, 3.0)):
        mean = (w - np.abs(y - 40) + w - np.abs(y - 40 - a)) / 2
        largest = w - a / 2  # claim
        assert mean.max() == pytest.approx(largest, abs=1e-9)
        assert (mean.max() > 1e-9) == (a < 2 * w)


def test_art_cubic() -> None:
    """A parabola between its values, and no quartic: the order of the interpolation."""
    t = np.linspace(0, 1, 11)
    for power, exact in ((0, True), (1, True), (2, True), (4, False)):
        values = (np.arange(-1, 3).astype(float)) ** power
        got = sum(values[k] * cubic(t + 1 - k) for k in range(4))  # claim
        assert (np.abs(got - t**power).max() < 1e-12) == exact
    field = np.fromfunction(lambda i, j: 0.01 * (i + 0.5 - 16) ** 2 - 0.02 * (j + 0.5 - 16) + 1, (32, 32))
    y, x = np.array([9.3, 16.0, 20.7]), np.array([11.1, 15.5])
    assert np.abs(between(field, y, x) - (0.01 * (y[:, None] - 16) ** 2 - 0.02 * (x - 16) + 1)).max() < 1e-12
