"""The equations of the chapter on generation by optimisation; each formula stands on a line that ends in ``# claim``."""

import pytest
import torch
from torch import Tensor

from imggen_lib import pyramid
from imggen_lib.data.textures import texture
from imggen_lib.losses import image as losses
from imggen_lib.models.latent import LatentGaussian, to_ball
from imggen_lib.models.texture import Palette, RandomFilters
from imggen_lib.train.pixels import style_objective, texture_objective

F64 = torch.float64


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=F64, generator=torch.Generator().manual_seed(seed))


def _curve(a: Tensor, z: Tensor) -> Tensor:
    """A generator with one weight and one latent: points on a parabola."""
    return torch.stack([a * z, (a * z).square() - 0.5 * a], -1)


def test_opt_glo_objective() -> None:
    """Nested search on a grid against joint gradient descent from several starts."""
    x = torch.tensor([[0.9, 0.4], [-1.2, 0.1], [0.2, -0.7], [1.9, 2.2]], dtype=F64)
    weights, latents = torch.linspace(0.2, 3.0, 141, dtype=F64), torch.linspace(-1.0, 1.0, 401, dtype=F64)
    errors = [(_curve(a, latents)[:, None] - x).square().sum(2).min(0).values.mean() for a in weights]  # claim
    found = []
    for start in (0.6, 1.2, 2.4):
        a = torch.tensor(start, dtype=F64, requires_grad=True)
        z = torch.tensor([0.5, -0.5, 0.1, 0.9], dtype=F64, requires_grad=True)
        optimizer = torch.optim.Adam([a, z], lr=0.02)
        for _ in range(300):
            loss = (_curve(a, z) - x).square().sum() / 4
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                z.clamp_(-1, 1)
        found.append(loss.item())
    assert torch.stack(errors).min().item() == pytest.approx(min(found), abs=1e-3)


def test_opt_linear_generator() -> None:
    """Alternating least squares, which knows no eigenvalues, against the sum of the smallest ones."""
    n, d = 60, 2
    x = _random(n, 5) @ torch.diag(torch.tensor([3.0, 2.0, 1.0, 0.6, 0.3], dtype=F64)) @ _random(5, 5, seed=1) + 1.0
    z = _random(n, d, seed=2)
    for _ in range(300):
        inputs = torch.cat([z, torch.ones(n, 1, dtype=F64)], 1)
        weights = torch.linalg.lstsq(inputs, x).solution  # the best W and b for these z
        z = torch.linalg.lstsq(weights[:d].T, (x - weights[d]).T).solution.T  # the best z for these W and b
    error = (z @ weights[:d] + weights[d] - x).square().sum(1).mean()
    values = torch.linalg.eigvalsh(torch.cov(x.T, correction=0)).flip(0)
    formula = values[d:].sum()  # claim
    assert error.item() == pytest.approx(formula.item(), rel=1e-6)


