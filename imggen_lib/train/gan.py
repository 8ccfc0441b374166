r"""How a GAN trains: the players move in turns (:func:`train_gan`) or both at once (:func:`train_gan_simultaneous`).

In turns, the critic is updated first, and the images go through it once more for the generator. Where both gradients are taken at
the *same* critic, the second pass repeats the first: a logit :math:`b_i` depends on its own image :math:`x_i` alone, so both losses
reach the image through the same derivative,

.. math::
    \frac{\partial L_G}{\partial x_i} = \rho_i\,\frac{\partial L_C}{\partial x_i}, \qquad
    \rho_i = \frac{\partial L_G / \partial b_i}{\partial L_C / \partial b_i},

and the critic's backward pass, scaled image by image, is the generator's (penalties are computed apart).
Source: Shen et al. 2021, arXiv:2103.00430.
"""

from collections.abc import Iterable, Iterator
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from imggen_lib.checks import attribute
from imggen_lib.losses.gan import Critic, GanLoss, gradient_penalty, zero_centred_penalty
from imggen_lib.noise import generator_for
from imggen_lib.train.augment import Adaptive, Augment, follow, veiled
from imggen_lib.train.parallel import Processes, average_gradients, count, own
from imggen_lib.train.state import GanState, Record, Schedule, check_finite, checked, constant, update_ema

NOISE = 2  # the stream of random numbers for latents; see noise.generator_for


def weighted_penalty(
    critic: Critic,
    real: Tensor,
    fake: Tensor,
    r1: float,
    r2: float,
    gp: float,
    noise: torch.Generator,
    processes: Processes | None = None,
) -> Float[Tensor, ""]:
    """The weighted sum of the gradient penalties that were asked for; a weight of 0 costs nothing."""
    total = real.new_zeros(())
    if r1:
        total = total + r1 / 2 * zero_centred_penalty(critic, real)
    if r2:
        total = total + r2 / 2 * zero_centred_penalty(critic, fake)
    if gp:
        t = own(torch.rand(len(real) * count(processes), generator=noise, device=real.device, dtype=real.dtype), processes)
        total = total + gp * gradient_penalty(critic, real, fake, t)
    return total


def exchange(wanted: Float[Tensor, " n"], slope: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    r""":math:`\rho_i` from the generator's and the critic's derivative at each logit. NaN where the latter is as good as 0.

    For the logistic losses that is at some -65, where a critic is surer than any training wants it.
    """
    return torch.where(slope.abs() > 1e-30, wanted / slope, torch.nan)


def record_of(state: GanState, critic_loss: Tensor, penalty: Tensor, real_logits: Tensor, fake_logits: Tensor) -> Record:
    """What every GAN's loop says of a step."""
    terms = {"critic": critic_loss, "generator": state.generator_loss, "penalty": penalty}
    terms |= {"real": real_logits.mean(), "fake": fake_logits.mean()}
    return {"images": state.images, **{name: value.detach() for name, value in terms.items()}}


def train_gan(
    state: GanState,
    batches: Iterable[tuple[Tensor, Tensor]],
    loss: GanLoss,
    *,
    r1: float = 0.0,  # gamma: half of it multiplies the squared gradient norm at real images
    r2: float = 0.0,  # the same at generated images
    gp: float = 0.0,  # weight of the WGAN-GP penalty, usually 10
    penalty_every: int = 1,  # apply penalties every so many critic updates, that much stronger ("lazy")
    critic_steps: int = 1,  # critic updates a generator update
    ema_half_life: float = 10_000,  # images
    ema_every: int = 1,  # generator updates to one of the average: one to one costs a twentieth of the time of dense layers
    lr_schedule: Schedule = constant,  # a factor on both learning rates, as a function of the images seen
    head_start: int = 0,  # images that the critic sees before the generator learns: for a trained one beside a fresh critic
    augment: Augment | Adaptive | None = None,  # changes what the critic sees of real and generated images (train.augment)
    seed: int = 0,
    processes: Processes | None = None,  # an accelerate.Accelerator: `batches` holds this process's share
) -> Iterator[Record]:
    """Alternate critic and generator updates over `batches` of ``(images, labels)``; yield a record a critic update.

    A record holds ``images`` (seen so far) and, detached, ``critic`` and ``generator`` (the losses), ``penalty``, and the
    mean logits ``real`` and ``fake``. Raises :class:`~imggen_lib.errors.TrainingDiverged` when a term is not finite.
    """
    generator, critic = state.generator.train(), state.critic.train().requires_grad_(True)
    latent_dim, classes = attribute(generator, "latent_dim"), attribute(critic, "classes")
    for real, y in checked(batches, critic, classes=classes):
        n = len(real) * count(processes)
        noise = generator_for(seed, NOISE, state.images, device=real.device)
        z = torch.randn(n, latent_dim, generator=noise, device=real.device, dtype=real.dtype)
        real, shown = veiled(augment, real, generator(own(z, processes), y), state, seed, processes)  # (n, c, h, w)
        state.set_lr(lr_schedule(state.images))

        # The critic: tell real from generated.
        both_y = None if y is None else torch.cat([y, y])
        real_logits, fake_logits = critic(torch.cat([real, shown.detach()]), both_y).chunk(2)  # (n,), (n,)
        critic_loss = loss.critic(real_logits, fake_logits)
        weights = (r1, r2, gp) if state.steps % penalty_every == 0 else (0.0, 0.0, 0.0)
        penalty = weighted_penalty(partial(critic.forward, labels=y), real, shown.detach(), *weights, noise, processes)
        state.critic_optimizer.zero_grad()
        (critic_loss + penalty_every * penalty).backward()
        average_gradients(state.critic_optimizer, processes)
        state.critic_optimizer.step()
        follow(augment, loss, state, real_logits.detach(), fake_logits.detach(), processes)

        # The generator: have its images taken for real by the critic as it now is.
        if state.steps % critic_steps == 0 and state.images >= head_start:
            critic.requires_grad_(False)
            reference = critic(real, y) if loss.paired else real_logits
            generator_loss = loss.generator(reference.detach(), critic(shown, y))
            state.generator_optimizer.zero_grad()
            generator_loss.backward()
            average_gradients(state.generator_optimizer, processes)
            state.generator_optimizer.step()
            state.generator_loss = generator_loss.detach()
            critic.requires_grad_(True)
            if state.steps % (critic_steps * ema_every) == 0:
                update_ema(state.ema, generator, images=state.images, batch=n * critic_steps * ema_every, half_life=ema_half_life)

        state.images, state.steps = state.images + n, state.steps + 1
        yield check_finite(record_of(state, critic_loss, penalty, real_logits, fake_logits), state.steps)


def _check_at_once(loss: GanLoss, critic: nn.Module) -> None:
    if not loss.steep:
        raise ValueError(f"the critic's {loss.name} loss has slopes of 0: no gradient of the generator's can be made from them")
    if any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in critic.modules()):
        raise ValueError("a critic with BatchNorm has no gradient of a single image; train in turns (train_gan)")


