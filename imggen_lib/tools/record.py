"""What the tools found, beside what the library finds: differences, bounds, one line for a tool, from a run or the record."""

import base64
import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from imggen_lib.errors import unknown_name
from imggen_lib.measured import measured
from imggen_lib.tools.reference import Arrays, expected, inputs

#: Greatest absolute differences from float64: pixels in [-1, 1], nats, nats per unit of a weight, and a weight after one Adam step.
BOUNDS = {"pixels": 1e-5, "generated": 1e-5, "elbo": 1e-4, "gradient": 1e-4, "step": 1e-6}
CLEAR = 1e-3  #: Adam's first step is compared where the gradient is at least so large: elsewhere its sign is rounding noise.
SHOWN = 8  #: images whose differences a record keeps, for the picture
UNIT = 2.0**-24  #: of those differences
_ROOT = Path(__file__).parents[2]
_SECONDS = 300


@dataclass(frozen=True)
class Tool:
    """A tool: what it is called, its program in ``scripts/tools``, its environment, what its Python must be able to import."""

    title: str
    program: str
    environment: str
    modules: tuple[str, ...]
    packages: tuple[str, ...]  # what one asks the package index for
    backend: str = ""  # Keras'


TOOLS = {
    "torch": Tool("PyTorch", "in_torch", "torch", ("torch",), ("torch",)),
    "numpy": Tool("NumPy by hand", "in_numpy", "numpy", ("numpy",), ("numpy",)),
    "onnx": Tool("ONNX Runtime", "in_onnx", "onnx", ("onnx", "onnxruntime"), ("onnx", "onnxruntime")),
    "tensorflow": Tool("TensorFlow", "in_tensorflow", "tensorflow", ("tensorflow",), ("tensorflow-cpu",)),
    "keras-tensorflow": Tool(
        "Keras on TensorFlow", "in_keras", "tensorflow", ("keras", "tensorflow"), ("keras", "tensorflow-cpu"), "tensorflow"
    ),
    "keras-jax": Tool("Keras on JAX", "in_keras", "jax", ("keras", "jax"), ("keras", "jax"), "jax"),
    "keras-torch": Tool("Keras on PyTorch", "in_keras", "torch", ("keras", "torch"), ("keras", "torch"), "torch"),
    "jax": Tool("JAX", "in_jax", "jax", ("jax", "optax"), ("jax", "optax")),
    "flax": Tool("Flax", "in_flax", "jax", ("flax", "optax"), ("flax",)),
    "equinox": Tool("Equinox", "in_equinox", "jax", ("equinox", "optax"), ("equinox", "optax")),
    "theano": Tool("Theano", "in_theano", "theano", ("theano",), ("Theano",)),
    "pytensor": Tool("PyTensor", "in_pytensor", "pytensor", ("pytensor",), ("pytensor",)),
    "caffe": Tool(
        "Caffe's files in OpenCV", "in_caffe", "caffe", ("cv2", "google.protobuf"), ("opencv-python-headless", "protobuf")
    ),
}


def _known(name: str) -> Tool:
    if name not in TOOLS:
        raise ValueError(unknown_name("tool", name, list(TOOLS)))
    return TOOLS[name]


def programs() -> Path | None:
    """The folder of the tools' programs: of the repository, or what was installed with the package; None where there is neither."""
    if (_ROOT / "scripts" / "tools" / "shared.py").is_file():
        return _ROOT / "scripts" / "tools"
    try:
        files = importlib.metadata.files("imggen_lib") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    found = (Path(str(f.locate())) for f in files if f.parts[-2:] == ("tools", "shared.py"))
    return next((path.parent.resolve() for path in found if path.is_file()), None)


def heart(name: str) -> str:
    """What the chapter shows of a tool's program: the lines between its two marks.

    Raises ``RuntimeError`` where the programs were not installed.
    """
    if (place := programs()) is None:
        raise RuntimeError("the tools' programs (scripts/tools) were not installed")
    text = (place / f"{_known(name).program}.py").read_text(encoding="utf-8")
    return text.split("# the heart\n")[1].split("# the end of the heart")[0].strip() + "\n"


@cache
def _reference() -> tuple[Arrays, Arrays]:
    given = inputs()
    return given, expected(given)


def judged(answer: Arrays, truth: Arrays) -> dict[str, float]:
    """The greatest absolute differences of an answer from `truth`; ``step_all`` is the step's where the gradient is small, too.

    Raises:
        ValueError: if a shape is another, or a number is not finite.
    """
    for name in answer.keys() & truth.keys():
        if answer[name].shape != truth[name].shape or not np.isfinite(answer[name]).all():
            raise ValueError(f"{name} has shape {answer[name].shape} or holds what is no number; expected {truth[name].shape}")
    gap = {name: np.abs(answer[name].astype(np.float64) - truth[name]) for name in answer.keys() & truth.keys()}
    found: dict[str, float] = {name: float(gap[name].max()) for name in ("pixels", "generated", "elbo") if name in gap}
    if weights := [name.removeprefix("grad.") for name in truth if name.startswith("grad.") and name in gap]:
        found["gradient"] = max(float(gap[f"grad.{w}"].max()) for w in weights)
        clear = {w: np.abs(truth[f"grad.{w}"]) > CLEAR for w in weights}
        found["step"] = max(float(gap[f"step.{w}"][clear[w]].max(initial=0)) for w in weights)
        found["step_all"] = max(float(gap[f"step.{w}"].max()) for w in weights)
    return found


