r"""Flow matching: paths from noise to data, times along them, and the loss that learns their velocity.

Time runs from noise at t = 0 to data at t = 1, on straight lines. Sources: Lipman et al. 2023, arXiv:2210.02747; Liu et al. 2023,
arXiv:2209.03003; Albergo and Vanden-Eijnden 2023, arXiv:2209.15571.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from imggen_lib.checks import real, tensor, whole

Points = Float[Tensor, "n *shape"]
Times = Float[Tensor, " n"]
Draw = Callable[[int, torch.Generator], Times]


def over(t: Tensor, x: Tensor) -> Tensor:
    """`t` ``(n,)`` with as many dimensions as `x`, so that each row of `x` meets its own time.

    Raises ``ValueError`` unless each row has one.
    """
    if tensor(t, "times").shape != x.shape[:1]:
        raise ValueError(f"{len(x)} points need {len(x)} times, one for each, got the shape {tuple(t.shape)}")
    return t.view(-1, *[1] * (x.ndim - 1))


def straight_path(data: Points, noise: Points, t: Times) -> Points:
    r"""Where the straight line from `noise` to `data` is at time t.

    .. math:: x_t = (1 - t)\,\varepsilon + t\,x
    """
    same_shape(data, noise)
    return noise + over(t, data) * (data - noise)


def flow_matching_loss(predicted: Points, data: Points, noise: Points) -> Float[Tensor, " n"]:
    r"""The squared error of the velocity that was predicted at :math:`x_t`, a mean over the numbers of each row: ``(n,)``.

    .. math:: \frac1d \left\lVert v(x_t, t) - (x - \varepsilon) \right\rVert^2

    **Lower is better, but 0 cannot be reached**: many lines cross at one point, and the best answer there is their mean velocity.
    What is left is the variance of the velocities around it. Source: Lipman et al. 2023, arXiv:2210.02747, eq. 23.
    """
    same_shape(data, noise)
    same_shape(predicted, data)
    return (predicted - (data - noise)).square().unsqueeze(-1).flatten(1).mean(1)


def same_shape(a: Tensor, b: Tensor) -> None:
    """Raises ``ValueError`` unless two tensors have one shape."""
    if a.shape != b.shape:
        raise ValueError(f"data, noise and velocities have one shape, got {tuple(a.shape)} and {tuple(b.shape)}")


def uniform_times(n: int, noise: torch.Generator) -> Times:
    """`n` times from 0 to 1, each equally probable; on the generator's device."""
    return torch.rand(whole(n, "n", 0), generator=noise, device=noise.device, dtype=torch.float32)


def logit_normal_times(n: int, noise: torch.Generator, mean: float = 0.0, deviation: float = 1.0) -> Times:
    r"""`n` times of which most lie in the middle, where the velocity is hardest to tell; on the generator's device.

    .. math:: t = \frac{1}{1 + e^{-(m + s\,\eta)}}, \qquad \eta \sim N(0, 1)

    Source: Esser et al. 2024, arXiv:2403.03206, section 3.1.
    """
    mean, deviation = real(mean, "mean"), real(deviation, "deviation", 0.0)
    normal = torch.randn(whole(n, "n", 0), generator=noise, device=noise.device, dtype=torch.float32)
    return torch.sigmoid(mean + deviation * normal)


#: Ways to draw times, by name.
TIMES: dict[str, Draw] = {"logit-normal": logit_normal_times, "uniform": uniform_times}
