"""The unit tests run on the CPU, on one thread, without a network, and treat warnings as errors."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import jaxtyping
import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def _offline_on_the_cpu() -> Iterator[None]:
    """For the subprocesses too. The device is the CPU unless a test names the GPU, as those marked `gpu` do."""
    for name in ("SIGINT", "SIGHUP", "SIGQUIT", "SIGXCPU"):  # ignored where the tests run under nohup or in the background
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMGGEN_OFFLINE", "1")
        patch.setenv("IMGGEN_DEVICE", "cpu")
        yield


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMGGEN_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.delenv("IMGGEN_DATA", raising=False)


@pytest.fixture
def as_readers_call() -> Iterator[None]:
    """No shapes are checked in signatures, as outside of the tests: what is wrong reaches the library's own checks."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        jaxtyping.config.update("jaxtyping_disable", before)


@pytest.fixture
def make_images() -> Callable[..., torch.Tensor]:
    """Random images in [-1, 1]: ``make_images(n, c, side, seed)``."""

    def make(n: int, c: int = 1, side: int = 28, seed: int = 0) -> torch.Tensor:
        return torch.rand(n, c, side, side, generator=torch.Generator().manual_seed(seed)) * 2 - 1

    return make


@pytest.fixture
def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., None]:
    """``refused("sample x --out {out}/x.png", message)``: that command ends with 2 and one line that has the message; no file."""
    from imggen_lib.cli import main

    def check(line: str, message: str, **names: object) -> None:
        before = sorted(tmp_path.rglob("*"))
        assert main(line.format(out=tmp_path, **names).split()) == 2
        told = capsys.readouterr().err
        assert message in told and told.count("\n") == 1 and sorted(tmp_path.rglob("*")) == before

    return check


@pytest.fixture
def in_double() -> Iterator[None]:
    """PyTorch makes float64 tensors unless told otherwise."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture(scope="session")
def mnist_folder() -> Iterator[Path]:
    """The folder with the real MNIST files, for the few tests that want them."""
    folder = os.environ.get("IMGGEN_TEST_DATA") or os.environ.get("IMGGEN_DATA")
    if not folder or not (Path(folder) / "MNIST" / "raw").is_dir():
        pytest.skip("needs the MNIST files: set IMGGEN_DATA to the folder that holds MNIST/raw")
    yield Path(folder)
