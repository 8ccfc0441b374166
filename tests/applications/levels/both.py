"""The game's JavaScript in Node: what a function body returns, with the game's scripts loaded."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import imggen_lib.live.base as base

JS = Path(base.__file__).parent / "js"
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed; the browser tests run these scripts too")
PARTS = ("game_physics", "game_agent")


def run(code: str, data: Any) -> Any:
    """What the function body `code` returns, where `data` is its argument."""
    parts = [(JS / f"{name}.js").read_text(encoding="utf-8") for name in PARTS if (JS / f"{name}.js").exists()]
    script = "\n".join(["const words = {}, demos = {};", *parts, f"const job = (data) => {{ {code} }};"])
    script += "\nprocess.stdout.write(JSON.stringify(job(JSON.parse(require('fs').readFileSync(0, 'utf8')))));"
    assert NODE is not None
    done = subprocess.run(
        [NODE, "-e", script], input=json.dumps(data), capture_output=True, text=True, timeout=300, check=False, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
