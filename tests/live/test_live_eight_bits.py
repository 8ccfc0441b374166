"""The page's script computes with the whole numbers that it loads, as PyTorch does with the same weights."""

import base64
import json
import shutil
import subprocess
from typing import Any

import pytest
import torch
from torch import nn

from imggen_lib import live
from imggen_lib.checkpoint import pretrained
from imggen_lib.compress.fold import folded
from imggen_lib.compress.quantise import rounded
from imggen_lib.compress.store import small
from imggen_lib.live.base import HERE
from imggen_lib.live.shipped import DIGITS, SMALL, check_name, image_shape, packed_file
from imggen_lib.noise import latents

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed; the browser tests run these scripts too")
CODE = """
const { name, file, z, labels } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
openNetwork({ get: () => ({ [name]: file }) }, name).then((network) => {
  const images = z.map((row, i) => Array.from(network.draw(Float32Array.from(row), 1, [labels[i]])));
  process.stdout.write(JSON.stringify(images));
});
"""


def _drawn(name: str, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """What the script in the page draws."""
    file = packed_file(name)
    stored = {"spec": file["spec"], "bytes": base64.b64encode(file["bytes"]).decode()}
    given = {"name": name, "file": stored, "z": z.tolist(), "labels": labels.tolist()}
    script = "\n".join((HERE / "js" / f"{part}.js").read_text(encoding="utf-8") for part in ("core", "product", "net"))
    assert NODE is not None
    done = subprocess.run(
        [NODE, "-e", script + CODE], input=json.dumps(given), capture_output=True, text=True, timeout=300, check=True
    )
    return torch.tensor(json.loads(done.stdout))


def _halved(model: nn.Module) -> nn.Module:
    """With biases in half precision, as files have them."""
    with torch.no_grad():
        for name, value in model.named_parameters():
            if "weight" not in name:
                value.copy_(value.half())
    return model


@needs_node
@pytest.mark.parametrize("name", ["mnist-gan-student", "mnist-gan-classes", "mnist-gan-long"])
def test_the_page_draws_what_pytorch_draws_with_the_weights_that_are_loaded(name: str) -> None:
    z, labels = latents(range(20), 64), torch.arange(20) % 10
    model: Any = small(SMALL[name]) if name in SMALL else _halved(rounded(folded(pretrained(name).model()), 8))
    assert packed_file(name)["spec"]["weights"] == "int8"
    with torch.no_grad():
        ours = model(z, labels).flatten(1)
    assert (_drawn(name, z, labels) - ours).abs().max() < 1e-3


def test_a_student_can_be_named_where_a_model_of_digits_can() -> None:
    demo = live.real_or_fake("mnist-gan-student", seed=1)
    assert demo.options["model"] == check_name("mnist-gan-student") and demo.options["real"] == DIGITS
    assert image_shape("mnist-gan-student") == (1, 28, 28) and image_shape("mnist-gan-article") == (1, 28, 28)
    spec = packed_file("mnist-gan-student")["spec"]
    assert spec["name"] == "mnist-gan-student" and len(spec["class_names"]) == 10 and spec["difference"]["largest"] < 1e-5
    with pytest.raises(ValueError, match="mnist-gan-student"):
        check_name("mnist-gan-pupil")
