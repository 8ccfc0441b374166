"""The equations of the chapter on speed."""

import itertools

import pytest
import torch
from torch import nn

from imggen_lib.losses import gan
from imggen_lib.models.gan import ConvCritic, ConvGenerator, MLPDiscriminator
from imggen_lib.profiling import Flops


def test_speed_flops() -> None:
    """Against PyTorch's own formulas, and against counting every product of a small convolution one by one."""
    a, b, k, c_in, c_out, h, w = 30, 7, 3, 2, 5, 6, 4
    dense, conv = 2 * a * b, 2 * k**2 * c_in * c_out * h * w  # claim
    for layer, x, expected in (
        (nn.Linear(a, b), torch.zeros(1, a), dense),
        (nn.Conv2d(c_in, c_out, k, padding=1), torch.zeros(1, c_in, h, w), conv),
    ):
        with Flops() as counter:
            layer(x)
        assert counter.total == expected
    products = sum(1 for _ in itertools.product(range(h), range(w), range(c_out), range(c_in), range(k), range(k)))
    assert conv == 2 * products


def test_speed_three() -> None:
    """Three times the forward pass where the input needs a gradient; without it less by the first layer's share."""
    torch.manual_seed(0)
    for net, x in ((MLPDiscriminator((1, 28, 28)), torch.rand(4, 1, 28, 28)), (ConvGenerator((1, 28, 28)), torch.randn(4, 64))):
        totals = []
        for needs in (True, False):
            x = x.detach().requires_grad_(needs)
            with Flops() as forward:
                out = net(x)
            with Flops() as backward:
                out.sum().backward()
            totals.append(forward.total + backward.total)
        first = next(m for m in net.modules() if isinstance(m, nn.Linear))
        assert totals[0] == 3 * forward.total  # claim
        assert totals[1] == totals[0] - 2 * 4 * first.weight.numel()


def test_speed_fraction() -> None:
    """A loop that does nothing but the product that the peak is measured with has the fraction 1, whatever its speed."""
    n, seconds = 64, 0.125
    with Flops() as counter:
        torch.ones(n, n) @ torch.ones(n, n)
    r, f_step, peak = 1 / seconds, counter.total, 2 * n**3 / seconds
    assert r * f_step / peak == 1  # claim


def test_speed_amdahl() -> None:
    """Against adding up the times of the parts; and the limit for a part that costs nothing any more."""
    times, p_index, s = [0.7, 1.9, 0.4], 1, 3.5
    p = times[p_index] / sum(times)
    after = sum(t / s if k == p_index else t for k, t in enumerate(times))
    assert 1 / (1 - p + p / s) == pytest.approx(sum(times) / after, rel=1e-14)  # claim
    assert 1 / (1 - p + p / 1e15) == pytest.approx(sum(times) / (sum(times) - times[p_index]), rel=1e-12)
    assert pytest.approx(1.05, abs=0.003) == 1 / (1 - 0.1 + 0.1 / 2)  # halving a tenth


def test_speed_softplus() -> None:
    """Against PyTorch's cross-entropy of probabilities in float64: values and gradients, for targets that are grey, too."""
    logits = torch.linspace(-12, 12, 401, dtype=torch.float64, requires_grad=True)
    x = torch.rand(401, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    ours = nn.functional.softplus(logits) - x * logits  # claim
    theirs = nn.functional.binary_cross_entropy(torch.sigmoid(logits), x, reduction="none")
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)
    for a, b in zip(torch.autograd.grad(ours.sum(), logits), torch.autograd.grad(theirs.sum(), logits), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-7, atol=1e-9)


