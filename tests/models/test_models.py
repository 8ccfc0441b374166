"""Networks: shapes, refusals, independence of images in a batch, and that they learn."""

import inspect
from functools import partial

import pytest
import torch
from torch import nn

from imggen_lib.models.blocks import BatchNorm2d, Residual, doublings
from imggen_lib.models.features import FeatureNet
from imggen_lib.models.gan import ConvCritic, ConvGenerator, MLPDiscriminator, MLPGenerator
from imggen_lib.models.vae import MLPVAE, VAE, ConvVAE, ResVAE

SHAPES = [(1, 28, 28), (3, 32, 32), (3, 64, 64), (1, 8, 8), (3, 48, 48), (1, 100, 100)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("classes", [0, 3])
def test_gan_shapes(shape: tuple[int, int, int], classes: int) -> None:
    labels = torch.tensor([0, 2]) if classes else None
    for generator, critic in (
        (MLPGenerator(shape, 5, (8,), classes), MLPDiscriminator(shape, (8,), classes)),
        (ConvGenerator(shape, 5, 4, classes), ConvCritic(shape, 2, classes)),
        (ConvGenerator(shape, 5, 4, classes, blocks=2), ConvCritic(shape, 2, classes, blocks=2)),
    ):
        x = generator(torch.randn(2, 5), labels)
        assert x.shape == (2, *shape) and x.abs().max() <= 1
        assert critic(x, labels).shape == (2,)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian", "logistic"])
def test_vae_shapes(shape: tuple[int, int, int], likelihood: str) -> None:
    x = torch.rand(2, *shape) * 2 - 1
    models = (MLPVAE(shape, 4, (16, 8), 3, likelihood), *(net(shape, 4, 2, 3, likelihood) for net in (ConvVAE, ResVAE)))  # type: ignore[arg-type]
    for model in models:
        out = model(x, torch.tensor([0, 2]), torch.randn(2, 4))
        assert out.decoded.shape == x.shape
        assert out.mu.shape == out.logvar.shape == out.z.shape == (2, 4)
        images = model.images(out.decoded)
        assert images.min() >= -1 and images.max() <= 1


def test_the_articles_networks_have_the_expected_size() -> None:
    count = lambda net: sum(p.numel() for p in net.parameters())  # noqa: E731
    assert count(MLPGenerator((1, 28, 28))) == 64 * 256 + 256 + 256 * 512 + 512 + 512 * 784 + 784
    assert count(MLPDiscriminator((1, 28, 28))) == 784 * 512 + 512 + 512 * 256 + 256 + 256 + 1
    dense, up, out = 64 * 64 * 49 + 2 * 64, 64 * 32 * 16 + 2 * 32, 32 * 16 + 1
    assert count(ConvGenerator((1, 28, 28))) == dense + up + out
    blocks = [2 * (9 * width * width + width) for width in (64, 32)]
    assert count(ConvCritic((1, 28, 28), blocks=1)) == count(ConvCritic((1, 28, 28))) + sum(blocks)
    assert count(ConvGenerator((1, 28, 28), blocks=1)) == dense + up + out + sum(blocks) + 2 * (64 + 32)


@pytest.mark.parametrize("side", [4, 7, 10, 30])
def test_sides_that_cannot_be_halved_are_refused(side: int) -> None:
    with pytest.raises(ValueError, match="multiple of 4"):
        doublings(side)
    with pytest.raises(ValueError, match="multiple of 4"):
        ConvVAE((1, side, side))


@pytest.mark.parametrize("shape", [(3, 16, 32), (1, 48, 28)], ids=str)
def test_images_need_not_be_square(shape: tuple[int, int, int]) -> None:
    x, z = torch.rand(2, *shape) * 2 - 1, torch.randn(2, 4)
    for generator in (MLPGenerator(shape, 4, (8,)), ConvGenerator(shape, 4, 4), ConvGenerator(shape, 4, 4, blocks=1)):
        assert generator(z).shape == x.shape
    for critic in (MLPDiscriminator(shape, (8,)), ConvCritic(shape, 2), ConvCritic(shape, 2, blocks=1)):
        assert critic(x).shape == (2,)
    for model in (MLPVAE(shape, 4, (8,), 0, "gaussian"), ConvVAE(shape, 4, 2, 0, "gaussian"), ResVAE(shape, 4, 2, 0, "gaussian")):
        assert model(x).decoded.shape == x.shape


def test_sides_of_the_wrong_size_are_refused() -> None:
    for make in (MLPGenerator, MLPDiscriminator, ConvGenerator, ConvCritic, MLPVAE, ConvVAE, ResVAE):
        with pytest.raises(ValueError, match="image_shape"):
            make((1, 28, 0))
    for net in (ConvGenerator, ConvCritic, ConvVAE, ResVAE):
        with pytest.raises(ValueError, match="multiple of 4"):
            net((1, 28, 30))
    with pytest.raises(ValueError, match="image_shape"):
        FeatureNet((1, 28, 32))


def test_batch_normalisation_over_processes_takes_products_in_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes with the same batch: what one computes from it, with statistics in float32."""
    x = torch.randn(4, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    alone, together = BatchNorm2d(3), BatchNorm2d(3)
    expected = alone(x)
    monkeypatch.setattr("torch.distributed.is_initialized", lambda: True)
    monkeypatch.setattr("torch.distributed.get_world_size", lambda: 2)
    monkeypatch.setattr("torch.distributed.all_reduce", lambda total: total.mul_(2))
    torch.testing.assert_close(together(x), expected)
    for values in (together, alone):
        values.reset_running_stats()
    rounded = together(x.bfloat16())
    assert rounded.dtype == torch.bfloat16 and together.running_mean is not None
    torch.testing.assert_close(rounded.float(), expected, atol=0.03, rtol=0.02)
    torch.testing.assert_close(together.running_mean, 0.1 * x.bfloat16().float().mean((0, 2, 3)))


def _moved(net: nn.Module) -> nn.Module:
    """With weights that are not at their start, where a residual block is the identity."""
    for p in net.parameters():
        p.data += 0.1 * torch.randn_like(p)
    return net


def test_a_logit_depends_on_its_own_image_alone() -> None:
    torch.manual_seed(0)
    x = torch.rand(6, 1, 28, 28)
    for critic in (MLPDiscriminator((1, 28, 28)), ConvCritic((1, 28, 28)), _moved(ConvCritic((1, 28, 28), 4, blocks=1))):
        whole = critic.train()(x)
        for part in (slice(0, 1), slice(2, 5)):
            torch.testing.assert_close(critic(x[part]), whole[part], rtol=1e-4, atol=1e-5)
    for model in (MLPVAE((1, 28, 28), 3, (32,)), ConvVAE((1, 28, 28), 3, 4), ResVAE((1, 28, 28), 3, 4)):
        torch.testing.assert_close(model.train()(x[:2]).mu, model(x).mu[:2], rtol=1e-4, atol=1e-5)


def test_no_batchnorm_in_critics_and_vaes() -> None:
    residual = partial(ConvCritic, blocks=1)
    for make in (MLPDiscriminator, ConvCritic, residual, MLPVAE, ConvVAE, ResVAE):
        net = make((1, 28, 28))
        assert not any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in net.modules())


def test_labels_matter_and_are_checked() -> None:
    torch.manual_seed(0)
    z, x, y = torch.randn(2, 64), torch.rand(2, 1, 28, 28), torch.tensor([1, 2])
    for net, inputs in (
        (MLPGenerator((1, 28, 28), classes=3), z),
        (ConvGenerator((1, 28, 28), classes=3).eval(), z),
        (MLPDiscriminator((1, 28, 28), classes=3), x),
        (ConvCritic((1, 28, 28), classes=3), x),
    ):
        assert not torch.allclose(net(inputs, y), net(inputs, y - 1))
        with pytest.raises(ValueError, match="labels are needed"):
            net(inputs)
        with pytest.raises((ValueError, TypeError), match=r"2 images need 2 labels|[Tt]ype-check"):
            net(inputs, torch.tensor([1]))
        with pytest.raises(ValueError, match="from 0 to 2, got 1 to 3"):
            net(inputs, torch.tensor([1, 3]))  # there are classes 0, 1, 2


def test_vae_without_noise_uses_the_mean_and_starts_at_the_mean_image() -> None:
    torch.manual_seed(0)
    model = ConvVAE((1, 8, 8), 3, 2)
    x = torch.rand(2, 1, 8, 8) * 2 - 1
    out = model(x)
    assert torch.equal(out.z, out.mu)
    out = model(x, eps=torch.ones(2, 3))
    torch.testing.assert_close(out.z, out.mu + torch.exp(0.5 * out.logvar))
    mean = torch.linspace(-0.9, 0.9, 64).view(1, 8, 8)
    for likelihood in ("bernoulli", "gaussian", "logistic"):
        fresh = MLPVAE((1, 8, 8), 3, (4,), likelihood=likelihood)  # type: ignore[arg-type]
        fresh.start_at(mean)
        with torch.no_grad():
            for p in fresh.decoder.parameters():
                p.zero_()
            torch.testing.assert_close(fresh.images(fresh.decode(torch.zeros(1, 3)))[0], mean, rtol=0, atol=1e-5)


def test_the_dense_encoder_sees_images_less_the_mean_image() -> None:
    torch.manual_seed(0)
    plain, centred = MLPVAE((1, 8, 8), 3, (4,)), MLPVAE((1, 8, 8), 3, (4,))
    centred.load_state_dict(plain.state_dict())
    mean = torch.linspace(-0.9, 0.9, 64).view(1, 8, 8)
    centred.start_at(mean)
    x = torch.rand(5, 1, 8, 8) * 2 - 1
    for a, b in zip(centred.encode(x), plain.encode(x - mean), strict=True):
        torch.testing.assert_close(a, b)
    assert "encoder.0.centre" in centred.state_dict() and not any("centre" in name for name, _ in centred.named_parameters())


def test_wrong_images_and_likelihoods_are_refused() -> None:
    with pytest.raises(ValueError, match="takes images of shape"):
        MLPVAE((1, 28, 28))(torch.zeros(2, 1, 8, 8))
    init = inspect.unwrap(VAE.__init__)  # as it is outside the tests, without the type checker
    with pytest.raises(ValueError, match="likelihood must be"):
        init(VAE.__new__(VAE), (1, 28, 28), 2, 0, "poisson", nn.Identity(), 1, nn.Identity())


def test_gaussian_vae_learns_its_sigma() -> None:
    model = MLPVAE((1, 8, 8), likelihood="gaussian")
    assert any(p is model.log_sigma for p in model.parameters())
    assert isinstance(model, VAE) and MLPVAE((1, 8, 8)).log_sigma is None and model.log_scale is None


def test_logistic_vae_learns_its_scale() -> None:
    model = MLPVAE((1, 8, 8), likelihood="logistic")
    assert any(p is model.log_scale for p in model.parameters()) and model.log_sigma is None


def test_a_residual_block_starts_as_the_identity_and_can_leave_it() -> None:
    block, x = Residual(3), torch.randn(2, 3, 7, 7)
    assert torch.equal(block(x), x)
    block(x).square().sum().backward()
    assert block.second.weight.grad is not None and block.second.weight.grad.abs().max() > 0
    with torch.no_grad():
        block.second.weight.normal_()
    assert not torch.allclose(block(x), x)
    assert sum(p.numel() for p in ResVAE((1, 28, 28)).parameters()) < 600_000
