"""The record rests on the weights that ship and meets its bounds; a tool's line is the same from a run and from the record."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imggen_lib.measured import measured
from imggen_lib.tools import record
from imggen_lib.tools.reference import Arrays, digest, expected, inputs

ARTICLE = {"torch", "tensorflow", "keras-tensorflow", "keras-jax", "keras-torch", "theano", "caffe"}
AROUND = {"numpy", "onnx", "jax", "flax", "equinox", "pytensor"}


@pytest.fixture(scope="module")
def truth() -> Arrays:
    return expected(inputs())


def test_the_record_is_of_the_weights_that_ship() -> None:
    found = measured("tools")
    assert found["protocol"]["inputs"] == digest(inputs()), "the weights are others now: make tools"
    assert found["protocol"]["bounds"] == record.BOUNDS and {"command", "protocol", "versions", "machine"} <= found.keys()


def test_every_tool_of_the_article_is_there_and_meets_every_bound() -> None:
    rows = measured("tools")["tools"]
    assert list(rows) == list(record.TOOLS) and set(rows) == ARTICLE | AROUND
    for name, row in rows.items():
        met = record.bounds_met(row["found"])
        assert all(met.values()), (name, row["found"])
        files_only = name in ("onnx", "caffe")
        assert set(met) == {"pixels", "generated"} & set(row["found"]) | (set() if files_only else {"elbo", "gradient", "step"})
        assert ("file_bytes" in row) == files_only and row["install_mb"] > 10 and row["import_s"] > 0
        assert row["ms_1"] > row["ms_100"] > 0 and row["load"] >= 0
    assert "generated" in rows["caffe"]["found"]
    assert rows["theano"]["version"] == "1.0.5" and rows["theano"]["packages"]["numpy"] < "1.22"
    assert rows["caffe"]["version"].startswith("4.") and rows["keras-jax"]["version"].startswith("3.")


def test_kept_differences_are_read_as_they_were(truth: Arrays) -> None:
    off = np.random.default_rng(0).integers(-127, 128, (100, 784)) * record.UNIT
    row = {"differences": record.kept(truth["pixels"] + off, truth["pixels"])}
    assert np.array_equal(record.differences(row), off[: record.SHOWN])
    for name, row in measured("tools")["tools"].items():
        assert np.abs(record.differences(row)).max() <= row["found"]["pixels"] + record.UNIT, name


def test_a_difference_anywhere_is_found(truth: Arrays) -> None:
    same = record.judged(truth, truth)
    assert set(same.values()) == {0.0} and all(record.bounds_met(same).values())
    clear = np.argwhere(np.abs(truth["grad.e1.w"]) > record.CLEAR)[0]
    noise = np.argwhere(np.abs(truth["grad.e1.w"]) < record.CLEAR)[0]
    for key, place, missed in (
        ("pixels", (99, 783), {"pixels"}),
        ("grad.d3.b", (3,), {"gradient"}),
        ("step.e1.w", tuple(clear), {"step"}),
        ("step.e1.w", tuple(noise), set()),
    ):
        moved = truth[key].copy()
        moved[place] += 1e-3
        met = record.bounds_met(record.judged({**truth, key: moved}, truth))
        assert {name for name, ok in met.items() if not ok} == missed
    with pytest.raises(ValueError, match="no number"):
        record.judged({"pixels": np.full((100, 784), np.nan)}, truth)
    with pytest.raises(ValueError, match="shape"):
        record.judged({"pixels": np.zeros((100, 1))}, truth)


@pytest.mark.parametrize("name", ["torch", "numpy", "onnx"])
def test_the_line_of_a_run_is_that_of_the_record(name: str) -> None:
    ran, read = record.exhibit(name, live=True), record.exhibit(name, live=False)
    assert (ran.source, read.source) == ("run here", "record")
    assert str(ran) == str(read) and "False" not in str(read) and str(read).startswith(record.TOOLS[name].title)


def test_what_is_not_at_hand_is_read_from_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "at_hand", lambda name: None)
    found = record.exhibit("theano")
    assert (found.source, found.why) == ("record", "not at hand") and found.row["version"] == "1.0.5"
    with pytest.raises(RuntimeError, match="make tools"):
        record.exhibit("theano", live=True)
    with pytest.raises(ValueError, match="tool"):
        record.exhibit("torhc")


def test_a_version_that_does_not_run_is_told_and_the_record_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "in_jax.py").write_text("raise SystemExit('this JAX is of another age')", encoding="utf-8")
    monkeypatch.setattr(record, "programs", lambda: tmp_path)
    monkeypatch.setattr(record, "at_hand", lambda name: Path(sys.executable))
    found = record.exhibit("jax")
    assert found.source == "record" and "another age" in found.why and "False" not in str(found)
    with pytest.raises(RuntimeError, match="another age"):
        record.exhibit("jax", live=True)


def test_a_program_that_computes_wrongly_says_false(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    place = record.programs()
    assert place is not None
    for name in ("shared.py", "in_numpy.py"):
        text = (place / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace("0.5 * (1 + np", "0.50001 * (1 + np"), encoding="utf-8")
    monkeypatch.setattr(record, "programs", lambda: tmp_path)
    assert "pixels < 1e-05: False" in str(record.exhibit("numpy", live=True))


def test_programs_are_found_in_an_installed_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class File:
        parts = ("..", "share", "imggen_lib", "tools", "shared.py")

        def locate(self) -> Path:
            return tmp_path / "shared.py"

    files: list[Any] = [File()]
    monkeypatch.setattr(record, "_ROOT", tmp_path / "elsewhere")
    monkeypatch.setattr(record.importlib.metadata, "files", lambda name: files)
    assert record.programs() is None
    (tmp_path / "shared.py").touch()
    assert record.programs() == tmp_path.resolve()
    files.clear()
    assert record.programs() is None
    with pytest.raises(RuntimeError, match="not installed"):
        record.heart("theano")


def test_an_environment_of_make_tools_comes_before_the_python_that_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(record, "_ROOT", tmp_path)
    assert record.at_hand("numpy") == Path(sys.executable)
    own = tmp_path / ".venv-tools" / "numpy" / "bin" / "python"
    own.parent.mkdir(parents=True)
    own.touch()
    assert record.at_hand("numpy") == own
    monkeypatch.setitem(record.TOOLS, "none", record.Tool("none", "in_none", "none", ("no_such.module",), ()))
    assert record.at_hand("none") is None


def test_the_record_is_small() -> None:
    assert len(json.dumps(measured("tools"))) < 120_000
