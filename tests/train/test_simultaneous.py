"""Players that move at once: one pass through the critic gives what two give; where it cannot, it is refused."""

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

from imggen_lib.configs import GanConfig
from imggen_lib.data import ImageSet, glyphs
from imggen_lib.errors import TrainingDiverged
from imggen_lib.losses import gan as losses
from imggen_lib.models.gan import MLPDiscriminator, MLPGenerator
from imggen_lib.noise import generator_for
from imggen_lib.runs import start
from imggen_lib.train.gan import train_gan_simultaneous
from imggen_lib.train.state import GanState

SMALL = {"image_shape": (1, 28, 28), "net": "mlp", "hidden": (32,), "latent_dim": 8}


@pytest.fixture(scope="module")
def digits() -> ImageSet:
    return glyphs.make("train", n=400, classes="01")


def _weights(net: nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in net.parameters()])


STEEP = [loss for loss in losses.ALL if loss.steep]


@pytest.mark.parametrize("loss", STEEP, ids=lambda loss: loss.name)
@pytest.mark.parametrize("classes", [0, 2])
def test_one_pass_gives_both_players_the_gradients_of_two(
    digits: ImageSet, in_double: None, loss: losses.GanLoss, classes: int
) -> None:
    """Three steps against losses differentiated one by one, both at the critic as it was; penalties in the first and third."""
    config = GanConfig(image_shape=(1, 28, 28), width=4, latent_dim=4, classes=classes)
    run = start(config, digits)
    nets = [net.double() for net in (run.state.generator, run.state.critic)]  # type: ignore[union-attr]
    g, c = copy.deepcopy(nets)
    state = GanState.create(*nets, lr=1e-2, betas=(0.5, 0.9))
    batches = [(x.double(), y) for x, y in digits.batches(6, images=18)]
    records = list(train_gan_simultaneous(state, batches, loss, r1=0.7, r2=0.3, gp=0.2, penalty_every=2, seed=5))

    optimizers = [torch.optim.Adam(net.parameters(), lr=1e-2, betas=(0.5, 0.9)) for net in (g, c)]
    for k, (x, labels) in enumerate(batches):
        y = labels if classes else None
        noise = generator_for(5, 2, 6 * k)
        fake = g(torch.randn(6, 4, generator=noise), y)
        a, b, apart = c(x, y), c(fake, y), c(fake.detach(), y)
        mine = torch.autograd.grad(loss.generator(a.detach(), b), list(g.parameters()))
        of_critic = loss.critic(a, apart)
        if k % 2 == 0:
            for gamma, images in ((0.7, x), (0.3, fake)):
                of_critic = of_critic + 2 * gamma / 2 * losses.zero_centred_penalty(lambda x, y=y: c(x, y), images)
            t = torch.rand(6, generator=noise)
            of_critic = of_critic + 2 * 0.2 * losses.gradient_penalty(lambda x, y=y: c(x, y), x, fake.detach(), t)
        theirs = torch.autograd.grad(of_critic, list(c.parameters()))
        for net, optimizer, gradients in zip((g, c), optimizers, (mine, theirs), strict=True):
            for p, gradient in zip(net.parameters(), gradients, strict=True):
                p.grad = gradient
            optimizer.step()
        assert records[k]["generator"].item() == pytest.approx(loss.generator(a, b).item(), rel=1e-9)
    torch.testing.assert_close(_weights(state.generator), _weights(g), rtol=1e-8, atol=1e-10)
    torch.testing.assert_close(_weights(state.critic), _weights(c), rtol=1e-8, atol=1e-10)
    assert not torch.equal(_weights(state.ema), _weights(state.generator)) and state.images == records[-1]["images"] == 18


@pytest.mark.parametrize("logit", [-30.0, -60.0])
def test_a_logit_far_from_zero_gives_the_generator_its_whole_gradient(digits: ImageSet, logit: float) -> None:
    """In float32: a critic that is nearly sure has a slope of 1e-13 or 1e-26 at generated images, the generator's is nearly 1."""
    g, c = MLPGenerator((1, 28, 28), 4, (8,)), MLPDiscriminator((1, 28, 28), (8,))
    with torch.no_grad():
        c.net[-1].bias.fill_(logit)
    g2 = copy.deepcopy(g)
    x, y = digits.batch(torch.arange(6))
    z = torch.randn(6, 4, generator=generator_for(5, 2, 0))
    expected = torch.autograd.grad(nn.functional.softplus(-c(g2(z))).mean(), list(g2.parameters()))
    state = GanState.create(g, c, lr=1e-9)
    list(train_gan_simultaneous(state, [(x, y)], losses.non_saturating, seed=5))
    for p, gradient in zip(g.parameters(), expected, strict=True):
        torch.testing.assert_close(p.grad, gradient, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("logit", [-80.0, -100.0])
def test_a_critic_that_is_too_sure_stops_the_training_before_an_update(digits: ImageSet, logit: float) -> None:
    g, c = MLPGenerator((1, 28, 28), 4, (8,)), MLPDiscriminator((1, 28, 28), (8,))
    with torch.no_grad():
        c.net[-1].bias.fill_(logit)
    before = _weights(g), _weights(c)
    with pytest.raises(TrainingDiverged, match="'factor' is nan after 8 images"):
        list(train_gan_simultaneous(GanState.create(g, c), digits.batches(8, images=8), losses.non_saturating))
    assert torch.equal(before[0], _weights(g)) and torch.equal(before[1], _weights(c))


def test_a_loss_of_one_s_own_without_a_slope_is_found_out(digits: ImageSet) -> None:
    own = replace(losses.hinge, name="own", steep=True)
    g, c = MLPGenerator((1, 28, 28), 4, (8,)), MLPDiscriminator((1, 28, 28), (8,))
    with torch.no_grad():
        c.net[-1].bias.fill_(-3)
    with pytest.raises(TrainingDiverged, match="'factor'"):
        list(train_gan_simultaneous(GanState.create(g, c), digits.batches(8, images=8), own))


def test_players_that_move_at_once_refuse_what_they_cannot_do(digits: ImageSet) -> None:
    g, c = MLPGenerator((1, 28, 28), 4, (8,)), MLPDiscriminator((1, 28, 28), (8,))
    with pytest.raises(ValueError, match="hinge"):
        next(train_gan_simultaneous(GanState.create(g, c), digits.batches(8, images=8), losses.hinge))
    c.net.append(nn.BatchNorm1d(1))
    with pytest.raises(ValueError, match="BatchNorm"):
        next(train_gan_simultaneous(GanState.create(g, c), digits.batches(8, images=8), losses.minimax))
    for wrong in ({"loss": "hinge"}, {"loss": "least-squares"}, {"critic_steps": 2}, {"head_start": 64}):
        with pytest.raises(ValueError, match="simultaneous goes with"):
            GanConfig(simultaneous=True, **wrong)  # type: ignore[arg-type]


def test_the_configuration_says_who_moves_when(digits: ImageSet) -> None:
    def weights(simultaneous: bool) -> torch.Tensor:
        run = start(GanConfig(**SMALL, simultaneous=simultaneous), digits)
        assert list(run.records(256))[-1].keys() == {"images", "critic", "generator", "penalty", "real", "fake"}
        return _weights(run.state.generator)  # type: ignore[union-attr]

    assert not torch.equal(weights(True), weights(False))
