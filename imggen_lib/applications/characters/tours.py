"""The order of a plotter's paths: a travelling salesman who may enter a closed path at any of its points.

Nearest neighbour first, then 2-opt (Croes 1958) and, between two fixed neighbours, the best point of each closed path.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

Path = Float[np.ndarray, "_k 2"]


def _is_closed(path: Path) -> bool:
    return len(path) > 3 and bool(np.allclose(path[0], path[-1], atol=1e-9))


def begun_at(path: Path, k: int) -> Path:
    """A closed path that begins, and ends, at its point `k`."""
    body = path[:-1]
    return np.concatenate([body[k:], body[: k + 1]])


def greedy(paths: Sequence[Path], home: tuple[float, float]) -> list[Path]:
    """From `home` on always the path with the point nearest to the pen: closed paths may begin anywhere, open ones at an end."""
    points, owner, place = [], [], []
    for i, path in enumerate(paths):
        doors = np.arange(len(path) - 1) if _is_closed(path) else np.array([0, len(path) - 1])
        points.append(path[doors])
        owner.append(np.full(len(doors), i))
        place.append(doors)
    xy, whose, where = np.concatenate(points), np.concatenate(owner), np.concatenate(place)
    here, tour = np.array(home), []
    for _ in paths:
        k = int(np.square(xy - here).sum(1).argmin())
        path = paths[whose[k]]
        turned = begun_at(path, int(where[k])) if _is_closed(path) else (path[::-1] if where[k] else path)
        tour.append(turned)
        here, left = turned[-1], whose != whose[k]
        xy, whose, where = xy[left], whose[left], where[left]
    return tour


def two_opt(tour: Sequence[Path], home: tuple[float, float], sweeps: int = 3) -> list[Path]:
    """Pieces of the tour turned round, and drawn backwards, where the travel gets shorter."""
    starts, ends = (np.array([path[k] for path in tour]) for k in (0, -1))
    order, n = np.arange(len(tour)), len(tour)
    flipped = np.zeros(n, dtype=bool)
    for _ in range(sweeps):
        better = False
        for i in range(n - 1):
            first = np.where(flipped[order, None], ends[order], starts[order])
            last = np.where(flipped[order, None], starts[order], ends[order])
            before = np.asarray(home) if i == 0 else last[i - 1]
            after = np.concatenate([first[i + 2 :], [last[-1]]])  # of j = i + 1 ...; the last has nothing after it
            old = np.linalg.norm(before - first[i]) + np.linalg.norm(last[i + 1 :] - after, axis=1)
            new = np.linalg.norm(before - last[i + 1 :], axis=1) + np.linalg.norm(first[i] - after, axis=1)
            old[-1], new[-1] = np.linalg.norm(before - first[i]), np.linalg.norm(before - last[-1])
            k = int((new - old).argmin())
            if new[k] - old[k] < -1e-9:
                part = order[i : i + 2 + k][::-1].copy()
                flipped[part] ^= True
                order[i : i + 2 + k] = part
                better = True
        if not better:
            break
    return [tour[int(k)][::-1] if flipped[k] else tour[int(k)] for k in order]


def placed(tour: Sequence[Path], home: tuple[float, float], passes: int = 3) -> list[Path]:
    """Each closed path begun at the point with the shortest way from the one before and to the one after."""
    tour = list(tour)
    for _ in range(passes):
        here = np.array(home)
        for k, path in enumerate(tour):
            if _is_closed(path):
                way = np.linalg.norm(path[:-1] - here, axis=1)
                if k + 1 < len(tour):
                    way = way + np.linalg.norm(path[:-1] - tour[k + 1][0], axis=1)
                tour[k] = begun_at(path, int(way.argmin()))
            here = tour[k][-1]
    return tour
