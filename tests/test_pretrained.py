"""The models that ship: whole, small, with a card that says how they were made, and able to draw."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from imggen_lib.checkpoint import load, pretrained, shipped
from imggen_lib.configs import GanConfig
from imggen_lib.data import ImageSet
from imggen_lib.metrics.distribution import class_shares
from imggen_lib.protocol import feature_network
from imggen_lib.sampling import sample

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "imggen_lib" / "pretrained"


@pytest.fixture(scope="module")
def script() -> Any:
    spec = importlib.util.spec_from_file_location("checkpoints", ROOT / "scripts" / "records" / "checkpoints.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["checkpoints"] = module  # where dataclasses look for a field's type
    spec.loader.exec_module(module)
    return module


def test_a_plan_goes_on_where_it_was_and_is_not_mixed_with_another(
    script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = ImageSet.from_float(torch.zeros(64, 1, 8, 8))
    monkeypatch.setattr(script, "load", lambda *_: data)
    config = GanConfig(width=4, latent_dim=4, batch=16)
    plan = script.Plan(config, 32)
    first = script.train("name", plan, tmp_path)
    assert load(tmp_path / "name").meta["images"] == 32 and first > 0
    seconds = script.train("name", replace(plan, images=48), tmp_path)
    assert load(tmp_path / "name").meta["images"] == 48 and seconds > first
    assert script.train("name", plan, tmp_path) == seconds  # nothing to do
    with pytest.raises(SystemExit, match="another plan"):
        script.train("name", replace(plan, config=replace(config, lr=1e-3)), tmp_path)


def test_the_scripts_plans_are_what_ships(script: Any) -> None:
    assert set(shipped()) == {*script.FEATURE_NETS, *script.PLANS, *script.SHIPS}
    for name, plan in script.PLANS.items():
        saved = pretrained(name)
        assert saved.config == plan.config and saved.meta["images"] >= plan.images


def test_all_of_them_stay_small() -> None:
    sizes = [p.stat().st_size for p in FOLDER.glob("*.safetensors")]
    assert max(sizes) < 3_000_000
    assert sum(sizes) < 22_500_000  # 4.6 MB of them are the flows of codes, which have the VAE's weights in its own file
    assert {p.stem for p in FOLDER.glob("*.safetensors")} == set(shipped())


@pytest.mark.parametrize("name", shipped())
def test_the_card_says_everything(name: str) -> None:
    meta = pretrained(name).meta
    card = meta["card"]
    assert card["command"] == f"python scripts/records/checkpoints.py {name}"
    assert f"tag v{meta['versions']['imggen_lib']}" in card["source"]  # the installed package has no scripts
    assert card["training_seconds"] > 30 and card["hardware"] and card["load"] and "seed" in card
    assert card["quality"]["protocol"] and len(card["quality"]) > 1
    assert meta["data"]["name"] == ("fashion-mnist" if name.startswith("fashion") else "mnist")
    assert len(meta["data"]["sha256"]) == 64 and meta["versions"]["torch"]


@pytest.mark.parametrize("name", [n for n in shipped() if not n.endswith("-features")])
def test_what_they_draw_looks_like_their_data_to_the_classifier(name: str) -> None:
    images = sample(pretrained(name).model(), 300)
    assert images.shape == (300, 1, 28, 28) and torch.isfinite(images).all()
    shares, confidence = class_shares(feature_network(pretrained(name).meta["data"]["name"]), images)
    assert shares.min() > 0.01 and shares.max() < 0.3 and confidence > 0.75


def test_the_feature_networks_are_good_enough() -> None:
    """What the book's distances rest on; measured by the script on the whole test sets."""
    for name, least in (("mnist-features", 0.994), ("fashion-features", 0.915)):
        assert pretrained(name).meta["card"]["quality"]["test_accuracy"] >= least
