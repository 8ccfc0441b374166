"""However a training ends, what was trained is kept: signals, exceptions, disks and terminals that fail."""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imggen_lib import checkpoint, viz
from imggen_lib.cli import main
from imggen_lib.errors import DataError, TrainingDiverged
from imggen_lib.runs import Run

SMALL = ["--net", "mlp", "--hidden", "8", "--latent-dim", "4", "--batch", "16", "--size", "8", "--quiet"]
posix = pytest.mark.skipif(os.name == "nt", reason="POSIX")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for k in range(6):
        Image.new("RGB", (20, 20), (40 * k, 10, 200)).save(folder / f"{k}.png")
    return folder


@pytest.fixture
def train(pictures: Path, tmp_path: Path) -> Callable[..., int]:
    def run(*more: object, images: int = 160) -> int:
        command = ["train", "gan", "--data", f"folder:{pictures}", "--out", tmp_path / "out", "--images", images, *SMALL, *more]
        return main([str(a) for a in command])

    return run


def seen(tmp_path: Path) -> int:
    """The images in the checkpoint, 0 where there is none; its weights are read and compared with their checksum."""
    try:
        return int(checkpoint.load(tmp_path / "out").meta["images"])
    except ValueError:
        return 0


def at_step(step: int, act: Callable[[], object], patch: pytest.MonkeyPatch) -> None:
    """Let `act` happen in the place of the batch of that step."""
    whole = Run.records

    def records(self: Run, images: int, processes: Any = None) -> Iterator[dict[str, Any]]:
        for k, record in enumerate(whole(self, images, processes), start=1):
            yield record
            if k == step:
                act()

    patch.setattr(Run, "records", records)


