"""How the generator of land learns: two critics, distributions that are matched, and a loss that is water.

A critic of small patches cannot see whether water finds its way out. So the loss asks the question itself: rain is poured on the
land, and where it stands, the bottom is lifted and the sill, over which it would spill, is lowered.
"""

import copy
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, leaky_relu

from imggen_lib.applications.worlds.generator import CELL, UNIT, Terrain, noise_of, plan
from imggen_lib.applications.worlds.measures import LEAST, filled
from imggen_lib.data.elevation import west_and_east
from imggen_lib.losses.gan import relativistic, zero_centred_penalty
from imggen_lib.noise import generator_for, mix
from imggen_lib.train.state import adam, update_ema

Maps = Float[Tensor, "n 1 h w"]


class Weights(NamedTuple):
    """How much each part of the generator's loss counts."""

    critics: float = 0.0
    distributions: float = 5.0
    skew: float = 10.0
    spectrum: float = 2.0
    water: float = 6.0


def standing_water(land: Maps) -> Float[Tensor, ""]:
    r"""The mean of :math:`\log(1 + d/d_0)` over all cells, d the depth of standing water, d0 one metre; `land` is in ``UNIT``.

    The surface of the water in a hollow is the height of one cell, its sill; so the gradient lifts the bottom and lowers the sill.
    """
    height = land[:, 0].flatten(1)
    sills = torch.from_numpy(np.stack([_sills(one) for one in land[:, 0].detach().double().numpy()]))
    depth = (height.gather(1, sills) - height).relu() * UNIT
    return torch.log1p(depth).mean()


def _sills(land: np.ndarray) -> np.ndarray:
    """For each cell, the number of the cell whose height its water has: its own where none stands."""
    level, own = filled(land).ravel(), np.arange(land.size)
    order = np.argsort(land, axis=None, kind="stable")
    sill = order[np.searchsorted(land.ravel()[order], level).clip(max=land.size - 1)]
    return np.where(level - land.ravel() > LEAST / UNIT, sill, own)


class Critic(nn.Module):
    """Logits ``(n,)`` of maps: centred heights and both gradients; convolutions of stride 2, and the mean over places."""

    def __init__(self, seed: int, width: int = 24, layers: int = 3) -> None:
        super().__init__()
        widths = [3] + [width * 2**k for k in range(layers)]
        self.body = nn.ModuleList(nn.Conv2d(a, b, 4, stride=2) for a, b in pairwise(widths))
        self.last = nn.Conv2d(widths[-1], 1, 3)
        generator = generator_for(seed)
        with torch.no_grad():
            for p in self.parameters():
                p.copy_(torch.randn(p.shape, generator=generator) / p[0].numel() ** 0.5 if p.ndim > 1 else p * 0)

    def forward(self, land: Maps) -> Float[Tensor, " n"]:
        """One logit a map."""
        x = land - land.mean((2, 3), keepdim=True)
        down, across = x[:, :, 2:, 1:-1] - x[:, :, :-2, 1:-1], x[:, :, 1:-1, 2:] - x[:, :, 1:-1, :-2]
        x = torch.cat((x[:, :, 1:-1, 1:-1] / 2, down, across), 1)
        for convolution in self.body:
            x = leaky_relu(convolution(x), 0.2)
        return self.last(x).mean((1, 2, 3))


def filters(count: int, size: int, generator: torch.Generator) -> Float[Tensor, "k 1 s s"]:
    """Random filters of mean 0 and norm 1: directions in the space of patches."""
    f = torch.randn(count, 1, size, size, generator=generator)
    f = f - f.mean((1, 2, 3), keepdim=True)
    return f / f.flatten(1).norm(dim=1)[:, None, None, None]


