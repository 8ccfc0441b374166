"""Models in the form of the Hugging Face hub: a folder that loads again bit for bit, and the hub's library in a fake."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import yaml

from imggen_lib import checkpoint, hub, pretrained
from imggen_lib.cli import main
from imggen_lib.configs import GanConfig
from imggen_lib.data import ImageSet
from imggen_lib.errors import CheckpointError
from imggen_lib.finding import find
from imggen_lib.runs import start


def front(folder: Path) -> dict[str, Any]:
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert text.startswith("---\n")
    return dict(yaml.safe_load(text.split("---\n")[1]))


@pytest.mark.parametrize("name", ["mnist-gan-classes", "mnist-vae-mlp", "mnist-flow-step", "mnist-features"])
def test_a_pushed_folder_loads_again_bit_for_bit(name: str, tmp_path: Path) -> None:
    assert main(["push", name, "--to", str(tmp_path / "m")]) == 0
    assert {p.name for p in (tmp_path / "m").iterdir()} == {"README.md", "config.json", "model.safetensors"}
    ours, again = pretrained(name), checkpoint.load(tmp_path / "m")
    assert again.config == ours.config and again.meta["card"] == ours.meta["card"] and again.tensors.keys() == ours.tensors.keys()
    assert all(v.dtype == again.tensors[k].dtype and torch.equal(v, again.tensors[k]) for k, v in ours.tensors.items())
    assert torch.equal(*(torch.cat([p.flatten() for p in c.model().parameters()]) for c in (ours, again)))
    about = front(tmp_path / "m")
    assert about["license"] == "mit" and about["library_name"] == "imggen_lib" and about["datasets"] == ["ylecun/mnist"]
    assert "imggen_lib" in about["tags"] and about["metrics"]
    assert main(["push", str(tmp_path / "m"), "--to", str(tmp_path / "m")]) == 0  # again, over itself


def test_a_run_of_ones_own_leaves_its_critic_and_its_paths_at_home(tmp_path: Path) -> None:
    data = ImageSet(torch.zeros(4, 1, 8, 8, dtype=torch.uint8), torch.zeros(4).long(), ("a",), "folder:/home/me/secret/cats")
    run = start(GanConfig(image_shape=(1, 8, 8), net="mlp", hidden=(8,), latent_dim=4), data, "cpu")
    run.save(tmp_path / "run", command="python /home/me/secret")
    hub.save(checkpoint.load(tmp_path / "run"), tmp_path / "m")
    again = checkpoint.load(tmp_path / "m")
    assert {k.split(".")[0] for k in again.tensors} == {"ema"} and again.meta["data"]["name"] == "folder:cats"
    assert not any("secret" in p.read_text("utf-8", "ignore") for p in (tmp_path / "m").iterdir())
    assert front(tmp_path / "m")["license"] == "unknown" and again.model()(torch.zeros(2, 4)).shape == (2, 1, 8, 8)
    with pytest.raises(ValueError, match="a license is named"):
        hub.save(again, tmp_path / "n", license="My: own")


def test_networks_of_ones_own_are_pushed_with_the_names_of_their_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = ["--data", "glyphs", "--images", "64", "--batch", "32", "--latent-dim", "4", "--quiet"]
    nets = ["--generator", "own_nets:Generator", "--loss", "own_nets:soft"]
    run, to = str(tmp_path / "run"), tmp_path / "m"
    assert main(["train", "gan", *few, *nets, "--out", run]) == 0
    assert main(["push", run, "--to", str(to)]) == 2 and "--allow own_nets" in capsys.readouterr().err and not to.exists()
    assert main(["push", run, "--allow", "own_nets", "--to", str(to)]) == 0
    card = (to / "README.md").read_text("utf-8")
    assert "`own_nets:Generator`, `own_nets:soft`" in card and "allow={'own_nets'}).model()" in card
    with pytest.raises(CheckpointError, match="--allow own_nets"):
        find(to)
    ours, again = (find(folder, {"own_nets"}) for folder in (run, to))
    assert all(torch.equal(a, b) for a, b in zip(ours.model().parameters(), again.model().parameters(), strict=True))
    assert main(["sample", str(to), "--allow", "own_nets", "-n", "4", "--out", str(tmp_path / "x.png")]) == 0


def test_networks_without_a_name_are_refused_in_words(tmp_path: Path, refused: Callable[..., None]) -> None:
    config = GanConfig(image_shape=(1, 8, 8), net="mlp", hidden=(8,), latent_dim=4)
    checkpoint.save(tmp_path / "run", config.state("cpu"), None)
    refused("export {out}/run --to {out}/x.onnx", "saved without a name")
    refused("push {out}/run --to {out}/m", "without their code")


def test_other_files_are_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    assert main(["push", "mnist-vae-map", "--to", str(tmp_path)]) == 2
    assert "holds other files (thesis.tex)" in capsys.readouterr().err and len(list(tmp_path.iterdir())) == 1


class FakeHub:
    """``huggingface_hub``'s functions at their documented signatures, with a folder for the hub."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def create_repo(self, repo_id: str, *, token: Any = None, private: Any = None, exist_ok: bool = False) -> str:
        (self.root / repo_id).mkdir(parents=True, exist_ok=exist_ok)
        return repo_id

    def upload_folder(
        self, *, repo_id: str, folder_path: str | Path, commit_message: str | None = None, revision: str | None = None
    ) -> str:
        for path in Path(folder_path).iterdir():
            (self.root / repo_id / path.name).write_bytes(path.read_bytes())
        return f"https://huggingface.co/{repo_id}"

    def snapshot_download(self, repo_id: str, *, revision: str | None = None, allow_patterns: Any = None) -> str:
        assert set(allow_patterns) == {"README.md", "config.json", "model.safetensors"}
        if not (self.root / repo_id).is_dir():
            raise OSError("404 Client Error\nmore lines")
        return str(self.root / repo_id)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = FakeHub(tmp_path / "hub")
    names = {name: getattr(made, name) for name in ("create_repo", "upload_folder", "snapshot_download")}
    monkeypatch.setitem(__import__("sys").modules, "huggingface_hub", SimpleNamespace(**names))
    return tmp_path / "hub"


def test_to_the_hub_and_back(fake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["push", "mnist-vae-map", "--to", "hub:me/digits"]) == 0
    assert capsys.readouterr().out.strip() == "https://huggingface.co/me/digits"
    assert main(["sample", "hub:me/digits", "-n", "2", "--out", str(tmp_path / "x.png")]) == 0
    again = find("hub:me/digits")
    assert all(torch.equal(v, again.tensors[k]) for k, v in pretrained("mnist-vae-map").tensors.items())


def test_what_the_hub_sends_is_checked(fake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["push", "mnist-vae-map", "--to", "hub:me/digits"]) == 0
    weights = fake / "me" / "digits" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\1")
    with pytest.raises(CheckpointError, match="damaged"):
        find("hub:me/digits")
    config = fake / "me" / "digits" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "weights": {"file": "../x.pickle", "sha256": "0" * 64}}))
    with pytest.raises(CheckpointError, match=r"plain name of a \.safetensors file"):
        find("hub:me/digits")
    for name, message in (("hub:me/none", "cannot be had: 404 Client Error"), ("hub:me", "is named hub:owner/name")):
        capsys.readouterr()
        assert main(["info", name]) == 2
        told = capsys.readouterr().err
        assert message in told and told.count("\n") == 1


def test_the_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "huggingface_hub", None)
    with pytest.raises(ValueError, match="pip install huggingface_hub"):
        find("hub:me/digits")
