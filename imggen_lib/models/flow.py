r"""Networks that say in which direction to move, and the generator that follows them from noise to an image.

A velocity network is called ``net(x, t, labels)``: points ``(n, *shape)``, times ``(n,)`` from 0 (noise) to 1 (data), and with
``classes > 0`` labels ``(n,)``, of which the number ``classes`` means "of no known class". :class:`Flow` makes a generator of one,
with ``image_shape``, ``latent_dim`` and ``classes`` as every other: its latents are the noise itself.
"""

import copy
import math
from math import prod

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import silu

from imggen_lib.checks import check_labels, real, tensor, whole
from imggen_lib.models.blocks import Shape, check_shape, halvings
from imggen_lib.ode import evaluations, integrate, solver_step

Points = Float[Tensor, "n *shape"]
Images = Float[Tensor, "n c h w"]
Times = Float[Tensor, " n"]
Labels = Int[Tensor, " n"]

FREQUENCIES = 16


class Condition(nn.Module):
    r"""Time and class as one vector: waves of t at :math:`1, 2, \dots` half-turns, and a learned row for each class, added.

    The last row, number `classes`, stands for "no class". Raises ``ValueError`` for labels that are none of these rows.
    """

    def __init__(self, width: int, classes: int = 0) -> None:
        super().__init__()
        self.classes = classes
        self.time = nn.Sequential(nn.Linear(2 * FREQUENCIES, width), nn.SiLU(), nn.Linear(width, width))
        self.label = nn.Embedding(classes + 1, width) if classes else None

    def forward(self, t: Times, labels: Labels | None = None) -> Float[Tensor, "n width"]:
        turns = math.pi * t[:, None] * torch.arange(1, FREQUENCIES + 1, device=t.device, dtype=t.dtype)
        known = self.time(torch.cat([turns.cos(), turns.sin()], 1))
        if self.label is None:
            return known
        return known + self._row(torch.full_like(t, self.classes, dtype=torch.long) if labels is None else labels, t)

    def _row(self, labels: Labels, t: Times) -> Float[Tensor, "n width"]:
        assert self.label is not None
        if getattr(torch.compiler, "is_exporting", bool)():  # the number of rows is a symbol there, and must stay one
            return self.label(labels)
        numbers = check_labels(labels, len(t), self.classes + 1, look=False).to(t.device)
        try:
            return self.label(numbers)
        except IndexError:  # PyTorch has looked at the numbers itself: not a second time at every step
            check_labels(numbers, len(t), self.classes + 1)
            raise


class Modulated(nn.Module):
    r"""A residual block that time and class speak to: :math:`x + f(x)`, where each channel of f's middle is scaled and shifted.

    Scale and shift are linear in the condition ("FiLM": Perez et al. 2018, arXiv:1709.07871). `layer` makes the two layers that
    mix channels, `norm` the normalisation before each. The last layer starts at zero, so the block starts as the identity.
    """

    def __init__(self, first: nn.Module, last: nn.Module, norms: tuple[nn.Module, nn.Module], width: int, condition: int) -> None:
        super().__init__()
        self.first, self.last, self.before, self.middle = first, last, *norms
        self.film = nn.Linear(condition, 2 * width)
        for parameter in [*self.last.parameters(), *self.film.parameters()]:
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        both = self.film(condition)
        scale, shift = both.view(*both.shape, *[1] * (x.ndim - 2)).chunk(2, 1)
        h = self.middle(self.first(silu(self.before(x)))) * (1 + scale) + shift
        return x + self.last(silu(h))


def conv_block(width: int, condition: int) -> Modulated:
    """The block on maps ``(n, width, h, w)``: two 3x3 convolutions with GroupNorm."""
    groups = math.gcd(8, width)
    norms = nn.GroupNorm(groups, width), nn.GroupNorm(groups, width)
    return Modulated(nn.Conv2d(width, width, 3, 1, 1), nn.Conv2d(width, width, 3, 1, 1), norms, width, condition)


