r"""Augmentation for a GAN of few images, which its generator does not learn to draw.

A critic that sees 300 photographs again and again soon knows them by heart. Changed a little each time, they last longer; but a
generator would learn the changes. So both kinds of images, real and generated, are changed by the same rule on their way to the
critic, and the gradient goes back to the generator *through* the change: what is compared are two distributions behind the same
veil (Zhao et al. 2020, arXiv:2006.10738; Karras et al. 2020, arXiv:2006.06676).

The veil hides nothing as long as different distributions look different behind it. Here each change is left out with the
probability :math:`1 - p`, so that a distribution :math:`\mu` becomes :math:`(1-p)\,\mu + p\,K\mu`, and with :math:`p < 1/2` that
can always be undone: if two distributions with the difference :math:`d` became the same, :math:`(1-p)\,d = -p\,Kd`, but no change
of images makes a difference larger in total variation, :math:`\lVert Kd\rVert \le \lVert d\rVert`, so that :math:`1-p \le p`.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from imggen_lib.checks import real
from imggen_lib.noise import mix
from imggen_lib.train.parallel import Processes, count, own

Images = Float[Tensor, "n c h w"]
Seeds = Int[Tensor, " n"]
Augment = Callable[[Tensor, Tensor], Tensor]  # images (n, c, h, w), a seed each (n,) -> images

STREAM = 8  # of random numbers for augmentation; see noise.generator_for
_STEP, _FIRST, _SECOND = (n - 2**64 for n in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


def _shifted(x: Tensor, bits: int) -> Tensor:
    """`x` as an unsigned number, moved to the right."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)


def uniforms(seeds: Seeds, count: int) -> Float[Tensor, "n {count}"]:
    """Numbers in [0, 1), float32: row i depends on ``seeds[i]`` alone, on any device (SplitMix64, as in :func:`noise.mix`)."""
    x = (seeds * _SECOND)[:, None] + (torch.arange(count, device=seeds.device) + 1) * _STEP  # whole numbers modulo 2^64
    for shift, factor in ((30, _FIRST), (27, _SECOND), (30, _FIRST), (27, _SECOND)):
        x = (x ^ _shifted(x, shift)) * factor
    return _shifted(x ^ _shifted(x, 31), 40).float() / 2**24


def seeds_of(first: int, n: int, kind: int, seed: int, device: torch.device | str = "cpu") -> Seeds:
    """A seed for each of `n` images of a training step that begins after `first` images; `kind` is 0 for real, 1 for generated."""
    return 2 * (first + torch.arange(n, device=device)) + kind + mix(seed, STREAM) // 4


def veiled(
    augment: Augment | None, real: Images, fake: Images, first: int, seed: int, processes: Processes | None = None
) -> tuple[Images, Images]:
    """What the critic sees of both in a step that begins after `first` images: the images as they are without `augment`."""
    if augment is None:
        return real, fake
    n = len(real) * count(processes)
    seeds = (own(seeds_of(first, n, kind, seed, real.device), processes) for kind in (0, 1))
    return augment(real, next(seeds)), augment(fake, next(seeds))


def colour(x: Images, brightness: Tensor, saturation: Tensor, contrast: Tensor) -> Images:
    """Add `brightness`, multiply the distance to each pixel's grey by `saturation`, that to the mean by `contrast`: ``(n,)``."""
    b, s, c = (value.view(-1, 1, 1, 1) for value in (brightness, saturation, contrast))
    x = x + b
    grey = x.mean(1, keepdim=True)
    x = grey + s * (x - grey)
    mean = x.mean((1, 2, 3), keepdim=True)
    return mean + c * (x - mean)


def translate(x: Images, down: Seeds, right: Seeds) -> Images:
    """Move each image by whole pixels ``(n,)``; what comes in from outside is 0, which is mid grey."""
    h, w = x.shape[2:]
    rows = torch.arange(h, device=x.device) - down[:, None]  # (n, h): where each row comes from
    columns = torch.arange(w, device=x.device) - right[:, None]
    inside = ((rows >= 0) & (rows < h))[:, :, None] & ((columns >= 0) & (columns < w))[:, None, :]  # (n, h, w)
    each = torch.arange(len(x), device=x.device)[:, None, None]
    moved = x[each, :, rows.clamp(0, h - 1)[:, :, None], columns.clamp(0, w - 1)[:, None, :]]  # (n, h, w, c)
    return torch.where(inside[..., None], moved, 0).movedim(3, 1)


def cut_out(x: Images, row: Seeds, column: Seeds, side: Seeds) -> Images:
    """Set a square to 0 whose middle is at ``(row, column)``, as far as it lies in the image; no square where `side` is 0."""
    h, w = x.shape[2:]
    rows = (torch.arange(h, device=x.device) - row[:, None]).abs() * 2
    columns = (torch.arange(w, device=x.device) - column[:, None]).abs() * 2
    inside = (rows < side[:, None])[:, :, None] & (columns < side[:, None])[:, None, :]
    return torch.where(inside[:, None], 0, x)


def diff_augment(images: Images, seeds: Seeds, *, p: float = 0.4) -> Images:
    """Colour, translation and cutout, each with the probability `p`, drawn from each image's seed alone; differentiable.

    Brightness moves by up to 0.5, saturation is multiplied by 0 to 2, contrast by 0.5 to 1.5; the image moves by up to an eighth
    of its side, and a square of half the side is set to 0. The three and their sizes are those of Zhao et al. 2020,
    arXiv:2006.10738, who apply all of them always (``p = 1``). With the default the distribution can be recovered, whatever it
    is (see above), and four images of five are changed, ``1 - 0.6^3``.
    """
    real(p, "p", 0, 1)
    u = uniforms(seeds, 10).to(images)
    on = u[:, 7:] < p  # (n, 3)
    one, (h, w) = torch.ones_like(u[:, 0]), images.shape[2:]
    wanted = (u[:, 0] - 0.5, 2 * u[:, 1], u[:, 2] + 0.5)
    x = colour(images, *(torch.where(on[:, 0], a, b) for a, b in zip(wanted, (0 * one, one, one), strict=True)))
    reach = [(size + 4) // 8 for size in (h, w)]
    down, right = (((2 * r + 1) * u[:, k]).floor().long() - r for k, r in zip((3, 4), reach, strict=True))
    x = translate(x, torch.where(on[:, 1], down, 0), torch.where(on[:, 1], right, 0))
    row, column = ((size * u[:, k]).floor().long() for k, size in zip((5, 6), (h, w), strict=True))
    return cut_out(x, row, column, torch.where(on[:, 2], (h + 1) // 2, 0))
