"""The flow demo's scripts in Node, for the tests beside this file."""

import json
import shutil
import subprocess
from typing import Any

import pytest
import torch
from torch import Tensor

from imggen_lib.live.base import HERE
from imggen_lib.live.flow import FlowDemo

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed; the browser tests run these scripts too")
PRELUDE = """
const words = {}, demos = {};
const plain = (x) => ArrayBuffer.isView(x) ? Array.from(x, plain) : Array.isArray(x) ? x.map(plain)
  : x && typeof x === "object" ? Object.fromEntries(Object.entries(x).map(([k, v]) => [k, plain(v)])) : x;
const rows = (x) => Float64Array.from(x.flat());
const settings = (more) => ({ ...FLOW_DEFAULTS, data: "moons", beside: "gan", ...more });
"""


def run(code: str, data: Any = None) -> Any:
    """What the function body `code` returns in Node, where `data` is the argument and the demo's scripts are loaded."""
    names = (*FlowDemo.parts, "flow")
    parts = [(HERE / "js" / f"{name}.js").read_text(encoding="utf-8") for name in names]
    script = "\n".join([PRELUDE, *parts, f"const job = (data) => {{ {code} }};"])
    script += "\nprocess.stdout.write(JSON.stringify(plain(job(JSON.parse(require('fs').readFileSync(0, 'utf8'))))));"
    assert NODE is not None
    done = subprocess.run(
        [NODE, "-e", script], input=json.dumps(data), capture_output=True, text=True, timeout=300, check=False, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def table(values: Any) -> Tensor:
    return torch.tensor(values, dtype=torch.float64).view(-1, 2)