def test_speed_upconv() -> None:
    """In one dimension with the kernel as printed, and in two with it along both axes; in float64, at the borders as well."""
    noise = torch.Generator().manual_seed(0)
    x, w = (torch.randn(s, generator=noise, dtype=torch.float64) for s in ((1, 1, 9), (1, 1, 3)))
    w0, w1, w2 = w.unbind(2)
    kernel = torch.stack([w2, w1 + w2, w0 + w1, w0], 2)  # claim
    doubled = nn.functional.conv1d(x.repeat_interleave(2, 2), w, padding=1)
    torch.testing.assert_close(nn.functional.conv_transpose1d(x, kernel, stride=2, padding=1), doubled)
    maps = torch.randn(2, 3, 5, 4, generator=noise, dtype=torch.float64)
    weight = torch.randn(6, 3, 3, 3, generator=noise, dtype=torch.float64)
    both = weight
    for axis in (2, 3):
        w0, w1, w2 = both.unbind(axis)
        both = torch.stack([w2, w1 + w2, w0 + w1, w0], axis)
    slow = nn.functional.conv2d(nn.functional.interpolate(maps, scale_factor=2), weight, padding=1)
    torch.testing.assert_close(nn.functional.conv_transpose2d(maps, both.transpose(0, 1), stride=2, padding=1), slow)


@pytest.mark.parametrize("loss", [loss for loss in gan.ALL if loss.steep], ids=lambda loss: loss.name)
def test_speed_at_once(loss: gan.GanLoss) -> None:
    """Both gradients at the images by autograd, in float64, for every loss with a slope everywhere and a conditional critic."""
    noise = torch.Generator().manual_seed(0)
    critic, labels = ConvCritic((1, 8, 8), 4, classes=3).double(), torch.tensor([0, 1, 2, 1, 0])
    real, fake = torch.randn(2, 5, 1, 8, 8, generator=noise, dtype=torch.float64)
    fake = (3 * fake).requires_grad_(True)
    a, b = critic(real, labels), critic(fake, labels)

    def gradient(value: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
        return torch.autograd.grad(value, at, retain_graph=True)[0]

    of_critic, of_generator = loss.critic(a, b), loss.generator(a, b)
    rho = gradient(of_generator, b) / gradient(of_critic, b)  # claim
    found = rho.view(-1, 1, 1, 1) * gradient(of_critic, fake)  # claim
    torch.testing.assert_close(found, gradient(of_generator, fake), rtol=1e-9, atol=1e-15)
    if loss is gan.minimax:
        torch.testing.assert_close(rho, -torch.ones_like(b))
    if loss is gan.non_saturating:
        torch.testing.assert_close(rho, -torch.exp(-b))


@pytest.mark.parametrize("n", [2, 3, 5, 8])
def test_speed_ring(n: int) -> None:
    """An exchange played through, message by message: everyone ends with the sum, and each sends that much."""
    b = 8 * 120 * n  # bytes of float64, in n equal pieces
    noise = torch.Generator().manual_seed(n)
    own = torch.randn(n, n, 120, generator=noise, dtype=torch.float64)  # process, piece, numbers
    held, sent = own.clone(), [0] * n
    for step in range(n - 1):
        for k, piece, numbers in [(k, (k - step) % n, held[k, (k - step) % n].clone()) for k in range(n)]:
            held[(k + 1) % n, piece] += numbers
            sent[k] += numbers.nbytes
    for step in range(n - 1):
        for k, piece, numbers in [(k, (k + 1 - step) % n, held[k, (k + 1 - step) % n].clone()) for k in range(n)]:
            held[(k + 1) % n, piece] = numbers
            sent[k] += numbers.nbytes
    torch.testing.assert_close(held, own.sum(0).expand(n, n, 120))
    assert sent == [2 * (n - 1) / n * b] * n  # claim


def test_speed_efficiency() -> None:
    """From the time of a step: what one process needs, over what all of them spend."""
    t, b, bandwidth = 0.02, 3e6, 5e8
    for n in (1, 2, 7, 64):
        step = t / n + 2 * (n - 1) / n * b / bandwidth
        assert 1 / (1 + 2 * (n - 1) * b / (bandwidth * t)) == pytest.approx(t / (n * step), rel=1e-12)  # claim
