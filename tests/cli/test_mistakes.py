"""From an exception to one line: by its type, in the user's words; and values that cannot be meant."""

import argparse
import re
import warnings
from collections.abc import Callable
from http.client import BadStatusLine, IncompleteRead
from pathlib import Path
from tarfile import ReadError

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from imggen_lib.cli import main
from imggen_lib.cli.mistakes import in_one_line, whole_variable
from imggen_lib.cli.terminal import plain_words, printable, say
from imggen_lib.cli.values import count, filled, minutes, number, path
from imggen_lib.errors import DataError, DataUnavailable, TrainingDiverged
from imggen_lib.machine import device

MEMORY = "not enough memory; try a smaller --batch, --width or --size"


def a_real_lack_of_memory() -> Exception:
    try:
        torch.empty(2**60)
    except Exception as error:
        return error
    raise AssertionError


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (MemoryError(), MEMORY),
        (torch.cuda.OutOfMemoryError("CUDA"), MEMORY),
        (a_real_lack_of_memory(), MEMORY),
        (RuntimeError("value cannot be converted to type float without overflow"), None),
        (RuntimeError("allocate the wrong words"), None),
        (KeyError("x"), None),
        (ValueError("two\n  lines"), "two lines"),
        (ValueError(), "ValueError"),
        (OSError(28, "No space left on device"), "[Errno 28] No space left on device"),
        (OverflowError("too large"), "too large"),
        (BadStatusLine("x"), "x"),
        (IncompleteRead(b""), "IncompleteRead(0 bytes read)"),
        (ReadError("not a tar"), "not a tar"),
        (TrainingDiverged("is nan"), "is nan"),
        (DataError("photo\x1b[2J.png"), "photo\\x1b[2J.png"),
    ],
)
def test_errors_are_one_line_by_type(error: Exception, line: str | None) -> None:
    assert in_one_line(error) == line


class Faulty(Dataset[int]):
    def __init__(self, error: Exception) -> None:
        self.error = error

    def __len__(self) -> int:
        return 4

    def __getitem__(self, k: int) -> int:
        try:
            return {-1: 0}[k]
        except KeyError as error:
            raise self.error from error


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (DataError("a: is of class 9; images.json has 2"), "a: is of class 9; images.json has 2"),
        (DataUnavailable("gone.\n one: two\nThree: four"), "gone. one: two Three: four"),
        (ValueError("plain"), "plain"),
        (TypeError("ours"), "TypeError: ours"),
    ],
)
def test_of_a_worker_s_traceback_the_end_is_left(error: Exception, line: str) -> None:
    with pytest.raises(type(error)) as caught:
        next(iter(DataLoader(Faulty(error), num_workers=1)))
    assert in_one_line(caught.value) == line


def test_a_compiler_that_is_not_there() -> None:
    dynamo = pytest.importorskip("torch._dynamo.exc")
    found = in_one_line(dynamo.TorchDynamoException("No working C++ compiler found in g++\n  in torch._inductor"))
    assert found is not None and "--compile" in found and "needs a working C++ compiler" in found and "\n" not in found


@pytest.mark.parametrize(
    ("read", "text", "words"),
    [
        (count(1000), "999999999999", "at most 1,000"),
        (count(), "0", "at least 1"),
        (count(), "1.5", "not a whole number"),
        (count(), "1.5e0", "not a whole number"),
        (count(), "inf", "not a whole number"),
        (count(), "1e999", "not a whole number"),
        (count(256, least=0), "-1", "at least 0"),
        (number, "1e300", "below 1e30"),
        (number, "nan", "below 1e30"),
        (number, "many", "not a number"),
        (minutes, "0", "above 0"),
        (filled, "", "not set"),
        (filled, " ", "not set"),
        (filled, "folder:", "not set"),
        (filled, "files: ", "not set"),
        (filled, "shards:", "not set"),
    ],
)
def test_values_that_cannot_be_meant(read: Callable[[str], object], text: str, words: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=re.escape(words)):
        read(text)


def test_values_that_can() -> None:
    assert count()("6e4") == count()("60_000") == 60_000 and count(256, least=0)("0") == 0
    assert filled("folder:a b") == "folder:a b" and number("1e-3") == 0.001 and minutes("0.5") == 0.5


