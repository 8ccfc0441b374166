"""How a flow trains: flow matching."""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from imggen_lib.errors import unknown_name
from imggen_lib.losses.flow import TIMES, Draw, flow_matching_loss, straight_path
from imggen_lib.noise import generator_for
from imggen_lib.train.parallel import Processes, average_gradients, count, own
from imggen_lib.train.state import FlowState, Record, Schedule, attribute, check_finite, checked, constant, update_ema

_NOISE = 12  # the stream of random numbers for noise, times and classes that are left out; see noise.generator_for
_LEVEL = 2 / 255  # between two grey levels


def train_flow(
    state: FlowState,
    batches: Iterable[tuple[Tensor, Tensor]],
    *,
    drop: float = 0.1,  # the share of images whose class is not told, so that there is a velocity without one to guide from
    times: str | Draw = "logit-normal",  # how t is drawn: a name or a function of losses.flow
    dequantise: bool = True,  # add uniform noise of one grey level, so that a density makes sense for pixels that are whole numbers
    ema_half_life: float = 50_000,  # images
    lr_schedule: Schedule = constant,  # a factor on the learning rate, as a function of the images seen
    seed: int = 0,
    processes: Processes | None = None,  # an accelerate.Accelerator: `batches` holds this process's share
) -> Iterator[Record]:
    r"""Teach the velocity from noise to data over `batches` of ``(images, labels)``; yield a record a step.

    .. math:: \min_v\; E\,\tfrac1d \left\lVert v(x_t, t, c) - (x - \varepsilon) \right\rVert^2, \qquad
        x_t = (1-t)\,\varepsilon + t\,x

    A record holds ``images`` (seen so far) and, detached, ``loss``: a mean over images and pixels, which ends well above 0
    (:func:`~imggen_lib.losses.flow.flow_matching_loss`). Raises :class:`~imggen_lib.errors.TrainingDiverged` when it is not finite.
    """
    if not 0 <= drop < 1:
        raise ValueError(f"the share of classes that are left out must lie from 0 to below 1, got {drop}")
    if isinstance(times, str) and times not in TIMES:
        raise ValueError(unknown_name("way to draw times", times, TIMES))
    draw = TIMES[times] if isinstance(times, str) else times
    model = state.model.train()
    classes = attribute(model, "classes")
    for x, y in checked(batches, model, classes=classes):
        n = len(x) * count(processes)
        noise = generator_for(seed, _NOISE, state.images, device=x.device)
        t = own(draw(n, noise), processes).to(x.dtype)  # (n,)
        eps = own(torch.randn(n, *x.shape[1:], generator=noise, device=x.device, dtype=x.dtype), processes)
        if dequantise:
            level = torch.rand(n, *x.shape[1:], generator=noise, device=x.device, dtype=x.dtype) - 0.5
            x = x + _LEVEL * own(level, processes)
        if y is not None:
            hidden = own(torch.rand(n, generator=noise, device=x.device) < drop, processes)
            y = torch.where(hidden, classes, y)
        loss = flow_matching_loss(model.net(straight_path(x, eps, t), t, y), x, eps).mean()
        state.set_lr(lr_schedule(state.images))
        state.optimizer.zero_grad()
        loss.backward()
        average_gradients(state.optimizer, processes)
        state.optimizer.step()
        update_ema(state.average, model, images=state.images, batch=n, half_life=ema_half_life)

        state.images, state.steps = state.images + n, state.steps + 1
        yield check_finite({"images": state.images, "loss": loss.detach()}, state.steps)