def kept(pixels: np.ndarray, truth: np.ndarray) -> str:
    """The first images' differences as text: whole multiples of 2^-24 in a byte each, compressed."""
    steps = np.clip(np.round((pixels[:SHOWN].astype(np.float64) - truth[:SHOWN]) / UNIT), -127, 127).astype(np.int8)
    return base64.b64encode(zlib.compress(steps.tobytes(), 9)).decode()


def differences(row: dict[str, Any]) -> np.ndarray:
    """What :func:`kept` wrote of a tool's `row` in the record: ``(8, 784)``, tool less float64."""
    steps = np.frombuffer(zlib.decompress(base64.b64decode(row["differences"])), np.int8)
    return steps.reshape(SHOWN, 784).astype(np.float64) * UNIT


def run(name: str, python: str | Path, folder: Path, timeout: float = _SECONDS) -> dict[str, Any]:
    """Run a tool's program with an interpreter, in a folder for its files, and judge its answer: a row as in the record.

    Raises:
        RuntimeError: if the program fails, with the end of what it said.
    """
    tool, place = _known(name), programs()
    if place is None:
        raise RuntimeError("the tools' programs (scripts/tools) were not installed")
    given, truth = _reference()
    np.savez(folder / "inputs.npz", **given)  # type: ignore[arg-type]
    own = {"PYTHONPATH": "", "OMP_NUM_THREADS": "1", "KERAS_BACKEND": tool.backend or "tensorflow"}
    own |= {f"{kind}_FLAGS": f"base_compiledir={folder / 'compiled'}" for kind in ("THEANO", "PYTENSOR")}
    command = [str(python), str(place / f"{tool.program}.py"), str(folder / "inputs.npz"), str(folder / "answer.npz")]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, env={**os.environ, **own})
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"{tool.title} took more than {timeout:.0f} seconds") from None
    if done.returncode:
        raise RuntimeError(f"{tool.title} failed: {done.stderr.strip()[-2000:]}")
    line = json.loads(done.stdout.strip().splitlines()[-1])
    with np.load(folder / "answer.npz") as file:
        answer = {key: file[key] for key in file.files}
    row = {**line, "found": judged(answer, truth), "differences": kept(answer["pixels"], truth["pixels"])}
    return {**row, "file_bytes": int(answer["file_bytes"])} if "file_bytes" in answer else row


def at_hand(name: str) -> Path | None:
    """An interpreter that has the tool: of the repository's ``.venv-tools``, else the one that runs now; None if neither has it."""
    tool = _known(name)
    for own in ("bin/python", "Scripts/python.exe"):
        if (path := _ROOT / ".venv-tools" / tool.environment / own).is_file():
            return path
    for module in tool.modules:
        try:
            if importlib.util.find_spec(module) is None:
                return None
        except ModuleNotFoundError:  # of a package that the module would be in
            return None
    return Path(sys.executable)


def bounds_met(found: dict[str, float]) -> dict[str, bool]:
    """For each difference that has a bound, whether it is below."""
    return {key: found[key] < bound for key, bound in BOUNDS.items() if key in found}


@dataclass(frozen=True)
class Exhibit:
    """A tool's row, and where it is from; printed, it is one line that is the same wherever it is from."""

    name: str
    row: dict[str, Any]
    source: Literal["run here", "record"]
    why: str = ""

    def __str__(self) -> str:
        words = {
            "pixels": "pixels",
            "generated": "the article's generator",
            "elbo": "ELBO",
            "gradient": "gradient",
            "step": "Adam step",
        }
        met = [f"{words[key]} < {BOUNDS[key]:.0e}: {ok}" for key, ok in bounds_met(self.row["found"]).items()]
        return f"{TOOLS[self.name].title}: {', '.join(met)}"


def exhibit(name: str, live: bool | None = None) -> Exhibit:
    """A tool's row: run here if the tool is at hand, else from the record; `live` asks for one of the two.

    A tool that is at hand in a version that does not run the program is shown from the record, too, and ``why`` says what happened.
    Raises ``ValueError`` for a tool that there is none of, and ``RuntimeError`` if `live` is True and it does not run here.
    """
    _known(name)
    row, python = measured("tools")["tools"][name], at_hand(name)
    if live is False or (live is None and (python is None or programs() is None)):
        return Exhibit(name, row, "record", "asked for" if live is False else "not at hand")
    if python is None:
        raise RuntimeError(f"{TOOLS[name].title} is not at hand: make tools makes an environment with it")
    with tempfile.TemporaryDirectory() as folder:
        try:
            return Exhibit(name, run(name, python, Path(folder)), "run here")
        except (RuntimeError, ValueError) as error:
            if live:
                raise
            return Exhibit(name, row, "record", str(error).strip().splitlines()[-1])
