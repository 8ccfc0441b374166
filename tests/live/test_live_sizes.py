"""Where does it break? The page rounds, prunes and draws as Python does, from a file that says what the record says."""

import base64
import gzip
import json
import shutil
import subprocess
from typing import Any

import numpy as np
import pytest
import torch

from imggen_lib import live
from imggen_lib.compress.quantise import layers, rounded
from imggen_lib.compress.store import nbytes, small
from imggen_lib.live.base import HERE
from imggen_lib.live.layers import run
from imggen_lib.live.shipped import packed_file, script
from imggen_lib.live.sizes import FILE as SMALL
from imggen_lib.live.sizes import STUDENTS, teacher
from imggen_lib.live.wire import unpacked
from imggen_lib.measured import measured
from imggen_lib.models.blocks import one_hot
from imggen_lib.noise import latents

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed; the browser tests run these scripts too")
CODE = """
const { spec, bytes, z, label, bits, shares, names } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
fileBytes({ bytes }).then((content) => {
  const tensors = readTensors(spec.tensors, content), given = Float32Array.from(z);
  const draw = (name, change) => Array.from(sizesNetwork(spec.nets[name], tensors, spec, change)(given, label));
  const pruned = shares.map((share) => {
    const lost = [];
    const change = (weight) => {
      const out = sizesPruned(weight, share);
      const kept = Array.from(weight.values).filter((v, i) => out.values[i] !== 0).map(Math.abs);
      const gone = Array.from(weight.values).filter((v, i) => out.values[i] === 0).map(Math.abs);
      lost.push([gone.length, weight.values.length, Math.max(...gone.slice(0, 5e4)), Math.min(...kept.slice(0, 5e4))]);
      return out;
    };
    return { image: draw('teacher', change), lost };
  });
  process.stdout.write(JSON.stringify({
    plain: Object.fromEntries(names.map((name) => [name, draw(name)])),
    rounded: bits.map((b) => draw('teacher', (w, axis, maps) => sizesRounded(w, axis, maps, b))),
    pruned,
    apart: sizesApart([0, 1, -1], [0, -1, -1]),
  }));
});
"""
BITS, SHARES, LABEL = [3, 4, 6], [0.5, 0.9], 7


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """What the page's scripts compute."""
    file = packed_file(SMALL)
    given = {
        "spec": file["spec"], "bytes": base64.b64encode(file["bytes"]).decode(), "z": latents(range(3, 4), 64)[0].tolist(),
        "label": LABEL, "bits": BITS, "shares": SHARES, "names": ["teacher", *STUDENTS],
    }  # fmt: skip
    parts = [(HERE / "js" / f"{name}.js").read_text(encoding="utf-8") for name in ("core", "product", "net", "sizes_math")]
    assert NODE is not None
    done = subprocess.run(
        [NODE, "-e", "\n".join([*parts, CODE])], input=json.dumps(given), capture_output=True, text=True, timeout=300, check=True
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _image(model: torch.nn.Module) -> np.ndarray:
    with torch.no_grad():
        return model(latents(range(3, 4), 64), torch.tensor([LABEL])).flatten().numpy()


@needs_node
def test_the_page_draws_what_the_small_generators_draw(page: dict[str, Any]) -> None:
    for name in STUDENTS:
        assert np.abs(np.array(page["plain"][name]) - _image(small(name))).max() < 2e-3, name
    assert np.abs(np.array(page["plain"]["teacher"]) - _image(rounded(teacher(), 8))).mean() < 2e-3


def test_the_file_has_the_weights_of_the_small_generators() -> None:
    """Layer by layer: what the page unpacks is the weight of the file, exactly."""
    file = packed_file(SMALL)
    nets = unpacked({**file["spec"], "nets": file["spec"]["nets"]}, file["bytes"])
    for name in STUDENTS:
        with_weights = [layer for layer in nets[name] if "weight" in layer.tensors]
        for said, (_, layer) in zip(with_weights, layers(small(name)), strict=True):
            assert torch.allclose(said.tensors["weight"].float(), layer.weight, rtol=1e-6, atol=1e-9), name


@needs_node
def test_the_page_rounds_as_python_does(page: dict[str, Any]) -> None:
    """From the eight bits that both have."""
    file, large = packed_file(SMALL), teacher()
    nets = unpacked(file["spec"], file["bytes"])
    with torch.no_grad():
        for said, (_, layer) in zip([x for x in nets["teacher"] if "weight" in x.tensors], layers(large), strict=True):
            layer.weight.copy_(said.tensors["weight"])
        z, label = latents(range(3, 4), 64), torch.tensor([LABEL])
        eight = run(nets["teacher"], z, one_hot(label, 10, z)).flatten().numpy()
    assert np.abs(np.array(page["plain"]["teacher"]) - eight).max() < 1e-4
    apart = []
    for bits, image in zip(BITS, page["rounded"], strict=True):
        ours = _image(rounded(large, bits))
        apart.append(np.abs(ours - eight).mean())
        assert np.abs(np.array(image) - ours).mean() < 0.1 * apart[-1] + 2e-3, bits  # biases in half precision; ties
    assert apart[0] > apart[1] > apart[2]


@needs_node
def test_the_page_prunes_the_smallest(page: dict[str, Any]) -> None:
    for share, found in zip(SHARES, page["pruned"], strict=True):
        for gone, count, _, _ in found["lost"]:
            assert gone >= round(share * count) and gone <= round(share * count) + 0.02 * count  # zeros of the rounding
    changes = [np.abs(np.array(found["image"]) - np.array(page["plain"]["teacher"])).mean() for found in page["pruned"]]
    assert 0.01 < changes[0] < changes[1]
    assert page["apart"] == pytest.approx(85)


def test_the_file_says_what_the_record_says_and_is_light() -> None:
    spec, rows = packed_file(SMALL)["spec"], measured("smaller")["rows"]
    for name in STUDENTS:
        row = rows["int4-aware" if name == "int4" else name]
        assert spec["students"][name] == {"bytes": row["bytes"], "distance": row["frechet_distance"]}
    assert spec["bits"][8] == {"bytes": nbytes(teacher(), 8), "distance": rows["int8-largest"]["frechet_distance"]}
    assert spec["bits"][2]["distance"] is None and spec["pruned"][50]["distance"] == rows["pruned-50-bare"]["frechet_distance"]
    assert spec["pruned"][50]["bytes"] == rows["pruned-50-bare"]["bytes"]
    assert len(gzip.compress(script(SMALL, packed_file(SMALL)).encode())) < 500_000


def test_the_demo_says_what_it_is() -> None:
    demo = live.sizes(seed=3)
    assert demo.options == {"model": SMALL, "seed": 3} and "small-generators" in demo.html()
