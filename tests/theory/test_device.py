"""Toy data and theory are the same whatever ``torch.set_default_device`` says: here it names a device that holds no numbers."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from imggen_lib.data.toy import Ring
from imggen_lib.losses import gan as losses
from imggen_lib.noise import generator_for, on_cpu
from imggen_lib.people.study import comparison_plan
from imggen_lib.theory import dirac, linear_vae, mixture, plane, raters
from imggen_lib.theory.plane import exact

POINTS = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
LEARNED: dict[str, tuple[Callable[..., Any], str]] = {
    "flow": (plane.learn_flow, "log_prob"),
    "autoregressive": (plane.learn_autoregressive, "log_prob"),
    "VAE": (plane.learn_vae, "log_prob"),
    "GAN": (plane.learn_gan, ""),
    "denoiser": (plane.learn_denoiser, ""),
    "flow matching": (plane.learn_velocity, "log_prob"),
}


@pytest.fixture
def elsewhere() -> Iterator[Callable[[Callable[[], Any]], Any]]:
    """Calls a function while new tensors go to a device without numbers, where every look at one is an error."""

    def call(function: Callable[[], Any]) -> Any:
        torch.set_default_device("meta")
        try:
            return function()
        finally:
            torch.set_default_device(None)

    yield call
    torch.set_default_device(None)


def judged() -> list[Any]:
    two = raters.Population({"a": 0.7, "b": -0.3})
    return list(raters.simulated_judgements(two, comparison_plan(["a", "b"], 60, 20, seed=1, sheet=0), 0, seed=1))


CASES: dict[str, Callable[[], Any]] = {
    "ring": lambda: next(Ring().batches(8, images=8)),
    "ring's centres": lambda: Ring().centres,
    "crescents": lambda: plane.crescents().sample(9, generator_for(1)),
    "mixture": lambda: (fitted := mixture.fit(POINTS, 2)).means + fitted.log_prob(POINTS).sum(),
    "linear VAE": lambda: linear_vae.fit(POINTS.double(), 1).sample(5, generator_for(2)),
    "its covariance": lambda: linear_vae.fit(POINTS.double(), 1).covariance(),
    "Dirac-GAN": lambda: dirac.trajectory(dirac.Method(losses.non_saturating), (1.0, 0.5), steps=4, lr=0.1),
    "its eigenvalues": lambda: dirac.eigenvalues(dirac.Method(losses.non_saturating)).abs(),
    "logistics": lambda: exact.logistics_sample((POINTS[:6],) * 3, generator_for(3)),
    "Gaussian": lambda: plane.learn_gaussian(POINTS).sample(4, generator_for(4)),
}


def same(a: Any, b: Any) -> None:
    if isinstance(a, tuple):
        for left, right in zip(a, b, strict=True):
            same(left, right)
    else:
        assert isinstance(b, Tensor) and b.device.type == "cpu" and torch.equal(a, b)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_what_is_made_is_the_same(case: Callable[[], Any], elsewhere: Callable[..., Any]) -> None:
    same(case(), elsewhere(case))


@pytest.mark.parametrize("name", LEARNED)
def test_models_of_the_plane_learn_and_draw_the_same(name: str, elsewhere: Callable[..., Any]) -> None:
    learn, density = LEARNED[name]

    def all_of_it() -> tuple[Tensor, ...]:
        model = learn(POINTS, steps=2)
        drawn = model.sample(3, generator_for(5))
        return (drawn, getattr(model, density)(POINTS[:3])) if density else (drawn,)

    same(all_of_it(), elsewhere(all_of_it))


def test_simulated_raters_answer_the_same(elsewhere: Callable[..., Any]) -> None:
    assert judged() == elsewhere(judged)


def test_a_decorated_class_keeps_its_words() -> None:
    """Names, documentation and properties; what runs where it is asked to is left alone."""

    @on_cpu
    class Thing:
        """Words."""

        @property
        def two(self) -> Tensor:
            """Two."""
            return torch.zeros(2)

        def there(self) -> Tensor:
            return torch.zeros(2, device="meta")

    assert Thing.__doc__ == "Words." and Thing.two.__doc__ == "Two." and Thing.there.__name__ == "there"
    assert Thing().there().device.type == "meta" and Thing().two.device.type == "cpu"
