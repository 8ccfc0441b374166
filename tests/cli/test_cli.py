"""The command line as a person uses it; in processes of its own where signals, exit codes or tracebacks matter."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from imggen_lib import checkpoint
from imggen_lib.cli import main
from imggen_lib.configs import GanConfig
from imggen_lib.data import ImageSet
from imggen_lib.data.stream import write_shards

Call = Callable[..., subprocess.CompletedProcess[str]]
SMALL = ["--net", "mlp", "--hidden", "16", "--latent-dim", "4", "--batch", "16"]


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "imggen_lib", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=120)


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The same as :func:`run` in this process, which saves importing PyTorch."""

    def run_here(*arguments: object) -> subprocess.CompletedProcess[str]:
        capsys.readouterr()
        try:
            code = main([str(a) for a in arguments])
        except SystemExit as error:
            code = int(error.code or 0)
        captured = capsys.readouterr()
        return subprocess.CompletedProcess([str(a) for a in arguments], code, captured.out, captured.err)

    return run_here


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for k in range(6):
        Image.new("RGB", (20, 20), (40 * k, 10, 200)).save(folder / f"{k}.png")
    (folder / "broken.png").write_bytes(b"no")
    return folder


@pytest.fixture(scope="module")
def trained(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "vae"
    done = run("train", "vae", "--data", f"folder:{pictures}", "--size", 8, "--images", 64, "--out", out, *SMALL)
    assert done.returncode == 0, done.stderr
    return out


def test_train_sample_info(trained: Path, tmp_path: Path, call: Call) -> None:
    picture = tmp_path / "grid.png"
    assert call("sample", trained, "-n", 4, "--seed", 3, "--out", picture, "--scale", 1).returncode == 0
    with Image.open(picture) as image:
        assert image.size == (19, 19) and image.mode == "RGB"
    info = call("info", trained)
    meta = json.loads(info.stdout)
    assert meta["images"] == 64 and meta["config"]["kind"] == "vae" and meta["parameters"] > 0
    assert meta["config"]["likelihood"] == "gaussian"  # the pictures are in colour
    assert meta["data"]["name"].startswith("folder:") and "train vae" in meta["command"]


def test_samples_are_the_same_each_time_and_follow_the_seed(trained: Path, tmp_path: Path, call: Call) -> None:
    contents = []
    for name, seed in (("a.png", 1), ("b.png", 1), ("c.png", 2)):
        call("sample", trained, "-n", 4, "--seed", seed, "--out", tmp_path / name)
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1] != contents[2]


def test_skipped_files_are_told_and_progress_is_shown(pictures: Path, tmp_path: Path) -> None:
    done = run("train", "gan", "--data", f"folder:{pictures}", "--size", 8, "--images", 40, "--out", tmp_path / "x", *SMALL)
    assert "unreadable files skipped: 1" in done.stderr and "broken.png" in done.stderr and "img/s" in done.stderr
    assert "done: 48 images seen" in done.stdout and "Traceback" not in done.stderr


def test_resume_goes_on_and_refuses_other_options(pictures: Path, tmp_path: Path, call: Call) -> None:
    out = tmp_path / "gan"
    common = ["train", "gan", "--data", f"folder:{pictures}", "--size", 8, "--out", out, "--quiet"]
    assert call(*common, "--images", 32, *SMALL, "--conditional").returncode == 0
    assert call(*common, "--images", 64, "--resume").returncode == 0
    assert checkpoint.load(out).meta["images"] == 64
    for more, message in (
        (["--images", 64, "--resume", "--latent-dim", 9], "was started with latent-dim 4"),
        (["--images", 64, "--resume", "--seed", 1], "was started with seed 0"),
        (["--images", 64, "--resume", "--article"], "was started with lr 0.002"),
        (["--images", 64], "holds a checkpoint already"),
    ):
        done = call(*common, *more)
        assert done.returncode == 2 and message in done.stderr
    assert "nothing to do" in call(*common, "--images", 64, "--resume").stdout


