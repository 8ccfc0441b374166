r"""Variational autoencoders: an encoder to :math:`q(z|x) = N(\mu, \sigma^2)`, a decoder to :math:`p(x|z)`, a standard normal prior.

``forward`` returns everything that the losses need; pixels come in [-1, 1]. What the decoder's output means is said by
``likelihood``; the densities themselves are in :mod:`imggen_lib.losses.vae`, and :func:`imggen_lib.train.vae.terms` joins the two.
"""

import math
from math import prod
from typing import Literal, NamedTuple, get_args

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from imggen_lib.checks import check_images
from imggen_lib.data import to_unit
from imggen_lib.models.blocks import Residual, Shape, check_shape, halvings, joined, mlp, one_hot

Images = Float[Tensor, "n c h w"]
Latents = Float[Tensor, "n z"]
Labels = Int[Tensor, " n"]
Likelihood = Literal["bernoulli", "gaussian", "logistic", "categorical"]
LIKELIHOODS: tuple[str, ...] = get_args(Likelihood)
_NOISE = 0.005  # beyond 1: half a grey level of noise, which makes grey pixels continuous


class VaeOutput(NamedTuple):
    """What one pass gives: the decoder's output, the approximate posterior, and the z that was drawn from it."""

    decoded: Tensor  # (n, c, h, w): logits (Bernoulli, categorical) or means in [-1, 1] units (Gaussian, logistic)
    mu: Tensor  # (n, z)
    logvar: Tensor  # (n, z)
    z: Tensor  # (n, z)


class VAE(nn.Module):
    """Encoder and decoder with a likelihood; the subclasses below only choose the networks.

    ``encoder`` maps images to ``(n, features)``, ``decoder`` maps ``(n, latent_dim + classes)`` to images.
    """

    def __init__(
        self,
        image_shape: Shape,
        latent_dim: int,
        classes: int,
        likelihood: Likelihood,
        encoder: nn.Module,
        features: int,
        decoder: nn.Module,
    ) -> None:
        super().__init__()
        if likelihood not in LIKELIHOODS:
            raise ValueError(f"likelihood must be one of {', '.join(LIKELIHOODS)}, got {likelihood!r}")
        self.image_shape, self.latent_dim, self.classes = check_shape(image_shape), latent_dim, classes
        self.likelihood = likelihood
        self.encoder, self.decoder = encoder, decoder
        self.posterior = nn.Linear(features + classes, 2 * latent_dim)
        #: A logit (or mean) a pixel that the decoder's output is added to: start it at the mean image.
        self.bias = nn.Parameter(torch.zeros(image_shape))
        #: The log of the Gaussian likelihood's shared standard deviation; learned, and None for the others.
        self.log_sigma = nn.Parameter(torch.tensor(math.log(0.3))) if likelihood == "gaussian" else None
        #: The log of the discretised logistic's shared scale; learned, and None for the others.
        self.log_scale = nn.Parameter(torch.tensor(math.log(0.1))) if likelihood == "logistic" else None

    def start_at(self, mean: Float[Tensor, "c h w"]) -> None:
        """Set the output bias to the training set's mean image (in [-1, 1]), so that training starts from there."""
        p = to_unit(mean).clamp(0.01, 0.99)
        logits = {"bernoulli": torch.logit, "categorical": torch.log}
        with torch.no_grad():
            self.bias.copy_(logits[self.likelihood](p) if self.likelihood in logits else mean)

    def encode(self, x: Images, labels: Labels | None = None) -> tuple[Latents, Latents]:
        """Mean and log-variance of q(z|x). Outside of a training, images of another range than [-1, 1] are refused."""
        if not (self.training or torch.compiler.is_compiling() or torch.jit.is_tracing()):
            check_images(x, slack=_NOISE)
        h = joined(self.encoder(x), one_hot(labels, self.classes, x))
        mu, logvar = self.posterior(h).chunk(2, 1)
        return mu, logvar

    def decode(self, z: Latents, labels: Labels | None = None) -> Images:
        """Logits (Bernoulli, categorical) or means (Gaussian, logistic) of p(x|z)."""
        return self.decoder(joined(z, one_hot(labels, self.classes, z))).view(-1, *self.image_shape) + self.bias

    def images(self, decoded: Images) -> Images:
        """The mean image of p(x|z), in [-1, 1]: what one looks at. Categorical: 1 for the most probable kind, -1 for the others."""
        if self.likelihood == "categorical":
            return 2 * nn.functional.one_hot(decoded.argmax(1), decoded.shape[1]).movedim(-1, 1).to(decoded.dtype) - 1
        return torch.sigmoid(decoded) * 2 - 1 if self.likelihood == "bernoulli" else decoded.clamp(-1, 1)

    def forward(self, x: Images, labels: Labels | None = None, eps: Latents | None = None) -> VaeOutput:
        """Encode, draw ``z = mu + sigma * eps`` (`eps` standard normal, zero if None), decode."""
        if x.shape[1:] != self.image_shape:
            raise ValueError(f"this model takes images of shape {self.image_shape}, got {tuple(x.shape[1:])}")
        mu, logvar = self.encode(x, labels)
        z = mu if eps is None else mu + torch.exp(0.5 * logvar) * eps
        return VaeOutput(self.decode(z, labels), mu, logvar, z)


