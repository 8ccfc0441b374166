"""The equations of the chapter on a picture from a sentence."""

import itertools
import math

import numpy as np
import pytest
import torch

from imggen_lib.applications.sentence.binding import outcomes
from imggen_lib.data import two_glyphs
from imggen_lib.models.flow import guided
from imggen_lib.models.sentence import attended, attention


def test_sentence_attention() -> None:
    """By hand, with loops, beside the library's."""
    g = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(1, n, 6, generator=g, dtype=torch.float64) for n in (1, 4, 4))
    scores = [sum(float(q[0, 0, i] * k[0, j, i]) for i in range(6)) / math.sqrt(6) for j in range(4)]
    a = [math.exp(s) / sum(math.exp(r) for r in scores) for s in scores]  # claim
    weights = attention(q, k, 1, torch.zeros(1, 4, dtype=torch.bool))
    assert weights[0, 0, 0].tolist() == pytest.approx(a, abs=1e-12)
    out = [sum(a[j] * float(v[0, j, i]) for j in range(4)) for i in range(6)]  # claim
    assert attended(weights, v)[0, 0].tolist() == pytest.approx(out, abs=1e-12)


def test_sentence_scale() -> None:
    """All signs: numbers that are 1 or -1 with equal probability have mean 0 and variance 1."""
    for d in (1, 2, 3, 4):
        signs = list(itertools.product((-1, 1), repeat=d))
        products = [sum(a * b for a, b in zip(q, k, strict=True)) for q in signs for k in signs]
        assert sum(products) == 0
        variance = sum(p * p for p in products) / len(products)
        assert variance == d  # claim


POINTS = torch.tensor([-1.3, 0.2, 0.9, 2.0], dtype=torch.float64)  # all images there are
SHARE = torch.tensor([0.1, 0.4, 0.3, 0.2], dtype=torch.float64)
#: How probable each of two sentences is for each image; rows are sentences.
SAYS = torch.tensor([[0.9, 0.6, 0.2, 0.1], [0.1, 0.4, 0.8, 0.9]], dtype=torch.float64)


def prior(sentence: int | None) -> torch.Tensor:
    """Shares of the images, given a sentence."""
    joint = SHARE if sentence is None else SHARE * SAYS[sentence]
    return joint / joint.sum()


def density(x: torch.Tensor, t: float, weights: torch.Tensor) -> torch.Tensor:
    """The density of x_t = (1 - t) noise + t image, at points x."""
    spread = 1 - t
    each = torch.exp(-0.5 * ((x[:, None] - t * POINTS) / spread) ** 2) / (spread * math.sqrt(2 * math.pi))
    return each @ weights


def score(x: torch.Tensor, t: float, weights: torch.Tensor) -> torch.Tensor:
    """The slope of the logarithm of the density, by autograd."""
    x = x.clone().requires_grad_()
    return torch.autograd.grad(density(x, t, weights).log().sum(), x)[0]


def velocity(x: torch.Tensor, t: float, weights: torch.Tensor) -> torch.Tensor:
    """The mean of image - noise given x_t = x, by Bayes' rule over the images."""
    each = torch.exp(-0.5 * ((x[:, None] - t * POINTS) / (1 - t)) ** 2) * weights
    posterior = each / each.sum(1, keepdim=True)
    noise = (x[:, None] - t * POINTS) / (1 - t)
    return (posterior * (POINTS - noise)).sum(1)


X, TIMES = torch.linspace(-2, 2.5, 12, dtype=torch.float64), (0.2, 0.5, 0.8)


def test_sentence_velocity() -> None:
    """The best answer to a squared error, by gradient descent on a table of answers: the mean velocity of those that say s."""
    g, t, sentence = torch.Generator().manual_seed(1), 0.6, 1
    image = torch.multinomial(SHARE, 400_000, True, generator=g)
    told = torch.rand(400_000, generator=g, dtype=torch.float64) < SAYS[sentence, image]
    x1, noise = POINTS[image][told], torch.randn(int(told.sum()), generator=g, dtype=torch.float64)
    at = (1 - t) * noise + t * x1
    for centre in (-0.6, 0.3, 1.1):
        near = (at - centre).abs() < 0.02
        v = (x1 - noise)[near].mean()  # claim
        error = float((x1 - noise)[near].std() / near.sum().sqrt())
        assert float(velocity(torch.tensor([centre], dtype=torch.float64), t, prior(sentence))) == pytest.approx(
            float(v), abs=4 * error + 0.05
        )


