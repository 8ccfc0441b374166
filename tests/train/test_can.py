"""The Creative Adversarial Network: what its terms say, what its critic is, how it trains."""

import copy
import inspect
import math

import pytest
import torch
from torch import nn

from imggen_lib.data import ImageSet, glyphs
from imggen_lib.errors import TrainingDiverged
from imggen_lib.losses import can
from imggen_lib.losses import gan as losses
from imggen_lib.models.can import StyleCritic
from imggen_lib.models.gan import ConvCritic, ConvGenerator
from imggen_lib.train.can import train_can
from imggen_lib.train.gan import train_gan
from imggen_lib.train.state import GanState

F64 = torch.float64
SHAPE = (1, 28, 28)


@pytest.fixture(scope="module")
def digits() -> ImageSet:
    return glyphs.make("train", n=200, classes="012")


def _logits(n: int = 6, k: int = 4, scale: float = 2.0) -> torch.Tensor:
    return scale * torch.randn(n, k, dtype=F64, generator=torch.Generator().manual_seed(0))


def _state(styles: int = 3) -> GanState:
    torch.manual_seed(0)
    return GanState.create(ConvGenerator(SHAPE, 4, width=4), StyleCritic(SHAPE, styles, width=2), lr=1e-3)


def _weights(net: nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def test_ambiguity_is_a_sum_of_binary_cross_entropies() -> None:
    for k in (2, 5):
        logits = _logits(k=k)
        target = torch.full_like(logits, 1 / k)
        each = nn.functional.binary_cross_entropy(logits.softmax(1), target, reduction="none")
        assert torch.allclose(can.style_ambiguity(logits), each.sum(1).mean())


def test_ambiguity_is_least_at_the_uniform_posterior_and_flat_there() -> None:
    for k in (2, 3, 10):
        flat = torch.full((4, k), 1.7, dtype=F64, requires_grad=True)
        loss = can.style_ambiguity(flat)
        loss.backward()
        assert loss.item() == pytest.approx(can.least_ambiguity_loss(k), rel=1e-12)
        assert flat.grad is not None and flat.grad.abs().max() < 1e-12
        assert can.style_ambiguity(_logits(k=k)).item() > can.least_ambiguity_loss(k)


def test_a_sure_critic_still_gives_a_finite_loss_and_a_slope() -> None:
    """1 - p rounds to 0 in float32 at a logit of 40; the loss must be right there all the same."""
    logits = torch.tensor([[40.0, 0.0, 0.0]], requires_grad=True)
    loss = can.style_ambiguity(logits)
    loss.backward()
    assert loss.item() == pytest.approx((2 * 40 + 2 * (40 - math.log(2))) / 3, rel=1e-4)
    assert logits.grad is not None and logits.grad[0, 0] > 0.5 and torch.isfinite(logits.grad).all()


def test_gradients() -> None:
    logits = _logits(3, 4).requires_grad_(True)
    assert torch.autograd.gradcheck(can.style_ambiguity, logits)
    assert torch.autograd.gradcheck(lambda x: can.style_loss(x, torch.tensor([0, 3, 1])), logits)


def test_shifting_all_logits_of_an_image_changes_nothing() -> None:
    logits, shift = _logits(), torch.arange(6, dtype=F64)[:, None]
    assert torch.allclose(can.style_ambiguity(logits), can.style_ambiguity(logits + shift))
    assert torch.allclose(can.posterior_entropy(logits), can.posterior_entropy(logits + shift))


def test_style_loss_is_a_cross_entropy() -> None:
    logits, styles = _logits(), torch.tensor([0, 1, 2, 3, 0, 1])
    picked = logits.softmax(1)[torch.arange(6), styles]
    assert torch.allclose(can.style_loss(logits, styles), -picked.log().mean())
    assert can.style_loss(torch.zeros(6, 4), styles).item() == pytest.approx(math.log(4))


def test_posterior_entropy_is_between_nothing_and_log_k() -> None:
    assert torch.allclose(can.posterior_entropy(torch.zeros(2, 8)), torch.tensor(math.log(8)))
    assert can.posterior_entropy(torch.tensor([[60.0, 0.0, 0.0]])).item() == pytest.approx(0, abs=1e-6)
    expected = torch.distributions.Categorical(logits=_logits()).entropy()
    assert torch.allclose(can.posterior_entropy(_logits()), expected)


def test_bad_input() -> None:
    for bad in (torch.zeros(4), torch.zeros(4, 1)):
        with pytest.raises(ValueError, match="at least two styles"):
            inspect.unwrap(can.style_ambiguity)(bad)
    with pytest.raises(ValueError, match="styles of shape"):
        inspect.unwrap(can.style_loss)(torch.zeros(4, 3), torch.zeros(3, dtype=torch.int64))
    with pytest.raises(ValueError, match="at least two"):
        can.least_ambiguity_loss(1)
    with pytest.raises(ValueError, match="at least two"):
        StyleCritic(SHAPE, 1)


def test_critic_answers_twice_and_about_each_image_alone() -> None:
    critic = StyleCritic(SHAPE, 5, width=2)
    x = torch.rand(6, *SHAPE) * 2 - 1
    answer = critic(x)
    assert answer.logits.shape == (6,) and answer.styles.shape == (6, 5)
    alone = critic(x[2:3])
    assert torch.allclose(alone.logits, answer.logits[2:3], atol=1e-6) and torch.allclose(
        alone.styles, answer.styles[2:3], atol=1e-6
    )
    assert not any(isinstance(m, nn.BatchNorm2d) for m in critic.modules())


def test_it_trains_with_every_loss(digits: ImageSet) -> None:
    for loss in losses.ALL:
        state = _state()
        before = _weights(state.generator), _weights(state.critic)
        records = list(train_can(state, digits.batches(8, images=24), loss, r1=1.0, r2=0.5, gp=1.0, penalty_every=2))
        assert [r["images"] for r in records] == [8, 16, 24]
        assert [r["penalty"].item() > 0 for r in records] == [True, False, True]
        assert all(not v.requires_grad for r in records for v in r.values() if isinstance(v, torch.Tensor))
        assert not torch.equal(before[0], _weights(state.generator)) and not torch.equal(before[1], _weights(state.critic))


def test_without_styles_it_is_the_plain_gan(digits: ImageSet) -> None:
    """Both weights 0: the same generator, bit for bit, as the plain loop gives with the same networks."""
    state = _state()
    plain = ConvCritic(SHAPE, 2)
    plain.load_state_dict({k: v for k, v in state.critic.state_dict().items() if not k.startswith("style")})
    other = GanState.create(copy.deepcopy(state.generator), plain, lr=1e-3)
    options = {"r1": 0.5, "penalty_every": 2, "seed": 3}
    for _ in train_can(state, digits.batches(8, images=40), losses.relativistic, ambiguity=0.0, style=0.0, **options):
        pass
    for _ in train_gan(other, digits.batches(8, images=40), losses.relativistic, **options):  # type: ignore[arg-type]
        pass
    assert torch.allclose(_weights(state.generator), _weights(other.generator), atol=1e-6)
    assert torch.allclose(_weights(state.ema), _weights(other.ema), atol=1e-6)


def test_the_critic_learns_styles_and_the_generator_avoids_them(digits: ImageSet) -> None:
    ends = {}
    for weight in (0.0, 5.0):
        state = _state()
        records = list(train_can(state, digits.batches(32, images=3200), losses.non_saturating, ambiguity=weight))
        ends[weight] = sum(r["ambiguity"].item() for r in records[-15:]) / 15
        assert records[-1]["style"] < 0.7 * math.log(3) < records[0]["style"]
    assert ends[5.0] < ends[0.0]


def test_it_is_reproducible_and_the_seed_matters(digits: ImageSet) -> None:
    ends = []
    for seed in (0, 0, 1):
        state = _state()
        for _ in train_can(state, digits.batches(8, images=24), losses.non_saturating, seed=seed):
            torch.rand(3)  # PyTorch's global generator plays no part
        ends.append(_weights(state.generator))
    assert torch.equal(ends[0], ends[1]) and not torch.equal(ends[0], ends[2])


def test_divergence_is_shown(digits: ImageSet) -> None:
    state = _state()
    with torch.no_grad():
        state.critic.style.weight.fill_(math.nan)  # type: ignore[union-attr, operator]
    with pytest.raises(TrainingDiverged, match="is nan after 8 images"):
        next(train_can(state, digits.batches(8, images=8), losses.non_saturating))
