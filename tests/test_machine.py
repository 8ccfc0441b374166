"""The settings of the process change how fast numbers are computed, not which: and they are put back where they would."""

import ctypes
import subprocess
import sys
from collections.abc import Iterator

import pytest
import torch

from imggen_lib import machine
from imggen_lib.configs import GanConfig, VaeConfig
from imggen_lib.data import glyphs
from imggen_lib.runs import start


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    yield
    torch.set_float32_matmul_precision(before)


def _pretend(monkeypatch: pytest.MonkeyPatch, vendor: str = "AuthenticAMD", capability: str = "AVX512") -> None:
    monkeypatch.setattr(machine, "_vendor", lambda: vendor)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: True)


def test_onednn_is_asked_where_mkl_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend(monkeypatch)
    monkeypatch.setattr(machine, "exact", lambda: True)
    assert machine.fast_products() and torch.get_float32_matmul_precision() == "medium"
    assert machine.fast_products() and torch.get_float32_matmul_precision() == "medium"


def test_products_that_are_rounded_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend(monkeypatch)
    monkeypatch.setattr(machine, "exact", lambda: False)
    for before in ("highest", "high"):
        torch.set_float32_matmul_precision(before)
        assert not machine.fast_products() and torch.get_float32_matmul_precision() == before


@pytest.mark.parametrize(("vendor", "capability"), [("GenuineIntel", "AVX512"), ("AuthenticAMD", "AVX2"), ("", "AVX512")])
def test_elsewhere_nothing_is_changed(monkeypatch: pytest.MonkeyPatch, vendor: str, capability: str) -> None:
    _pretend(monkeypatch, vendor, capability)
    assert not machine.fast_products() and torch.get_float32_matmul_precision() == "highest"


def test_what_measures_is_not_rounded_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    torch.set_float32_matmul_precision("high")

    @machine.full_precision()
    def found() -> tuple[str, bool]:
        return torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32

    assert found() == found() == ("highest", False)
    assert torch.get_float32_matmul_precision() == "high" and torch.backends.cudnn.allow_tf32
    with pytest.raises(ZeroDivisionError), machine.full_precision():
        raise ZeroDivisionError
    assert torch.get_float32_matmul_precision() == "high" and torch.backends.cudnn.allow_tf32


def test_without_a_gpu_measuring_changes_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    torch.set_float32_matmul_precision("medium")
    with machine.full_precision():
        assert torch.get_float32_matmul_precision() == "medium"


def test_old_gpus_keep_pytorch_s_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    for capability, pays in (((7, 5), False), ((8, 0), True), ((9, 0), True)):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device, found=capability: found)
        assert machine.channels_last_pays("cuda:0") == pays
    assert machine.channels_last_pays("cpu")


def test_exactness_is_told_from_rounding() -> None:
    assert machine.exact()
    assert not machine.exact(lambda a, b: (a.bfloat16() @ b.bfloat16()).float())
    assert not machine.exact(lambda a, b: (a.half() @ b.half()).float())

    def tf32(x: torch.Tensor) -> torch.Tensor:  # ten bits of the fraction
        return (x.view(torch.int32) & ~0x1FFF).view(torch.float32)

    assert not machine.exact(lambda a, b: tf32(a) @ tf32(b))


def test_the_settings_leave_exact_products() -> None:
    """On the machine that runs the tests, whatever it is."""
    machine.prepare("cpu")
    assert machine.exact()


CONFIGS = {"vae": VaeConfig(net="mlp"), "mlp gan": GanConfig(net="mlp", lr=1e-3), "gan": GanConfig(lr=1e-3)}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_a_training_ends_where_it_ends_without_them(config: VaeConfig | GanConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small steps: at 0.002 the second one already makes a thousand times more of a difference in the last bit."""
    data = glyphs.make("train", n=300, classes="01")
    found = []
    for prepared in (False, True):
        torch.set_float32_matmul_precision("highest")
        with monkeypatch.context() as patch:
            if not prepared:
                patch.setattr("imggen_lib.machine.prepare", lambda device: None)
            run = start(config, data, "cpu")
        for _ in run.records(5 * config.batch):
            pass
        found.append(torch.cat([p.detach().flatten() for net in run.state.modules().values() for p in net.parameters()]))
    assert (found[0] - found[1]).abs().mean() < 1e-6  # Adam makes a full step of some gradients that are nearly 0


def test_freed_memory_is_kept_where_the_c_library_can_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.keep_memory() == (machine.platform.libc_ver()[0] == "glibc")
    monkeypatch.setattr(machine.platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr(ctypes, "CDLL", None)
    assert not machine.keep_memory()


TINY = """
import torch
from imggen_lib import machine
torch.set_num_threads(2)
assert not machine.subnormals_are_zero()  # and OpenMP's threads are there from now on
torch.set_flush_denormal(True)
assert not machine.subnormals_are_zero(), "one thread is not both"
torch.set_flush_denormal(False)
assert machine.flush_tiny() and machine.subnormals_are_zero() and machine.flush_tiny()
assert torch.get_num_threads() == 2 and torch.full((2**18,), 1e-37).mul(1.0).count_nonzero() == 2**18
"""


CAN_PAUSE = sys.platform == "linux" and hasattr(ctypes.CDLL(None), "omp_pause_resource_all")


@pytest.mark.skipif(not CAN_PAUSE, reason="this PyTorch's OpenMP cannot let its threads go: they keep what they have")
def test_tiny_numbers_are_zero_on_threads_that_were_there_before() -> None:
    done = subprocess.run([sys.executable, "-c", TINY], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_dead_unit_s_averages_stay_tiny_unless_they_are_flushed() -> None:
    """What the setting is for: Adam's average of a gradient that is 0 never gets to 0 by itself."""
    rest = {}
    for flush in (False, True):
        torch.set_flush_denormal(flush)
        weight = torch.nn.Parameter(torch.ones(()))
        adam = torch.optim.Adam([weight], fused=True)
        for step in range(2000):
            weight.grad = torch.tensor(1.0 if step == 0 else 0.0)
            adam.step()
        rest[flush] = adam.state[weight]["exp_avg"].view(torch.int32).item()
    torch.set_flush_denormal(False)
    assert 0 < rest[False] < 10 and rest[True] == 0  # in units of the smallest number there is


def test_without_openmps_call_the_program_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_flush_denormal(False)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert machine.flush_tiny() == machine.subnormals_are_zero()
    torch.set_flush_denormal(False)


def test_a_gpu_is_asked_for_tf32(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.backends.cudnn.allow_tf32
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    machine.prepare("cuda:0")
    assert torch.get_float32_matmul_precision() == "high" and torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = before
