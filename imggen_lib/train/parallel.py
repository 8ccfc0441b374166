"""Data parallelism: several processes, each with its share of every batch, take the step that one would take with the whole batch.

A process knows its place from an ``accelerate.Accelerator``, passed into the loops; without one it is alone. Randomness is drawn
for the whole batch and each process takes its rows, and gradients are averaged before every update: so two processes end with
the parameters of one, up to rounding (a test holds that). The generator's BatchNorm takes its statistics over all processes
(:class:`imggen_lib.models.blocks.BatchNorm2d`).

Why not ``DistributedDataParallel``: it hooks into the backward pass and expects one gradient a parameter and step. A GAN's step
calls the critic two to four times, freezes it half of the time, and its penalties differentiate twice. Averaging the gradients
afterwards *is* data parallelism, is three lines, and always holds; it gives up sending some gradients while others are still
being computed.
"""

from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor


@runtime_checkable
class Processes(Protocol):
    """What the loops need of an ``accelerate.Accelerator``."""

    @property
    def num_processes(self) -> int: ...

    @property
    def process_index(self) -> int: ...

    def reduce(self, tensor: Any, reduction: str = "sum") -> Any: ...


def count(processes: Processes | None) -> int:
    """How many processes share a batch."""
    return 1 if processes is None else processes.num_processes


def whole(x: Tensor, processes: Processes | None) -> Tensor:
    """A tensor of the whole batch's shape with this process's rows `x` in their place and zeros elsewhere."""
    if processes is None or processes.num_processes == 1:
        return x
    out = x.new_zeros(len(x) * processes.num_processes, *x.shape[1:])
    own(out, processes).copy_(x)
    return out


def own(x: Tensor, processes: Processes | None) -> Tensor:
    """This process's rows of a tensor that is about the whole batch."""
    return x if processes is None else x.chunk(processes.num_processes)[processes.process_index]


def mean_over(x: Tensor, processes: Processes | None) -> Tensor:
    """The mean of `x` over the processes, without a gradient."""
    x = x.detach()
    return x if processes is None or processes.num_processes == 1 else processes.reduce(x.clone(), reduction="mean")


@torch.no_grad()
def average_gradients(optimizer: torch.optim.Optimizer, processes: Processes | None) -> None:
    """Put the mean over the processes in the place of every gradient that the optimiser is about to use, in one message."""
    if processes is None or processes.num_processes == 1:
        return
    gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
    flat = processes.reduce(torch.cat([g.flatten() for g in gradients]), reduction="mean")
    for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))
