"""The importance-weighted log-likelihood: against quadrature, rising with k, and the same however it is cut into batches."""

import math

import pytest
import torch

from imggen_lib.metrics.likelihood import active_units, bits_per_dimension, importance_log_likelihood, log_likelihoods
from imggen_lib.models.vae import MLPVAE, VAE
from imggen_lib.noise import generator_for
from imggen_lib.train.vae import evaluate_elbo, log_likelihood, observe


def _model(likelihood: str = "bernoulli", classes: int = 0, latent_dim: int = 1, strength: float = 2.0) -> VAE:
    torch.manual_seed(0)
    model = MLPVAE((1, 4, 4), latent_dim, (8,), classes, likelihood)  # type: ignore[arg-type]
    with torch.no_grad():
        for p in model.decoder.parameters():
            p.mul_(strength)
        for scale in (model.log_sigma, model.log_scale):
            if scale is not None:
                scale.fill_(-0.1)
    return model


def _images(n: int = 6) -> torch.Tensor:
    levels = torch.randint(256, (n, 1, 4, 4), generator=torch.Generator().manual_seed(1))
    return levels.float() / 127.5 - 1


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian", "logistic"])
def test_many_draws_agree_with_quadrature(likelihood: str) -> None:
    model, x = _model(likelihood, strength=1.2), _images()
    z = torch.linspace(-8, 8, 2001)[:, None]
    exact = []
    with torch.no_grad():
        decoded = model.decode(z)
        for i in range(len(x)):
            seen = observe(x[i : i + 1], model, generator_for(1, 4, i)).expand(2001, -1, -1, -1)
            joint = log_likelihood(model, seen, decoded).double() - 0.5 * z[:, 0].double() ** 2 - 0.5 * math.log(2 * math.pi)
            exact.append(torch.logsumexp(joint, 0).item() + math.log(16 / 2000))
    got = log_likelihoods(model, x, k=4000, batch=500)
    torch.testing.assert_close(got, torch.tensor(exact, dtype=torch.float64), rtol=0, atol=0.05)


@pytest.mark.parametrize("classes", [0, 3])
def test_batches_change_nothing(classes: int) -> None:
    model, x = _model("gaussian", classes, 3), _images(7)
    labels = torch.arange(7) % 3 if classes else None
    whole = log_likelihoods(model, x, labels, k=10, batch=1000)
    for batch in (1, 3, 10, 25):
        torch.testing.assert_close(log_likelihoods(model, x, labels, k=10, batch=batch), whole, rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(log_likelihoods(model, x[:2], None if labels is None else labels[:2], k=10), whole[:2])
    assert not torch.allclose(log_likelihoods(model, x, labels, k=10, seed=2), whole)


def test_never_decodes_more_than_a_batch() -> None:
    model, sizes = _model(latent_dim=2), []
    model.decoder.register_forward_hook(lambda module, inputs, output: sizes.append(len(output)))
    log_likelihoods(model, _images(5), k=7, batch=15)
    log_likelihoods(model, _images(2), k=40, batch=15)
    assert sizes == [14, 14, 7, 15, 15, 10, 15, 15, 10]


def test_rises_with_k_from_the_elbo() -> None:
    model, x = _model(latent_dim=3), _images(400)
    values = [importance_log_likelihood(model, x, k=k) for k in (1, 5, 50)]
    assert values[0][0] + 0.05 < values[1][0] < values[2][0]
    assert 0 < values[0][1] < 0.5 and model.training  # the mode is put back
    elbo, error = evaluate_elbo(model, x)
    assert abs(values[0][0] - elbo) < 4 * math.hypot(error, values[0][1])


def test_active_units_and_mistakes() -> None:
    mu = torch.randn(500, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 0.01, 0.3]) + 5
    assert active_units(mu).tolist() == [True, False, True]
    with pytest.raises(ValueError, match="at least two images"):
        active_units(mu[:1])
    with pytest.raises(ValueError, match="at least two images"):
        importance_log_likelihood(_model(), _images(1), k=2)
    with pytest.raises(ValueError, match="number of draws must be at least 1"):
        log_likelihoods(_model(), _images(1), k=0)
    for bad, match in (
        (_images()[:0], "empty"),
        (_images() * math.nan, "NaN"),
        (_images() * 127.5 + 127.5, r"\[0, 255\]"),
        (_images()[..., :2], "takes images of shape"),
    ):
        with pytest.raises(ValueError, match=match):
            log_likelihoods(_model(), bad, k=2)


