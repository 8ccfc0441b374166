"""Models as files for other programs: run by ONNX Runtime and ``torch.export``, compared with the model itself."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import own_nets
import pytest
import torch

from imggen_lib import export, pretrained
from imggen_lib.checkpoint import load
from imggen_lib.cli import main
from imggen_lib.configs import FlowConfig, GanConfig, VaeConfig
from imggen_lib.noise import latents
from imggen_lib.sampling import decode

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
# What older exporters do with the tests' checks of shapes is not what a user meets: see the test of a process of its own.
newer = pytest.mark.skipif(torch.__version__ < export.OLDEST, reason=f"needs PyTorch {export.OLDEST}")
SMALL: dict[str, Any] = {"image_shape": (3, 16, 16), "latent_dim": 6, "width": 8, "hidden": (16,)}


def spoken(flow: Any) -> Any:
    """A flow whose last layers, which begin at zero, say something."""
    for parameter in flow.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return flow


def model(kind: str, net: str, classes: int = 0, **more: Any) -> Any:
    torch.manual_seed(0)
    if kind == "flow":
        shape: Any = SMALL["image_shape"]
        return spoken(FlowConfig(image_shape=shape, net=net, width=8, classes=classes, steps=2, **more).build().eval())
    config: Any = {"gan": GanConfig, "vae": VaeConfig}[kind](**SMALL, net=net, classes=classes, **more)
    return (config.build_generator() if kind == "gan" else config.build()).eval()


MODELS = [
    ("gan", "conv", 0), ("gan", "mlp", 3), ("gan", "res", 3), ("vae", "mlp", 0), ("vae", "conv", 3), ("vae", "res", 0),
    ("flow", "conv", 3), ("flow", "mlp", 0),
]  # fmt: skip


@newer
@pytest.mark.parametrize("guidance", [1.0, 1.5])
def test_the_flow_that_ships_is_exported_guided_or_not(guidance: float, tmp_path: Path) -> None:
    """Its roundings add up over its evaluations, and so does what is allowed; ONNX Runtime draws the same images to 1e-4."""
    flow = pretrained("mnist-flow").model().sampled_with(guidance=guidance)
    assert flow.evaluations == (4 if guidance == 1 else 8)
    assert 0 <= export.to_onnx(flow, tmp_path / "x.onnx") <= 1e-5 * flow.evaluations
    session = onnxruntime.InferenceSession(str(tmp_path / "x.onnx"))
    z, labels = latents(range(5), flow.latent_dim), torch.arange(5)
    (found,) = session.run(None, {"latents": z.numpy(), "labels": labels.numpy()})
    with torch.no_grad():
        torch.testing.assert_close(torch.from_numpy(found), flow(z, labels), atol=1e-4, rtol=0)


@newer
def test_a_flow_of_codes_that_ships_is_exported_with_its_decoder(tmp_path: Path) -> None:
    saved = pretrained("mnist-flow-step")
    assert 0 <= export.to_onnx(saved, tmp_path / "x.onnx", name="digits") <= 1e-5
    session = onnxruntime.InferenceSession(str(tmp_path / "x.onnx"))
    z, labels = latents(range(5), 32), torch.arange(5)
    (found,) = session.run(None, {"latents": z.numpy(), "labels": labels.numpy()})
    torch.testing.assert_close(torch.from_numpy(found), decode(saved.model(), z, labels), atol=1e-5, rtol=0)
    card = json.loads(session.get_modelmeta().custom_metadata_map["card"])
    assert "regression" in card["training"]  # that it is a student goes along


@newer
@pytest.mark.parametrize(("kind", "net", "classes"), MODELS)
def test_onnx_runtime_draws_the_same_images(kind: str, net: str, classes: int, tmp_path: Path) -> None:
    made, path = model(kind, net, classes), tmp_path / "x.onnx"
    worst = export.to_onnx(made, path, name="mine")
    assert 0 <= worst <= 1e-5 and [p.name for p in tmp_path.iterdir()] == ["x.onnx"]
    session = onnxruntime.InferenceSession(str(path))
    assert [i.name for i in session.get_inputs()] == (["latents", "labels"] if classes else ["latents"])
    assert [o.name for o in session.get_outputs()] == ["images"]
    for rows in (1, 4, 9):
        z, labels = latents(range(50, 50 + rows), made.latent_dim), torch.arange(rows) % classes if classes else None
        given = {"latents": z.numpy(), **({} if labels is None else {"labels": labels.numpy()})}
        (images,) = session.run(None, given)
        assert images.dtype == "float32" and images.min() >= -1 and images.max() <= 1
        assert abs(images - decode(made, z, labels).numpy()).max() < 1e-5
    about = session.get_modelmeta().custom_metadata_map
    assert about["name"] == "mine" and json.loads(about["image_shape"]) == [3, 16, 16]
    assert (about["latent_dim"], about["classes"], about["part"]) == (str(made.latent_dim), str(classes), "decoder")


@newer
@pytest.mark.parametrize("classes", [0, 3])
def test_an_encoder_gives_mean_and_log_variance(classes: int, tmp_path: Path) -> None:
    made = model("vae", "conv", classes)
    export.to_onnx(made, tmp_path / "e.onnx", part="encoder")
    export.to_program(made, tmp_path / "e.pt2", part="encoder")
    labels = torch.tensor([2, 0, 1, 1, 0]) if classes else None
    x = torch.rand(5, 3, 16, 16) * 2 - 1
    given = {"images": x.numpy(), **({} if labels is None else {"labels": labels.numpy()})}
    found = onnxruntime.InferenceSession(str(tmp_path / "e.onnx")).run(["mu", "logvar"], given)
    again: Any = torch.export.load(tmp_path / "e.pt2").module()
    for ours, theirs, program in zip(made.encode(x, labels), found, again(*filter(torch.is_tensor, (x, labels))), strict=True):
        assert abs(ours.detach().numpy() - theirs).max() < 1e-5 and torch.allclose(ours, program, atol=1e-6)


@newer
def test_a_program_of_torch_export_holds_any_number_of_rows_and_its_metadata(tmp_path: Path) -> None:
    saved, extra = pretrained("mnist-gan-classes"), {"imggen.json": ""}
    export.to_program(saved, tmp_path / "x.pt2", name="digits")
    program: Any = torch.export.load(tmp_path / "x.pt2", extra_files=extra).module()
    about = json.loads(extra["imggen.json"])
    assert about["classes"] == "10" and about["licence"].startswith("MIT") and json.loads(about["class_names"])[3] == "3"
    for rows in (1, 6):
        z, labels = latents(range(rows), 64), torch.arange(rows)
        assert torch.allclose(program(z, labels), decode(saved.model(), z, labels), atol=1e-6)


def run_of_ones_own(kind: str, out: Path) -> list[str]:
    """A short training of networks of `own_nets` from the command line; what follows a command's name."""
    nets = ["--generator", "own_nets:Generator", "--generator-options", "width=8"] if kind == "gan" else ["--model", "own_nets:vae"]
    few = ["--images", "64", "--batch", "32", "--latent-dim", "5", "--quiet", "--conditional"]
    assert main(["train", kind, "--data", "glyphs", *nets, *few, "--out", str(out)]) == 0
    return [str(out), "--allow", "own_nets"]


