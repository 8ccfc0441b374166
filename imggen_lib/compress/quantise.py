r"""Weights in few bits: rounding afterwards, rounding with calibration, and training that knows of the rounding.

A symmetric uniform quantiser with the step :math:`\Delta` and `b` bits keeps of each weight the nearest of the
:math:`2^b - 1` multiples of :math:`\Delta` from :math:`-(2^{b-1} - 1)\Delta` to :math:`(2^{b-1} - 1)\Delta`:

.. math:: Q(w) = \Delta \cdot \operatorname{clip}\!\left(\operatorname{round}(w / \Delta),\ -(2^{b-1} - 1),\ 2^{b-1} - 1\right).

The weights are used in float32 afterwards ("fake quantisation"): quality and bytes are real, the speed is that of float32.
"""

import copy
import operator
from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils import parametrize

from imggen_lib.compress.calibrate import Rounding

WithWeights = nn.Linear | nn.Conv2d | nn.ConvTranspose2d


def levels(bits: int) -> int:
    """The largest whole number of a symmetric quantiser: ``2 ** (bits - 1) - 1``, 127 for 8 bits, 7 for 4."""
    if not 2 <= bits <= 16:
        raise ValueError(f"a weight takes 2 to 16 bits, got {bits}")
    return 2 ** (bits - 1) - 1


def layers(model: nn.Module) -> Iterator[tuple[str, WithWeights]]:
    """The layers of `model` whose weights are rounded, with their names: dense layers and convolutions."""
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            yield name, module


def rows(weight: Float[Tensor, "..."], axis: int, channels: int) -> Float[Tensor, "c n"]:
    """The weights of each of `channels` output maps as a row; a map of a dense layer is a run of its outputs."""
    return weight.movedim(axis, 0).reshape(channels, -1)


def unrows(flat: Float[Tensor, "c n"], weight: Float[Tensor, "..."], axis: int) -> Float[Tensor, "..."]:
    """What :func:`rows` made into rows, in the shape of `weight` again."""
    return flat.reshape(weight.movedim(axis, 0).shape).movedim(0, axis)


def largest_steps(flat: Float[Tensor, "c n"], bits: int) -> Float[Tensor, "c 1"]:
    """The step for each row at which its largest weight is the quantiser's largest level: nothing is cut off."""
    return flat.abs().amax(1, keepdim=True).clamp(min=1e-8) / levels(bits)


def best_steps(flat: Float[Tensor, "c n"], bits: int, tries: int = 60) -> Float[Tensor, "c 1"]:
    """The step for each row with the least squared error, of `tries` shares of :func:`largest_steps`: outliers are cut off."""
    whole = largest_steps(flat, bits)
    shares = torch.linspace(1.0, 0.25, tries, dtype=flat.dtype)
    errors = torch.stack([(quantised(flat, whole * share, bits) - flat).square().sum(1) for share in shares])
    return whole * shares[errors.argmin(0)].unsqueeze(1)


def quantised(weight: Float[Tensor, "..."], step: Float[Tensor, "..."], bits: int) -> Float[Tensor, "..."]:
    """The quantiser of the module's head, elementwise; `step` broadcasts against `weight`."""
    most = levels(bits)
    return step * (weight / step).round().clamp(-most, most)