def dense_block(width: int, condition: int) -> Modulated:
    """The block on vectors ``(n, width)``: two dense layers with LayerNorm."""
    norms = nn.LayerNorm(width), nn.LayerNorm(width)
    return Modulated(nn.Linear(width, width), nn.Linear(width, width), norms, width, condition)


def _through(blocks: nn.Module, h: Tensor, condition: Tensor) -> Tensor:
    for block in blocks.children():
        h = block(h, condition)
    return h


class UNet(nn.Module):
    """Down, across and up again: coarse maps see the whole image, and fine ones keep what they know for the way back.

    The image is folded, two by two pixels into one with four times the channels, so that nothing is lost and the first map has half
    the side. From map to map the side halves and the channels double, ``blocks`` blocks on each; on the way up each map is joined
    with its counterpart on the way down. Source: Ronneberger et al. 2015, arXiv:1505.04597; for velocities of images, Ho et al.
    2020, arXiv:2006.11239.
    """

    def __init__(self, image_shape: Shape, width: int = 48, classes: int = 0, blocks: int = 1) -> None:
        super().__init__()
        channels, rows, columns = check_shape(image_shape)
        maps = halvings(rows, columns)
        self.image_shape, self.classes = image_shape, classes
        widths, cond = [width * 2**k for k in range(maps)], 4 * width
        self.condition = Condition(cond, classes)
        self.fold, self.unfold = nn.PixelUnshuffle(2), nn.PixelShuffle(2)
        self.first = nn.Conv2d(4 * channels, width, 3, 1, 1)
        self.down = nn.ModuleList(nn.ModuleList(conv_block(w, cond) for _ in range(blocks)) for w in widths[:-1])
        self.shrink = nn.ModuleList(nn.Conv2d(w, 2 * w, 4, 2, 1) for w in widths[:-1])
        self.middle = nn.ModuleList(conv_block(widths[-1], cond) for _ in range(2 * blocks))
        self.grow = nn.ModuleList(nn.ConvTranspose2d(2 * w, w, 4, 2, 1) for w in reversed(widths[:-1]))
        self.join = nn.ModuleList(nn.Conv2d(2 * w, w, 1) for w in reversed(widths[:-1]))
        self.up = nn.ModuleList(nn.ModuleList(conv_block(w, cond) for _ in range(blocks)) for w in reversed(widths[:-1]))
        self.last = nn.Sequential(nn.GroupNorm(math.gcd(8, width), width), nn.SiLU(), nn.Conv2d(width, 4 * channels, 3, 1, 1))

    def forward(self, x: Images, t: Times, labels: Labels | None = None) -> Images:
        known = self.condition(t, labels)
        h, kept = self.first(self.fold(x)), []
        for blocks, shrink in zip(self.down, self.shrink, strict=True):
            h = _through(blocks, h, known)
            kept.append(h)
            h = shrink(h)
        h = _through(self.middle, h, known)
        for grow, join, blocks in zip(self.grow, self.join, self.up, strict=True):
            h = _through(blocks, join(torch.cat([grow(h), kept.pop()], 1)), known)
        return self.unfold(self.last(h))


class VectorNet(nn.Module):
    """Velocities of vectors ``(n, dim)`` such as a VAE's latents, or of small images as vectors: blocks of dense layers."""

    def __init__(self, shape: tuple[int, ...], width: int = 256, classes: int = 0, blocks: int = 4) -> None:
        super().__init__()
        self.image_shape, self.classes, dim = tuple(shape), classes, prod(shape)
        self.condition = Condition(width, classes)
        self.first = nn.Linear(dim, width)
        self.blocks = nn.ModuleList(dense_block(width, width) for _ in range(blocks))
        self.last = nn.Sequential(nn.LayerNorm(width), nn.SiLU(), nn.Linear(width, dim))

    def forward(self, x: Points, t: Times, labels: Labels | None = None) -> Points:
        h = _through(self.blocks, self.first(x.flatten(1)), self.condition(t, labels))
        return self.last(h).view_as(x)


