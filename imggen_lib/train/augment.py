r"""Augmentation for a GAN of few images, which its generator does not learn to draw.

A critic that sees 300 photographs again and again soon knows them by heart. Changed a little each time, they last longer; but a
generator would learn the changes. So both kinds of images, real and generated, are changed by the same rule on their way to the
critic, and the gradient goes back to the generator *through* the change: what is compared are two distributions behind the same
veil (Zhao et al. 2020, arXiv:2006.10738; Karras et al. 2020, arXiv:2006.06676).

The veil hides nothing as long as different distributions look different behind it. Here each change is left out with the
probability :math:`1 - p`, so that a distribution :math:`\mu` becomes :math:`(1-p)\,\mu + p\,K\mu`, and with :math:`p < 1/2` that
can always be undone: if two distributions with the difference :math:`d` became the same, :math:`(1-p)\,d = -p\,Kd`, but no change
of images makes a difference larger in total variation, :math:`\lVert Kd\rVert \le \lVert d\rVert`, so that :math:`1-p \le p`.

How large :math:`p` should be depends on the pictures, and on how far a training is. :class:`Adaptive` listens to the critic: one
that knows its real images by heart is sure of each of them, and the surer it is, the more often they are changed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import copysign

import torch
from jaxtyping import Float, Int
from torch import Tensor

from imggen_lib.checks import real, whole
from imggen_lib.losses.gan import GanLoss
from imggen_lib.noise import mix
from imggen_lib.train.parallel import Processes, count, mean_over, own
from imggen_lib.train.state import GanState

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
    augment: "Augment | Adaptive | None", real: Images, fake: Images, state: GanState, seed: int, processes: Processes | None = None
) -> tuple[Images, Images]:
    """What the critic sees of both in the step that begins at `state`: the images as they are without `augment`."""
    if isinstance(augment, Adaptive):
        augment = partial(diff_augment, p=state.p) if state.p else None
    if augment is None:
        return real, fake
    n = len(real) * count(processes)
    seeds = (own(seeds_of(state.images, n, kind, seed, real.device), processes) for kind in (0, 1))
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


WINDOW = 4  # batches that p is decided by, as in the paper


@dataclass(frozen=True)
class Adaptive:
    r"""Adaptive discriminator augmentation: :func:`diff_augment` with a probability that follows the critic.

    .. math::
        \begin{aligned}
        r_t &= \operatorname{E}\,\operatorname{sign}(a_i - m), \\
        p &\leftarrow p + \operatorname{sign}(r_t - r^*)\,\frac{\Delta}{\text{images}}
        \end{aligned}

    Over the real images of four batches, whose logits are :math:`a_i`: :math:`r_t` is 0 for a critic that knows nothing and 1 for
    one that knows every image. :math:`m` is the logit that says "as likely real as not", 0 for the logistic losses. Where a loss
    looks at differences alone (relativistic, Wasserstein) there is no such logit, and a generated image's takes its place,
    :math:`\operatorname{sign}(a_i - b_i)`. :math:`\Delta` is how many images were seen since the last
    change. :math:`p` begins at 0, which is no augmentation, and stays from 0 to `most`; with ``most < 1/2`` nothing is hidden for
    good (see above), whatever the critic says.

    Source: Karras et al. 2020, arXiv:2006.06676, section 3, whose `target` is 0.6. Their `images` are 500,000 in trainings of
    25 million.
    """

    target: float = 0.6  # r*, what the critic's surety should be
    images: int = 100_000  # in which p can go from 0 to 1
    most: float = 0.4

    def __post_init__(self) -> None:
        if not 0 < real(self.target, "the target of adaptive augmentation") < 1:
            raise ValueError(f"the target of adaptive augmentation must lie between 0 and 1, got {self.target}")
        whole(self.images, "the images of adaptive augmentation", 1)
        real(self.most, "the largest p of adaptive augmentation", 0, 1)

    def moved(self, p: float, surety: float, seen: int) -> float:
        """The probability after `seen` more images in which the critic's surety was :math:`r_t`."""
        step = 0.0 if surety == self.target else copysign(seen / self.images, surety - self.target)
        return min(max(p + step, 0.0), self.most)


def follow(
    augment: Augment | Adaptive | None,
    loss: GanLoss,
    state: GanState,
    real_logits: Float[Tensor, " n"],
    fake_logits: Float[Tensor, " n"],
    processes: Processes | None = None,
) -> None:
    """Let an adaptive augmentation hear the critic in the step that began at `state`; every :data:`WINDOW` steps it moves ``p``."""
    if not isinstance(augment, Adaptive):
        return
    middle = fake_logits if loss.middle is None else loss.middle
    state.surety = state.surety + mean_over((real_logits - middle).sign().mean().float(), processes) / WINDOW
    if (state.steps + 1) % WINDOW == 0:
        state.p = augment.moved(state.p, state.surety.item(), WINDOW * len(real_logits) * count(processes))
        state.surety = torch.zeros_like(state.surety)
