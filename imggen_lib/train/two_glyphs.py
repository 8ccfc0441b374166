"""Trainings for two glyphs in one picture: the reader of halves, and what the coder and the flow are trained on."""

from collections.abc import Iterator
from time import process_time

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from imggen_lib.data import two_glyphs
from imggen_lib.models.sentence import GlyphCoder
from imggen_lib.models.two_glyphs import HalfReader
from imggen_lib.noise import mix
from imggen_lib.train.sentence import Pairs, schedule


def pictures(batch: int, seed: int, kind: str = "seen") -> Iterator[Float[Tensor, "n 3 28 28"]]:
    """Fresh pictures of a kind of meanings (see :func:`imggen_lib.data.two_glyphs.draw_meanings`) without end."""
    for k in range(1 << 40):
        meanings = two_glyphs.draw_meanings(10 * batch, mix(seed, k, 0), kind)
        yield from two_glyphs.draw_images(meanings, mix(seed, k, 1)).split(batch)


def train_reader(reader: HalfReader, budget: float, seed: int, batch: int = 128, lr: float = 2e-3) -> Iterator[dict[str, float]]:
    """Trains a reader for `budget` processor seconds on pictures of all meanings, with noise; a record a step."""
    optimiser = torch.optim.AdamW(reader.parameters(), lr=lr, weight_decay=1e-2)
    generator, start, step = torch.Generator().manual_seed(seed), process_time(), 0
    for k in range(1 << 40):
        meanings = two_glyphs.draw_meanings(10 * batch, mix(seed, k, 0), "any")
        images = two_glyphs.draw_images(meanings, mix(seed, k, 1))
        for x, right in zip(images.split(batch), torch.from_numpy(meanings).split(batch), strict=True):
            spent = (process_time() - start) / budget
            if spent >= 1:
                return
            for group in optimiser.param_groups:
                group["lr"] = lr * schedule(spent)
            x = x + 0.3 * torch.rand(len(x), 1, 1, 1, generator=generator) * torch.randn(x.shape, generator=generator)
            loss = torch.zeros(())
            for side, half in enumerate(x.split(14, 3)):
                for scores, label in zip(reader(half), (right[:, 2 * side], right[:, 2 * side + 1]), strict=True):
                    loss = loss + functional.cross_entropy(scores, label)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            step += 1
            yield {"step": step, "images": step * batch, "spent": spent, "loss": loss.item()}


@torch.no_grad()
def encoded(coder: GlyphCoder, n: int, seed: int) -> Pairs:
    """`n` pictures of meanings that training may see, encoded once: the flow's training set."""
    meanings = two_glyphs.draw_meanings(n, mix(seed, 0))
    codes = [coder.encode(two_glyphs.draw_images(meanings[i : i + 500], mix(seed, 1, i))) for i in range(0, n, 500)]
    mean, log_variance = (torch.cat(parts) for parts in zip(*codes, strict=True))
    return Pairs(meanings, mean, log_variance)
