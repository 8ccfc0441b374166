"""Trainings of a picture from a sentence: the reader of factors, the coder of glyphs, and the flow that listens."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from time import process_time
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from imggen_lib.data import captions
from imggen_lib.data.glyphs import FONTS, RANGES
from imggen_lib.losses.flow import flow_matching_loss, straight_path, uniform_times
from imggen_lib.models.sentence import GlyphCoder, Reader, SentenceVelocity
from imggen_lib.noise import mix

_KIND = np.array([next((k for k, names in enumerate(captions.KINDS.values()) if f in names), -1) for f in FONTS])


def kinds(fonts: np.ndarray) -> np.ndarray:
    """Which kind of font each font is: an index into :data:`imggen_lib.data.captions.KINDS`."""
    return _KIND[fonts]


def scaled(images: np.ndarray) -> Float[Tensor, "n 1 28 28"]:
    """Bytes to pixels in [-1, 1]."""
    return torch.from_numpy(images).unsqueeze(1).float() / 127.5 - 1


def labelled(factors: dict[str, np.ndarray]) -> tuple[Tensor, Tensor, Tensor]:
    """What a reader is to say of images with these factors: characters, kinds of font, numbers in [-1, 1]."""
    numbers = [(factors[f] - RANGES[f][0]) / (RANGES[f][1] - RANGES[f][0]) * 2 - 1 for f in captions.SPANS]
    kind = torch.from_numpy(kinds(factors["font"]))
    return torch.from_numpy(factors["class"]), kind, torch.from_numpy(np.stack(numbers, 1)).float()


def schedule(spent: float) -> float:
    """A learning rate's factor after a share of the budget: up in the first twentieth, then down along a cosine."""
    return min(spent / 0.02, 1.0) * 0.5 * (1 + float(np.cos(np.pi * min(spent, 1.0)))) + 1e-3


def stream(batch: int, seed: int, *, said: float = 0.75, named: float = 1.0, holdout: bool = True) -> Iterator[tuple]:
    """Fresh meanings, images and factors without end, ``batch`` at a time."""
    for k in range(1 << 40):
        meanings = captions.draw_meanings(20 * batch, mix(seed, k, 0), said, named, holdout)
        images, factors = captions.draw_images(meanings, mix(seed, k, 1), holdout)
        for i in range(0, len(images), batch):
            part = slice(i, i + batch)
            yield meanings[part], images[part], {f: v[part] for f, v in factors.items()}


def train_reader(reader: Reader, budget: float, seed: int, batch: int = 128, lr: float = 2e-3) -> Iterator[dict[str, float]]:
    """Trains a reader for `budget` processor seconds on glyphs of all compositions; a record a step."""
    optimiser = torch.optim.AdamW(reader.parameters(), lr=lr, weight_decay=1e-2)
    generator, start = torch.Generator().manual_seed(seed), process_time()
    for step, (_, images, factors) in enumerate(stream(batch, seed, said=0.6, holdout=False), start=1):
        spent = (process_time() - start) / budget
        if spent >= 1:
            return
        for group in optimiser.param_groups:
            group["lr"] = lr * schedule(spent)
        x = scaled(images)
        noise = torch.rand(len(x), 1, 1, 1, generator=generator) * 0.15
        character, font, numbers = reader(x + noise * torch.randn(x.shape, generator=generator))
        right = labelled(factors)
        loss = functional.cross_entropy(character, right[0]) + functional.cross_entropy(font, right[1])
        loss = loss + 5 * functional.mse_loss(numbers, right[2]) + 2 * functional.smooth_l1_loss(numbers, right[2], beta=0.02)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        yield {"step": step, "images": step * batch, "spent": spent, "loss": loss.item()}


def train_coder(
    coder: GlyphCoder, batches: Iterator[Tensor], budget: float, seed: int, beta: float = 0.2, lr: float = 2e-3
) -> Iterator[dict[str, float]]:
    """Trains the autoencoder for `budget` processor seconds; afterwards its latents have mean 0 and variance 1 over images."""
    optimiser = torch.optim.Adam(coder.parameters(), lr=lr)
    generator, start, step, seen = torch.Generator().manual_seed(seed), process_time(), 0, 0
    for x in batches:
        spent = (process_time() - start) / budget
        if spent >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = lr * schedule(spent)
        mean, log_variance = coder.encode(x)
        z = mean + (0.5 * log_variance).exp() * torch.randn(mean.shape, generator=generator)
        share = (x + 1) / 2
        entropy = -(torch.xlogy(share, share) + torch.xlogy(1 - share, 1 - share))  # the least that the loss can be
        fit = (functional.binary_cross_entropy_with_logits(coder.logits(z), share, reduction="none") - entropy).flatten(1).sum(1)
        kl = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).sum(1)
        loss = (fit + beta * kl).mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(coder.parameters(), 50.0)
        optimiser.step()
        step, seen = step + 1, seen + len(x)
        yield {"step": step, "images": seen, "spent": spent, "fit": fit.mean().item(), "kl": kl.mean().item()}
    standardise(coder, torch.cat([next(batches) for _ in range(40)]))


