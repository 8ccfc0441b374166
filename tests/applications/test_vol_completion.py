"""Completing surfaces: bands that hold, modes that are modes, measures with intervals."""

import math

import pytest
import torch
from scipy.optimize import minimize

from imggen_lib.applications.volatility import measures
from imggen_lib.applications.volatility.completion import Completion, Decoded, Flat, Gaussian, Nearest
from imggen_lib.applications.volatility.fits import least_squares, open_parameters, true_model
from imggen_lib.applications.volatility.surfaces import PLACES, Quotes, draw, log_volatility, parameters, quotes

F64 = torch.float64


def test_a_gaussians_bands_hold_for_gaussian_surfaces() -> None:
    way = Gaussian.full(draw(2000, 0))
    x = way.sample(400, torch.Generator().manual_seed(0))
    asked = quotes(x, 10, 0, 0.02)
    found = way.complete(asked)
    assert float(measures.coverage(found, x, asked).mean()) == pytest.approx(0.9, abs=0.02)


def test_exact_quotes_are_met_and_more_of_them_help() -> None:
    known, x = draw(4000, 0), draw(100, 1)
    for way in (Gaussian.full(known), least_squares(), true_model()):
        few, many = (way.complete(quotes(x, m, 0)) for m in (5, 20))
        asked = quotes(x, 20, 0)
        assert (many.mean.gather(1, asked.places) - asked.values).abs().mean() < 0.003
        assert measures.errors(many, x).mean() < measures.errors(few, x).mean()


def test_the_mode_is_where_another_optimiser_finds_it() -> None:
    x = draw(3, 2)
    asked, way = quotes(x, 10, 0, 0.02), true_model()
    found = way.mode(asked)
    for k in range(3):
        energy = lambda z, k=k: float(  # noqa: E731
            (log_volatility(parameters(torch.tensor(z, dtype=F64)[None]))[0, asked.places[k]] - asked.values[k]).square().sum()
            / 0.02**2
            + (z**2).sum()
        )
        best = min(minimize(energy, start, method="L-BFGS-B").fun for start in (found[k].numpy(), torch.zeros(6).numpy()))
        assert energy(found[k].numpy()) <= best + 1e-3


def test_the_true_models_bands_hold_where_it_is_true() -> None:
    x = draw(200, 3)
    asked = quotes(x, 10, 0, 0.02)
    assert float(measures.coverage(true_model().complete(asked), x, asked).mean()) == pytest.approx(0.9, abs=0.03)


def test_open_parameters_are_always_allowed_and_fit_both_skews() -> None:
    z = 4 * torch.randn(500, 6, dtype=F64, generator=torch.Generator().manual_seed(0))
    found = open_parameters(z)
    assert (found.theta.diff(dim=1) > 0).all() and (found.eta * (1 + found.rho.abs()) <= 2).all() and (found.gamma <= 0.5).all()
    for truth in ("SSVI", "SSVI, other skew"):
        x = draw(60, 4, truth)
        assert float(measures.errors(least_squares().complete(quotes(x, 20, 0)), x).median()) < 0.1


def test_nearest_and_flat_are_what_they_say() -> None:
    known = draw(500, 0)
    asked = quotes(known[:20], 12, 0)
    assert torch.equal(Nearest(known).complete(asked).mean, known[:20])
    flat = Flat().complete(asked)
    assert (flat.mean == asked.values.mean(1, keepdim=True)).all() and flat.sd.isnan().all()


def test_measures_have_the_units_they_say() -> None:
    x = torch.full((4, PLACES), math.log(0.2), dtype=F64)
    found = Completion(x + math.log(1.1), torch.full_like(x, 0.1))
    asked = Quotes(torch.tensor([[0, 1]] * 4), x[:, :2], 0.0)
    assert measures.errors(found, x).tolist() == pytest.approx([2.0] * 4)
    assert measures.coverage(found, x, asked).tolist() == [1.0] * 4
    narrow = found._replace(sd=torch.full_like(x, 0.05))
    assert measures.coverage(narrow, x, asked).tolist() == [0.0] * 4
    assert measures.band_width(found)[0] == pytest.approx(100 * 0.22 * math.sinh(0.164485), rel=1e-5)
    cells = measures.compared({"a": found, "b": narrow}, x + 0.01 * torch.arange(4)[:, None], asked, "b")
    assert set(cells["a"]) == {"rmse", "arbitrage", "more", "coverage", "width"} and cells["a"]["more"][:3] == (0, 0, 0)
    assert cells["a"]["arbitrage"][:2] == (0, 0) and cells["a"]["arbitrage"][3] == 4
    with pytest.raises(ValueError, match="NaN or infinite"):
        measures.compared({"b": found._replace(mean=x * math.nan)}, x, asked, "b")


def test_a_decoder_that_knows_nothing_answers_with_its_prior() -> None:
    way = Decoded(lambda z: z.sum(1, keepdim=True).expand(-1, PLACES) * 0, 2, 0.3)
    found = way.complete(Quotes(torch.tensor([[4]]), torch.tensor([[1.0]], dtype=F64), 0.0))
    assert (found.mean == 0).all() and found.sd.numpy() == pytest.approx(0.3)
