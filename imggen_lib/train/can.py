"""How a Creative Adversarial Network trains: a GAN whose generator is also paid for images of no clear style."""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from imggen_lib.checks import attribute
from imggen_lib.losses.can import style_ambiguity, style_loss
from imggen_lib.losses.gan import GanLoss
from imggen_lib.noise import generator_for
from imggen_lib.train.gan import NOISE, record_of, weighted_penalty
from imggen_lib.train.state import GanState, Record, check_finite, checked, update_ema


def train_can(
    state: GanState,
    batches: Iterable[tuple[Tensor, Tensor]],
    loss: GanLoss,
    *,
    ambiguity: float = 1.0,  # weight of the style-ambiguity loss in the generator's; 0 for the same GAN without it
    style: float = 1.0,  # weight of the style cross-entropy in the critic's; 0 for a critic that learns no styles
    r1: float = 0.0,  # these as in train_gan
    r2: float = 0.0,
    gp: float = 0.0,
    penalty_every: int = 1,
    ema_half_life: float = 10_000,  # images
    seed: int = 0,
) -> Iterator[Record]:
    """Alternate critic and generator updates over `batches` of ``(images, styles)``; yield a record a step.

    The critic is a :class:`~imggen_lib.models.can.StyleCritic`; it learns the styles of real images only. A record is that of
    :func:`~imggen_lib.train.gan.train_gan` with ``style`` and ``ambiguity``, the two other terms in nats, without their weights.
    Source: Elgammal et al. 2017, arXiv:1706.07068.
    """
    generator, critic = state.generator.train(), state.critic.train()
    latent_dim = attribute(generator, "latent_dim")
    for real, styles in checked(batches, critic, classes=attribute(critic, "styles")):
        n = len(real)
        noise = generator_for(seed, NOISE, state.images, device=real.device)
        z = torch.randn(n, latent_dim, generator=noise, device=real.device, dtype=real.dtype)
        fake = generator(z)  # (n, c, h, w)

        # The critic: tell real from generated, and name the styles of the real ones.
        critic.requires_grad_(True)
        logits, named = critic(torch.cat([real, fake.detach()]))
        real_logits, fake_logits = logits.chunk(2)  # (n,), (n,)
        critic_loss, style_term = loss.critic(real_logits, fake_logits), style_loss(named[:n], styles)
        penalty = real.new_zeros(())
        if state.steps % penalty_every == 0:
            penalty = weighted_penalty(lambda x: critic(x).logits, real, fake.detach(), r1, r2, gp, noise)
        state.critic_optimizer.zero_grad()
        (critic_loss + style * style_term + penalty_every * penalty).backward()
        state.critic_optimizer.step()

        # The generator: be taken for real by the critic as it now is, and for no style in particular.
        critic.requires_grad_(False)
        reference = critic(real).logits if loss.paired else real_logits
        logits, named = critic(fake)
        generator_loss, unclear = loss.generator(reference.detach(), logits), style_ambiguity(named)
        state.generator_optimizer.zero_grad()
        (generator_loss + ambiguity * unclear).backward()
        state.generator_optimizer.step()
        state.generator_loss = generator_loss.detach()
        critic.requires_grad_(True)
        update_ema(state.ema, generator, images=state.images, batch=n, half_life=ema_half_life)

        state.images += n
        state.steps += 1
        record = record_of(state, critic_loss, penalty, real_logits, fake_logits)
        yield check_finite(record | {"style": style_term.detach(), "ambiguity": unclear.detach()}, state.steps)
