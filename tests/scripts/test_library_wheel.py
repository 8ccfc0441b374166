"""The wheel beside the notebooks: what the library is, the same bytes each time, built anew only when the library changed."""

import os
import sys
import zipfile
from pathlib import Path

import library_wheel as wheel
import pytest

pytest.importorskip("setuptools", minversion="77", reason="what pyproject.toml builds with")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    (folder / "imggen_lib-0.0.1-py3-none-any.whl").touch()
    return wheel.build(folder)


def test_it_holds_the_library_and_is_the_only_one(built: Path) -> None:
    assert [path.name for path in built.parent.glob("*.whl")] == [wheel.name()] == [built.name]
    with zipfile.ZipFile(built) as archive:
        there = {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}
    library = {path: content for path, content in wheel.sources().items() if path.startswith("imggen_lib/")}
    assert {path: content for path, content in there.items() if ".data/" not in path} == library
    programs = [content for path, content in wheel.sources().items() if path.startswith("scripts/")]
    assert programs and sorted(content for path, content in there.items() if ".data/" in path) == sorted(programs)


def test_the_same_library_gives_the_same_bytes(built: Path, tmp_path: Path) -> None:
    assert wheel.build(tmp_path).read_bytes() == built.read_bytes()


def test_it_is_built_anew_only_when_the_library_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    builds: list[Path] = []

    def build(folder: Path) -> Path:
        builds.append(folder)
        (folder / wheel.name()).touch()
        return folder / wheel.name()

    monkeypatch.setattr(wheel, "build", build)
    monkeypatch.setattr(sys, "argv", ["library_wheel.py", "--out", str(tmp_path)])
    wheel.main()
    wheel.main()
    assert len(builds) == 1
    (tmp_path / wheel.name()).unlink()
    wheel.main()
    assert len(builds) == 2
    known = wheel.sources()
    monkeypatch.setattr(wheel, "sources", lambda: {**known, "imggen_lib/new.py": b""})
    wheel.main()
    assert len(builds) == 3


def test_what_pip_says_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheel, "sources", lambda: {"pyproject.toml": b"[project"})
    with pytest.raises(RuntimeError, match="pip could not build the wheel"):
        wheel.build(tmp_path)
    assert os.listdir(tmp_path) == []  # noqa: PTH208