@torch.no_grad()
def standardise(coder: GlyphCoder, images: Tensor) -> None:
    """Measures the latents' mean and spread over images, so that the flow's data have mean 0 and variance 1."""
    mean, log_variance = (torch.cat(p) for p in zip(*(coder.encode(part) for part in images.split(500)), strict=True))
    coder.mean.copy_(mean.mean(0))
    coder.spread.copy_((mean.var(0) + log_variance.exp().mean(0)).sqrt())


class Average:
    """The mean of a network's weights over recent steps: what is used in the end."""

    def __init__(self, net: nn.Module, decay: float = 0.999) -> None:
        self.net, self.mean, self.decay, self.steps = net, copy.deepcopy(net).eval().requires_grad_(False), decay, 0

    @torch.no_grad()
    def update(self) -> None:
        self.steps += 1
        keep = min(self.decay, self.steps / (self.steps + 10))
        torch._foreach_lerp_(list(self.mean.parameters()), list(self.net.parameters()), 1 - keep)


@runtime_checkable
class Writes(Protocol):
    """A module that says meanings in words, and turns words into tokens."""

    def write(self, meaning: np.ndarray, choice: np.ndarray | None = None) -> str:
        """One sentence that says a meaning."""

    def tokens(self, texts: list[str]) -> Tensor:
        """Token indices of sentences."""


@dataclass(frozen=True)
class Pairs:
    """Meanings and the latents of their images: means and logarithms of variances, before they are standardised."""

    meanings: np.ndarray
    mean: Tensor
    log_variance: Tensor


@torch.no_grad()
def encoded(coder: GlyphCoder, n: int, seed: int) -> Pairs:
    """`n` images of sentences, encoded once: the flow's training set. No slanted serif digit is among them."""
    meanings = captions.draw_meanings(n, mix(seed, 0), said=0.75, named=0.92)
    images, _ = captions.draw_images(meanings, mix(seed, 1))
    codes = [coder.encode(scaled(images[i : i + 500])) for i in range(0, n, 500)]
    mean, log_variance = (torch.cat(parts) for parts in zip(*codes, strict=True))
    return Pairs(meanings, mean, log_variance)


def train_sentence(
    net: SentenceVelocity, coder: GlyphCoder, pairs: Pairs, budget: float, seed: int, *, batch: int = 128, each: int = 4,
    lr: float = 2e-3, drop: float = 0.1, language: Writes = captions,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """Trains the flow for `budget` processor seconds; a record a step, whose ``net`` is the average of the weights.

    Each image is seen with a new paraphrase of its meaning each time, and with `each` noises and times, so that reading the
    sentence, which costs more than answering it, is paid for once. A share `drop` of the sentences is empty. `language` writes
    the meanings: :mod:`imggen_lib.data.captions`, or another with its two functions.
    """
    optimiser = torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=1e-3, betas=(0.9, 0.99))
    generator, rng = torch.Generator().manual_seed(seed), np.random.Generator(np.random.PCG64(seed))
    average, start, step = Average(net), process_time(), 0
    while (spent := (process_time() - start) / budget) < 1:
        for group in optimiser.param_groups:
            group["lr"] = lr * schedule(spent)
        rows = rng.integers(len(pairs.meanings), size=batch)
        choices, silent = rng.random((batch, 8)), rng.random(batch) < drop
        texts = ["" if s else language.write(pairs.meanings[r], c) for r, c, s in zip(rows, choices, silent, strict=True)]
        picked = torch.from_numpy(rows).repeat_interleave(each)
        z = pairs.mean[picked]
        z = z + (0.5 * pairs.log_variance[picked]).exp() * torch.randn(z.shape, generator=generator)
        x = (z - coder.mean) / coder.spread
        noise = torch.randn(x.shape, generator=generator)
        t = (uniform_times(batch * each, generator) + torch.arange(each).repeat(batch)) / each  # one in each part of [0, 1]
        predicted = net(straight_path(x, noise, t), t, net.read(language.tokens(texts)))
        loss = flow_matching_loss(predicted, x, noise).mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        average.update()
        step += 1
        yield {"step": step, "images": step * batch, "spent": spent, "loss": loss.item(), "net": average.mean}
