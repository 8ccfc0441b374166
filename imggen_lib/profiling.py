"""Where the time of a training step goes: data, forward, backward, optimiser; arithmetic an image; share of the machine's peak.

The loops know nothing of this. While :func:`profile` runs, batches, ``backward``, ``autograd.grad`` and the optimisers' ``step``
are timed from outside; what is left is called forward: networks, losses, random numbers, the average of the weights. On a GPU
each boundary waits for the device, which costs some speed: the images a second are measured in steps of their own, before.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any
from unittest.mock import patch

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from imggen_lib.runs import Run

PARTS = ("data", "forward", "backward", "optimiser")


@dataclass(frozen=True)
class Profile:
    """What :func:`profile` found. ``flops`` counts multiplications and additions of matrix products and convolutions, an image."""

    images_per_second: float
    batch: int
    shares: dict[str, float]  # of the time of a step, PARTS; they add up to 1
    flops: float
    peak: float  # floating-point operations a second of a large float32 matrix product here
    memory: int  # bytes: of the GPU's allocator, or the process's most so far; 0 where it cannot be known
    threads: int
    device: str

    @property
    def fraction_of_peak(self) -> float:
        """Operations done a second over those of a large matrix product; layouts, random numbers, activations count for 0."""
        return self.images_per_second * self.flops / self.peak

    def __str__(self) -> str:
        where = self.device if self.device != "cpu" else f"CPU, {self.threads} thread{'s' * (self.threads != 1)}"
        parts = ", ".join(f"{name} {share:.0%}" for name, share in self.shares.items())
        return (
            f"{self.images_per_second:,.0f} images/s (batch {self.batch}, {where})\n"
            f"time: {parts}\n"
            f"{self.flops / 1e6:,.2f} MFLOP an image; "
            f"{self.fraction_of_peak:.0%} of the measured peak of {self.peak / 1e9:,.0f} GFLOP/s"
            + (f"\nmemory: {self.memory / 2**20:,.0f} MiB at most" if self.memory else "")
        )


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def peak_flops(device: str = "cpu", *, n: int = 2048, tries: int = 10) -> float:
    """Operations a second of the fastest of `tries` float32 products of n-by-n matrices, on the threads that PyTorch now uses.

    On a GPU the matrices are four times as wide; where TensorFloat-32 is allowed, the products are of that kind.
    """
    n = n if device == "cpu" else 4 * n
    noise = torch.Generator(device).manual_seed(0)  # not ones: a GPU multiplies equal numbers faster than any others
    a, b = torch.randn(2, n, n, generator=noise, dtype=torch.float32, device=device)
    best = float("inf")
    for _ in range(tries + 1):
        _wait(device)
        began = time.perf_counter()
        a @ b
        _wait(device)
        best = min(best, time.perf_counter() - began)
    return 2 * n**3 / best


class Flops(TorchDispatchMode):
    """Adds up the operations of matrix products and convolutions by PyTorch's own formulas.

    ``FlopCounterMode`` does the same and tells modules apart, for which it hooks into the backward pass; that fails in gradient
    penalties, which differentiate twice.
    """

    total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if func._overloadpacket in flop_registry:
            self.total += flop_registry[func._overloadpacket](*args, **(kwargs or {}), out_val=out)
        return out


class _Stopwatch:
    """Seconds by name. A span inside another one belongs to the outer one."""

    def __init__(self, device: str) -> None:
        self.seconds = dict.fromkeys(PARTS, 0.0)
        self.device, self.inside = device, False

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        if self.inside:
            yield
            return
        self.inside = True
        _wait(self.device)
        began = time.perf_counter()
        try:
            yield
        finally:
            _wait(self.device)
            self.seconds[name] += time.perf_counter() - began
            self.inside = False

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self.span(name):
                return function(*args, **kwargs)

        return wrapped

    def batches(self, batches: Iterator[Any]) -> Iterator[Any]:
        while True:
            with self.span("data"):
                try:
                    batch = next(batches)
                except StopIteration:
                    return
            yield batch


def _seconds(records: Iterator[Any], steps: int, device: str) -> float:
    """How long the next steps take, to the end of the device's work."""
    _wait(device)
    began = time.perf_counter()
    for _ in islice(records, steps):
        pass
    _wait(device)
    return time.perf_counter() - began


def _parts(run: Run, steps: int, device: str) -> dict[str, float]:
    watch = _Stopwatch(device)
    batches = type(run.data).batches
    with ExitStack() as stack:
        timed = lambda *args, **kwargs: watch.batches(batches(*args, **kwargs))  # noqa: E731
        stack.enter_context(patch.object(type(run.data), "batches", timed))
        stack.enter_context(patch.object(torch.Tensor, "backward", watch.timed("backward", torch.Tensor.backward)))
        stack.enter_context(patch.object(torch.autograd, "grad", watch.timed("backward", torch.autograd.grad)))
        for optimizer in run.state.optimizers().values():
            stack.enter_context(patch.object(optimizer, "step", watch.timed("optimiser", optimizer.step)))
        records = run.records(run.state.images + (steps + 1) * run.config.batch)
        next(records)
        watch.seconds = dict.fromkeys(PARTS, 0.0)
        total = _seconds(records, steps, device)
        records.close()  # type: ignore[attr-defined]
    watch.seconds["forward"] = total - sum(watch.seconds.values())
    return {name: seconds / total for name, seconds in watch.seconds.items()}


def _memory(device: str) -> int:
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "win32":
        return 0  # Windows has no getrusage; the profile then says nothing of memory
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def profile(run: Run, *, steps: int = 60, warmup: int = 10) -> Profile:
    """Train `run` for about ``3 * steps + warmup`` steps and say where their time went. The run goes on from there.

    `steps` should be a multiple of the configuration's ``penalty_every``, so that steps with and without a penalty are mixed as
    in a whole training.
    """
    if steps < 1 or warmup < 1:
        raise ValueError(f"at least one step and one of warm-up are needed, got {steps} and {warmup}")
    device = str(next(next(iter(run.state.modules().values())).parameters()).device)
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)
    records = run.records(sys.maxsize)
    _seconds(records, warmup, device)
    seconds = _seconds(records, steps, device)
    with Flops() as counter:
        _seconds(records, steps, device)
    records.close()  # type: ignore[attr-defined]
    images, shares = steps * run.config.batch, _parts(run, steps, device)
    memory = _memory(device)  # before the large products of the peak
    return Profile(
        images_per_second=images / seconds,
        batch=run.config.batch,
        shares=shares,
        flops=counter.total / images,
        peak=peak_flops("cpu" if device == "cpu" else device),
        memory=memory,
        threads=torch.get_num_threads(),
        device=device,
    )