@newer
@pytest.mark.parametrize("kind", ["gan", "vae"])
def test_networks_of_ones_own_go_out_from_the_command_line(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """ONNX Runtime draws what PyTorch draws, to 1e-5; ``torch.export`` to 1e-6; the other side needs none of the code."""
    named = run_of_ones_own(kind, tmp_path / "run")
    onnx, program = tmp_path / "x.onnx", tmp_path / "x.pt2"
    assert (
        main(["export", named[0], "--to", str(onnx)]) == 2 and "--allow own_nets" in capsys.readouterr().err and not onnx.exists()
    )
    assert main(["export", *named, "--to", str(onnx)]) == 0 and main(["export", *named, "--to", str(program)]) == 0
    made = load(tmp_path / "run", {"own_nets"}).model()
    z, labels = latents(range(9), 5), torch.arange(9)
    (images,) = onnxruntime.InferenceSession(str(onnx)).run(None, {"latents": z.numpy(), "labels": labels.numpy()})
    assert abs(images - decode(made, z, labels).numpy()).max() < 1e-5
    again: Any = torch.export.load(program).module()
    assert torch.allclose(again(z, labels), decode(made, z, labels), atol=1e-6)
    assert main(["export", *named, "--part", "encoder", "--to", str(tmp_path / "e.onnx")]) == (0 if kind == "vae" else 2)


REFUSED = {
    "a value decides": (own_nets.Branches, ("onnx", "pt2"), "no `if` or loop over values"),
    "one image after the other": (own_nets.Stacks, ("onnx", "pt2"), "no number of images written down"),
    "ONNX has no such operation": (own_nets.Eigenvalues, ("onnx",), "cannot be exported.*No ONNX function"),
    "random numbers of its own": (own_nets.Draws, ("onnx", "pt2"), "differs by .* no file is kept"),
    "cannot be copied": (own_nets.Holds, ("onnx", "pt2"), "cannot be copied: cannot pickle 'generator'"),
}


@newer
@pytest.mark.parametrize(("build", "endings", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_a_network_that_no_export_can_follow_is_refused_in_a_sentence(
    build: Any, endings: tuple[str, ...], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for ending in endings:
        write = export.to_onnx if ending == "onnx" else export.to_program
        with pytest.raises(ValueError, match=words) as refused:
            write(build((1, 8, 8), 4, 0).eval(), tmp_path / f"x.{ending}")
        assert "\n" not in str(refused.value) and len(str(refused.value)) < 500
    out = capsys.readouterr()
    assert not list(tmp_path.iterdir()) and "def forward" not in out.out + out.err, "exporters print whole programs"


@newer
@pytest.mark.parametrize("ending", ["onnx", "pt2"])
def test_what_computes_something_else_leaves_no_file_and_the_old_one_in_place(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"x.{ending}"
    path.write_bytes(b"old")
    monkeypatch.setattr(export, "TOLERANCE", -1.0)
    write = export.to_onnx if ending == "onnx" else export.to_program
    with pytest.raises(ValueError, match=r"differs by .* from PyTorch's: no file is kept"):
        write(model("gan", "mlp"), path)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


WRONG = {
    "a gan has no encoder": ("mnist-gan-conv --part encoder --to {out}/x.pt2", "only a VAE has an encoder"),
    "a flow has no encoder": ("mnist-flow --part encoder --to {out}/x.pt2", "a flow as its way to an image (part decoder)"),
    "ending": ("mnist-gan-conv --to {out}/x.bin", "the ending says the format"),
    "features": ("mnist-features --to {out}/x.pt2", "makes no images"),
    "no folder": ("mnist-gan-conv --to {out}/no/x.pt2", "cannot be written"),
}


@pytest.mark.parametrize(("line", "message"), WRONG.values(), ids=WRONG.keys())
def test_refused_in_one_line(line: str, message: str, refused: Callable[..., None]) -> None:
    refused(f"export {line}", message)


@newer
def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    assert main(["export", "mnist-gan-conv", "--to", str(tmp_path / "x.onnx")]) == 2
    assert "pip install onnx onnxscript onnxruntime" in capsys.readouterr().err and not list(tmp_path.iterdir())


@newer
def test_the_command_says_how_far_it_is_from_pytorch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "mnist-vae-map", "--to", str(tmp_path / "x.onnx")]) == 0
    assert "differs from PyTorch by at most" in capsys.readouterr().out and (tmp_path / "x.onnx").exists()


@newer
def test_the_program_in_the_readme_runs_without_this_library(tmp_path: Path) -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    (program,) = [block for block in re.findall(r"```python\n(.*?)```", readme, re.S) if "onnxruntime" in block]
    assert main(["export", "mnist-gan-conv", "--to", str(tmp_path / "photos.onnx")]) == 0
    program += "import sys\nprint(images.shape, 'imggen_lib' in sys.modules, 'torch' in sys.modules)\n"
    done = subprocess.run([sys.executable, "-I", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "(4, 1, 28, 28) False False\n"), done.stderr


def test_an_older_pytorch_is_told_that_onnx_needs_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "__version__", type(torch.__version__)("2.8.1"))
    with pytest.raises(ValueError, match=r"ONNX needs PyTorch 2.9 or newer, and this is 2.8.1: write .pt2"):
        export.to_onnx(model("gan", "mlp"), tmp_path / "x.onnx")
    assert not list(tmp_path.iterdir())


def test_a_program_is_written_by_any_pytorch_that_the_library_allows(tmp_path: Path) -> None:
    code = (
        "from imggen_lib import export, pretrained\n"
        "for name, part in (('mnist-gan-classes', 'decoder'), ('mnist-vae-conv', 'encoder')):\n"
        f"    assert export.to_program(pretrained(name), {str(tmp_path / 'x.pt2')!r}, part=part) < 1e-6\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
