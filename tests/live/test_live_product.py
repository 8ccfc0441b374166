"""The matrix product of the page's networks: WebAssembly and plain JavaScript against NumPy, and the code against its source."""

import base64
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
import wasmtime

from imggen_lib.live.base import HERE

SOURCE = HERE / "js" / "product.js"
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="needs Node")
CODE = """
const { shapes, off } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
if (off) delete globalThis.WebAssembly;
let state = 1;
const next = () => ((state = (Math.imul(state, 48271) >>> 0) % 2147483647), state / 2147483647 - 0.5);
const random = (n) => Float32Array.from({ length: n }, next);
const cases = shapes.map(([m, k, n]) => ({ m, k, n, a: random(m * k), b: [random(k * n), random(k * n)], out: random(m * n) }));
for (const x of cases) x.times = productWith(x.a, x.m, x.k);
const plain = (list) => Array.from(list);
const found = cases.map(({ m, k, n, a, b, out, times }) => {
  const before = plain(out);
  for (const one of b) times(out, one, n);
  return { a: plain(a), b: b.map(plain), before, out: plain(out) };
});
process.stdout.write(JSON.stringify({ found, fast: Boolean(assembledProduct()) }));
"""
SHAPES = [(4, 3, 8), (1, 1, 1), (1, 576, 784), (5, 7, 9), (33, 64, 49), (64, 288, 196), (128, 17, 16), (2, 2, 1000)]


@needs_node
@pytest.mark.parametrize("off", [False, True])
def test_products_are_numpys(off: bool) -> None:
    """Several factors at once, odd sizes, memory that grows between them; twice onto what was there."""
    script = SOURCE.read_text(encoding="utf-8") + CODE
    assert NODE is not None
    given = json.dumps({"shapes": SHAPES, "off": off})
    done = subprocess.run([NODE, "-e", script], input=given, capture_output=True, text=True, timeout=120, check=True)
    told = json.loads(done.stdout)
    assert told["fast"] is not off
    for (m, k, n), one in zip(SHAPES, told["found"], strict=True):
        a = np.array(one["a"]).reshape(m, k)
        right = np.array(one["before"]).reshape(m, n) + sum(a @ np.array(b).reshape(k, n) for b in one["b"])
        assert np.abs(np.array(one["out"]).reshape(m, n) - right).max() < 1e-5, (m, k, n)


def test_the_code_is_its_source_assembled() -> None:
    constant = re.search(r"const PRODUCT_CODE =\n((?:  \".*\"(?: \+)?\n?)+)", SOURCE.read_text(encoding="utf-8").replace(";", "\n"))
    assert constant
    stored = base64.b64decode("".join(re.findall(r'"(.*)"', constant[1])))
    assert stored == bytes(wasmtime.wat2wasm((HERE / "js" / "product.wat").read_text(encoding="utf-8")))
