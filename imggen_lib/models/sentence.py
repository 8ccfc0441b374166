"""A picture from a sentence: a text encoder, a velocity that attends, an autoencoder of glyphs, and a reader."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from imggen_lib.data.captions import KINDS, LENGTH, SPANS, VOCABULARY
from imggen_lib.data.glyphs import CLASSES, RANGES


def attention(
    query: Float[Tensor, "n q d"], key: Float[Tensor, "n k d"], heads: int, empty: Tensor
) -> Float[Tensor, "n heads q k"]:
    """Weights of scaled dot-product attention, ``softmax(q . k / sqrt(d / heads))`` for each head; `empty` keys get none.

    Source: Vaswani et al., "Attention is all you need", NeurIPS 2017.
    """
    n, q, d = query.shape
    size = d // heads
    split_query = query.view(n, q, heads, size).transpose(1, 2)
    split_key = key.view(n, -1, heads, size).permute(0, 2, 3, 1)
    scores = split_query @ split_key / math.sqrt(size)
    return scores.masked_fill(empty[:, None, None, :], -1e9).softmax(-1)


def attended(weights: Float[Tensor, "n heads q k"], value: Float[Tensor, "n k d"]) -> Float[Tensor, "n q d"]:
    """The values' means under attention's weights, heads side by side."""
    n, heads, q, k = weights.shape
    mixed = weights @ value.view(n, k, heads, -1).transpose(1, 2)
    return mixed.transpose(1, 2).reshape(n, q, -1)


class TextBlock(nn.Module):
    """One layer of a transformer: every word looks at every word, then thinks for itself."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm, self.norm_two = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x: Float[Tensor, "n k d"], empty: Tensor) -> tuple[Float[Tensor, "n k d"], Float[Tensor, "n heads k k"]]:
        h = self.norm(x)
        weights = attention(self.query(h), self.key(h), self.heads, empty)
        x = x + self.out(attended(weights, self.value(h)))
        return x + self.down(functional.silu(self.up(self.norm_two(x)))), weights


