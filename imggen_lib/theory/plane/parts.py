"""What all methods in the plane share: the data, a small network, the loop that lowers a loss, and the trivial baseline."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from typing import Protocol, TypeVar, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from imggen_lib.checks import check_values, whole
from imggen_lib.noise import generator_for, on_cpu
from imggen_lib.theory.mixture import Mixture

Points = Float[Tensor, "n 2"]
PerPoint = Float[Tensor, " n"]
Learner = TypeVar("Learner", bound=nn.Module)
Loss = Callable[
    [Tensor, torch.Generator], Tensor
]  # a batch of points (n, 2), or of pairs (n, 4), and where noise comes from -> what to lower


@runtime_checkable
class Draws(Protocol):
    """What every method ends in: something that draws points."""

    def sample(self, n: int, noise: torch.Generator) -> Tensor: ...


@on_cpu
def crescents(width: float = 0.12, along: int = 60) -> Mixture:
    r"""The data: two half-circles of radius 1 that reach into each other, blurred by Gaussian noise of deviation `width`.

    A mixture of `along` round Gaussians on each half-circle, so close together that no gap is left; moved and stretched so that
    the mean is 0 and the variance of both coordinates about 1. Its density is known, its samples are what the methods see.
    """
    t = (torch.arange(along) + 0.5) * math.pi / along
    upper = torch.stack([t.cos(), t.sin()], 1)
    centres = torch.cat([upper, torch.tensor([1.0, 0.5]) - upper])
    centres = (centres - torch.tensor([0.5, 0.25])) / torch.tensor([0.87, 0.51])
    spread = (width / torch.tensor([0.87, 0.51])).square().expand(2 * along, 2)
    weights = torch.full((2 * along,), 1 / (2 * along))
    return Mixture(weights, centres, spread, torch.eye(2).expand(2 * along, 2, 2))


@on_cpu
def network(inputs: int, outputs: int, width: int = 96, layers: int = 3, bend: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    """So many hidden layers of one width. ReLU learns sharp edges soonest; what must be smooth has SiLU."""
    sizes = [inputs, *[width] * layers]
    hidden = [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), bend())]
    return nn.Sequential(*hidden, nn.Linear(width, outputs))


@contextmanager
def starts_at(seed: int) -> Iterator[None]:
    """Networks made inside start at weights that `seed` says; PyTorch's own random numbers are left as they were."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def checked(x: Points, steps: int) -> int:
    """The number of steps, if the points ``(n, 2)`` are finite numbers and at least two; ``ValueError`` otherwise."""
    if x.ndim != 2 or x.shape[1] != 2 or len(x) < 2:
        raise ValueError(f"two or more points in the plane, of shape (n, 2), are needed; got {tuple(x.shape)}")
    check_values(x.flatten(), "points")
    return whole(steps, "steps", 1)


def lower(
    net: nn.Module, loss: Loss, x: Float[Tensor, "n d"], steps: int, *, rate: float = 3e-3, batch: int = 256, seed: int = 0
) -> None:
    """Adam on random batches of the rows of `x`, with a rate that falls to 0 along half a cosine."""
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    noise = generator_for(seed, 1)
    for _ in range(steps):
        value = loss(x[torch.randint(len(x), (batch,), generator=noise)], noise)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        schedule.step()
    net.requires_grad_(False)


def taught(
    make: Callable[[], Learner], loss: Callable[[Learner, Tensor, torch.Generator], Tensor], x: Points, steps: int, seed: int
) -> Learner:
    """A new network, after so many steps that lower its loss (of itself, a batch, and where noise comes from)."""
    steps = checked(x, steps)
    with starts_at(seed):
        net = make()
    lower(net, partial(loss, net), x, steps, seed=seed)
    return net


@on_cpu
class Gaussian(nn.Module):
    """The trivial baseline: a Gaussian with the mean and the covariance of the data."""

    def __init__(self, x: Points) -> None:
        super().__init__()
        self.normal = torch.distributions.MultivariateNormal(x.mean(0), torch.cov(x.T))

    def log_prob(self, x: Points) -> PerPoint:
        """Log-density in nats."""
        return self.normal.log_prob(x)

    def sample(self, n: int, noise: torch.Generator) -> Points:
        return self.normal.mean + torch.randn(n, 2, generator=noise) @ self.normal.scale_tril.T


@on_cpu
def learn_gaussian(x: Points) -> Gaussian:
    """The likeliest Gaussian (but for n - 1 in the place of n)."""
    checked(x, 1)
    return Gaussian(x)
