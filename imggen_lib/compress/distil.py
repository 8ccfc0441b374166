r"""Distillation of a generator: a small student learns a large teacher's images, and a critic keeps them sharp.

A generator is a function, so its student can be taught by regression: the teacher says which image belongs to a latent. The
student minimises

.. math:: \lambda\, \frac{1}{n d}\sum_i \lVert S(z_i, y_i) - T(z_i, y_i) \rVert_1 + L_{\text{generator}},

the mean absolute difference to the teacher's images, and the generator's loss of a GAN whose critic sees the student's images and
real ones. Without the critic, what the student cannot draw exactly it blurs. Source of knowledge distillation: Hinton and others
2015, arXiv:1503.02531 (there for classifiers).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn

from imggen_lib.checks import attribute
from imggen_lib.data.imageset import to_float, to_uint8
from imggen_lib.losses.gan import GanLoss, zero_centred_penalty
from imggen_lib.noise import generator_for
from imggen_lib.sampling import decode
from imggen_lib.train.state import GanState, Record, Schedule, check_finite, checked, constant, update_ema

PAIRS = 31  # the stream of random numbers for pairs; see noise.generator_for


@dataclass(frozen=True)
class Pairs:
    """A teacher's answers: latents, and the image that belongs to each; sorted by class, as many of each."""

    latents: Float[Tensor, "n z"]
    images: UInt8[Tensor, "n c h w"]
    classes: int

    def __len__(self) -> int:
        return len(self.images)

    def of(self, labels: Int[Tensor, " b"] | None, n: int, noise: torch.Generator) -> tuple[Tensor, Tensor]:
        """`n` pairs at random as ``(latents, images in [-1, 1])``; with `labels`, one of each label's class."""
        each = len(self) // max(self.classes, 1)
        index = torch.randint(each, (n,), generator=noise)
        if labels is not None:
            index = index + labels.cpu() * each
        return self.latents[index], to_float(self.images[index])


def pairs(teacher: nn.Module, n: int, seed: int = 0) -> Pairs:
    """`n` latents, standard normal, and the teacher's images for them, in bytes; with classes, ``n / classes`` of each."""
    classes: int = attribute(teacher, "classes")
    if n < 1 or (classes and n % classes):
        raise ValueError(f"pairs come in equal numbers of each class: {n} is not a multiple of {classes}")
    z = torch.randn(n, attribute(teacher, "latent_dim"), generator=generator_for(seed, PAIRS))
    labels = torch.arange(n) // (n // classes) if classes else None
    parts = range(0, n, 1000)
    images = [to_uint8(decode(teacher, z[k : k + 1000], None if labels is None else labels[k : k + 1000])) for k in parts]
    return Pairs(z, torch.cat(images), classes)


def train_student(
    state: GanState,
    batches: Iterable[tuple[Tensor, Tensor]],
    taught: Pairs | None,
    loss: GanLoss | None,
    *,
    weight: Schedule = constant,  # of the difference to the teacher's images, as a function of the images seen
    critic_from: int = 0,  # images before which there is no critic
    head_start: int = 0,  # images that the critic then sees before the student listens to it
    r1: float = 0.5,  # gamma: half of it multiplies the squared gradient norm at real images
    penalty_every: int = 4,
    ema_half_life: float = 10_000,  # images
    lr_schedule: Schedule = constant,
    each_step: Callable[[nn.Module], None] | None = None,  # what is done to the student after a step, such as pruning it again
    seed: int = 0,
) -> Iterator[Record]:
    """Train ``state.generator`` as the student over `batches` of real images; yield a record a step.

    Without `taught` this is an ordinary GAN, without `loss` it is regression alone. A record holds ``images`` (seen so far) and,
    detached, ``apart`` (the mean absolute difference to the teacher), ``critic`` and ``generator``.
    """
    if taught is None and loss is None:
        raise ValueError("a student needs a teacher's pairs, a critic's loss, or both")
    student, critic = state.generator.train(), state.critic.train()
    for real, y in checked(batches, critic, classes=attribute(critic, "classes")):
        n, noise = len(real), generator_for(seed, PAIRS, state.images)
        if taught is None:
            z, target = torch.randn(n, attribute(student, "latent_dim"), generator=noise), None
        else:
            z, target = taught.of(y, n, noise)
        shown = student(z, y)
        state.set_lr(lr_schedule(state.images))
        terms = {name: real.new_zeros(()) for name in ("apart", "critic", "generator")}

        # The critic: tell real from the student's.
        if loss is not None and state.images >= critic_from:
            terms["critic"] = _critic_step(state, loss, real, shown.detach(), y, r1, penalty_every)

        # The student: near to the teacher, and taken for real.
        if target is not None:
            terms["apart"] = (shown - target).abs().mean()
        if loss is not None and state.images >= critic_from + head_start:
            critic.requires_grad_(False)
            terms["generator"] = loss.generator(critic(real, y).detach(), critic(shown, y))
            critic.requires_grad_(True)
        total = weight(state.images) * terms["apart"] + terms["generator"]
        if total.requires_grad:
            state.generator_optimizer.zero_grad()
            total.backward()
            state.generator_optimizer.step()
            if each_step is not None:
                each_step(student)
            update_ema(state.ema, student, images=state.images, batch=n, half_life=ema_half_life)
        state.images, state.steps = state.images + n, state.steps + 1
        yield check_finite({"images": state.images, **{k: v.detach() for k, v in terms.items()}}, state.steps)


def _critic_step(
    state: GanState, loss: GanLoss, real: Tensor, fake: Tensor, y: Tensor | None, r1: float, penalty_every: int
) -> Tensor:
    """One update of the critic, as in :func:`imggen_lib.train.gan.train_gan`; its loss."""
    critic = state.critic
    both = None if y is None else torch.cat([y, y])
    real_logits, fake_logits = critic(torch.cat([real, fake]), both).chunk(2)  # (n,), (n,)
    critic_loss = loss.critic(real_logits, fake_logits)
    total = critic_loss
    if r1 and state.steps % penalty_every == 0:
        total = total + penalty_every * r1 / 2 * zero_centred_penalty(lambda x: critic(x, y), real)
    state.critic_optimizer.zero_grad()
    total.backward()
    state.critic_optimizer.step()
    return critic_loss
