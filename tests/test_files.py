"""Files that are whole or not there, and folders that one process at a time writes to."""

import itertools
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from imggen_lib import checkpoint, files
from imggen_lib.configs import VaeConfig
from imggen_lib.data import ImageSet
from imggen_lib.errors import CheckpointError
from imggen_lib.finding import find
from imggen_lib.runs import Run, resume, start

posix = pytest.mark.skipif(sys.platform == "win32", reason="umask, signals, limits")
CONFIG = VaeConfig(net="mlp", hidden=(8,), image_shape=(1, 8, 8), latent_dim=4, batch=16)
CODE = """
import sys, time
import torch
from imggen_lib import checkpoint
from imggen_lib.configs import VaeConfig
from imggen_lib.data import ImageSet
from imggen_lib.errors import CheckpointError
from imggen_lib.runs import start
data = ImageSet.from_float(torch.linspace(-1, 1, 64 * 64).view(64, 1, 8, 8))
run = start(VaeConfig(net="mlp", hidden=(8,), image_shape=(1, 8, 8), latent_dim=4, batch=16, seed=int(sys.argv[2])), data, "cpu")
"""
HOLD = "with checkpoint.locked(sys.argv[1]):\n    print('held', flush=True)\n    time.sleep(60)\n"
RACE = """
until, saved, refused = time.monotonic() + 3, 0, 0
records = run.records(10**9)
while time.monotonic() < until or not saved:
    next(records)
    try:
        run.save(sys.argv[1])
        saved += 1
    except CheckpointError as error:
        assert "another process is writing" in str(error), error
        refused += 1
print(saved, refused)
"""


@pytest.fixture(scope="module")
def data() -> ImageSet:
    return ImageSet.from_float(torch.linspace(-1, 1, 64 * 64).view(64, 1, 8, 8))


@pytest.fixture
def run(data: ImageSet) -> Run:
    run = start(CONFIG, data, "cpu")
    list(run.records(16))
    return run


def _process(code: str, folder: Path, seed: int = 0) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", CODE + code, str(folder), str(seed)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def holder(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process that holds the lock of ``tmp_path``."""
    process = _process(HOLD, tmp_path)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_process_is_refused_until_the_first_is_killed(holder: "subprocess.Popen[str]", tmp_path: Path, run: Run) -> None:
    began = time.monotonic()
    with pytest.raises(CheckpointError, match=r"another process is writing to .*: wait until it ends, or choose another folder"):
        run.save(tmp_path)
    assert time.monotonic() - began < 30 and list(tmp_path.glob("*.safetensors")) == []
    holder.kill()  # SIGKILL: it can let go of nothing itself
    holder.wait()
    run.save(tmp_path)
    assert checkpoint.load(tmp_path).meta["images"] == 16


def test_the_lock_can_be_taken_again_within_and_not_by_another_thread(tmp_path: Path, run: Run) -> None:
    said = []

    def other() -> None:
        try:
            run.save(tmp_path)
        except CheckpointError as error:
            said.append(str(error))

    with checkpoint.locked(tmp_path), checkpoint.locked(tmp_path / "." / ".." / tmp_path.name):
        run.save(tmp_path)
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert len(said) == 1 and "is writing" in said[0]
    other()
    assert len(said) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork")
def test_a_child_does_not_keep_its_parent_s_lock(tmp_path: Path) -> None:
    """As data loaders' workers do, which live on for some seconds when their parent is killed."""
    code = "import os\nwith checkpoint.locked(sys.argv[1]):\n    child = os.fork()\n"
    process = _process(code + "    if child: print(child, flush=True)\n    time.sleep(60)\n", tmp_path)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    with pytest.raises(CheckpointError), files.lock(tmp_path):
        pass
    process.kill()
    process.wait()
    try:
        with files.lock(tmp_path) as free:
            assert free
    finally:
        os.kill(child, signal.SIGKILL)
        process.communicate()


