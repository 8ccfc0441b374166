"""What a machine is asked for before a training: the fastest exact matrix products it has, memory that is kept, no tiny numbers.

:func:`imggen_lib.runs.start` and :func:`~imggen_lib.runs.resume` call :func:`prepare`. The settings belong to the process, so that
whoever calls the loops directly chooses for himself. Results differ by rounding alone, and below 1e-37. What each is worth here
is measured by ``make bench`` (part ``lost``) and told in the chapter on speed.
"""

import ctypes
import inspect
import os
import platform
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import nn

from imggen_lib.noise import mix

#: Of glibc's <malloc.h>: when free memory at the end of the heap is given back, and from which size a block is mapped by itself.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT, _MAPPED = 2**31 - 1, 32 * 2**20  # bytes; the largest values that mallopt takes
_HARD = 2  # omp_pause_hard: OpenMP 5.0, section 3.2.44
_ONE_AT_A_TIME = threading.RLock()  # PyTorch's global generator, its default type and a network's mode belong to all threads


def device(name: str | torch.device | None = None) -> torch.device:
    """The device `name`, tried; without a name the one in the environment variable ``IMGGEN_DEVICE``, or ``cuda`` if there is one.

    Raises ``ValueError`` for one that is not there, or that PyTorch does not know.
    """
    asked = os.environ.get("IMGGEN_DEVICE", "") if name is None else name
    if name is None and not asked:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(asked)
        torch.zeros(1, device=found).add(1).cpu()
    except (RuntimeError, AssertionError, ImportError, ValueError, TypeError):  # NotImplementedError is a RuntimeError
        source = " (named by the environment variable IMGGEN_DEVICE)" if name is None else ""
        there = ["cpu", *(f"cuda:{k}" for k in range(torch.cuda.device_count()))]
        there += ["mps"] if torch.backends.mps.is_available() else []
        raise ValueError(f"device {str(asked)!r}{source} cannot be used; this machine has {', '.join(there)}") from None
    return torch.device("cpu") if found.type == "cpu" else found


def prepare(device: str) -> None:
    """Set the process up for training on `device`; doing it again changes nothing."""
    light_optimisers()
    if device.startswith("cuda"):
        allow_tf32()
    elif device == "cpu":
        fast_products()
        keep_memory()
        flush_tiny()


