"""What stands beside the generator: noise of the real spectrum, erosion of noise, and breaching; all of them classical.

None needs training. Erosion and breaching know a window as a whole: water that leaves far away decides what happens here, so their
tiles do not agree, and none of them can be had alone.
"""

import heapq

import numpy as np
from jaxtyping import Float, Int

from imggen_lib.applications.worlds.generator import CELL
from imggen_lib.applications.worlds.measures import without_plane

Grid = Float[np.ndarray, "rows columns"]
#: The eight neighbours, as steps down and across.
AROUND = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if (a, b) != (0, 0)]


def matched_field(
    patches: Float[np.ndarray, "n size size"], count: int, rng: np.random.Generator, *, tilted: bool = False
) -> Float[np.ndarray, "k size size"]:
    """Gaussian fields with the mean power spectrum of `patches` (less their planes of best fit, Hann's window): real land's twin.

    White noise on a torus twice as wide is multiplied by the root of the power, and a patch cut out. Mean 0, in metres. With
    `tilted`, a plane in a random direction is added, as steep as those that were taken off; water runs off more easily then.
    """
    size = patches.shape[-1]
    hann = np.outer(np.hanning(size), np.hanning(size))
    land = np.asarray(patches, float)
    flat = without_plane(land)
    power = (np.abs(np.fft.fft2(flat * hann, (2 * size, 2 * size))) ** 2).mean(0) / (hann**2).sum()
    white = np.fft.fft2(rng.standard_normal((count, 2 * size, 2 * size)))
    field = np.fft.ifft2(white * np.sqrt(power)).real[:, :size, :size]
    if tilted:
        planes = land - flat
        steep = ((planes[:, -1, 0] - planes[:, 0, 0]) ** 2 + (planes[:, 0, -1] - planes[:, 0, 0]) ** 2).mean()
        falls = rng.standard_normal((2, count, 1, 1)) * (steep / 2) ** 0.5
        t = np.linspace(-0.5, 0.5, size)
        field = field + falls[0] * t[:, None] + falls[1] * t
    return field


def flood(land: Grid, tilt: float = 1e-3) -> tuple[Grid, Int[np.ndarray, "rows columns"], list[int]]:
    """Priority flood: fill hollows so that water runs out everywhere, at least `tilt` metres down a cell.

    From the border inwards, always on from the lowest cell reached so far: (the filled land, for each cell the number of the cell
    that it drains to, itself on the border, and the cells in the order in which they were reached). Source: Barnes, Lehman and
    Mulla, Computers & Geosciences 62, 2014.
    """
    rows, columns = land.shape
    level = [float(h) for h in land.ravel()]
    to, order = [-1] * land.size, []
    queue = [
        (level[i * columns + j], i * columns + j)
        for i in range(rows)
        for j in range(columns)
        if i % (rows - 1) == 0 or j % (columns - 1) == 0
    ]
    for _, cell in queue:
        to[cell] = cell
    heapq.heapify(queue)
    while queue:
        height, cell = heapq.heappop(queue)
        order.append(cell)
        i, j = divmod(cell, columns)
        for a, b in AROUND:
            near = cell + a * columns + b
            if 0 <= i + a < rows and 0 <= j + b < columns and to[near] < 0:
                to[near] = cell
                level[near] = max(level[near], height + tilt)
                heapq.heappush(queue, (level[near], near))
    return np.array(level).reshape(land.shape), np.array(to).reshape(land.shape), order


def receivers(land: Grid, cell: float = CELL) -> Int[np.ndarray, "rows columns"]:
    """The number of the neighbour to which each cell falls most steeply (D8); its own where none is lower, and on the border."""
    rows, columns = land.shape
    own = np.arange(land.size).reshape(land.shape)
    best, to = np.zeros(land.shape), own.copy()
    core = (slice(1, -1), slice(1, -1))
    for a, b in AROUND:
        there = (slice(1 + a, rows - 1 + a), slice(1 + b, columns - 1 + b))
        fall = (land[core] - land[there]) / (cell * np.hypot(a, b))
        steeper = fall > best[core]
        best[core] = np.where(steeper, fall, best[core])
        to[core] = np.where(steeper, own[there], to[core])
    return to


def drained_area(land: Grid, to: Int[np.ndarray, "rows columns"]) -> Float[np.ndarray, "rows columns"]:
    """How many cells drain through each cell, itself included; `land` must fall along `to`."""
    area, target = [1.0] * land.size, to.ravel().tolist()
    for cell in np.argsort(land, axis=None, kind="stable")[::-1].tolist():
        if target[cell] != cell:
            area[target[cell]] += area[cell]
    return np.array(area).reshape(land.shape)


def eroded(land: Grid, steps: int = 30, *, strength: float = 0.02, diffusion: float = 0.05, cell: float = CELL) -> Grid:
    r"""Rivers cut into land: `steps` implicit steps of the stream-power law with a little creep; the border keeps its height.

    :math:`\partial h/\partial t = -K A^{1/2} |\nabla h| + D \nabla^2 h`, A the drained area in cells. Downstream first, each cell
    moves to :math:`(h + f h_r)/(1 + f)` with :math:`f = K A^{1/2}` over the distance in cells to its receiver r. Before each
    step hollows are filled. Sources: Braun and Willett, Geomorphology 180-181, 2013; Whipple and Tucker, JGR 104, 1999.
    """
    if steps < 0:
        raise ValueError(f"a number of steps is at least 0, got {steps}")
    land = np.asarray(land, float).copy()
    columns = land.shape[1]
    for _ in range(steps):
        land, _, _ = flood(land)
        to = receivers(land, cell)
        area = drained_area(land, to).ravel()
        order, target = np.argsort(land, axis=None, kind="stable").tolist(), to.ravel().tolist()
        height = land.ravel().tolist()
        factor = strength * np.sqrt(area)
        straight = np.isin(np.abs(to.ravel() - np.arange(land.size)), (1, columns))
        factor = np.where(straight, factor, factor / np.sqrt(2)).tolist()
        for here in order:
            there, f = target[here], factor[here]
            if there != here:
                height[here] = (height[here] + f * height[there]) / (1 + f)
        land = np.array(height).reshape(land.shape)
        around = land[:-2, 1:-1] + land[2:, 1:-1] + land[1:-1, :-2] + land[1:-1, 2:]
        land[1:-1, 1:-1] += diffusion * (around - 4 * land[1:-1, 1:-1])
    return flood(land)[0] if steps else land


def breached(land: Grid, tilt: float = 1e-3) -> Grid:
    """Hollows are opened instead of filled: from each, a channel is cut along the way on which the flood came, down to its bottom.

    Cells are only lowered. Source: Lindsay, Hydrological Processes 30, 2016 (breaching along the flood's own paths).
    """
    _, to, order = flood(land, 0.0)
    height, target = np.asarray(land, float).ravel().tolist(), to.ravel().tolist()
    for cell in reversed(order):  # upstream first: what drains to a cell has been lowered before it
        there = target[cell]
        if there != cell and height[there] > height[cell] - tilt:
            height[there] = height[cell] - tilt
    return np.array(height).reshape(land.shape)