BAD = {
    "unknown data": (["train", "vae", "--data", "mnits", "--out", "{out}"], "Did you mean 'mnist'"),
    "unknown loss": (["train", "gan", "--loss", "hinje", "--out", "{out}"], "Did you mean 'hinge'"),
    "no images": (["train", "gan", "--images", "0", "--out", "{out}"], "must be at least 1"),
    "no number": (["train", "gan", "--images", "many", "--out", "{out}"], "not a whole number"),
    "no kind": (["train", "flw", "--out", "{out}"], "invalid choice"),
    "no out": (["train", "gan"], "--out"),
    "nothing": ([], "required"),
    "rate": (["train", "gan", "--lr", "7", "--out", "{out}"], "learning rate"),
    "foreign option": (["train", "gan", "--beta", "2", "--out", "{out}"], "--beta is not an option of a gan"),
    "free bits": (["train", "vae", "--free-bits", "-1", "--out", "{out}"], "free-bits must not be negative"),
    "likelihood": (["train", "vae", "--likelihood", "logisitc", "--out", "{out}"], "Did you mean 'logistic'"),
    "foreign free bits": (["train", "gan", "--free-bits", "1", "--out", "{out}"], "--free-bits is not an option of a gan"),
    "article vae": (["train", "vae", "--article", "--out", "{out}"], "not a VAE"),
    "empty folder": (["train", "gan", "--data", "folder:{empty}", "--out", "{out}"], "holds no pictures"),
    "missing folder": (["train", "gan", "--data", "folder:{empty}/no", "--out", "{out}"], "is not a folder"),
    "one picture": (["train", "gan", "--data", "folder:{one}", "--out", "{out}"], "at least two"),
    "size": (["train", "gan", "--data", "folder:{one}", "--size", "30", "--out", "{out}"], "multiple of 4"),
    "device": (["train", "gan", "--device", "tpu9", "--out", "{out}"], "cannot be used"),
    "offline": (["train", "gan", "--data", "mnist", "--out", "{out}"], "Three ways out"),
    "nothing to resume": (["train", "gan", "--resume", "--out", "{out}"], "no checkpoint"),
    "out is a file": (["train", "gan", "--out", "{file}"], "is a file"),
    "sample nothing": (["sample", "{trained}", "-n", "0", "--out", "x.png"], "must be at least 1"),
    "sample nowhere": (["sample", "{empty}", "--out", "x.png"], "there is no checkpoint"),
    "sample a typo": (["sample", "mnist-gan-conf", "--out", "x.png"], "unknown folder or pretrained model"),
    "sample format": (["sample", "{trained}", "--out", "{out}.xyz"], "picture format"),
    "sample unwritable format": (["sample", "{trained}", "--out", "{out}.psd"], "picture format"),
    "huge": (["sample", "{trained}", "--scale", "99999999999999999999", "--out", "x.png"], "at most 1,000"),
    "meta device": (["train", "gan", "--device", "meta", "--out", "{out}"], "cannot be used"),
    "half-life": (["train", "gan", "--ema-half-life", "nan", "--out", "{out}"], "ema-half-life"),
    "no time to fall": (["train", "gan", "--images", "640", "--decay-start", "640", "--out", "{out}"], "decay-start"),
    "a vae does not fall": (["train", "vae", "--decay-start", "64", "--out", "{out}"], "not an option of a vae"),
    "sample folder": (["sample", "{trained}", "--out", "{out}/no/x.png"], "not a folder"),
    "label": (["sample", "{trained}", "--label", "3", "--out", "x.png"], "not class-conditional"),
    "info nowhere": (["info", "{empty}"], "there is no checkpoint"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_clear_line(case: str, trained: Path, tmp_path: Path, call: Call) -> None:
    arguments, message = BAD[case]
    places = {"out": tmp_path / "out", "empty": tmp_path / "empty", "one": tmp_path / "one", "file": tmp_path / "file"}
    places["empty"].mkdir()
    places["one"].mkdir()
    Image.new("L", (9, 9)).save(places["one"] / "a.png")
    places["file"].write_text("")
    done = call(*[a.format(**places, trained=trained) for a in arguments])
    assert done.returncode == 2 and message in done.stderr
    assert done.stderr.count("\n") == 1 and "error:" in done.stderr and done.stdout == ""
    assert not places["out"].exists()


def test_resume_keeps_to_conditional_and_kind(trained: Path, pictures: Path, call: Call) -> None:
    common = ["--data", f"folder:{pictures}", "--images", 99, "--out", trained, "--resume"]
    for kind, more, message in (
        ("vae", ["--conditional"], "without --conditional"),
        ("gan", [], "holds a vae"),
        ("vae", ["--size", "16"], "was started with size 8"),
    ):
        done = call("train", kind, *common, *more)
        assert done.returncode == 2 and message in done.stderr


def test_the_articles_recipe(tmp_path: Path, pictures: Path, call: Call) -> None:
    out = tmp_path / "out"
    done = call("train", "gan", "--article", "--data", f"folder:{pictures}", "--size", 8, "--images", 8, "--batch", 4, "--out", out)
    assert done.returncode == 0
    assert checkpoint.load(out).config == GanConfig.article(image_shape=(3, 8, 8), batch=4)


def test_a_vae_s_options_are_in_its_checkpoint_and_kept_on_resume(tmp_path: Path, pictures: Path, call: Call) -> None:
    out = tmp_path / "out"
    options = ["--likelihood", "logistic", "--free-bits", 0.25, "--beta-warmup", 64, "--net", "mlp", "--hidden", 16, "--batch", 16]
    common = ["train", "vae", "--data", f"folder:{pictures}", "--size", 8, "--out", out]
    assert call(*common, *options, "--images", 32).returncode == 0
    config = checkpoint.load(out).config
    assert (config.likelihood, config.free_bits, config.beta_warmup) == ("logistic", 0.25, 64)
    done = call(*common, "--images", 64, "--resume", "--free-bits", 0.5)
    assert done.returncode == 2 and "was started with free-bits 0.25" in done.stderr
    assert call(*common, "--images", 64, "--resume").returncode == 0 and checkpoint.load(out).meta["images"] == 64


def test_a_flow_is_trained_drawn_with_other_steps_and_measured(tmp_path: Path, pictures: Path, call: Call) -> None:
    out, sheet = tmp_path / "out", tmp_path / "x.npz"
    common = ["train", "flow", "--data", f"folder:{pictures}", "--size", 8, "--out", out]
    assert call(*common, "--net", "mlp", "--width", 8, "--batch", 16, "--times", "uniform", "--images", 32).returncode == 0
    config = checkpoint.load(out).config
    assert (config.kind, config.times, config.steps, config.schedule_images) == ("flow", "uniform", 4, 32)
    done = call(*common, "--images", 64, "--resume")
    assert done.returncode == 0 and "falls until 64" in done.stderr and checkpoint.load(out).meta["images"] == 64
    drawn = {}
    for steps in (1, 5):
        assert call("sample", out, "-n", 4, "--steps", steps, "--solver", "euler", "--out", sheet).returncode == 0
        drawn[steps] = np.load(sheet)["arr_0"]
    assert drawn[1].shape == (4, 8, 8, 3) and (drawn[1] != drawn[5]).any()
    row = tmp_path / "row.png"
    assert (
        call(
            "interpolate", out, 0, 1, "--steps", 2, "--solver-steps", 5, "--solver", "euler", "--scale", 1, "--out", row
        ).returncode
        == 0
    )
    between = np.asarray(Image.open(row).convert("RGB"))
    assert all(any((between[1:9, x : x + 8] == drawn[5][k]).all() for x in range(between.shape[1] - 7)) for k in (0, 1))
    done = call("interpolate", "mnist-gan-conv", 0, 1, "--solver-steps", 3, "--out", row)
    assert done.returncode == 2 and "--solver-steps is an option of a flow; mnist-gan-conv is a gan" in done.stderr
    done = call("sample", out, "--guidance", 2, "--out", sheet)
    assert done.returncode == 2 and "needs classes to guide by" in done.stderr
    for option in ("--latent-dim", "--hidden"):
        done = call("train", "flow", option, 3, "--out", tmp_path / "b")
        assert done.returncode == 2 and f"{option} is not an option of a flow" in done.stderr
    done = call("train", "gan", "--drop", 0.5, "--out", tmp_path / "b")
    assert done.returncode == 2 and "--drop is not an option of a gan" in done.stderr
    done = call("sample", "mnist-gan-conv", "--steps", 3, "--out", sheet)
    assert done.returncode == 2 and "--steps is an option of a flow; mnist-gan-conv is a gan" in done.stderr


def test_a_flow_of_classes_is_guided_from_the_start_and_begun_from(tmp_path: Path, call: Call) -> None:
    """What depends on the data, shape and classes, is not judged before the data are read."""
    for name in "ab":
        (tmp_path / "pictures" / name).mkdir(parents=True)
        Image.new("RGB", (9, 9), (200, 10, ord(name))).save(tmp_path / "pictures" / name / "1.png")
    common = ["train", "flow", "--data", f"folder:{tmp_path / 'pictures'}", "--batch", 2, "--images", 4, "--guidance", 2]
    small = ["--size", 8, "--net", "mlp", "--width", 8, "--conditional"]
    assert call(*common, *small, "--out", tmp_path / "first").returncode == 0
    assert checkpoint.load(tmp_path / "first").config.guidance == 2
    done = call(*common, *small[:-1], "--out", tmp_path / "none")
    assert done.returncode == 2 and "guidance 2 needs classes to guide by" in done.stderr
    done = call(*common, "--begin-from", tmp_path / "first", "--out", tmp_path / "second")
    assert done.returncode == 0, done.stderr
    config = checkpoint.load(tmp_path / "second").config
    assert (config.image_shape, config.latent_dim, config.classes, config.guidance) == ((3, 8, 8), 192, 2, 2)


def test_players_at_once_are_asked_for_and_kept_on_resume(tmp_path: Path, pictures: Path, call: Call) -> None:
    out = tmp_path / "out"
    common = ["train", "gan", "--data", f"folder:{pictures}", "--size", 8, "--out", out]
    assert call(*common, *SMALL, "--simultaneous", "--images", 32).returncode == 0
    assert call(*common, "--images", 64, "--resume").returncode == 0
    assert checkpoint.load(out).config.simultaneous and checkpoint.load(out).meta["images"] == 64
    done = call(
        "train", "gan", "--data", f"folder:{pictures}", "--size", 8, "--out", tmp_path / "b", "--simultaneous", "--loss", "hinge"
    )
    assert done.returncode == 2 and "slope never vanishes" in done.stderr and not (tmp_path / "b").exists()


def test_help_names_every_option(call: Call) -> None:
    for command, words in {
        "train": [
            "--data",
            "--images",
            "--seed",
            "--out",
            "--resume",
            "--net",
            "--loss",
            "--device",
            "--beta",
            "--free-bits",
            "default",
        ],
        "sample": ["-n", "--seed", "--out", "--label"],
        "info": ["dir"],
    }.items():
        done = call(command, "--help")
        assert done.returncode == 0 and all(word in done.stdout for word in words)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_an_out_that_cannot_be_written_is_told_before_the_training(pictures: Path, call: Call) -> None:
    done = call("train", "gan", "--data", f"folder:{pictures}", "--images", 10**9, "--out", "/proc")
    assert done.returncode == 2 and "error:" in done.stderr


def test_a_report_is_of_one_process(pictures: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["imggen_lib.cli.train"], "_processes", object)
    done = call("train", "gan", "--data", f"folder:{pictures}", "--profile")
    assert done.returncode == 2 and "one process" in done.stderr


def test_classes_that_nobody_names_are_not_ignored(tmp_path: Path, call: Call) -> None:
    write_shards(ImageSet.from_float(torch.zeros(8, 1, 8, 8)), tmp_path)
    (tmp_path / "images.json").unlink()
    shards = ["--data", f"shards:{tmp_path}/*.tar", "--size", "8", "--workers", "0"]
    command = ["train", "gan", *shards, "--out", tmp_path / "out", *SMALL]
    done = call(*command, "--conditional")
    assert done.returncode == 2 and "images.json" in done.stderr and not (tmp_path / "out").exists()
    assert call(*command, "--images", 16).returncode == 0


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("can't allocate memory: you tried to allocate 9 bytes")])
def test_too_little_memory_gets_one_line(
    error: Exception, pictures: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise error

    monkeypatch.setattr("imggen_lib.runs.start", fail)
    done = call("train", "gan", "--data", f"folder:{pictures}", "--out", tmp_path / "out")
    assert done.returncode == 2 and "not enough memory" in done.stderr.splitlines()[-1]


def test_in_a_process_of_its_own_there_is_no_traceback(tmp_path: Path) -> None:
    done = run("train", "gan", "--data", f"folder:{tmp_path}", "--out", tmp_path / "out")
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "holds no pictures" in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", 1)])
def test_a_signal_to_the_whole_group_stops_a_stream_in_good_order(number: signal.Signals, tmp_path: Path) -> None:
    """As a scheduler sends it, and a terminal: the workers that read must not be gone before the training has stopped.

    The pictures are so large that the training waits for them nearly all of the time, and is not at a step when the signal comes.
    """
    noise = np.random.default_rng(0).integers(0, 256, (1200, 1200), dtype=np.uint8)
    for k in range(4):
        Image.fromarray(noise).save(tmp_path / f"{k}.png")
    out = tmp_path / "out"
    options = ["--data", f"files:{tmp_path}", "--size", "8", "--workers", "1", "--batch", "8", "--quiet", "--threads", "1", *SMALL]
    command = [sys.executable, "-m", "imggen_lib", "train", "gan", "--images", "100000000", "--out", str(out), *options]
    pipe: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    process = subprocess.Popen([*command, "--checkpoint-every", "8"], **pipe)
    deadline = time.monotonic() + 120
    while not (out / "checkpoint.json").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, number)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 128 + number and "stopped" in stdout and "Traceback" not in stderr, stderr
    assert checkpoint.load(out).meta["images"] > 0


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_a_checkpoint_that_resume_continues(
    number: signal.Signals, pictures: Path, tmp_path: Path, call: Call
) -> None:
    """Interrupted and resumed, the weights are those of an uninterrupted run, bit for bit."""
    options = ["--data", f"folder:{pictures}", "--size", "8", "--quiet", "--threads", "1", *SMALL]
    out = tmp_path / "stopped"
    command = [sys.executable, "-m", "imggen_lib", "train", "gan", "--images", "100000000", "--out", str(out), *options]
    process = subprocess.Popen([*command, "--checkpoint-every", "64"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (out / "checkpoint.json").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 128 + number and "stopped" in stdout and "--resume" in stderr and "Traceback" not in stderr
    seen = checkpoint.load(out).meta["images"]
    total = seen + 160
    assert call("train", "gan", "--images", total, "--out", out, "--resume", *options).returncode == 0
    whole = tmp_path / "whole"
    assert call("train", "gan", "--images", total, "--out", whole, *options).returncode == 0
    a, b = checkpoint.load(out), checkpoint.load(whole)
    assert a.meta["images"] == b.meta["images"] and all((a.tensors[k] == b.tensors[k]).all() for k in b.tensors)
