"""How a VAE trains."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.checks import check_images
from imggen_lib.data import to_unit
from imggen_lib.losses.vae import (
    bernoulli_log_prob,
    categorical_log_prob,
    discretized_logistic_log_prob,
    elbo,
    free_bits_kl,
    gaussian_log_prob,
    iwae_bound,
    kl_per_dimension,
    log_importance_weights,
    standard_normal_kl,
)
from imggen_lib.machine import evaluating, full_precision
from imggen_lib.models.vae import VAE, VaeOutput
from imggen_lib.noise import generator_for
from imggen_lib.train.parallel import Processes, average_gradients, count, mean_over, own, whole
from imggen_lib.train.state import (
    Record,
    Schedule,
    VaeState,
    attribute,
    check_batch,
    check_finite,
    check_labels,
    checked,
    constant,
    set_lr,
)

_NOISE = 3  # the stream of random numbers for binarisation and eps; see noise.generator_for


def observe(x: Float[Tensor, "n c h w"], model: VAE, noise: torch.Generator) -> Float[Tensor, "n c h w"]:
    """What the model's likelihood is about, drawn from grey images in [-1, 1].

    Bernoulli: binary pixels, white with the probability that the grey value gives, drawn anew each time ("dynamic
    binarisation", the protocol of Burda et al. 2015, arXiv:1509.00519). Gaussian: uniform noise of one grey level is added, so
    that a density makes sense for pixels that are whole numbers. Logistic: the pixels as they are, one of 256 levels each;
    categorical: the tiles as they are.
    """
    if model.likelihood == "bernoulli":
        return torch.bernoulli(to_unit(x), generator=noise) * 2 - 1
    if model.likelihood in ("logistic", "categorical"):
        return x
    return x + (torch.rand(x.shape, generator=noise, device=x.device, dtype=x.dtype) - 0.5) / 127.5


def log_likelihood(model: VAE, x: Tensor, decoded: Tensor) -> Float[Tensor, " n"]:
    """log p(x|z) in nats, summed over pixels, under the model's own likelihood."""
    if model.log_sigma is not None:
        return gaussian_log_prob(x, decoded, model.log_sigma)
    if model.log_scale is not None:
        return discretized_logistic_log_prob(x, decoded, model.log_scale)
    log_prob = categorical_log_prob if model.likelihood == "categorical" else bernoulli_log_prob
    return log_prob(to_unit(x), decoded)


def terms(model: VAE, x: Tensor, labels: Tensor | None, eps: Tensor | None) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
    """log p(x|z) and KL(q(z|x) || p(z)) an image, in nats, for ``z = mu + sigma * eps``."""
    out: VaeOutput = model(x, labels, eps)
    return log_likelihood(model, x, out.decoded), standard_normal_kl(out.mu, out.logvar)


class Bounds(NamedTuple):
    """What a step maximises, and what it reports."""

    bound: Float[Tensor, ""]  # with free bits and beta, or with several draws: the mean over the batch
    elbo: Float[Tensor, " n"]  # beta = 1, no free bits; of several draws their mean
    log_px: Float[Tensor, " n"]
    kl: Float[Tensor, " n"]


def evidence_bound(
    out: VaeOutput, log_px: Float[Tensor, " n"], weight: float, free_bits: float, processes: Processes | None = None
) -> Bounds:
    """The evidence lower bound with the weight `weight` on the KL term and `free_bits` nats a latent dimension free of charge."""
    kls = kl_per_dimension(out.mu, out.logvar)  # (n, latent_dim)
    kl = kls.sum(1)  # (n,)
    bound = elbo(log_px, kl, weight).mean()
    if free_bits:
        bound = bound - weight * (free_bits_kl(kls, free_bits, mean_over(kls.mean(0), processes)) - kl.mean())
    return Bounds(bound, log_px - kl, log_px, kl)


def importance_bound(model: VAE, x: Tensor, labels: Tensor | None, eps: Float[Tensor, "n k z"]) -> Bounds:
    """The importance-weighted bound (:func:`imggen_lib.losses.vae.iwae_bound`) with k draws per image: k decodings of one code."""
    n, k, _ = eps.shape
    mu, logvar = model.encode(x, labels)
    z = mu[:, None] + torch.exp(0.5 * logvar)[:, None] * eps  # (n, k, z)
    decoded = model.decode(z.flatten(0, 1), None if labels is None else labels.repeat_interleave(k))
    log_px = log_likelihood(model, x.repeat_interleave(k, 0), decoded).view(n, k)
    weights = log_importance_weights(log_px, z, mu[:, None], logvar[:, None])  # (n, k)
    return Bounds(iwae_bound(weights.T).mean(), weights.mean(1), log_px.mean(1), standard_normal_kl(mu, logvar))


def train_vae(
    state: VaeState,
    batches: Iterable[tuple[Tensor, Tensor]],
    *,
    beta: float | Schedule = 1.0,  # weight of the KL term: a number, or a function of the images seen (state.warm_up)
    free_bits: float = 0.0,  # nats a latent dimension that cost nothing (losses.vae.free_bits_kl)
    draws: int = 1,  # z an image; several: the importance-weighted bound instead of the ELBO, without beta and free bits
    draws_start: int = 0,  # images seen before which one draw is taken
    lr_schedule: Schedule = constant,  # a factor on the learning rate, as a function of the images seen
    seed: int = 0,
    processes: Processes | None = None,  # an accelerate.Accelerator: `batches` holds this process's share
) -> Iterator[Record]:
    """Maximise the evidence lower bound over `batches` of ``(images, labels)``; yield a record a step.

    A record holds ``images`` (seen so far) and, as detached tensors in nats per image, ``loss`` (minus the bound that is maximised:
    the beta-ELBO with the free bits, or the importance-weighted bound), ``elbo`` (with beta = 1 and no free bits), ``log_px`` and
    ``kl``. Raises :class:`~imggen_lib.errors.TrainingDiverged` when a term is not finite.
    """
    if draws < 1 or (draws > 1 and (free_bits or beta != 1.0)):
        raise ValueError(f"{draws} draws per image: at least one, and several only with beta = 1 and without free bits")
    model = state.model.train()
    for x, y in checked(batches, model, classes=attribute(model, "classes")):
        noise = generator_for(seed, _NOISE, state.images, device=x.device)
        n, k = len(x) * count(processes), draws if state.images >= draws_start else 1
        x = own(observe(whole(x, processes), model, noise), processes)
        eps = own(torch.randn(n, k, model.latent_dim, generator=noise, device=x.device, dtype=x.dtype), processes)
        if k == 1:
            out: VaeOutput = model(x, y, eps[:, 0])
            weight = beta(state.images) if callable(beta) else beta
            found = evidence_bound(out, log_likelihood(model, x, out.decoded), weight, free_bits, processes)
        else:
            found = importance_bound(model, x, y, eps)
        loss = -found.bound
        set_lr(state.optimizer, lr_schedule(state.images))
        state.optimizer.zero_grad()
        loss.backward()
        average_gradients(state.optimizer, processes)
        state.optimizer.step()

        state.images += n
        state.steps += 1
        record: Record = {"images": state.images, "loss": loss.detach()}
        record |= {name: getattr(found, name).mean().detach() for name in ("elbo", "log_px", "kl")}
        yield check_finite(record, state.steps)


@full_precision()
@torch.no_grad()
def evaluate_elbo(
    model: VAE, images: Tensor, labels: Tensor | None = None, *, seed: int = 1, batch: int = 1000
) -> tuple[float, float]:
    """Mean ELBO over `images` (float, [-1, 1]) in nats with one sample of z an image, and its standard error over images.

    The binarisation (or dequantisation) is drawn once from `seed`, where the images are; what the model sees goes to its device
    batch by batch. The number does not depend on the device's speed or memory.
    """
    check_images(images)
    check_batch(images, model.image_shape)
    if len(images) < 2 or batch < 1:
        raise ValueError(f"need at least two images, for the standard error, and one a batch, got {len(images)} and {batch}")
    if labels is not None and model.classes:
        labels = check_labels(labels, len(images), model.classes)
    values, device, dtype = [], model.bias.device, model.bias.dtype
    with evaluating(model):
        for k in range(0, len(images), batch):
            x = images[k : k + batch].to(dtype)
            noise = generator_for(seed, _NOISE, k, device=x.device)
            eps = torch.randn(len(x), model.latent_dim, generator=noise, device=x.device, dtype=dtype).to(device)
            y = None if labels is None or not model.classes else labels[k : k + batch].to(device)
            log_px, kl = terms(model, observe(x, model, noise).to(device), y, eps)
            values.append(elbo(log_px, kl).cpu().double())  # on the CPU: not every device has float64
    every = torch.cat(values)
    return every.mean().item(), every.std().item() / len(every) ** 0.5