class Centred(nn.Flatten):
    """Images ``(n, c, h, w)`` less a fixed image, as vectors ``(n, c h w)``. It is 0 until it is set; training leaves it alone.

    Pixels that are nearly always black say nothing, but a dense layer sees them as one large common direction, and learns slowly
    across it. Less their mean the inputs are centred, which is what makes gradient descent quick: see LeCun et al. 1998,
    "Efficient BackProp", section 4.3.
    """

    centre: Float[Tensor, "c h w"]

    def __init__(self, image_shape: Shape) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(image_shape))

    def forward(self, x: Images) -> Float[Tensor, "n d"]:
        return super().forward(x - self.centre)


class MLPVAE(VAE):
    """Fully connected encoder and decoder with GELU; the encoder sees images less the mean image that :meth:`start_at` gives."""

    def __init__(
        self,
        image_shape: Shape,
        latent_dim: int = 50,
        hidden: tuple[int, ...] = (512, 512),
        classes: int = 0,
        likelihood: Likelihood = "bernoulli",
    ) -> None:
        pixels = prod(check_shape(image_shape))
        encoder = nn.Sequential(Centred(image_shape), mlp([pixels, *hidden], nn.GELU), nn.GELU())
        decoder = mlp([latent_dim + classes, *reversed(hidden), pixels], nn.GELU)
        super().__init__(image_shape, latent_dim, classes, likelihood, encoder, hidden[-1], decoder)

    def start_at(self, mean: Float[Tensor, "c h w"]) -> None:
        super().start_at(mean)
        self.encoder[0].centre.copy_(mean)  # type: ignore[index]


class ConvVAE(VAE):
    """Strided convolutions down, transposed convolutions up, GELU; no normalisation."""

    def __init__(
        self,
        image_shape: Shape,
        latent_dim: int = 16,
        width: int = 32,
        classes: int = 0,
        likelihood: Likelihood = "bernoulli",
    ) -> None:
        channels, rows, columns = check_shape(image_shape)
        count, hidden = halvings(rows, columns), 4 * width
        small = (rows >> count, columns >> count)
        widths = [width * 2**k for k in range(count)]
        down: list[nn.Module] = []
        for a, b in zip([channels, *widths], widths, strict=False):
            down += [nn.Conv2d(a, b, 4, 2, 1), nn.GELU()]
        flat = widths[-1] * prod(small)
        encoder = nn.Sequential(*down, nn.Flatten(), nn.Linear(flat, hidden), nn.GELU())
        up: list[nn.Module] = [nn.Linear(latent_dim + classes, hidden), nn.GELU(), nn.Linear(hidden, flat), nn.GELU()]
        up.append(nn.Unflatten(1, (widths[-1], *small)))
        for a, b in zip(reversed(widths), [*reversed(widths[:-1]), channels], strict=True):
            up += [nn.ConvTranspose2d(a, b, 4, 2, 1), nn.GELU()]
        super().__init__(image_shape, latent_dim, classes, likelihood, encoder, hidden, nn.Sequential(*up[:-1]))


class ResVAE(VAE):
    """Residual blocks between the strided convolutions, `blocks` at each size, in encoder and decoder; no normalisation.

    ``width`` is the number of channels of the largest map (half the image's side); smaller ones have twice as many each time.
    Costs a few times what :class:`ConvVAE` costs, and finds images more probable.
    """

    def __init__(
        self,
        image_shape: Shape,
        latent_dim: int = 32,
        width: int = 32,
        classes: int = 0,
        likelihood: Likelihood = "bernoulli",
        blocks: int = 1,
    ) -> None:
        channels, rows, columns = check_shape(image_shape)
        count = halvings(rows, columns)
        small, widths = (rows >> count, columns >> count), [width * 2**k for k in range(count)]
        down: list[nn.Module] = []
        for a, b in zip([channels, *widths], widths, strict=False):
            down += [nn.Conv2d(a, b, 4, 2, 1), *(Residual(b) for _ in range(blocks)), nn.GELU()]
        flat = widths[-1] * prod(small)
        up: list[nn.Module] = [nn.Linear(latent_dim + classes, flat), nn.Unflatten(1, (widths[-1], *small))]
        for a, b in zip(reversed(widths), [*reversed(widths[:-1]), channels], strict=True):
            up += [*(Residual(a) for _ in range(blocks)), nn.GELU(), nn.ConvTranspose2d(a, b, 4, 2, 1)]
        encoder = nn.Sequential(*down, nn.Flatten())
        super().__init__(image_shape, latent_dim, classes, likelihood, encoder, flat, nn.Sequential(*up))