BOUNDS = [
    ("train gan --out x", ["--batch", "--threads", "--workers", "--width", "--latent-dim", "--size", "--hidden", "--critic-steps"]),
    ("train vae --out x", ["--draws"]),
    ("sample mnist-gan-conv --out x.png", ["-n", "--scale"]),
    ("evaluate mnist-gan-conv", ["-n", "--draws"]),
]


@pytest.mark.parametrize(("command", "option"), [(command, option) for command, options in BOUNDS for option in options])
def test_sizes_have_upper_bounds(command: str, option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command.split(), option, "999999999999"])
    err = capsys.readouterr().err
    assert ended.value.code == 2 and "at most" in err and err.count("\n") == 1


@pytest.mark.parametrize("command", ["train gan --out", "train gan --out x --begin-from", "info", "sample mnist-gan-conv --out"])
def test_an_empty_name_is_no_folder(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command.split(), ""])
    assert ended.value.code == 2 and "not set" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "mps", "hpu", "xla", "privateuseone", "meta", "tpu9", "", "cpu:-1"])
def test_a_device_that_is_not_there_is_one_sentence(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "mps" and torch.backends.mps.is_available():
        pytest.skip("it is there")
    with pytest.raises(ValueError, match="cannot be used; this machine has cpu") as caught:
        device(name)
    assert "IMGGEN_DEVICE" not in str(caught.value) and len(str(caught.value)) < 200
    if name:
        monkeypatch.setenv("IMGGEN_DEVICE", name)
        with pytest.raises(ValueError, match="environment variable IMGGEN_DEVICE"):
            device()


def test_the_device_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMGGEN_DEVICE", "cpu")
    assert device().type == device("cpu").type == "cpu"
    monkeypatch.delenv("IMGGEN_DEVICE")
    assert device().type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("command", ["train gan --out {out}", "evaluate mnist-gan-conv"])
@pytest.mark.parametrize("named", ["option", "variable"])
def test_every_command_says_so(
    command: str, named: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IMGGEN_DEVICE", "gpu" if named == "variable" else "cpu")
    more = ["--device", "gpu"] if named == "option" else []
    assert main([*command.format(out=f"{tmp_path}/out").split(), *more]) == 2
    err = capsys.readouterr().err
    assert "'gpu'" in err and err.count("\n") == 1 and ("IMGGEN_DEVICE" in err) == (named == "variable")


def test_a_variable_that_is_no_number(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("WORLD_SIZE", "abc")
    with pytest.raises(ValueError, match="WORLD_SIZE must be a whole number, got 'abc'"):
        whole_variable("WORLD_SIZE", 1)
    assert main(["train", "gan", "--out", "x"]) == 2 and "WORLD_SIZE" in capsys.readouterr().err
    monkeypatch.setenv("WORLD_SIZE", "")
    assert whole_variable("WORLD_SIZE", 1) == 1


def test_what_is_printed_cannot_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    assert printable("a\x1b[31m\nb\x07\u202e\udcff\u00fc") == "a\\x1b[31m\\nb\\x07\\u202e\\udcff\u00fc"
    assert say("one\x1b", "two") and capsys.readouterr().out == "one\\x1b\ntwo\n"


def test_warnings_are_one_line() -> None:
    with plain_words():
        assert warnings.formatwarning("a\nb\x1b", UserWarning, "x.py", 3, None) == "warning: a b\\x1b\n"
    assert "x.py" in warnings.formatwarning("a", UserWarning, "x.py", 3, None)


def test_a_version(capsys: pytest.CaptureFixture[str]) -> None:
    from imggen_lib import __version__

    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0 and capsys.readouterr().out.startswith(f"imggen_lib {__version__}, torch ")


def test_an_option_that_is_none_cannot_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["train", "gan", "--\x1b[31mfoo\n"])
    error = capsys.readouterr().err
    assert stopped.value.code == 2 and r"--\x1b[31mfoo\n" in error and "\x1b" not in error and error.count("\n") == 1


def test_the_home_folder_is_put_into_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("USERPROFILE", "/home/ada")
    assert path("~/run") == Path("/home/ada/run") and path("run/~") == Path("run/~")
    with pytest.raises(argparse.ArgumentTypeError, match="no home folder is known"):
        path("~nobody-of-that-name/run")