def test_opt_best_constant() -> None:
    """The minima of both errors on a fine grid of constants, for skewed values."""
    x = torch.tensor([-1.0, -0.9, -0.7, 0.1, 0.5, 0.6, 1.9], dtype=F64)
    grid = torch.linspace(-1.0, 2.0, 30_001, dtype=F64)
    mean = x.sum() / len(x)  # claim
    median = x.sort().values[len(x) // 2]  # claim
    assert grid[(grid[:, None] - x).square().sum(1).argmin()].item() == pytest.approx(mean.item(), abs=1e-4)
    assert grid[(grid[:, None] - x).abs().sum(1).argmin()].item() == pytest.approx(median.item(), abs=1e-4)


def test_opt_ball() -> None:
    """The nearest of some 70,000 points of the disc, for points inside and outside."""
    side = torch.linspace(-1.0, 1.0, 300, dtype=F64)
    points = torch.cartesian_prod(side, side)
    points = points[points.norm(dim=1) <= 1]
    for z in torch.tensor([[0.3, -0.5], [1.4, 0.9], [-2.0, 0.1], [0.2, 0.97]], dtype=F64):
        nearest = points[(points - z).norm(dim=1).argmin()]
        formula = z * min(1, 1 / z.norm().item())  # claim
        assert formula.norm() < 1 + 1e-12 and (formula - nearest).norm() < 0.08
        assert (formula - z).norm() <= (nearest - z).norm() + 0.003
        torch.testing.assert_close(to_ball(z[None])[0], formula)


def _checkerboard(side: int) -> Tensor:
    return 1.0 - 2.0 * (torch.arange(side).view(-1, 1) + torch.arange(side)).remainder(2).to(F64).view(1, 1, side, side)


def test_opt_laplacian() -> None:
    """A checkerboard is detail of the finest scale alone: a blur takes it away, and only it is left in the level."""
    x = 0.3 + 0.2 * _checkerboard(16)
    coarse = pyramid.shrink(x)
    level = x - pyramid.grow(coarse, (16, 16))  # claim
    torch.testing.assert_close(level, 0.2 * _checkerboard(16))
    torch.testing.assert_close(pyramid.laplacian_pyramid(x, 3)[0], level)
    torch.testing.assert_close(pyramid.laplacian_pyramid(x, 3)[2], torch.full((1, 1, 4, 4), 0.3, dtype=F64))


def test_opt_collapse() -> None:
    """The original comes back from its pyramid, by the formula and by the library, for odd sides too."""
    x = _random(1, 2, 21, 18)
    fine, middle, last = pyramid.laplacian_pyramid(x, 3)
    between = middle + pyramid.grow(last, (middle.shape[2], middle.shape[3]))  # claim
    image = fine + pyramid.grow(between, (21, 18))  # claim
    torch.testing.assert_close(image, x)
    torch.testing.assert_close(pyramid.collapse([fine, middle, last]), x)


def test_opt_lap1() -> None:
    """Images that differ by a constant and a checkerboard: the two count the same at opposite ends of the pyramid."""
    x = _random(1, 1, 16, 16)
    y = x + 0.7 + 0.2 * _checkerboard(16)
    pairs = zip(pyramid.laplacian_pyramid(x, 3), pyramid.laplacian_pyramid(y, 3), strict=True)
    formula = sum(2 ** (2 * j) * (a - b).abs().sum() for j, (a, b) in enumerate(pairs))  # claim
    assert formula.item() == pytest.approx(256 * (0.7 + 0.2))
    assert losses.lap1(x, y, levels=3).item() == pytest.approx(formula.item())


def test_opt_gaussian_fit() -> None:
    """The log-likelihood has no slope at the fit, by autograd, and is lower at other Gaussians."""
    z = _random(40, 3) @ _random(3, 3, seed=1) + torch.tensor([1.0, -2.0, 0.5], dtype=F64)
    n = len(z)
    mean = z.sum(0) / n  # claim
    covariance = (z - mean).T @ (z - mean) / n  # claim

    def log_likelihood(m: Tensor, c: Tensor) -> Tensor:
        return torch.distributions.MultivariateNormal(m, c).log_prob(z).sum()

    m, c = mean.clone().requires_grad_(True), covariance.clone().requires_grad_(True)
    for slope in torch.autograd.grad(log_likelihood(m, c), (m, c)):
        assert slope.abs().max() < 1e-8
    best = log_likelihood(mean, covariance)
    for factor in (0.8, 0.95, 1.05, 1.2):
        assert log_likelihood(mean, factor * covariance) < best and log_likelihood(mean * factor, covariance) < best
    fitted = LatentGaussian.fit(z)
    torch.testing.assert_close(fitted.mean, mean)
    torch.testing.assert_close(fitted.root @ fitted.root.T, covariance, rtol=1e-6, atol=1e-6)


def test_opt_gaussian_sample() -> None:
    """Moments of 200,000 draws, each within five standard errors."""
    mu, covariance = torch.tensor([0.5, -1.0], dtype=F64), torch.tensor([[2.0, 0.9], [0.9, 0.7]], dtype=F64)
    root, eps = torch.linalg.cholesky(covariance), _random(200_000, 2)
    z = mu + eps @ root.T  # claim
    error = z.std(0) / len(z) ** 0.5
    assert ((z.mean(0) - mu).abs() < 5 * error).all()
    products = (z - mu)[:, :, None] * (z - mu)[:, None]
    error = products.std(0) / len(z) ** 0.5
    assert ((products.mean(0) - covariance).abs() < 5 * error).all()


def test_opt_gram() -> None:
    """As a quadratic form, it is the mean square of any weighted sum of the maps; and the library's."""
    maps = _random(1, 4, 3, 5)
    f, m = maps.view(4, 15), 15
    g = f @ f.T / m  # claim
    for weights in _random(5, 4, seed=1):
        mixed = sum(w * one for w, one in zip(weights, maps[0], strict=True))
        assert (weights @ g @ weights).item() == pytest.approx(mixed.square().mean().item())
    torch.testing.assert_close(losses.gram(maps)[0], g)


def test_opt_gram_permutation() -> None:
    """Positions in any other order, by indexing, have the matrix of the formula and the original's."""
    maps = _random(1, 3, 4, 4)
    f, order = maps.view(3, 16), torch.randperm(16, generator=torch.Generator().manual_seed(3))
    p = torch.eye(16, dtype=F64)[order].T  # column k has its 1 in row order[k]
    m = 16
    permuted = (f @ p) @ (f @ p).T / m  # claim
    torch.testing.assert_close(f @ p, f[:, order])
    torch.testing.assert_close(permuted, losses.gram(maps)[0])
    assert (f[:, order] - f).abs().max() > 1


def test_opt_gram_loss() -> None:
    """Maps that are the texture's times s have s^2 times its Gram matrix, hence a loss of (s^2 - 1)^2 on any layer."""
    target = [losses.gram(_random(1, 3, 4, 4, seed=1))[0], losses.gram(5 * _random(1, 2, 3, 3, seed=2))[0]]
    grams = [1.3**2 * target[0], 0.6**2 * target[1]]
    parts = [(g - t).square().sum() / t.square().sum() for g, t in zip(grams, target, strict=True)]  # claim
    formula = sum(parts) / len(parts)  # claim
    expected = ((1.3**2 - 1) ** 2 + (0.6**2 - 1) ** 2) / 2
    assert formula.item() == pytest.approx(expected)
    library = losses.gram_loss([g[None] for g in grams], [t[None] for t in target])
    assert library.item() == pytest.approx(expected)


def test_opt_gram_gradient() -> None:
    """Against autograd, in float64."""
    f = _random(4, 15).requires_grad_(True)
    t = losses.gram(_random(1, 4, 3, 5, seed=1))[0]
    loss = losses.gram_loss([losses.gram(f.view(1, 4, 3, 5))], [t[None]]).sum()
    (gradient,) = torch.autograd.grad(loss, f)
    f, m = f.detach(), 15
    g = f @ f.T / m
    formula = 4 * (g - t) @ f / (m * t.square().sum())  # claim
    torch.testing.assert_close(formula, gradient)


def test_opt_style() -> None:
    """The library's objective from its two terms, at an image that is neither; each term is 0 at its own image."""
    photo, style = texture("pebbles", 32).double(), texture("bricks", 32).double()
    palette = Palette.of(style)
    filters = RandomFilters(filters=8, levels=2).double().adapt(palette.units(style))
    y, w = palette.units(0.5 * photo + 0.3 * style), 0.7
    with torch.no_grad():
        kept = filters(palette.units(photo))[2:]
        maps = zip(filters(y)[2:], kept, strict=True)
        content = torch.stack([(f - c).square().sum() / c.square().sum() for f, c in maps]).mean()  # claim
        gram_part = texture_objective(style, filters, palette)(y)
        formula = content + w * gram_part  # claim
        library = style_objective(photo, style, filters, palette, weight=w)(y)
        assert library.item() == pytest.approx(formula.item())
        assert losses.content_error(kept, kept).item() == 0
        assert texture_objective(style, filters, palette)(palette.units(style)).item() < 1e-12