class _Constant(VAE):
    """A decoder that ignores z, so that p(x) is known: independent pixels around the model's bias."""

    def __init__(self, likelihood: str, shape: tuple[int, int, int] = (1, 6, 6)) -> None:
        pixels = math.prod(shape)
        super().__init__(shape, 2, 0, likelihood, torch.nn.Flatten(), pixels, torch.nn.Linear(2, pixels))  # type: ignore[arg-type]
        with torch.no_grad():
            for p in (*self.decoder.parameters(), *self.posterior.parameters()):
                p.zero_()  # and q(z|x) is the prior
            self.bias.fill_(0.1)


def _cells() -> torch.Tensor:
    """The borders of the 256 levels in [-1, 1], the outermost at infinity."""
    inner = (torch.arange(1, 256, dtype=torch.float64) - 0.5) / 127.5 - 1
    return torch.cat([torch.tensor([-math.inf]), inner, torch.tensor([math.inf])]).double()


@pytest.mark.parametrize("likelihood", ["gaussian", "logistic", "bernoulli"])
def test_bits_of_a_known_distribution_are_its_entropy(likelihood: str) -> None:
    """Images drawn from the model itself: the mean of -log2 P(level) is the entropy of the levels, worked out level by level."""
    model, scale = _Constant(likelihood), 0.15
    for parameter in (model.log_sigma, model.log_scale):
        if parameter is not None:
            torch.nn.init.constant_(parameter, math.log(scale))
    z = (_cells() - model.bias.detach().mean().double()) / scale
    cdf = torch.special.ndtr(z) if likelihood == "gaussian" else torch.sigmoid(z)
    p = cdf.diff()
    if likelihood == "bernoulli":
        p = torch.zeros(256, dtype=torch.float64)
        p[255] = torch.sigmoid(model.bias.detach().mean())
        p[0] = 1 - p[255]
    entropy = -(torch.xlogy(p, p).sum() / math.log(2)).item()
    levels = torch.multinomial(p, 400 * 36, replacement=True, generator=torch.Generator().manual_seed(0))
    images = levels.view(400, 1, 6, 6).float() / 127.5 - 1
    found = bits_per_dimension(model, log_likelihoods(model, images, k=2))
    assert abs(found.value - entropy) < 4 * found.standard_error + 1e-4 and found.standard_error < 0.02
    assert found.low < found.value < found.high and found.value == pytest.approx((found.low + found.high) / 2)
    assert found.levels == (2 if likelihood == "bernoulli" else 256)
    assert ("made binary" if likelihood == "bernoulli" else "256 levels") in found.meaning
    exact = (-torch.log2(p[levels]).view(400, -1).mean(1)).double()  # image by image
    assert found.standard_error == pytest.approx((exact.std() / 20).item(), rel=0.05)
    if likelihood != "gaussian":
        assert found.value == pytest.approx(exact.mean().item(), abs=1e-5)


def test_density_bits_are_an_upper_limit_and_the_constant_is_that_of_the_range() -> None:
    """A Gaussian narrower than a level: its density pays for the width of the level, its levels would not."""
    model, x = _Constant("gaussian"), torch.zeros(50, 1, 6, 6) + 1 / 255
    torch.nn.init.constant_(model.log_sigma, math.log(0.002))
    torch.nn.init.constant_(model.bias, 1 / 255)
    found = bits_per_dimension(model, log_likelihoods(model, x, k=1))
    assert found.value > 0.1  # its levels have a probability of nearly one: 0.07 bits
    nats = torch.tensor([-10.0, -30.0], dtype=torch.float64)
    shift = bits_per_dimension(model, nats).value - bits_per_dimension(_Constant("logistic"), nats).value
    assert shift == pytest.approx(math.log2(127.5))
    assert bits_per_dimension(_Constant("logistic"), nats).value == pytest.approx(20 / 36 / math.log(2))
    for bad in (nats[:1], nats * math.inf):
        with pytest.raises(ValueError, match="at least two images"):
            bits_per_dimension(model, bad)