class TextEncoder(nn.Module):
    """Tokens to one vector a word: an embedding, places, two layers. An empty sentence has one vector of its own.

    Without `order` no places are added: what it says is then the same for every order of the words, a bag of words.
    """

    def __init__(
        self, width: int = 64, heads: int = 4, layers: int = 2, *, words: int = len(VOCABULARY), length: int = LENGTH,
        order: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.words = nn.Embedding(words, width)
        self.places = nn.Parameter(0.02 * torch.randn(length, width) if order else torch.zeros(length, width), requires_grad=order)
        self.blocks = nn.ModuleList(TextBlock(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Int[Tensor, "n k"]) -> tuple[Float[Tensor, "n k d"], Tensor, list[Tensor]]:
        empty = tokens == 0
        empty = empty & (torch.arange(tokens.shape[1]) > 0)  # of a sentence without words the first place is kept
        x, maps = self.words(tokens) + self.places[: tokens.shape[1]], []
        for block in self.blocks:
            x, weights = block(x, empty)
            maps.append(weights)
        return self.norm(x), empty, maps


class CrossBlock(nn.Module):
    """A residual block of the velocity: it asks the words (cross-attention), and what they answer scales and shifts it (FiLM).

    For one sentence there may be several points, one behind the other: n is a multiple of m.
    """

    def __init__(self, width: int, text: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.query, self.key, self.value = nn.Linear(width, text), nn.Linear(text, text), nn.Linear(text, text)
        self.film = nn.Linear(text, 2 * width)
        self.up, self.down = nn.Linear(width, width), nn.Linear(width, width)
        nn.init.zeros_(self.down.weight)

    def forward(
        self, h: Float[Tensor, "n d"], words: Float[Tensor, "m k e"], empty: Tensor
    ) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n heads k"]]:
        x, each = self.norm(h), len(h) // len(words)
        key, value, empty = (a.repeat_interleave(each, 0) for a in (self.key(words), self.value(words), empty))
        weights = attention(self.query(x)[:, None], key, self.heads, empty)
        scale, shift = self.film(attended(weights, value)[:, 0]).chunk(2, 1)
        x = x * (1 + scale) + shift
        return h + self.down(functional.silu(self.up(x))), weights[:, :, 0]


def time_features(t: Float[Tensor, " n"], width: int) -> Float[Tensor, "n width"]:
    """Sines and cosines of a time in [0, 1] at frequencies from 1 to 100, ``width`` numbers."""
    rate = torch.exp(torch.linspace(0, math.log(100.0), width // 2))
    angle = t[:, None] * rate
    return torch.cat([angle.sin(), angle.cos()], 1)


class Words(NamedTuple):
    """What the text encoder says of a batch of sentences."""

    vectors: Tensor  # (n, k, e)
    empty: Tensor  # (n, k) bool: no word here


class SentenceVelocity(nn.Module):
    """The velocity of a flow in `dim` latents, given words: a residual network in which every block attends to the sentence."""

    def __init__(
        self, dim: int = 48, width: int = 192, blocks: int = 4, text: int = 64, heads: int = 4, *, words: int = len(VOCABULARY),
        length: int = LENGTH, order: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.dim = dim
        self.encoder = TextEncoder(text, heads, words=words, length=length, order=order)
        self.enter, self.time = nn.Linear(dim, width), nn.Linear(32, width)
        self.blocks = nn.ModuleList(CrossBlock(width, text, heads) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)
        self.leave = nn.Linear(width, dim)
        nn.init.zeros_(self.leave.weight)

    def read(self, tokens: Int[Tensor, "n k"]) -> Words:
        """Sentences once, for all steps of a flow."""
        vectors, empty, _ = self.encoder(tokens)
        return Words(vectors, empty)

    def forward(self, x: Float[Tensor, "n dim"], t: Float[Tensor, " n"], words: Words) -> Float[Tensor, "n dim"]:
        return self.look(x, t, words)[0]

    def look(
        self, x: Float[Tensor, "n dim"], t: Float[Tensor, " n"], words: Words
    ) -> tuple[Float[Tensor, "n dim"], list[Float[Tensor, "n heads k"]]]:
        """The velocity, and where each block's heads looked among the words."""
        h, maps = self.enter(x) + self.time(time_features(t, 32)), []
        for block in self.blocks:
            h, weights = block(h, words.vectors, words.empty)
            maps.append(weights)
        return self.leave(self.norm(h)), maps


class SiluResidual(nn.Module):
    """Two 3x3 convolutions, each behind a SiLU, added to what came in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(width, width, 3, padding=1), nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.two(functional.silu(self.one(functional.silu(x))))


class GlyphCoder(nn.Module):
    """A variational autoencoder of pictures with little noise in its latents: what the flow draws in."""

    mean: Tensor  # (latents,), over images
    spread: Tensor  # (latents,), their deviation

    def __init__(self, latents: int = 48, channels: int = 1) -> None:
        super().__init__()
        self.latents = latents
        silu = nn.SiLU
        self.encoder = nn.Sequential(
            *(nn.Conv2d(channels, 24, 4, 2, 1), silu(), nn.Conv2d(24, 48, 4, 2, 1), SiluResidual(48), silu(), nn.Flatten()),
            nn.Linear(48 * 49, 2 * latents),
        )
        self.decoder = nn.Sequential(
            *(nn.Linear(latents, 32 * 49), nn.Unflatten(1, (32, 7, 7)), SiluResidual(32), silu()),
            *(nn.ConvTranspose2d(32, 32, 4, 2, 1), silu(), nn.Conv2d(32, 32, 3, padding=1), silu()),
            *(nn.ConvTranspose2d(32, 16, 4, 2, 1), silu(), nn.Conv2d(16, channels, 3, padding=1)),
        )
        self.register_buffer("mean", torch.zeros(latents))
        self.register_buffer("spread", torch.ones(latents))

    def encode(self, images: Float[Tensor, "n c 28 28"]) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n d"]]:
        """Means and logarithms of the variances of the latents, before they are standardised."""
        mean, log_variance = self.encoder(images).chunk(2, 1)
        return mean, log_variance.clamp(-12, 4)

    def logits(self, z: Float[Tensor, "n d"]) -> Float[Tensor, "n c 28 28"]:
        """The decoder's answer: the logarithms of the odds of ink."""
        out: Tensor = self.decoder(z)
        return out

    def draw(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n c 28 28"]:
        """Pictures in [-1, 1] of standardised latents."""
        return 2 * torch.sigmoid(self.decoder(x * self.spread + self.mean)) - 1


class Reader(nn.Module):
    """Reads what sentences speak of from an image: character, kind of font, and five numbers in units of their whole range."""

    def __init__(self, kernel: int = 4, widths: tuple[int, int, int] = (32, 48, 64)) -> None:
        super().__init__()
        a, b, c = widths
        pad = (kernel - 1) // 2
        self.body = nn.Sequential(
            *(nn.Conv2d(1, a, kernel, 2, pad), nn.ReLU(), nn.Conv2d(a, b, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(b, c, kernel, 2, pad), nn.ReLU(), nn.Flatten(), nn.Linear(c * 49, 256), nn.ReLU()),
        )
        self.character, self.font, self.numbers = (
            nn.Linear(256, len(CLASSES)),
            nn.Linear(256, len(KINDS)),
            nn.Linear(256, len(SPANS)),
        )

    def forward(self, images: Float[Tensor, "n 1 28 28"]) -> tuple[Tensor, Tensor, Tensor]:
        h = self.body(images)
        return self.character(h), self.font(h), self.numbers(h)

    @torch.no_grad()
    def read(self, images: Float[Tensor, "n 1 28 28"]) -> dict[str, Tensor]:
        """What stands in each image: ``class`` and ``font`` as indices, the numbers in the units of the glyphs' factors."""
        out: dict[str, list[Tensor]] = {}
        for part in images.split(1000):
            character, font, numbers = self(part)
            row = {"class": character.argmax(1), "font": font.argmax(1)}
            for k, name in enumerate(SPANS):
                low, high = RANGES[name]
                row[name] = low + (high - low) * (numbers[:, k].double() + 1) / 2
            for name, value in row.items():
                out.setdefault(name, []).append(value)
        return {name: torch.cat(parts) for name, parts in out.items()}
