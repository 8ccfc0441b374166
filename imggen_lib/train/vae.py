"""How a VAE trains."""

from collections.abc import Iterable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.data import to_unit
from imggen_lib.losses.vae import (
    bernoulli_log_prob,
    discretized_logistic_log_prob,
    elbo,
    free_bits_kl,
    gaussian_log_prob,
    kl_per_dimension,
    standard_normal_kl,
)
from imggen_lib.models.vae import VAE, VaeOutput
from imggen_lib.noise import generator_for
from imggen_lib.train.parallel import Processes, average_gradients, count, own, whole
from imggen_lib.train.state import Record, Schedule, VaeState, check_batch, check_finite, constant, set_lr

_NOISE = 3  # the stream of random numbers for binarisation and eps; see noise.generator_for


def observe(x: Float[Tensor, "n c h w"], model: VAE, noise: torch.Generator) -> Float[Tensor, "n c h w"]:
    """What the model's likelihood is about, drawn from grey images in [-1, 1].

    Bernoulli: binary pixels, white with the probability that the grey value gives, drawn anew each time ("dynamic
    binarisation", the protocol of Burda et al. 2015, arXiv:1509.00519). Gaussian: uniform noise of one grey level is added, so
    that a density makes sense for pixels that are whole numbers. Logistic: the pixels as they are, one of 256 levels each.
    """
    if model.likelihood == "bernoulli":
        return torch.bernoulli(to_unit(x), generator=noise) * 2 - 1
    if model.likelihood == "logistic":
        return x
    return x + (torch.rand(x.shape, generator=noise, device=x.device) - 0.5) / 127.5


def log_likelihood(model: VAE, x: Tensor, decoded: Tensor) -> Float[Tensor, " n"]:
    """log p(x|z) in nats, summed over pixels, under the model's own likelihood."""
    if model.log_sigma is not None:
        return gaussian_log_prob(x, decoded, model.log_sigma)
    if model.log_scale is not None:
        return discretized_logistic_log_prob(x, decoded, model.log_scale)
    return bernoulli_log_prob(to_unit(x), decoded)


def terms(model: VAE, x: Tensor, labels: Tensor | None, eps: Tensor | None) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
    """log p(x|z) and KL(q(z|x) || p(z)) an image, in nats, for ``z = mu + sigma * eps``."""
    out: VaeOutput = model(x, labels, eps)
    return log_likelihood(model, x, out.decoded), standard_normal_kl(out.mu, out.logvar)


def train_vae(
    state: VaeState,
    batches: Iterable[tuple[Tensor, Tensor]],
    *,
    beta: float | Schedule = 1.0,  # weight of the KL term: a number, or a function of the images seen (state.warm_up)
    free_bits: float = 0.0,  # nats a latent dimension that cost nothing (losses.vae.free_bits_kl)
    lr_schedule: Schedule = constant,  # a factor on the learning rate, as a function of the images seen
    seed: int = 0,
    processes: Processes | None = None,  # an accelerate.Accelerator: `batches` holds this process's share
) -> Iterator[Record]:
    """Maximise the evidence lower bound over `batches` of ``(images, labels)``; yield a record a step.

    A record holds ``images`` (seen so far) and, as detached tensors in nats an image, ``loss`` (minus the beta-ELBO, the free bits
    included), ``elbo`` (with beta = 1 and no free bits), ``log_px`` and ``kl``. Raises
    :class:`~imggen_lib.errors.TrainingDiverged` when a term is not finite.
    """
    model = state.model.train()
    for x, labels in batches:
        check_batch(x, model.image_shape)
        y = labels if model.classes else None
        noise = generator_for(seed, _NOISE, state.images, device=x.device)
        n = len(x) * count(processes)
        x = own(observe(whole(x, processes), model, noise), processes)
        eps = own(torch.randn(n, model.latent_dim, generator=noise, device=x.device), processes)
        out: VaeOutput = model(x, y, eps)
        log_px = log_likelihood(model, x, out.decoded)  # (n,)
        kls = kl_per_dimension(out.mu, out.logvar)  # (n, latent_dim)
        kl = kls.sum(1)  # (n,)
        weight = beta(state.images) if callable(beta) else beta
        loss = -elbo(log_px, kl, weight).mean()
        if free_bits:
            loss = loss + weight * (free_bits_kl(kls, free_bits) - kl.mean())
        set_lr(state.optimizer, lr_schedule(state.images))
        state.optimizer.zero_grad()
        loss.backward()
        average_gradients(state.optimizer, processes)
        state.optimizer.step()

        state.images += n
        state.steps += 1
        record: Record = {"images": state.images, "loss": loss.detach(), "elbo": (log_px - kl).mean().detach()}
        record |= {"log_px": log_px.mean().detach(), "kl": kl.mean().detach()}
        check_finite(record, state.steps)
        yield record


@torch.no_grad()
def evaluate_elbo(
    model: VAE, images: Tensor, labels: Tensor | None = None, *, seed: int = 1, batch: int = 1000
) -> tuple[float, float]:
    """Mean ELBO over `images` (float, [-1, 1]) in nats with one sample of z an image, and its standard error over images.

    The binarisation (or dequantisation) is drawn once from `seed`; the number does not depend on the device's speed or memory.
    """
    model.eval()
    values = []
    for k in range(0, len(images), batch):
        x = images[k : k + batch]
        noise = generator_for(seed, _NOISE, k, device=x.device)
        eps = torch.randn(len(x), model.latent_dim, generator=noise, device=x.device)
        y = None if labels is None or not model.classes else labels[k : k + batch]
        log_px, kl = terms(model, observe(x, model, noise), y, eps)
        values.append(elbo(log_px, kl).double())
    every = torch.cat(values)
    return every.mean().item(), every.std().item() / len(every) ** 0.5