@pytest.mark.slow
def test_two_processes_that_save_and_one_that_reads(tmp_path: Path) -> None:
    """Both wrote and deleted as they liked: a fifth of the saves failed, and the reader found weights missing."""
    writers = [_process(RACE, tmp_path, seed) for seed in (0, 1)]
    while not (tmp_path / "checkpoint.json").exists() and any(w.poll() is None for w in writers):
        time.sleep(0.01)
    reads = 0
    while any(w.poll() is None for w in writers):
        checkpoint.load(tmp_path).model()
        reads += 1
    for writer in writers:
        out, err = writer.communicate()
        assert writer.returncode == 0, err
        assert int(out.split()[0]) > 0
    assert reads > 20
    checkpoint.load(tmp_path).model()
    with checkpoint.locked(tmp_path):
        assert len(list(tmp_path.iterdir())) == 2


def test_a_reader_reads_again_when_the_weights_went_away(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from imggen_lib.checkpoint import reading

    run.save(tmp_path)
    real, between = reading.read_json, iter([True, False, False, False])

    def slow(path: Path) -> dict:
        meta = real(path)
        if next(between):  # the training saves just now
            list(run.records(48))
            run.save(tmp_path)
        return meta

    monkeypatch.setattr(reading, "read_json", slow)
    assert checkpoint.load(tmp_path).meta["images"] == 48


def test_what_another_save_wrote_in_between_is_not_deleted(
    tmp_path: Path, run: Run, data: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On file systems without locks two savings can mix; at each moment the JSON names weights that are there."""
    run.save(tmp_path)
    other = start(VaeConfig(**{**CONFIG.__dict__, "seed": 1}), data, "cpu")
    real = os.replace

    def save_the_other() -> None:
        monkeypatch.setattr(os, "replace", real)
        list(other.records(other.state.images + 16))
        other.save(tmp_path)

    for moment in ("before the weights", "before the json", "after the json"):
        list(run.records(run.state.images + 16))
        count = itertools.count()

        def mixed(a: str, b: str, moment: str = moment, count: Iterator[int] = count) -> None:
            here = next(count)
            if (here, moment) in ((0, "before the weights"), (1, "before the json")):
                save_the_other()
                monkeypatch.setattr(os, "replace", mixed)
            real(a, b)
            if (here, moment) == (1, "after the json"):
                save_the_other()

        monkeypatch.setattr(os, "replace", mixed)
        run.save(tmp_path)
        monkeypatch.setattr(os, "replace", real)
        last = other if moment == "after the json" else run
        assert checkpoint.load(tmp_path).meta["images"] == last.state.images


@posix
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_files_follow_the_umask(umask: int, tmp_path: Path, run: Run) -> None:
    before = os.umask(umask)
    try:
        run.save(tmp_path)
        checkpoint.release(checkpoint.load(tmp_path), "tiny", {}, tmp_path)
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o666 & ~umask}


def test_leftovers_of_killed_processes_are_swept_and_others_kept(tmp_path: Path, run: Run) -> None:
    run.save(tmp_path)
    dead = [
        ".weights.0123abcd.part",
        ".checkpoint.json.0123abcd.part",
        ".weights.old_tmp1",
        "weights-000000000099-0123abcd.safetensors",
    ]
    kept = [".weights.new_tmp1", ".weights.part", "weights-best.safetensors", ".notes.0123abcd.part", "notes.txt"]
    for name in [*dead, *kept]:
        if name.endswith(".part") and name in dead:  # a folder, with what the writer made beside its file
            (tmp_path / name).mkdir()
            (tmp_path / name / ".tmpXpOeq4").write_text("x")
        else:
            (tmp_path / name).write_text("x")
    os.utime(tmp_path / ".weights.old_tmp1", (0, 0))
    list(run.records(32))
    run.save(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert not names & set(dead) and names >= set(kept) and len(names) == len(kept) + 2
    assert checkpoint.load(tmp_path).meta["images"] == 32


LIMIT = "import resource\nrun.save(sys.argv[1])\nlist(run.records(32))\nresource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
SAVE = "try:\n    run.save(sys.argv[1])\nexcept OSError as error:\n    print(error)\n"


@posix
def test_a_file_that_may_not_grow_is_one_sentence(tmp_path: Path) -> None:
    out, err = _process("list(run.records(16))\n" + LIMIT + SAVE, tmp_path).communicate()
    assert out.startswith(f"the checkpoint cannot be written to {tmp_path}: ") and "File too large" in out, err
    assert out.count("\n") == 1
    assert checkpoint.load(tmp_path).meta["images"] == 16
    assert len(list(tmp_path.iterdir())) == 2


def test_a_full_disk_is_one_sentence(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run.save(tmp_path)
    list(run.records(32))

    def full(path: Path, mode: int) -> None:  # called between the writing of the file and the flush
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "chmod", full)
    with pytest.raises(OSError, match=f"the checkpoint cannot be written to {tmp_path}: .*No space left") as error:
        run.save(tmp_path)
    assert "\n" not in str(error.value) and error.value.errno == 28
    monkeypatch.undo()
    assert checkpoint.load(tmp_path).meta["images"] == 16 and len(list(tmp_path.iterdir())) == 2


def test_a_json_that_cannot_be_written_leaves_no_weights(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run.save(tmp_path)
    list(run.records(32))
    with pytest.raises(ValueError, match="cannot hold"):
        run.save(tmp_path, what=object())
    assert checkpoint.load(tmp_path).meta["images"] == 16 and len(list(tmp_path.iterdir())) == 2


@posix
def test_a_tilde_is_the_home_folder(tmp_path: Path, run: Run, data: ImageSet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    run.save("~/runs/a")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["home"]
    assert checkpoint.load("~/runs/a").meta["images"] == find("~/runs/a").meta["images"] == 16
    assert resume("~/runs/a", data, "cpu").state.images == 16
    with pytest.raises(ValueError, match="no home folder is known"):
        run.save("~nobody-of-this-name/runs")


def test_json_is_ascii_and_a_folder_in_place_of_a_file_is_a_sentence(tmp_path: Path, run: Run) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="cannot be made: "):
        run.save(tmp_path / "file")
    run.save(tmp_path / "a", name="é")
    assert json.loads((tmp_path / "a" / "checkpoint.json").read_bytes().decode("ascii"))["name"] == "é"


def fails(path: Path) -> None:
    path.write_text("half")
    raise OSError(28, "No space left on device")


@posix
def test_what_was_there_stays_until_the_new_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "sheet.html"
    path.write_text("old")
    path.chmod(0o600)
    with pytest.raises(OSError, match="space"):
        files.write(path, fails)
    assert path.read_text() == "old" and [*tmp_path.iterdir()] == [path]
    link = tmp_path / "link.html"
    link.symlink_to(path.name)
    assert files.write(link, lambda new: new.write_text("new")) == link
    assert link.is_symlink() and path.read_text() == "new" and stat.S_IMODE(path.stat().st_mode) == 0o600


@posix
@pytest.mark.parametrize("name", ["x" * 251 + ".png", "no-ending"])
def test_names_as_long_as_can_be(tmp_path: Path, name: str) -> None:
    assert files.write(tmp_path / name, lambda new: new.write_text("new")).read_text() == "new"
    assert [*tmp_path.iterdir()] == [tmp_path / name]


@posix
def test_a_device_is_written_to_and_not_replaced() -> None:
    files.write(Path(os.devnull), lambda path: path.write_text("gone"))
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


@posix
def test_several_files_are_written_whole_and_a_refusal_is_said(tmp_path: Path) -> None:
    place = tmp_path / "new" / "sheet"
    assert files.write_all(place, {"a.png": b"1", "b.json": b"{}"}, "the sheet") == {n: place / n for n in ("a.png", "b.json")}
    assert {path.name: path.read_bytes() for path in place.iterdir()} == {"a.png": b"1", "b.json": b"{}"}
    with pytest.raises(OSError, match=r"the sheet cannot be written into .*a\.png: "):
        files.write_all(place / "a.png", {"c": b""}, "the sheet")