class _Round(torch.autograd.Function):
    """Round, with the derivative of the identity: the straight-through estimator."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return x.round()

    @staticmethod
    def backward(ctx: object, slope: Tensor) -> Tensor:
        return slope


class FakeQuantised(nn.Module):
    r"""A weight that is rounded whenever it is used, and learns nevertheless; its steps, one a channel, are learned with it.

    Backward, rounding counts as the identity between the extreme levels and as a constant beyond them (the straight-through
    estimator; Bengio and others 2013, arXiv:1308.3432), which gives the step :math:`\Delta` the derivative
    :math:`\operatorname{round}(w/\Delta) - w/\Delta` inside (Esser and others 2020, arXiv:1902.08153).
    """

    def __init__(self, weight: Float[Tensor, "..."], bits: int, axis: int, channels: int) -> None:
        super().__init__()
        self.bits, self.axis, self.channels = bits, axis, channels
        self.log_step = nn.Parameter(best_steps(rows(weight.detach(), axis, channels), bits).log())

    @property
    def step(self) -> Float[Tensor, "c 1"]:
        """The steps, positive."""
        return self.log_step.exp()

    def forward(self, weight: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        most, step = levels(self.bits), self.step
        scaled = (rows(weight, self.axis, self.channels) / step).clamp(-most, most)
        return unrows(_Round.apply(scaled) * step, weight, self.axis)


def _axis(layer: WithWeights) -> int:
    return 1 if isinstance(layer, nn.ConvTranspose2d) else 0


def channels_of(model: nn.Module, layer: WithWeights) -> int:
    """How many steps a layer has: one for each map that it makes."""
    out = layer.weight.shape[_axis(layer)]
    start = getattr(model, "start", None)
    return int(start[0]) if isinstance(layer, nn.Linear) and start is not None else int(out)


def steps_of(model: nn.Module, layer: WithWeights, bits: int, per: str = "channel", best: bool = False) -> Float[Tensor, "c 1"]:
    """The steps of one layer, one for each map that it makes or, with ``per="tensor"``, one alone (a row)."""
    if per not in ("channel", "tensor"):
        raise ValueError(f"a step for each channel or one for the tensor; got {per!r}")
    channels = channels_of(model, layer) if per == "channel" else 1
    flat = rows(layer.weight.detach(), _axis(layer), channels)
    return best_steps(flat, bits) if best else largest_steps(flat, bits)


@torch.no_grad()
def rounded(model: nn.Module, bits: int, per: str = "channel", best: bool = False) -> nn.Module:
    """A copy whose weights are rounded to the nearest, with one step a map (``channel``) or a layer (``tensor``).

    With `best` a step has the least squared error of its weights, and cuts the largest off; else nothing is cut off.
    """
    copied = copy.deepcopy(model)
    for _, layer in layers(copied):
        step = steps_of(model, layer, bits, per, best)
        flat = rows(layer.weight, _axis(layer), len(step))
        layer.weight.copy_(unrows(quantised(flat, step, bits), layer.weight, _axis(layer)))
    return copied


@torch.no_grad()
def calibrated(model: nn.Module, bits: int, *inputs: Tensor, best: bool = True) -> nn.Module:
    """A copy rounded layer by layer so that errors cancel on the inputs that a layer really gets.

    See :class:`imggen_lib.compress.calibrate.Rounding`.

    `inputs` are what `model` is called with: latents, and labels where there are classes.
    """
    copied, most = copy.deepcopy(model).eval(), levels(bits)
    for _, layer in layers(copied):
        got: list[Tensor] = []
        hook = layer.register_forward_pre_hook(lambda _, given, got=got: got.append(given[0]))
        copied(*inputs)
        hook.remove()
        values = got[0].movedim(1, -1).reshape(-1, got[0].shape[1])
        values = values[:: max(1, len(values) // 20_000)]
        rounding = Rounding(torch.cat([values, -values]))  # second moments: what a rounding adds to the mean counts, too
        axis, weight, steps = _axis(layer), layer.weight.double(), steps_of(copied, layer, bits, best=best).double()
        step = unrows(steps.expand(-1, weight.numel() // len(steps)), weight, axis)
        moved, across = weight.movedim(1 - axis, -1), step.movedim(1 - axis, -1)
        whole = rounding(moved.reshape(-1, moved.shape[-1]), across.reshape(-1, moved.shape[-1])[:, 0]).clamp(-most, most)
        layer.weight.copy_((whole.view(moved.shape) * across).movedim(-1, 1 - axis))
    return copied


def aware(model: nn.Module, bits: int) -> nn.Module:
    """A copy of `model` for quantisation-aware training: each layer's weight is :class:`FakeQuantised`."""
    copied = copy.deepcopy(model)
    for _, layer in list(layers(copied)):
        rounding = FakeQuantised(layer.weight, bits, _axis(layer), channels_of(copied, layer))
        parametrize.register_parametrization(layer, "weight", rounding)
    return copied


@torch.no_grad()
def settled(trained: nn.Module, plain: nn.Module) -> nn.Module:
    """A copy of `plain`, the model before :func:`aware`, with the weights after training, rounded."""
    copied = copy.deepcopy(plain)
    for name, value in copied.named_parameters():
        value.copy_(operator.attrgetter(name)(trained))
    return copied
