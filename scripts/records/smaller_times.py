"""What an image costs: processor milliseconds by PyTorch, ONNX Runtime and JavaScript, taken in turns on one thread.

Only ratios within one record are to be read: the machine was busy, and says so.
"""

import base64
import json
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import nn

from imggen_lib.export import to_onnx
from imggen_lib.live.base import HERE
from imggen_lib.live.pack import pack
from imggen_lib.noise import latents

TURNS = 5
NODE_CODE = """
const { spec, bytes, z, turns } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const files = { net: { spec, bytes } };
const model = { get: (name) => (name === 'files' ? files : null) };
openNetwork(model, 'net').then((net) => {
  const one = z.slice(0, spec.latent), each = [];
  for (let k = 0; k < 60; k++) net.draw(Float32Array.from(one), 1, [3]);
  for (let turn = 0; turn < turns; turn++) {
    const began = process.cpuUsage();
    for (let k = 0; k < 40; k++) net.draw(Float32Array.from(one), 1, [k % 10]);
    const used = process.cpuUsage(began);
    each.push((used.user + used.system) / 1000 / 40);
  }
  process.stdout.write(JSON.stringify({ each, image: Array.from(net.draw(Float32Array.from(one), 1, [3])) }));
});
"""


def _timed(f: Callable[[], Any], least: float = 0.05) -> float:
    """Processor milliseconds of one call."""
    began, calls = time.process_time(), 0
    while time.process_time() - began < least:
        f()
        calls += 1
    return 1000 * (time.process_time() - began) / calls


def javascript(model: nn.Module) -> dict[str, Any] | None:
    """Milliseconds per image in Node, whose engine is Chromium's, and how far its image is from PyTorch's; None without Node."""
    node = shutil.which("node")
    if node is None:
        return None
    packed, z = pack(model), latents(range(1), 64)
    script = "\n".join((HERE / "js" / f"{part}.js").read_text(encoding="utf-8") for part in ("core", "product", "net"))
    given = {"spec": packed.spec, "bytes": base64.b64encode(packed.content).decode(), "z": z[0].tolist(), "turns": TURNS}
    done = subprocess.run([node, "-e", script + NODE_CODE], input=json.dumps(given), capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    with torch.no_grad():
        expected = model(z, torch.tensor([3])).flatten()
    return {"ms": median(told["each"]), "apart": float((torch.tensor(told["image"]) - expected).abs().max())}


def _sessions(model: nn.Module, folder: Path) -> dict[str, Any]:
    """ONNX Runtime's sessions of a generator: as it is, and with whole numbers between its layers (QDQ), calibrated on latents."""
    import onnxruntime as ort
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

    z, y = latents(range(200), 64).numpy(), (torch.arange(200) % 10).numpy()

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.rest = iter([{"latents": z[k : k + 20], "labels": y[k : k + 20]} for k in range(0, 200, 20)])

        def get_next(self) -> Any:
            return next(self.rest, None)

    plain, whole = folder / "plain.onnx", folder / "whole.onnx"
    to_onnx(model, plain)
    quantize_static(
        str(plain), str(whole), Reader(), per_channel=True, weight_type=QuantType.QInt8, activation_type=QuantType.QInt8,
        extra_options={"ActivationSymmetric": True},
    )  # fmt: skip
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    made = {
        name: ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        for name, file in (("ort", plain), ("ort-qdq", whole))
    }
    return made | {"bytes": {"ort": plain.stat().st_size, "ort-qdq": whole.stat().st_size}, "nodes": _nodes(whole)}


def _nodes(file: Path) -> dict[str, int]:
    """How many operations of each kind ONNX Runtime really runs, after its own optimisation."""
    import onnx
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.optimized_model_filepath = str(file.with_suffix(".run.onnx"))
    ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    return dict(Counter(node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node))


def times(models: dict[str, nn.Module]) -> dict[str, Any]:
    """For each generator, milliseconds per image, medians of turns; the generators take turns, so that load meets all alike."""
    runs: dict[tuple[str, str], tuple[Callable[[], Any], int]] = {}
    files: dict[str, Any] = {}
    with TemporaryDirectory() as scratch:
        for name, model in models.items():
            (folder := Path(scratch) / name).mkdir()
            sessions = _sessions(model, folder)
            files[name] = {"onnx_bytes": sessions.pop("bytes"), "nodes": sessions.pop("nodes")}
            for batch in (1, 100):
                z, y = latents(range(batch), 64), torch.arange(batch) % 10
                runs[name, f"torch {batch}"] = (lambda model=model, z=z, y=y: model(z, y)), batch  # type: ignore[misc]
                given = {"latents": z.numpy(), "labels": y.numpy()}
                for engine, session in sessions.items():
                    runs[name, f"{engine} {batch}"] = (lambda s=session, g=given: s.run(None, g)), batch  # type: ignore[misc]
        each: dict[tuple[str, str], list[float]] = {key: [] for key in runs}
        with torch.inference_mode():
            for _ in range(TURNS):
                for key, (run, batch) in runs.items():
                    each[key].append(_timed(run) / batch)
    found: dict[str, Any] = {name: {**files[name], "ms": {}} for name in models}
    for (name, what), values in each.items():
        found[name]["ms"][what] = round(median(values), 4)
    for name, model in models.items():
        if (page := javascript(model)) is not None:
            found[name]["ms"]["javascript 1"] = round(page["ms"], 4)
            found[name]["javascript_apart"] = round(page["apart"], 5)
    return found
