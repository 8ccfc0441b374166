"""The painter: a sentence, a seed, a picture; with guidance, a negative sentence, and a look at what each word was asked."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from imggen_lib.data import captions
from imggen_lib.models.flow import check_sampler, guided
from imggen_lib.models.sentence import GlyphCoder, SentenceVelocity, Words
from imggen_lib.noise import latents
from imggen_lib.ode import integrate


class Moment(NamedTuple):
    """One moment on the way from noise to a picture."""

    t: float
    x: Tensor  # (d,), the latents
    guess: Tensor  # (d,), where the straight line from here would end
    attention: Tensor  # (blocks, heads, words), how much each head of each block looks at each word


@runtime_checkable
class Reads(Protocol):
    """A module that turns texts into tokens."""

    def split(self, text: str) -> list[str]:
        """The tokens of a text, as words."""

    def tokens(self, texts: list[str]) -> Tensor:
        """The tokens of texts, as indices; raises `ValueError` for unknown words."""


class Painter(nn.Module):
    """A flow that listens, and the decoder that shows where it ends; `language` is what knows its words."""

    def __init__(self, net: SentenceVelocity, coder: GlyphCoder, language: Reads = captions) -> None:
        super().__init__()
        if net.dim != coder.latents:
            raise ValueError(f"the flow moves {net.dim} latents, the coder has {coder.latents}")
        self.net, self.coder, self.language = net, coder, language

    def velocity(self, words: Words, against: Words, guidance: float) -> Callable[[Tensor, float], Tensor]:
        """The guided velocity ``v(x, against) + guidance (v(x, words) - v(x, against))`` as a function of x and one time.

        `against` is the empty sentence, or a negative one, which the picture moves away from. Source: Ho and Salimans,
        "Classifier-free diffusion guidance", arXiv:2207.12598.
        """

        def at(x: Tensor, t: float) -> Tensor:
            times = x.new_full((len(x),), t)
            told: Tensor = self.net(x, times, words)
            return told if guidance == 1 else guided(told, self.net(x, times, against), guidance)

        return at

    @torch.no_grad()
    def draw(
        self, texts: Sequence[str], seeds: Sequence[int], *, guidance: float = 2.0, against: str = "", steps: int = 8,
        solver: str = "heun",
    ) -> Float[Tensor, "n c 28 28"]:  # fmt: skip
        """A picture of each sentence, in [-1, 1]: its noise depends on its seed alone, not on its neighbours.

        Raises `ValueError` for no sentence, for words that no caption uses, for as many seeds as there are no sentences, and for
        guidance below 0 or above 100.
        """
        if isinstance(texts, str) or not (hasattr(texts, "__len__") and hasattr(seeds, "__len__")):
            raise ValueError("sentences and seeds come as two lists, a text and a number for each picture")
        texts, seeds = list(texts), list(seeds)
        if len(texts) != len(seeds) or not texts:
            raise ValueError(f"each sentence needs a seed, got {len(texts)} sentences and {len(seeds)} seeds")
        check_sampler(solver, steps, guidance, 1)
        ids, other = self.language.tokens(texts), self.language.tokens([against])
        pictures = []
        for at in range(0, len(texts), 500):
            noise = latents(seeds[at : at + 500], self.net.dim)
            words, rest = self.net.read(ids[at : at + 500]), self.net.read(other.expand(len(noise), -1))
            x = integrate(self.velocity(words, rest, guidance), noise, steps, solver=solver)
            pictures.append(self.coder.draw(x))
        return torch.cat(pictures)

    @torch.no_grad()
    def moments(self, text: str, seed: int, *, guidance: float = 2.0, against: str = "", steps: int = 8) -> list[Moment]:
        """The way from noise to the picture of one sentence, step by step, with the attention to its words.

        ``steps + 1`` moments, the last at the end. Raises `ValueError` as :meth:`draw` does.
        """
        check_sampler("heun", steps, guidance, 1)
        steps = int(steps)
        count = max(1, len(self.language.split(text)))
        words, rest = self.net.read(self.language.tokens([text])), self.net.read(self.language.tokens([against]))
        flow, x, found = self.velocity(words, rest, guidance), latents([seed], self.net.dim), []
        for k in range(steps + 1):
            t = k / steps
            v, (_, maps) = flow(x, t), self.net.look(x, torch.full((1,), t), words)
            found.append(Moment(t, x[0], (x + (1 - t) * v)[0], torch.stack([m[0, :, :count] for m in maps])))
            if k < steps:
                x = integrate(flow, x, 1, start=t, end=(k + 1) / steps)
        return found