def guided(conditional: Points, unconditional: Points, weight: float) -> Points:
    r"""Classifier-free guidance: the velocity with the condition, carried on beyond the one without it.

    .. math:: v + w\,(v_c - v)

    w = 0 ignores the condition, w = 1 is the model itself, and above 1 images show the condition more clearly and differ less from
    one another. Source: Ho and Salimans 2022, arXiv:2207.12598 (whose weight counts from 0 where ours is 1).
    """
    if conditional.shape != unconditional.shape:
        raise ValueError(f"two velocities of one shape, got {tuple(conditional.shape)} and {tuple(unconditional.shape)}")
    return unconditional + real(weight, "the weight of guidance") * (conditional - unconditional)


class Flow(nn.Module):
    r"""A generator: from noise z along the velocity of `net` to a sample, ``steps`` steps of a solver (:mod:`imggen_lib.ode`).

    With ``guidance`` other than 1, each evaluation asks the network twice, with the class and without
    (:func:`guided`). Images are clipped to [-1, 1] at the end, vectors are not.
    """

    def __init__(self, net: nn.Module, solver: str = "midpoint", steps: int = 4, guidance: float = 1.0) -> None:
        super().__init__()
        self.net = net
        self.image_shape: tuple[int, ...] = tuple(net.image_shape)  # type: ignore[arg-type]
        self.classes: int = int(net.classes)  # type: ignore[arg-type]
        self.latent_dim = prod(self.image_shape)
        self.solver, self.steps, self.guidance = solver, steps, guidance
        check_sampler(solver, steps, guidance, self.classes)

    @property
    def evaluations(self) -> int:
        """How often an image asks the network: by solver and steps, and twice as often with guidance."""
        return evaluations(self.solver, self.steps) * (1 if self.guidance == 1 or not self.classes else 2)

    def sampled_with(self, *, solver: str | None = None, steps: int | None = None, guidance: float | None = None) -> "Flow":
        """The same network, not a copy of it, with another solver, number of steps or weight of guidance."""
        other = copy.copy(self)
        other.solver = self.solver if solver is None else solver
        other.steps = self.steps if steps is None else whole(steps, "steps", 1)
        other.guidance = self.guidance if guidance is None else real(guidance, "guidance")
        check_sampler(other.solver, other.steps, other.guidance, self.classes)
        return other

    def shaped(self, z: Float[Tensor, "n d"]) -> Points:
        """Latents as points of the shape that moves. Raises ``ValueError`` for latents of another size."""
        if tensor(z, "latents").ndim != 2 or z.shape[1] != self.latent_dim:
            raise ValueError(f"this flow takes latents of shape (n, {self.latent_dim}), got {tuple(z.shape)}")
        return z.view(-1, *self.image_shape)

    def velocity(self, x: Points, t: float | Times, labels: Labels | None = None) -> Points:
        """Where to, at one time for all rows or a time for each; guided. None as labels: of no known class."""
        times = t if isinstance(t, Tensor) and t.ndim else torch.ones_like(x.flatten(1)[:, 0]) * t
        if labels is None or self.guidance == 1:
            return self.net(x, times, labels)
        twice = [torch.stack([part, part], 1).flatten(0, 1) for part in (x, times)]
        whose = torch.stack([labels, torch.full_like(labels, self.classes)], 1).flatten()
        with_class, without = self.net(*twice, whose).unflatten(0, (-1, 2)).unbind(1)
        return guided(with_class, without, self.guidance)

    def forward(self, z: Float[Tensor, "n d"], labels: Labels | None = None) -> Points:
        noise = self.shaped(z)
        made = integrate(lambda x, t: self.velocity(x, t, labels), noise, self.steps, solver=self.solver)
        return made.clamp(-1, 1) if len(self.image_shape) == 3 else made


def check_sampler(solver: str, steps: int, guidance: float, classes: int) -> None:
    """Raises ``ValueError`` for an unknown solver, no steps, and guidance where there is nothing to guide by."""
    solver_step(solver)
    whole(steps, "steps", 1, 10_000)
    if real(guidance, "guidance", 0.0, 100.0) != 1 and not classes:
        raise ValueError(f"guidance {guidance:g} needs classes to guide by: a model without classes has guidance 1")