def train_gan_simultaneous(
    state: GanState,
    batches: Iterable[tuple[Tensor, Tensor]],
    loss: GanLoss,
    *,
    r1: float = 0.0,  # these as in train_gan
    r2: float = 0.0,
    gp: float = 0.0,
    penalty_every: int = 1,
    ema_half_life: float = 10_000,  # images
    ema_every: int = 1,
    lr_schedule: Schedule = constant,
    augment: Augment | Adaptive | None = None,
    seed: int = 0,
    processes: Processes | None = None,
) -> Iterator[Record]:
    """Move both players at once, each against the other as it was, with one pass through the critic and one back.

    Fewer operations than :func:`train_gan`, same records, another game (see the chapter on speed). Raises ``ValueError`` for a loss
    that is not ``steep`` and a critic with BatchNorm, ``TrainingDiverged`` where a slope vanishes (on a GPU late).
    """
    generator, critic = state.generator.train(), state.critic.train().requires_grad_(True)
    _check_at_once(loss, critic)
    latent_dim, classes = attribute(generator, "latent_dim"), attribute(critic, "classes")
    for real, y in checked(batches, critic, classes=classes):
        n = len(real) * count(processes)
        noise = generator_for(seed, NOISE, state.images, device=real.device)
        z = torch.randn(n, latent_dim, generator=noise, device=real.device, dtype=real.dtype)
        real, shown = veiled(augment, real, generator(own(z, processes), y), state, seed, processes)  # (n, c, h, w)
        state.set_lr(lr_schedule(state.images))

        # The critic: its gradient, also that at the generated images and at their logits.
        seen, both_y = shown.detach().requires_grad_(True), None if y is None else torch.cat([y, y])
        real_logits, fake_logits = critic(torch.cat([real, seen]), both_y).chunk(2)  # (n,), (n,)
        fake_logits.retain_grad()
        critic_loss = loss.critic(real_logits, fake_logits)
        weights = (r1, r2, gp) if state.steps % penalty_every == 0 else (0.0, 0.0, 0.0)
        penalty = weighted_penalty(partial(critic.forward, labels=y), real, seen.detach(), *weights, noise, processes)
        state.critic_optimizer.zero_grad()
        (critic_loss + penalty_every * penalty).backward()
        follow(augment, loss, state, real_logits.detach(), fake_logits.detach(), processes)

        # The generator: what it wants of each logit, in place of what the critic wanted.
        wanted = fake_logits.detach().requires_grad_(True)
        generator_loss = loss.generator(real_logits.detach(), wanted)
        generator_loss.backward()
        factor = exchange(wanted.grad, fake_logits.grad)  # (n,)
        check_finite({"images": state.images + n, "factor": factor.sum()}, state.steps)
        state.generator_optimizer.zero_grad()
        shown.backward(seen.grad * factor.view(-1, 1, 1, 1))  # type: ignore[operator]

        for optimizer in state.optimizers().values():
            average_gradients(optimizer, processes)
            optimizer.step()
        if state.steps % ema_every == 0:
            update_ema(state.ema, generator, images=state.images, batch=n * ema_every, half_life=ema_half_life)
        state.images, state.steps, state.generator_loss = state.images + n, state.steps + 1, generator_loss.detach()
        yield check_finite(record_of(state, critic_loss, penalty, real_logits, fake_logits), state.steps)
