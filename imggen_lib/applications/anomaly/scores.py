r"""Scores for the unusual: from images ``(n, c, h, w)`` in [-1, 1] to one number each, **higher is less usual**.

Which way each score counts is fixed here, before any test. The trivial ones follow a reason of the field, that fluid in the lung
makes it whiter, flatter and smoother; the others are fitted on normal images alone and count what these hardly have.
"""

import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.checks import check_images, check_values, whole
from imggen_lib.data.imageset import to_uint8
from imggen_lib.machine import evaluating
from imggen_lib.metrics.neighbours import nearest_neighbours
from imggen_lib.models.vae import VAE
from imggen_lib.noise import generator_for
from imggen_lib.train.vae import terms

Images = Float[Tensor, "n c h w"]
Scores = Float[Tensor, " n"]
Score = Callable[[Images], Scores]

_STREAM = 31  # of random numbers for z; see noise.generator_for


def brightness(images: Images) -> Scores:
    """The mean of the pixels: fluid is white on an X-ray."""
    check_images(images)
    return images.double().flatten(1).mean(1)


def flatness(images: Images) -> Scores:
    """Less the standard deviation of the pixels: a lung full of air is black beside white bones, one full of fluid is not."""
    check_images(images)
    return -images.double().flatten(1).std(1, unbiased=False)


def edges(images: Images) -> Scores:
    r"""The mean absolute difference of neighbours in a row, in grey levels of 255: how much there is to see."""
    check_images(images)
    return (images[..., 1:] - images[..., :-1]).abs().double().flatten(1).mean(1) * 127.5


def smoothness(images: Images) -> Scores:
    """Less :func:`edges`: no learning, one line."""
    return -edges(images)


def compressed_length(images: Images) -> Scores:
    """Bytes of the differences of neighbours in a row after zlib, level 9: a complexity that knows nothing of lungs.

    It depends a little on the version of zlib.
    """
    check_images(images)
    pixels = to_uint8(images)
    steps = torch.cat([pixels[..., :1], pixels[..., 1:] - pixels[..., :-1]], -1)  # modulo 256, so nothing is lost
    lengths = [len(zlib.compress(image.numpy().tobytes(), 9)) for image in steps.cpu()]
    return torch.tensor(lengths, dtype=torch.float64)


def simplicity(images: Images) -> Scores:
    """Less :func:`compressed_length`."""
    return -compressed_length(images)


TRIVIAL: dict[str, Score] = {
    "brightness": brightness,
    "flatness": flatness,
    "smoothness": smoothness,
    "simplicity": simplicity,
}


def _flat(images: Images) -> Any:
    check_images(images)
    return images.double().flatten(1).numpy()


def pca(normals: Images, components: int) -> Score:
    """The squared error that is left after a projection on the first principal components of the normals, summed over pixels."""
    from sklearn.decomposition import PCA

    fitted = PCA(whole(components, "components", 1), svd_solver="full").fit(_flat(normals))

    def score(images: Images) -> Scores:
        x = _flat(images)
        return torch.from_numpy(((x - fitted.inverse_transform(fitted.transform(x))) ** 2).sum(1))

    return score


def mahalanobis(normals: Images, components: int) -> Score:
    """The squared Mahalanobis distance from the normals' mean in their first principal components."""
    from sklearn.decomposition import PCA

    fitted = PCA(whole(components, "components", 1), whiten=True, svd_solver="full").fit(_flat(normals))
    return lambda images: torch.from_numpy((fitted.transform(_flat(images)) ** 2).sum(1))


def neighbours(normals: Images, k: int) -> Score:
    """The distance in pixels to the k-th nearest normal training image."""
    check_images(normals, "normal images")
    k = whole(k, "k", 1)
    return lambda images: nearest_neighbours(images.flatten(1), normals.flatten(1), k).distances[:, -1]


def one_class(normals: Images, components: int = 32) -> Score:
    """A one-class support vector machine on whitened principal components (scikit-learn's defaults, nu = 0.5)."""
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import OneClassSVM

    fitted = make_pipeline(PCA(components, whiten=True, svd_solver="full"), OneClassSVM()).fit(_flat(normals))
    return lambda images: torch.from_numpy(-fitted.decision_function(_flat(images)))


def isolation(normals: Images, components: int = 32, seed: int = 0) -> Score:
    """An isolation forest of 200 trees on whitened principal components."""
    from sklearn.decomposition import PCA
    from sklearn.ensemble import IsolationForest
    from sklearn.pipeline import make_pipeline

    forest = IsolationForest(n_estimators=200, random_state=seed)
    fitted = make_pipeline(PCA(components, whiten=True, svd_solver="full"), forest).fit(_flat(normals))
    return lambda images: torch.from_numpy(-fitted.decision_function(_flat(images)))