def allow_tf32() -> None:
    """TF32 keeps float32's range and rounds the factors of products to 10 bits: several times faster on GPUs that have it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # PyTorch 2.9 and 2.10 announce another way, which 2.4 lacks
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.allow_tf32 = True


@contextmanager
def full_precision() -> Iterator[None]:
    """While this is entered, products are rounded to float32 again; for what measures, where training may be quicker.

    ``torch.autocast`` around it is off, and a GPU computes convolutions, too, without TF32, which PyTorch allows by default.
    """
    with ExitStack() as stack:
        for kind in ("cpu", "cuda", "mps"):
            if _autocasts(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        if torch.cuda.is_available():
            stack.enter_context(_without_tf32())
        yield


def _autocasts(kind: str) -> bool:
    try:
        return torch.is_autocast_enabled(kind)
    except RuntimeError:  # a kind of device that this PyTorch has no autocast for
        return False


@contextmanager
def _without_tf32() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        products, convolutions = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
        torch.set_float32_matmul_precision("highest")
        torch.backends.cudnn.allow_tf32 = False
        try:
            yield
        finally:
            torch.set_float32_matmul_precision(products)
            torch.backends.cudnn.allow_tf32 = convolutions


@contextmanager
def evaluating(*nets: nn.Module) -> Iterator[None]:
    """While this is entered, `nets` are in evaluation mode; then every layer is in the mode that it was in, also after an error.

    Threads that enter it wait for each other: one would put a network back into training while another still asks it.
    """
    with _ONE_AT_A_TIME:
        before = [(layer, layer.training) for net in nets for layer in net.modules()]
        try:
            for net in nets:
                net.eval()
            yield
        finally:
            for layer, mode in before:
                layer.training = mode


@contextmanager
def first_weights(seed: int) -> Iterator[None]:
    """While this is entered, new networks are of float32, and their random start depends on `seed` alone.

    Threads that enter it wait for each other, since PyTorch's layers draw from one generator for all; then that generator and the
    default type are as they were. Inside ``torch.inference_mode`` weights are made that can be trained outside of it.
    """
    with _ONE_AT_A_TIME, torch.random.fork_rng(devices=[]), torch.inference_mode(False):  # weights begin on the CPU
        before = torch.get_default_dtype()
        try:
            if before != torch.float32:
                torch.set_default_dtype(torch.float32)
            torch.default_generator.manual_seed(mix(seed, 0) % 2**32)
            yield
        finally:
            if before != torch.float32:
                torch.set_default_dtype(before)


@cache
def light_optimisers() -> None:
    """Let PyTorch's optimisers do without ``torch._dynamo``, which they load at their first use: a second and 380 MiB. It holds for
    the whole process.

    They load it to keep their own methods from being compiled. :meth:`imggen_lib.runs.Run.compile` compiles networks, never an
    optimiser, so these methods are called without the guard: the same numbers. Measured with PyTorch 2.15 on one core: from
    ``start`` to the first record of the article's GAN 0.03 seconds of processor time instead of 1.14 (the medians of five pairs,
    in each of which 1.07 to 1.17 were saved). A step that went round more of PyTorch took 1.002 (quartiles 0.970 and 1.015, the
    article's GAN) and 0.987 times (0.957 and 1.020, the convolutional one) as long over 13 pairs with nothing else running: left
    out.
    """
    base, adam = torch.optim.Optimizer, torch.optim.Adam
    for owner, name in ((base, "add_param_group"), (base, "zero_grad"), (adam, "step")):
        plain = inspect.unwrap(getattr(owner, name))
        setattr(owner, name, torch.no_grad()(plain) if name == "step" else plain)


def channels_last_pays(device: str) -> bool:
    """Whether convolutions are quicker with the channels of a pixel side by side: on CPUs, and on GPUs with TF32 (since Ampere)."""
    return not device.startswith("cuda") or torch.cuda.get_device_capability(device) >= (8, 0)


def fast_products() -> bool:
    """Let oneDNN do the matrix products on processors where MKL leaves half of the speed; whether it does now.

    MKL, which PyTorch asks by default, uses 512-bit instructions on Intel's processors alone; oneDNN uses them wherever they are.
    Measured: twice the products a second on AMD's Zen 5, up to a quarter more on Zen 4, whose units are half as wide. The way to
    oneDNN is PyTorch's precision ``"medium"``, which *allows* bfloat16 inside of a product. Only units made for that (AMX) take
    the liberty; where they do, as :func:`exact` finds out, the setting is put back. The rule asks for the kind of processor, not
    for the time, so that a machine decides the same every time.
    """
    if not (
        _vendor() == "AuthenticAMD" and torch.backends.cpu.get_cpu_capability() == "AVX512" and torch.backends.mkl.is_available()
    ):
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("medium")
        if not exact():
            torch.set_float32_matmul_precision(before)
            return False
    return True


def exact(product: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = torch.mm, size: int = 256) -> bool:
    """Whether products of float32 matrices are rounded to float32, not to less.

    Against float64, in units of the root of the number of summands: float32 errs by some 1e-6, bfloat16 by some 1e-2.
    """
    noise = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, size, size, generator=noise, dtype=torch.float32, device="cpu")
    error = (product(a, b).double() - a.double() @ b.double()).abs().max().item()
    return error / size**0.5 < 1e-5


def keep_memory() -> bool:
    """Keep memory that was freed, instead of giving it back to the system at once; whether the C library could be told.

    A training frees and asks for the same blocks at every step. By default glibc gives large ones back, and every page of
    the next one must be cleared by the system and mapped anew (some 30,000 pages a step for a DCGAN of 32x32 at batch 64). The
    process stays as large as it has been. glibc only; environment variables ``MALLOC_TRIM_THRESHOLD_`` and so on do the same.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(_MMAP_THRESHOLD, _MAPPED)) and bool(mallopt(_TRIM_THRESHOLD, _KEPT))


def flush_tiny() -> bool:
    """Let numbers nearer to 0 than 1.2e-38 ("subnormal" ones) be 0, on all threads; whether they are now.

    Where a gradient is exactly 0, as behind a ReLU that never fires, Adam's averages shrink by a constant factor a step, past 1e-38
    after some 800 steps, and then stay among the subnormal numbers for good, because rounding stops the shrinking there. On many
    processors sums and products of such numbers take ten times as long as of others; a dense VAE lost a quarter of its speed.

    The setting belongs to a thread and is handed on to threads that it starts; so OpenMP's threads, which PyTorch computes with,
    are let go (by OpenMP's own call for that) and start anew when they are needed. Without that call, which the OpenMP in
    PyTorch 2.4 lacks, they keep what they have.
    """
    if subnormals_are_zero():
        return True
    for dtype in (np.float32, np.float64):
        np.finfo(dtype)  # older versions of NumPy look for the smallest number when first asked, and warn if it is 0
    if not torch.set_flush_denormal(True):
        return False
    pause = getattr(ctypes.CDLL(None), "omp_pause_resource_all", None) if platform.system() != "Windows" else None
    if pause is not None:
        pause(_HARD)
    return subnormals_are_zero()


def subnormals_are_zero() -> bool:
    """Whether numbers nearer to 0 than 1.2e-38 count as 0 on every thread that PyTorch computes with."""
    # Long enough that each thread gets a part; made and counted as integers, which the setting does not touch.
    tiny = torch.full((2**16 * torch.get_num_threads(),), 2**16, dtype=torch.int32, device="cpu").view(torch.float32)  # 9e-41
    return not bool((tiny * 1.0).view(torch.int32).count_nonzero())


@cache
def _vendor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("vendor_id")), "")