def responses(land: Maps, directions: Float[Tensor, "k 1 s s"]) -> list[Float[Tensor, " m"]]:
    """What has to be distributed as in real land: slope, curvature and the random directions, at 1, 2 and 4 cells a sample."""
    found = []
    for scale in (1, 2, 4):
        x = land if scale == 1 else avg_pool2d(land, scale)
        down, across = x[:, :, 2:, 1:-1] - x[:, :, :-2, 1:-1], x[:, :, 1:-1, 2:] - x[:, :, 1:-1, :-2]
        slope = torch.sqrt(down**2 + across**2 + 1e-6) * (UNIT / CELL / 2 / scale)
        ends = x[:, :, 4:, 2:-2] + x[:, :, :-4, 2:-2] + x[:, :, 2:-2, 4:] + x[:, :, 2:-2, :-4]
        bend = ends - 4 * x[:, :, 2:-2, 2:-2]
        found += [torch.atan(slope).flatten(), bend.flatten() / scale]
        found += [r.flatten() / scale for r in nn.functional.conv2d(x, directions, stride=2).unbind(1)]
    return found


def distance(a: Float[Tensor, " m"], b: Float[Tensor, " k"], points: int = 512) -> Float[Tensor, ""]:
    """Wasserstein's distance of two samples in one dimension, over the second one's standard deviation, from `points` quantiles."""
    at = (torch.arange(points) + 0.5) / points
    a, b = (x[:: max(1, len(x) // 4096)] for x in (a, b))  # enough for quantiles, and cheaper to sort
    a, b = (x.sort().values[(at * len(x)).long()] for x in (a, b))
    return (a - b).abs().mean() / b.std()


def skewness(land: Maps) -> Float[Tensor, " scales"]:
    """The skewness of the curvature at 1 and 2 cells a sample."""
    found = []
    for x in (land, avg_pool2d(land, 2)):
        bend = x[:, :, 4:, 2:-2] + x[:, :, :-4, 2:-2] + x[:, :, 2:-2, 4:] + x[:, :, 2:-2, :-4] - 4 * x[:, :, 2:-2, 2:-2]
        off = bend - bend.mean()
        found.append(off.pow(3).mean() / off.square().mean().pow(1.5))
    return torch.stack(found)


def log_power(land: Maps, sectors: int = 4) -> Float[Tensor, " bands"]:
    """Log power in rings of frequencies and in sectors of directions, so that no direction is preferred; less the mean only.

    The rings are those of :func:`~imggen_lib.applications.worlds.measures.log_spectrum`.
    """
    size = land.shape[-1]
    hann = torch.hann_window(size, periodic=False)
    x = (land - land.mean((2, 3), keepdim=True)) * hann[:, None] * hann
    power = torch.fft.fft2(x).abs().square().mean((0, 1))
    k = torch.fft.fftfreq(size, 1 / size)
    ring = torch.floor(torch.hypot(k[:, None], k) + 0.5).long()
    sector = torch.floor(torch.atan2(k[:, None], k) / torch.pi * sectors + 0.5).long() % sectors
    band = torch.where((ring >= 2) & (ring <= size // 2), ring * sectors + sector, 0).flatten()
    sums = torch.zeros(size * sectors).index_add(0, band, power.flatten())
    counts = torch.zeros(size * sectors).index_add(0, band, torch.ones(size * size))
    return torch.log(sums[2 * sectors : (size // 2 + 1) * sectors] / counts[2 * sectors : (size // 2 + 1) * sectors] + 1e-12)


def quarters(land: Maps) -> Float[Tensor, "m 1 64 64"]:
    """Windows cut into pieces of 64 cells."""
    return land.unfold(2, 64, 64).unfold(3, 64, 64).flatten(0, 3)[:, None]


def real_batch(lands: Sequence[np.ndarray], size: int, batch: int, generator: torch.Generator) -> Maps:
    """Windows of real land in ``UNIT``, turned and mirrored at random, each less its mean."""
    draw = lambda n: int(torch.randint(n, (), generator=generator))  # noqa: E731
    found = []
    for _ in range(batch):
        land = lands[draw(len(lands))]
        i, j = draw(land.shape[0] - size + 1), draw(land.shape[1] - size + 1)
        window = np.rot90(land[i : i + size, j : j + size], draw(4))
        found.append(window[:, ::-1] if draw(2) else window)
    maps = torch.from_numpy(np.stack(found).astype(np.float32))[:, None] / UNIT
    return maps - maps.mean((2, 3), keepdim=True)


def made_batch(model: Terrain, size: int, batch: int, generator: torch.Generator) -> Maps:
    """Windows of generated land in ``UNIT``, from places and worlds drawn at random, each less its mean."""
    rows = plan(0, size)
    noises = [noise_of(int(torch.randint(2**31, (), generator=generator)), rows, rows) for _ in range(batch)]
    land = model([torch.cat(stage) for stage in zip(*noises, strict=True)], rows, rows)
    return land - land.mean((2, 3), keepdim=True)


def train(
    model: Terrain,
    images: int,
    *,
    batch: int = 4,
    size: int = 128,
    seed: int = 0,
    lr: float = 1.2e-3,
    weights: Weights = Weights(),  # noqa: B008
) -> Iterator[dict[str, float | Terrain]]:
    """Train on the west of Big Tujunga; yields each step's losses, the windows seen (``images``) and the ``average`` model."""
    if size < (80 if weights.critics else 64):
        raise ValueError(f"windows have at least 64 cells, and 80 where critics look at a quarter of the resolution; got {size}")
    lands = [west_and_east(i, j)[0] for i in range(3) for j in range(3)]
    critics = [Critic(mix(seed, 1), layers=3), Critic(mix(seed, 2), layers=2)]
    sees = [lambda x: x, lambda x: avg_pool2d(x, 4) / 2]
    average = copy.deepcopy(model).requires_grad_(False)
    first = adam(model.parameters(), lr, (0.5 if weights.critics else 0.9, 0.99))
    second = adam([p for c in critics for p in c.parameters()], lr, (0.0, 0.99))
    generator = generator_for(seed, 3)
    spectrum = torch.stack([log_power(real_batch(lands, 64, 64, generator)).exp() for _ in range(8)]).mean(0).log()
    skew = torch.stack([skewness(real_batch(lands, size, 64, generator)) for _ in range(4)]).mean(0)
    seen, step = 0, 0
    while seen < images:
        factor = min(1.0, 1.5 * (1 - seen / images) + 0.02)
        for optimiser in (first, second):
            optimiser.param_groups[0]["lr"] = lr * factor
        real, made = real_batch(lands, size, batch, generator), made_batch(model, size, batch, generator)
        record: dict[str, float | Terrain] = {}
        if weights.critics:
            loss = torch.zeros(())
            for critic, see in zip(critics, sees, strict=True):
                loss = loss + relativistic.critic(critic(see(real)), critic(see(made.detach())))
                if step % 4 == 0:
                    loss = loss + 4 * 5 * zero_centred_penalty(critic, see(real))
            second.zero_grad()
            loss.backward()
            second.step()
            record["critics"] = float(loss.detach())
        directions = filters(8, 7, generator)
        pairs = zip(responses(made, directions), responses(real, directions), strict=True)
        parts = {
            "distributions": torch.stack([distance(a, b) for a, b in pairs]).mean(),
            "spectrum": (log_power(quarters(made)) - spectrum).square().mean(),
            "water": standing_water(made),
        }
        parts["skew"] = (skewness(made) - skew).square().mean()
        if weights.critics:
            said = [relativistic.generator(c(see(real)).detach(), c(see(made))) for c, see in zip(critics, sees, strict=True)]
            parts["critics"] = torch.stack(said).sum()
        total = torch.stack([getattr(weights, name) * part for name, part in parts.items()]).sum()
        first.zero_grad()
        total.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 2.0)  # a lake of a thousand cells pulls at a single sill
        first.step()
        seen, step = seen + batch, step + 1
        update_ema(average, model, images=seen, batch=batch, half_life=1000)
        yield record | {f"generator {k}": float(v.detach()) for k, v in parts.items()} | {"images": seen, "average": average}
