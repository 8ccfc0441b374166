r"""Textures that the library draws by itself: bricks, pebbles and a weave, in colour, with edges that meet (they tile).

Every texture is arithmetic on a grid of pixel coordinates in [0, 1) and a seed. Distances wrap around, so the right edge
continues at the left one and the bottom at the top.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.checks import whole
from imggen_lib.errors import unknown_name
from imggen_lib.noise import generator_for

_TEXTURE = 5  # the stream of random numbers for textures; see noise.generator_for
_FINE = 3  # each pixel is the mean of 3 by 3 points, so that edges are soft

Image = Float[Tensor, "1 3 side side"]


def _grid(side: int) -> tuple[Tensor, Tensor]:
    """Row and column coordinates in [0, 1) of the points, finer than the pixels."""
    side = whole(side, "side", 1)
    at = (torch.arange(side * _FINE, dtype=torch.float32) + 0.5) / (side * _FINE)
    v, u = torch.meshgrid(at, at, indexing="ij")
    return v, u


def _finish(rgb: Float[Tensor, "3 h w"], noise: torch.Generator, grain: float) -> Image:
    """Points in [0, 1] to pixels in [-1, 1], with a little grain."""
    pixels = torch.nn.functional.avg_pool2d(rgb[None], _FINE)
    pixels = pixels + grain * torch.randn(1, 1, *pixels.shape[2:], generator=noise, dtype=torch.float32)
    return (pixels * 2 - 1).clamp(-1, 1)


def _mix(a: Float[Tensor, "3 h w"], b: Float[Tensor, "3 h w"], share: Float[Tensor, "h w"]) -> Float[Tensor, "3 h w"]:
    return a + (b - a) * share


def _colour(r: float, g: float, b: float) -> Float[Tensor, "3 1 1"]:
    return torch.tensor([r, g, b], dtype=torch.float32).view(3, 1, 1)


def bricks(side: int = 128, seed: int = 0, courses: int = 8) -> Image:
    """A wall in running bond: each course of bricks is shifted by half a brick; an even number of courses tiles."""
    courses, noise = whole(courses, "courses", 2), generator_for(seed, _TEXTURE, 0)
    v, u = _grid(side)
    row = (v * courses).floor()
    along = u * courses / 2 + 0.5 * (row % 2)
    index = row * courses // 2 + along.floor() % (courses // 2)
    tone = torch.rand(courses * courses, generator=noise, dtype=torch.float32)[index.long()]
    redness = torch.rand(courses * courses, generator=noise, dtype=torch.float32)[index.long()]
    x, y = along % 1, (v * courses) % 1
    edge = torch.minimum(torch.minimum(x, 1 - x) * 2, torch.minimum(y, 1 - y))  # distance to the brick's edge, in courses
    inside = ((edge - 0.07) / 0.05).clamp(0, 1)
    light = 0.78 + 0.34 * tone + 0.10 * ((0.5 - y) * 2 * (edge < 0.2))
    face = (_colour(0.60, 0.24, 0.16) + _colour(0.10, 0.12, 0.08) * redness) * light
    return _finish(_mix(_colour(0.78, 0.74, 0.68).expand_as(face), face, inside), noise, 0.025)


def pebbles(side: int = 128, seed: int = 0, count: int = 70) -> Image:
    """Rounded stones: the cells of points scattered over the square (a Voronoi diagram), lit from above."""
    count, noise = whole(count, "count", 2), generator_for(seed, _TEXTURE, 1)
    points = _spread(count, noise)
    v, u = _grid(side)
    here = torch.stack([v.flatten(), u.flatten()], 1)
    away = (here[:, None] - points[None] + 0.5) % 1 - 0.5  # (m, count, 2), the short way round
    nearest, which = away.square().sum(2).topk(2, dim=1, largest=False)
    first, second = nearest.sqrt().unbind(1)
    gap = ((second - first) * count**0.5).view(v.shape)  # 0 on the border between two stones
    height = (1 - (1 - gap.clamp(max=1)).square()).sqrt()
    tilt = away.gather(1, which[:, :1, None].expand(-1, -1, 2))[:, 0, 0].view(v.shape) * count**0.5
    tint = torch.rand(count, 3, generator=noise, dtype=torch.float32)
    warm, dark = tint[:, 0][which[:, 0]].view(v.shape), tint[:, 1][which[:, 0]].view(v.shape)
    stone = _mix(_colour(0.45, 0.52, 0.60).expand(3, *v.shape), _colour(0.76, 0.66, 0.52).expand(3, *v.shape), warm)
    light = (0.55 + 0.55 * height - 0.30 * tilt) * (0.70 + 0.45 * dark)
    ground = _colour(0.13, 0.11, 0.10).expand_as(stone)
    return _finish(_mix(ground, stone * light, ((gap - 0.10) / 0.15).clamp(0, 1)), noise, 0.02)


def _spread(count: int, noise: torch.Generator) -> Float[Tensor, "{count} 2"]:
    """Points that keep their distance: each is the best of 12 random candidates."""
    points = torch.rand(1, 2, generator=noise, dtype=torch.float32)
    while len(points) < count:
        candidates = torch.rand(12, 2, generator=noise, dtype=torch.float32)
        away = (candidates[:, None] - points[None] + 0.5) % 1 - 0.5
        best = away.square().sum(2).min(1).values.argmax()
        points = torch.cat([points, candidates[best : best + 1]])
    return points


def weave(side: int = 128, seed: int = 0, threads: int = 12) -> Image:
    """Plain weave: threads of two colours, each over one and under the next; an even number of threads tiles."""
    threads, noise = whole(threads, "threads", 1), generator_for(seed, _TEXTURE, 2)
    v, u = _grid(side)
    across, down = v * threads, u * threads  # in threads
    over = (across.floor() + down.floor()) % 2 == 0  # where the horizontal thread is on top
    tones = 0.85 + 0.3 * torch.rand(2, threads, generator=noise, dtype=torch.float32)
    pi = torch.pi
    round_h, round_v = torch.sin(pi * (across % 1)), torch.sin(pi * (down % 1))  # bright along a thread's middle
    light_h = tones[0][across.long()] * (0.25 + 0.45 * round_h + 0.40 * round_v * round_h)
    light_v = tones[1][down.long()] * (0.25 + 0.45 * round_v + 0.40 * round_v * round_h)
    horizontal = _colour(0.20, 0.42, 0.66) * light_h
    vertical = _colour(0.92, 0.80, 0.50) * light_v
    return _finish(torch.where(over, horizontal, vertical), noise, 0.02)


#: The textures by name: functions of ``side`` (pixels) and ``seed``.
TEXTURES: dict[str, Callable[..., Image]] = {"bricks": bricks, "pebbles": pebbles, "weave": weave}


def texture(name: str, side: int = 128, seed: int = 0) -> Image:
    """The texture `name` as one image ``(1, 3, side, side)`` in [-1, 1]; the same for the same seed."""
    if name not in TEXTURES:
        raise ValueError(unknown_name("texture", name, TEXTURES))
    side = whole(side, "side")
    if not 16 <= side <= 1024:
        raise ValueError(f"a texture needs a side of at least 16 and at most 1024 pixels, got {side}")
    return TEXTURES[name](side, seed)
