"""Samples: one seed an image, in any batch; refusals."""

import pytest
import torch

from imggen_lib.models.gan import ConvGenerator, MLPGenerator
from imggen_lib.models.vae import ConvVAE
from imggen_lib.sampling import decode, interpolate, sample

SHAPE = (1, 28, 28)


def _models() -> list[torch.nn.Module]:
    torch.manual_seed(0)
    conv = ConvGenerator(SHAPE, 6, 4)
    conv(torch.randn(64, 6))  # so that BatchNorm has seen something
    return [MLPGenerator(SHAPE, 6, (16,)), conv, ConvVAE(SHAPE, 6, 4)]


@pytest.mark.parametrize("model", _models(), ids=lambda m: type(m).__name__)
def test_image_17_is_the_same_in_any_batch(model: torch.nn.Module) -> None:
    whole = sample(model, 40, seed=5)
    assert whole.shape == (40, *SHAPE)
    torch.testing.assert_close(sample(model, 1, seed=22)[0], whole[17])
    torch.testing.assert_close(sample(model, seeds=[22, 5]), whole[[17, 0]])
    z = torch.randn(9, 6, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(decode(model, z, batch=2), decode(model, z, batch=9))


@pytest.mark.parametrize("model", _models(), ids=lambda m: type(m).__name__)
def test_sampling_leaves_the_model_as_it_was(model: torch.nn.Module) -> None:
    before = {k: v.clone() for k, v in model.state_dict().items()}
    sample(model.train(), 3)
    assert model.training and all(torch.equal(before[k], v) for k, v in model.state_dict().items())


def test_classes_in_turn_or_as_asked() -> None:
    torch.manual_seed(0)
    model = ConvVAE(SHAPE, 4, 4, classes=3)
    torch.testing.assert_close(sample(model, 6), sample(model, 6, labels=torch.tensor([0, 1, 2, 0, 1, 2])))
    assert not torch.allclose(sample(model, 6), sample(model, 6, labels=torch.ones(6).long()))


def test_bad_requests_are_refused() -> None:
    model = MLPGenerator(SHAPE, 6, (16,))
    for n in (0, -3, None):
        with pytest.raises(ValueError, match="at least one image"):
            sample(model, n)
    with pytest.raises(ValueError, match="2 seeds"):
        sample(model, 3, seeds=[1, 2])
    with pytest.raises(ValueError, match="not class-conditional"):
        sample(model, 3, labels=torch.zeros(3).long())
    with pytest.raises(ValueError, match=r"latents of shape \(n, 6\)"):
        decode(model, torch.zeros(2, 5))
    with pytest.raises(ValueError, match="at least 2"):
        interpolate(model, torch.zeros(1, 6), torch.zeros(1, 6), steps=1)


def test_interpolation_starts_and_ends_where_it_should() -> None:
    model = _models()[2]
    a, b = torch.randn(2, 3, 6, generator=torch.Generator().manual_seed(2))
    path = interpolate(model, a, b, steps=5).view(3, 5, *SHAPE)
    torch.testing.assert_close(path[:, 0], decode(model, a))
    torch.testing.assert_close(path[:, -1], decode(model, b))
    steps = (path[:, 1:] - path[:, :-1]).abs().amax((2, 3, 4))
    assert (steps < (path[:, 0] - path[:, -1]).abs().amax((1, 2, 3))[:, None]).all()
