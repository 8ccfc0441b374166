"""Two processes, of one launcher or of two, take the step that one process takes with the whole batch (gloo, on the CPU)."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from PIL import Image
from safetensors.torch import load_file
from two_processes import CONFIGS, trained

from imggen_lib.train import parallel


class Pretend:
    """Process `process_index` of `num_processes`, without the others: adding up gives what the test put in."""

    def __init__(self, process_index: int, num_processes: int, other: torch.Tensor | None = None) -> None:
        self.process_index, self.num_processes, self.other = process_index, num_processes, other

    def reduce(self, tensor: torch.Tensor, reduction: str = "sum") -> torch.Tensor:
        assert reduction == "mean" and self.other is not None
        return (tensor + self.other) / 2


LAUNCHES = {
    "one machine": [["--standalone", "--nproc-per-node", "2"]],
    "two machines": [["--nnodes", "2", "--nproc-per-node", "1", "--rdzv-backend", "c10d", "--local-addr", "127.0.0.1"]] * 2,
}


@pytest.fixture(scope="module", params=LAUNCHES)
def two(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """The folder that two processes wrote their parameters to.

    As two machines they have a launcher each, started by itself, and find each other at an address that both are told.
    """
    folder = tmp_path_factory.mktemp("two")
    meeting = [] if request.param == "one machine" else ["--rdzv-endpoint", f"127.0.0.1:{free_port()}", "--rdzv-id", folder.name]
    worker = [str(Path(__file__).with_name("two_processes.py")), str(folder)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "1", "CUDA_VISIBLE_DEVICES": ""}
    commands = [[sys.executable, "-m", "torch.distributed.run", *options, *meeting, *worker] for options in LAUNCHES[request.param]]
    launched = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) for command in commands]
    try:
        for launcher in launched:
            _, errors = launcher.communicate(timeout=300)
            assert launcher.returncode == 0, errors
    finally:
        for launcher in launched:
            launcher.kill()
    return folder


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGS)
def test_two_processes_end_where_one_does(two: Path, name: str) -> None:
    """Losses, penalties, conditional models, BatchNorm, the moving average: float64, seven steps, equal to 1e-9."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        alone = trained(CONFIGS[name], Accelerator(cpu=True))
    finally:
        torch.set_default_dtype(before)
    for rank in range(2):
        shared = load_file(two / f"{name}-{rank}.safetensors")
        assert shared.keys() == alone.keys()
        for key, value in alone.items():
            torch.testing.assert_close(shared[key], value, rtol=1e-9, atol=1e-9, msg=lambda text, key=key: f"{key}: {text}")


@pytest.mark.slow
def test_the_command_line_shares_a_run_among_processes(tmp_path: Path) -> None:
    """Two processes of ``torchrun``, resumed by two: one checkpoint, one report, the parameters of a single process."""
    (tmp_path / "pictures").mkdir()
    for k, pixels in enumerate(torch.randint(0, 256, (150, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))):
        Image.fromarray(pixels.numpy()).save(tmp_path / "pictures" / f"{k:03d}.png")
    source = ["--data", f"folder:{tmp_path / 'pictures'}", "--size", "8", "--channels", "1"]
    small = [
        "train",
        "vae",
        *source,
        "--net",
        "mlp",
        "--hidden",
        "16",
        "--latent-dim",
        "4",
        "--batch",
        "64",
        "--quiet",
        "--threads",
        "1",
    ]
    two = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "1", "CUDA_VISIBLE_DEVICES": ""}

    def ended(launcher: list[str], folder: str, images: int, *more: str) -> str:
        where = ["--out", str(tmp_path / folder), "--images", str(images)]
        command = [sys.executable, *launcher, "-m", "imggen_lib", *small, *where, *more]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout

    for folder, launcher in (("two", two), ("one", [])):
        assert ended(launcher, folder, 256).count("done: 256 images seen") == 1
        assert ended(launcher, folder, 640, "--resume").count("done: 640 images seen") == 1
    ended([], "other", 640, "--seed", "1", "--begin-from", str(tmp_path / "one"))  # what a difference would look like
    runs = {name: load_file(next((tmp_path / name).glob("weights-*.safetensors"))) for name in ("two", "one", "other")}
    assert len({tuple(run) for run in runs.values()}) == 1

    def apart(name: str) -> float:
        return sum((v - runs["one"][k]).square().sum().item() for k, v in runs[name].items() if k.startswith("model."))

    assert apart("two") < 1e-2 * apart("other")  # Adam makes much of little where a gradient is nearly 0; in float64, see above


def test_rows_come_back_and_random_rows_are_those_of_the_whole_batch() -> None:
    x = torch.arange(12.0).view(6, 2)
    parts = [parallel.own(x, Pretend(k, 3)) for k in range(3)]
    assert torch.equal(torch.cat(parts), x)
    for k, part in enumerate(parts):
        filled = parallel.whole(part, Pretend(k, 3))
        assert filled.shape == x.shape and torch.equal(parallel.own(filled, Pretend(k, 3)), part)
        assert filled.sum() == part.sum()
    assert parallel.own(x, None) is x and parallel.whole(x, None) is x and parallel.count(None) == 1


def test_gradients_become_the_mean_in_their_own_shapes() -> None:
    a, b, unused = (torch.nn.Parameter(torch.zeros(shape)) for shape in ((2, 3), (2,), (4,)))
    optimizer = torch.optim.SGD([a, b, unused], lr=1.0)
    a.grad, b.grad = torch.arange(6.0).view(2, 3), torch.tensor([10.0, 20.0])
    parallel.average_gradients(optimizer, Pretend(0, 2, other=torch.full((8,), 4.0)))
    assert torch.equal(a.grad, torch.arange(6.0).view(2, 3) / 2 + 2)
    assert torch.equal(b.grad, torch.tensor([7.0, 12.0])) and unused.grad is None


def test_an_accelerator_is_what_the_loops_ask_for() -> None:
    assert isinstance(Accelerator(cpu=True), parallel.Processes)
