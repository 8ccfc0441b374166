"""The tools' programs are short and stand alone, Theano's and PyTensor's differ in imports; Caffe's files are what they say."""

import ast
import difflib
import importlib.util
import re
from importlib.metadata import Distribution
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from imggen_lib.tools.record import TOOLS, heart

TOOLS_FOLDER = Path(__file__).parents[2] / "scripts" / "tools"
PROGRAMS = sorted([*TOOLS_FOLDER.glob("in_*.py"), TOOLS_FOLDER / "shared.py", TOOLS_FOLDER / "caffe_files.py"])
CHAPTER = (Path(__file__).parents[2] / "book" / "tools" / "tools.md").read_text(encoding="utf-8")


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"tools_{name}", TOOLS_FOLDER / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def make() -> ModuleType:
    return _module("make")


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    return found


def test_every_tool_has_a_program_and_every_program_a_tool() -> None:
    assert {tool.program for tool in TOOLS.values()} == {path.stem for path in TOOLS_FOLDER.glob("in_*.py")}
    assert {tool.environment for tool in TOOLS.values()} == {p.stem for p in (TOOLS_FOLDER / "requirements").glob("*.txt")}


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_programs_are_short_and_know_only_their_tool(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 60
    imports = _imports(path)
    assert "imggen_lib" not in imports and ("torch" in imports) == (path.stem == "in_torch")
    if path.stem == "in_numpy":
        assert imports <= {"math", "time", "numpy", "shared"}


def test_requirements_are_pinned_and_name_their_python() -> None:
    for path in (TOOLS_FOLDER / "requirements").glob("*.txt"):
        first, *rest = path.read_text(encoding="utf-8").splitlines()
        assert re.fullmatch(r"# python (\d+\.\d+|of the book, beside its packages)", first), path.name
        assert rest and all(re.fullmatch(r"[\w-]+==[\w.]+", line) for line in rest), path.name


def test_the_chapter_includes_every_heart_from_its_file() -> None:
    included = set(re.findall(r"\{literalinclude\} \.\./\.\./scripts/tools/(\w+)\.py\n:language: python\n:start-after: ", CHAPTER))
    assert included == {tool.program for tool in TOOLS.values()} - {"in_pytensor"} | {"caffe_files"}
    for name in TOOLS:
        assert heart(name).count("\n") > 10 and "# the heart" not in heart(name)


def test_theano_and_pytensor_differ_in_their_imports_alone() -> None:
    lines = difflib.ndiff(heart("theano").splitlines(), heart("pytensor").splitlines())
    changed = [line[2:] for line in lines if line[:2] in ("- ", "+ ")]
    assert len(changed) == 6 and all(line.startswith(("import ", "from ")) for line in changed)


LAYERS = 'layer { name: "g1" type: "InnerProduct" bottom: "data" top: "g1" inner_product_param { num_output: 2 } }'


def test_caffe_s_files_are_read_as_they_were_written() -> None:
    """The round trip, and the wire: field 100 for a layer, packed floats, as Caffe's own reader expects."""
    caffe = _module("caffe_files")
    weight, bias = np.float32([[1, -2, 3], [0.5, 0, 7]]), np.float32([0.25, -1])
    text = 'name: "two"\nlayer { name: "r" type: "ReLU" bottom: "g1" top: "r" relu_param { negative_slope: 0.2 } }\n' + LAYERS
    data = caffe.net(text, {"g1": (weight, bias)}).SerializeToString()
    back = caffe.messages()["NetParameter"].FromString(data)
    assert back.name == "two" and [layer.type for layer in back.layer] == ["ReLU", "InnerProduct"]
    assert back.layer[0].relu_param.negative_slope == np.float32(0.2) and back.layer[1].inner_product_param.num_output == 2
    found = [np.float32(blob.data).reshape(tuple(blob.shape.dim)) for blob in back.layer[1].blobs]
    assert np.array_equal(found[0], weight) and np.array_equal(found[1], bias)
    assert bytes([0xA2, 0x06]) in data  # (100 << 3) | 2, a varint
    assert bytes([0x2A, 4 * weight.size]) + weight.tobytes() in data  # field 5, packed


def test_a_prototxt_with_a_field_that_caffe_has_not_is_refused() -> None:
    from google.protobuf.text_format import ParseError

    with pytest.raises(ParseError):
        _module("caffe_files").net(LAYERS.replace("num_output", "outputs"), {})


def test_an_interpreter_that_is_nowhere_is_said_so(make: ModuleType) -> None:
    import sys

    assert make.interpreter("%d.%d" % sys.version_info[:2]) == Path(sys.executable)  # noqa: UP031
    with pytest.raises(RuntimeError, match=r"no Python 3\.99"):
        make.interpreter("3.99")


class _Fake:
    def __init__(self, requires: list[str]) -> None:
        self.requires = requires


def test_what_a_package_requires_is_followed_with_extras_and_markers(make: ModuleType) -> None:
    there: dict[str, Any] = {
        "a": _Fake(["B>=1", "old; python_version < '3'", "c[more]", "extra; extra == 'unasked'"]),
        "b": _Fake(["a"]),
        "c": _Fake(["d; extra == 'more'", "missing"]),
        **{name: _Fake([]) for name in ("d", "old", "extra", "other")},
    }
    assert set(make.closure(("A",), there, "3.12.1")) == {"a", "b", "c", "d"}
    assert "old" in make.closure(("a",), there, "2.7.18")


def test_a_package_weighs_what_its_files_do(make: ModuleType, tmp_path: Path) -> None:
    info = tmp_path / "one-1.0.dist-info"
    info.mkdir()
    (tmp_path / "one.py").write_bytes(b"x" * 300_000)
    (tmp_path / "one.pyc").write_bytes(b"x" * 900_000)
    (info / "METADATA").write_text("Name: one\nVersion: 1.0\n", encoding="utf-8")
    (info / "RECORD").write_text("one.py,,\none.pyc,,\ngone.py,,\n", encoding="utf-8")
    assert make.megabytes({"one": Distribution.at(info)}) == 0.3
