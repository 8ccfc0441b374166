"""The importance-weighted log-likelihood: against quadrature, rising with k, and the same however it is cut into batches."""

import math

import pytest
import torch

from imggen_lib.metrics.likelihood import active_units, importance_log_likelihood, log_likelihoods
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
    with pytest.raises(ValueError, match="at least one draw"):
        log_likelihoods(_model(), _images(1), k=0)
    assert log_likelihoods(_model(), _images(6)[:0], k=2).shape == (0,)