def classical(normals: Images, sizes: tuple[int, ...] = (8, 32, 128)) -> dict[str, Score]:
    """The classical tools, fitted on normal images alone, by name."""
    found = {f"PCA {k}, error": pca(normals, k) for k in sizes}
    found |= {"PCA 16, Mahalanobis": mahalanobis(normals, 16), "5 nearest neighbours": neighbours(normals, 5)}
    return found | {"one-class SVM": one_class(normals), "isolation forest": isolation(normals)}


class VaeScores(NamedTuple):
    """What a VAE says of each image ``(n,)``, in nats but for the last two; higher is less usual."""

    elbo: Scores  # minus the evidence lower bound, the mean over several z
    reconstruction: Scores  # its first term, minus log p(x|z)
    kl: Scores  # its second term
    log_error: Scores  # log of the mean squared error of the reconstruction at the mean of q(z|x)
    latent: Scores  # squared Mahalanobis distance of the mean of q(z|x) among the normals' means


@torch.no_grad()
def _pass(model: VAE, images: Images, draws: int, seed: int, batch: int = 500) -> dict[str, Tensor]:
    parts: dict[str, list[Tensor]] = {name: [] for name in ("log_px", "kl", "error", "mu")}
    noise = torch.randn(draws, model.latent_dim, generator=generator_for(seed, _STREAM))  # the same for every image
    with evaluating(model):
        for first in range(0, len(images), batch):
            x = images[first : first + batch]
            mu, _ = model.encode(x)
            shown = model.images(model.decode(mu))
            parts["mu"].append(mu.double())
            parts["error"].append((x - shown).square().flatten(1).mean(1).double())
            found = [terms(model, x, None, eps.expand(len(x), -1)) for eps in noise]
            parts["log_px"].append(torch.stack([a.double() for a, _ in found]).mean(0))
            parts["kl"].append(found[0][1].double())
    return {name: torch.cat(values) for name, values in parts.items()}


def vae_scores(model: VAE, normals: Images, *, draws: int = 4, seed: int = 0) -> Callable[[Images], VaeScores]:
    """From images to all :class:`VaeScores` of a VAE; `normals` are the training images, for the spread of their latents.

    Raises ``ValueError`` for a Bernoulli likelihood, whose images would have to be drawn black or white first.
    """
    if model.likelihood == "bernoulli":
        raise ValueError("a Bernoulli VAE sees black and white images drawn from the grey ones: take logistic or gaussian")
    check_images(normals, "normal images")
    draws = whole(draws, "draws", 1)
    known = _pass(model, normals, 1, seed)["mu"]
    centre, inverse = known.mean(0), torch.linalg.inv(torch.cov(known.T))

    def score(images: Images) -> VaeScores:
        check_images(images)
        found = _pass(model, images, draws, seed)
        away = found["mu"] - centre
        latent = ((away @ inverse) * away).sum(1)
        return VaeScores(found["kl"] - found["log_px"], -found["log_px"], found["kl"], found["error"].log(), latent)

    return score


class Line(NamedTuple):
    """A straight line through scores as a function of complexity."""

    slope: float
    offset: float

    def residual(self, scores: Scores, complexity: Scores) -> Scores:
        """What of the scores the line does not explain."""
        return scores - self.slope * complexity - self.offset


def given_complexity(scores: Scores, complexity: Scores) -> Line:
    r"""The line of least squares through the scores of normal images, as a function of their complexity.

    .. math:: r(x) = s(x) - a\,c(x) - b

    On the images of the fit the residual has mean 0 and no correlation with complexity. With a = 1 and the score in bits, minus
    log p(x), and complexity in bits of a compressor, this is the score of Serra et al. 2020, arXiv:1909.11480; here the slope is
    learned from validation normals, as the unit of complexity is free then.
    """
    for name, x in (("scores", scores), ("complexities", complexity)):
        check_values(x, name)
    if len(scores) != len(complexity) or len(scores) < 3:
        raise ValueError(f"a line needs as many scores as complexities, three or more, got {len(scores)} and {len(complexity)}")
    s, c = scores.double(), complexity.double()
    spread = (c - c.mean()).square().sum()
    if spread == 0:
        raise ValueError("all complexities are equal: there is no line through them")
    slope = (((c - c.mean()) * (s - s.mean())).sum() / spread).item()
    return Line(slope, (s.mean() - slope * c.mean()).item())