def test_sentence_score() -> None:
    """Velocity and slope of the log density: two routes to the same number."""
    for t, weights in itertools.product(TIMES, (prior(None), prior(0), prior(1))):
        v = X / t + (1 - t) / t * score(X, t, weights)  # claim
        torch.testing.assert_close(velocity(X, t, weights), v, atol=1e-9, rtol=1e-9)


def test_sentence_guidance() -> None:
    """The guided velocity is that of the density times a power of the sentence's probability, slope by slope."""
    for t, w in itertools.product(TIMES, (0.0, 1.0, 2.0, 3.5)):
        x = X.clone().requires_grad_()
        says = density(x, t, prior(0)) / density(x, t, prior(None))  # p(s | x_t) up to a constant
        slope = torch.autograd.grad((density(x, t, prior(None)) * says**w).log().sum(), x)[0]  # claim
        mine = guided(velocity(X, t, prior(0)), velocity(X, t, prior(None)), w)
        torch.testing.assert_close(mine, X / t + (1 - t) / t * slope, atol=1e-9, rtol=1e-9)


def test_sentence_negative() -> None:
    """With a negative sentence in the place of the empty one: what it makes probable is divided away."""
    for t, w in itertools.product(TIMES, (1.0, 2.0, 3.0)):
        x = X.clone().requires_grad_()
        yes, no = density(x, t, prior(0)), density(x, t, prior(1))
        slope = torch.autograd.grad((yes * (yes / no) ** (w - 1)).log().sum(), x)[0]  # claim
        mine = guided(velocity(X, t, prior(0)), velocity(X, t, prior(1)), w)
        torch.testing.assert_close(mine, X / t + (1 - t) / t * slope, atol=1e-9, rtol=1e-9)


def test_sentence_product() -> None:
    """By enumeration of all images and both words: independent words multiply, given the image."""
    g = torch.Generator().manual_seed(2)
    for _ in range(20):
        p, a, b = (torch.rand(6, generator=g, dtype=torch.float64) for _ in range(3))
        p = p / p.sum()
        joint = p * a * b
        exact = joint / joint.sum()
        p_a, p_b = p * a / (p * a).sum(), p * b / (p * b).sum()
        product = p_a * p_b / p  # claim
        torch.testing.assert_close(product / product.sum(), exact)


def test_sentence_relative() -> None:
    """If both shares lie in their intervals, their quotient lies in this one; and at the corners it is met."""
    for low, high, bottom, top in itertools.product((0.2, 0.5), (0.6, 0.9), (0.7, 0.9), (0.95, 1.0)):
        ends = low / top, high / bottom  # claim
        inside = [a / b for a in torch.linspace(low, high, 9).tolist() for b in torch.linspace(bottom, top, 9).tolist()]
        assert min(inside) == pytest.approx(ends[0]) and max(inside) == pytest.approx(ends[1])


def test_sentence_bag() -> None:
    """Whatever a model draws that hears the bag alone: the four sentences of a bag, asked in turn, by counting."""
    asked = two_glyphs.relatives(two_glyphs.parse("a red K left of a blue 7")[None])[0]
    words = {tuple(sorted(two_glyphs.split(two_glyphs.write(m)))) for m in asked}
    assert len(words) == 1
    g = torch.Generator().manual_seed(3)
    for k in range(20):
        p = torch.rand(5, generator=g, dtype=torch.float64) ** (1 + k % 4)
        p = p / p.sum()  # of the four meanings, and of anything else
        right = bound = 0.0
        for i in range(4):
            ask = np.tile(asked[i], (4, 1))
            names = outcomes(ask, asked)
            right += sum(float(p[j]) for j in range(4) if names[j] == "as asked") / 4
            bound += sum(float(p[j]) for j in range(4) if names[j] in ("as asked", "places swapped")) / 4
        all_four = 1 - float(p[4])
        assert right == pytest.approx(all_four / 4) and right <= 1 / 4  # claim
        assert bound / all_four == pytest.approx(1 / 2)  # claim
