"""What the tools are given is the same everywhere, and what they must find is what the library finds."""

import numpy as np
import pytest
import torch

from imggen_lib.losses.vae import bernoulli_log_prob, standard_normal_kl
from imggen_lib.tools import reference


@pytest.fixture(scope="module")
def given() -> reference.Arrays:
    return reference.inputs()


@pytest.fixture(scope="module")
def truth(given: reference.Arrays) -> reference.Arrays:
    return reference.expected(given)


def test_the_images_are_binary_and_no_pixel_is_near_the_cut(given: reference.Arrays) -> None:
    assert set(np.unique(given["x"])) == {0.0, 1.0} and 0.08 < given["x"].mean() < 0.25
    from imggen_lib import pretrained
    from imggen_lib.noise import latents

    model = pretrained("mnist-gan-classes").model().double()
    with torch.no_grad():
        grey = model(latents(range(100), model.latent_dim).double(), torch.arange(100) % 10)
    assert grey.abs().min() > 1e-6  # rounding of float64 cannot move it over


def test_a_digest_knows_names_shapes_and_values(given: reference.Arrays) -> None:
    whole = reference.digest(given)
    assert len(whole) == 64 and whole == reference.digest(dict(reversed(given.items())))
    moved = given["d1.b"].copy()
    moved[7] = np.nextafter(moved[7], 1, dtype=np.float32)
    assert reference.digest({**given, "d1.b": moved}) != whole
    assert reference.digest({**given, "d1.w": given["d1.w"].reshape(50, 512)}) != whole


def test_the_gradient_is_the_slope_of_the_bound(given: reference.Arrays, truth: reference.Arrays) -> None:
    def bound(name: str, place: tuple[int, ...], move: float) -> float:
        moved = {k: v.astype(np.float64) for k, v in given.items()}
        moved[name][place] += move
        model = reference.model_of(moved)
        x = torch.tensor(moved["x"]).view(-1, 1, 28, 28)
        with torch.no_grad():
            out = model(2 * x - 1, eps=torch.tensor(moved["eps"]))
            return float((bernoulli_log_prob(x, out.decoded) - standard_normal_kl(out.mu, out.logvar)).mean())

    for name in ("e1.w", "q.b", "d3.w", "bias"):
        place = tuple(int(i) for i in np.unravel_index(np.abs(truth["grad." + name]).argmax(), given[name].shape))
        slope = (bound(name, place, 1e-5) - bound(name, place, -1e-5)) / 2e-5
        assert slope == pytest.approx(-truth["grad." + name][place], rel=1e-4)
    assert bound("bias", (0,), 0.0) == pytest.approx(float(truth["elbo"]), abs=1e-9)


def test_all_weights_are_stepped_and_none_farther_than_the_rate(given: reference.Arrays, truth: reference.Arrays) -> None:
    assert {k for k in truth if k.startswith("step.")} == {f"step.{name}" for name in reference.NAMES.values()}
    moved = [np.abs(truth[f"step.{name}"] - given[name]).max() for name in reference.NAMES.values()]
    assert max(moved) <= reference.ADAM["lr"] * (1 + 1e-6) and min(moved) > 0.9 * reference.ADAM["lr"]