def throw(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (DataError("the folder has\n vanished"), 2, "error: the folder has vanished"),
        (OSError(5, "Input/output error"), 2, "Input/output error"),
        (BrokenPipeError(32, "Broken pipe"), 2, "Broken pipe"),  # never 0 for a training that was given up
        (MemoryError(), 2, "not enough memory"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_an_exception_saves_first(
    error: BaseException, code: int, words: str, train: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    at_step(3, throw(error), monkeypatch)
    assert train() == code and seen(tmp_path) == 48
    err = capsys.readouterr().err
    assert words in err and err.count("\n") == 2 and "stopped: 48 images seen" in err


def test_a_mistake_of_ours_keeps_its_traceback_and_the_weights(
    train: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_step(2, throw(KeyError("x")), monkeypatch)
    with pytest.raises(KeyError):
        train()
    assert seen(tmp_path) == 32


def test_a_divergence_saves_nothing(train: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_step(5, throw(TrainingDiverged("nan")), monkeypatch)
    assert train("--checkpoint-every", 32) == 2 and seen(tmp_path) == 64


@posix
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGXCPU"])
def test_a_signal_saves_and_says_so_by_the_exit_code(
    name: str, train: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = getattr(signal, name)
    at_step(4, lambda: os.kill(os.getpid(), number), monkeypatch)
    before = signal.getsignal(number)
    assert train(images=10**6) == 128 + number
    assert seen(tmp_path) in (64, 80) and signal.getsignal(number) is before


@posix
def test_nohup_stays_what_it_is(train: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_step(4, lambda: os.kill(os.getpid(), signal.SIGHUP), monkeypatch)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert train() == 0 and seen(tmp_path) == 160
    finally:
        signal.signal(signal.SIGHUP, before)


@posix
def test_nothing_interrupts_the_writing_of_a_checkpoint(
    train: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Run.save

    def save(self: Run, folder: Path, **meta: Any) -> None:
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGINT)
        whole(self, folder, **meta)

    monkeypatch.setattr(Run, "save", save)
    at_step(3, lambda: os.kill(os.getpid(), signal.SIGINT), monkeypatch)
    assert train(images=10**6) == 130 and seen(tmp_path) in (48, 64)


@posix
def test_a_second_signal_leaves_a_stream_that_hangs(
    train: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang() -> None:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("not interrupted")

    at_step(3, hang, monkeypatch)
    assert train(images=10**6) == 130 and seen(tmp_path) == 48


def failing(times: int, patch: pytest.MonkeyPatch) -> list[int]:
    """Let the first `times` savings find a full disk; the images at each attempt."""
    whole, tried = Run.save, []

    def save(self: Run, folder: Path, **meta: Any) -> None:
        tried.append(self.state.images)
        if len(tried) <= times:
            raise OSError(28, "No space left on device")
        whole(self, folder, **meta)

    patch.setattr(Run, "save", save)
    return tried


def test_a_full_disk_between_two_checkpoints_is_a_warning(
    train: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tried = failing(2, monkeypatch)
    assert train("--checkpoint-every", 48) == 0 and seen(tmp_path) == 160
    assert tried == [48, 96, 144, 160]
    err = capsys.readouterr().err
    assert err.count("No space left on device; training goes on") == 2 == err.count("\n")


def test_a_full_disk_at_the_end_is_one_line(
    train: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(9, monkeypatch)
    assert train() == 2 and seen(tmp_path) == 0
    said = capsys.readouterr()
    assert "after 160 images: [Errno 28] No space left on device; nothing is kept" in said.err
    assert said.err.count("\n") == 1 and said.out == ""


def test_checkpoints_are_due_by_the_clock_too(train: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = failing(0, monkeypatch)
    assert train("--checkpoint-minutes", "1e-9", images=64) == 0
    assert tried == [16, 32, 48, 64]


class Broken(io.StringIO):
    """A stream that takes so many writes."""

    def __init__(self, error: Exception, takes: int) -> None:
        super().__init__()
        self.error, self.takes = error, takes

    def write(self, text: str) -> int:
        self.takes -= 1
        if self.takes < 0:
            raise self.error
        return len(text)


@pytest.mark.parametrize("takes", [0, 1, 3])
@pytest.mark.parametrize("error", [BrokenPipeError(32, "Broken pipe"), OSError(28, "full"), ValueError("closed")])
def test_a_bar_that_cannot_be_written_ends_and_the_training_goes_on(
    error: Exception, takes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", Broken(error, takes))
    monkeypatch.setattr("time.time", iter(range(10**6)).__next__)  # the bar is due at every step
    records = [{"images": 10 * k} for k in range(1, 9)]
    assert list(viz.progress(records, 80)) == records


def test_without_standard_error_there_is_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert list(viz.progress([{"images": 10}], 10)) == [{"images": 10}]


STREAMS = {
    "no stderr": "2>&-",
    "no streams": "<&- >&- 2>&-",
    "a full log": ">/dev/full 2>&1",
    "a reader that has gone": "2>&1 | head -c 1",
}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full")
def test_a_training_outlives_its_terminal(pictures: Path, tmp_path: Path) -> None:
    """Real processes; all at once, since PyTorch's start takes most of the time. Each ends with 0 and all images seen."""
    started = {}
    for name, streams in STREAMS.items():
        options = [o for o in SMALL if o != "--quiet"]
        out = tmp_path / name.replace(" ", "-")
        command = [sys.executable, "-m", "imggen_lib", "train", "gan", "--data", f"folder:{pictures}", "--images", "4000", *options]
        line = f"{' '.join(command)} --threads 1 --out {out} {streams}; exit ${{PIPESTATUS[0]}}"
        started[out] = subprocess.Popen(["bash", "-c", line], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for out, process in started.items():
        assert process.wait(240) == 0, out
        assert checkpoint.load(out).meta["images"] == 4000
        assert b"img/s" not in b"".join(p.read_bytes() for p in out.iterdir())  # nothing was printed into a file


@pytest.mark.slow
@posix
def test_a_limit_on_files_is_one_line(pictures: Path, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    command = [sys.executable, "-m", "imggen_lib", "train", "gan", "--data", f"folder:{pictures}", "--images", "64", *SMALL]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "out")], capture_output=True, text=True, timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000)),
    )  # fmt: skip
    assert done.returncode == 2 and "nothing is kept" in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert seen(tmp_path) == 0
