"""Levels as images, and a density of codes."""

import numpy as np
import pytest
import torch

from imggen_lib.applications.levels import grammar, models, tiles
from imggen_lib.applications.levels.models import Codes, as_levels, decode_levels, draw_levels, draw_tiles, fit_codes, level_set
from imggen_lib.runs import start


def _windows(n: int = 3) -> np.ndarray:
    return tiles.all_windows(grammar.make_levels(n, columns=64), step=8)


def test_levels_become_images_and_back() -> None:
    windows = _windows()
    data = level_set(windows)
    assert data.image_shape == models.SHAPE == (13, 16, 32) and set(data.images.unique().tolist()) == {0, 255}
    np.testing.assert_array_equal(as_levels(data.floats()), windows)
    with pytest.raises(ValueError, match="13 kinds"):
        as_levels(torch.zeros(1, 3, 16, 32))


def test_both_models_train_in_the_librarys_loops_and_make_levels() -> None:
    data = level_set(_windows())
    vae = start(models.vae_config(model_options={"width": 4}, latent_dim=4, batch=8), data, "cpu")
    assert [r["images"] for r in vae.records(16)] == [8, 16]
    sizes = {"generator_options": {"width": 4, "hard": True}, "critic_options": {"width": 2}}
    gan = start(models.gan_config(latent_dim=4, batch=8, **sizes), data, "cpu")
    assert [r["images"] for r in gan.records(16)] == [8, 16]
    for model in (vae.state.model, gan.state.ema):  # type: ignore[union-attr]
        drawn = draw_levels(model, 5, seed=3)
        assert drawn.shape == (5, 16, 32) and drawn.dtype == np.uint8
        np.testing.assert_array_equal(draw_levels(model, 2, seed=6), drawn[3:])
    assert draw_tiles(vae.state.model, 2).shape == (2, 16, 32)  # type: ignore[union-attr]
    assert decode_levels(vae.state.model, torch.empty(0, 4)).shape == (0, 16, 32)  # type: ignore[union-attr]


def test_the_density_of_codes_has_the_mean_and_covariance_of_what_the_encoder_draws() -> None:
    torch.manual_seed(0)
    data = level_set(_windows(6))
    model = models.vae_config(model_options={"width": 4}, latent_dim=3).build()
    x = data.floats()
    codes = fit_codes(model, x)
    with torch.no_grad():
        mu, logvar = model.encode(x)
        z = mu + torch.exp(0.5 * logvar) * torch.randn(4000, *mu.shape)
    drawn = z.flatten(0, 1)
    torch.testing.assert_close(codes.mean, drawn.mean(0), atol=0.02, rtol=0)
    torch.testing.assert_close(codes.factor @ codes.factor.T, torch.cov(drawn.T), atol=0.02, rtol=0)
    assert torch.equal(codes.factor, codes.factor.tril())
    torch.testing.assert_close(codes.at(torch.zeros(1, 3))[0], codes.mean)
    with pytest.raises(ValueError, match="at least two"):
        fit_codes(model, x[:1])


def test_codes_survive_json() -> None:
    codes = Codes(torch.randn(3), torch.randn(3, 3).tril())
    again = models.codes_from_json(models.codes_to_json(codes))
    torch.testing.assert_close(again.mean, codes.mean, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(again.factor, codes.factor, rtol=1e-4, atol=1e-5)
    prior = models.standard_codes(3)
    noise = torch.randn(2, 3)
    torch.testing.assert_close(prior.at(noise), noise)
