"""Randomness is an argument: a seed an image for samples, a seed a step for training.

Nothing here keeps state and nothing touches PyTorch's global generator. The noise of training step ``k`` is a function
of ``(seed, stream, images seen)``, so that a run that was interrupted and resumed draws what it would have drawn.
"""

from collections.abc import Sequence
from functools import wraps
from types import FunctionType
from typing import Any, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from imggen_lib.checks import real, tensor, whole

_MASK = (1 << 64) - 1
_Thing = TypeVar("_Thing")
_CPU = torch.device("cpu")


def mix(*parts: int) -> int:
    """Hash integers into a seed of 63 bits (SplitMix64's finaliser, applied part by part).

    Neighbouring inputs give unrelated outputs, so ``mix(seed, 1)`` and ``mix(seed, 2)`` are independent streams.
    Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    state = 0
    for part in parts:
        number = part if type(part) is int else whole(part, "a seed")  # NumPy's integers overflow below
        state = (state + 0x9E3779B97F4A7C15 + (number & _MASK)) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        state ^= state >> 31
    return state >> 1


def generator_for(*parts: int, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator on `device`, seeded by :func:`mix` of `parts`."""
    return torch.Generator(device=device).manual_seed(mix(*parts))


def on_cpu(thing: _Thing) -> _Thing:
    """A function, or each of a class's, whose new tensors are on the CPU whatever ``torch.set_default_device`` says.

    For toy data and small models: their random numbers come from generators of the CPU, so that they are the same on any machine.
    What has a device of its own keeps it.
    """
    if isinstance(thing, type):
        for name, value in list(vars(thing).items()):
            ours = not name.startswith("__") or (name == "__init__" and issubclass(thing, nn.Module))
            if ours and isinstance(value, FunctionType):
                setattr(thing, name, on_cpu(value))
            elif ours and isinstance(value, property):
                setattr(thing, name, property(on_cpu(value.fget), doc=value.__doc__))
        return thing
    function: Any = thing

    @wraps(function)
    def there(*args: Any, **kwargs: Any) -> Any:
        if torch.empty(0).device.type == "cpu":
            return function(*args, **kwargs)
        with _CPU:
            return function(*args, **kwargs)

    return there  # type: ignore[return-value]


def latents(seeds: Sequence[int], dim: int, device: torch.device | str = "cpu") -> Float[Tensor, "n {dim}"]:
    """Standard normal latents, one seed an image: row ``i`` depends on ``seeds[i]`` alone.

    Drawn on the CPU and then moved, so that image 17 is the same in any batch and on any device.
    """
    if not hasattr(seeds, "__len__"):
        raise ValueError(f"seeds must be a sequence of whole numbers, got {seeds!r}")
    dim = whole(dim, "the number of latent dimensions", 0)
    if len(seeds) == 0:
        return torch.empty(0, dim, device=device, dtype=torch.float32)
    numbers = [seed if type(seed) is int else whole(seed, "a seed") for seed in seeds]
    rows = [torch.randn(dim, generator=generator_for(seed), device="cpu", dtype=torch.float32) for seed in numbers]
    return torch.stack(rows).to(device)


def slerp(a: Float[Tensor, "*n d"], b: Float[Tensor, "*n d"], t: float) -> Float[Tensor, "*n d"]:
    r"""Spherical interpolation from `a` (t = 0) to `b` (t = 1).

    .. math:: \frac{\sin((1-t)\omega)\,a + \sin(t\omega)\,b}{\sin\omega}, \quad \omega = \angle(a, b)

    A straight line between two Gaussian latents passes nearer to the origin than samples ever lie; the arc does not.
    Falls back to the straight line where `a` and `b` are parallel. Source: White 2016, arXiv:1609.04468.
    """
    if tensor(a, "latents").shape != tensor(b, "latents").shape:
        raise ValueError(f"the two ends must have the same shape, got {tuple(a.shape)} and {tuple(b.shape)}")
    t = real(t, "t")
    cos = torch.nn.functional.cosine_similarity(a, b, dim=-1).clamp(-1, 1).unsqueeze(-1)
    omega = torch.arccos(cos)
    arc = (torch.sin((1 - t) * omega) * a + torch.sin(t * omega) * b) / torch.sin(omega)
    return torch.where(cos.abs() > 1 - 1e-6, (1 - t) * a + t * b, arc)
