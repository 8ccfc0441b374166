"""The flows of codes that ship: with cards, able to draw, and as good as the record says."""

import pytest
import torch

from imggen_lib.checkpoint import pretrained
from imggen_lib.latent_flows import card, latent_flow, names
from imggen_lib.measured import measured
from imggen_lib.sampling import sample


@pytest.mark.parametrize("name", names())
def test_it_draws_the_class_that_was_asked_for_and_holds_no_vae(name: str) -> None:
    model, meta = latent_flow(name), card(name)
    y = torch.arange(200) % 10
    right = pretrained("mnist-features").model()(sample(model, 200)).argmax(1) == y
    assert right.float().mean() > 0.9
    assert meta["card"]["training_seconds"] > 5 and "licence" in meta["card"] and meta["config"]["vae"] == "mnist-vae-res"


def test_other_names_are_refused() -> None:
    with pytest.raises(ValueError, match="latent flow"):
        latent_flow("mnist-flow-latnt")


def test_the_record_meets_the_bars_that_the_chapter_states() -> None:
    record = measured("latent")
    assert record["flow 0"]["heun 4"]["frechet"][0] <= 2.2 and record["full"]["latent flow"]["coverage"] >= 0.92
    assert record["pairs 0"]["euler 1"]["frechet"][0] <= 2.6 and record["costs"]["one step"]["flow_ms"] <= 0.1
    assert record["baselines"]["prior N(0, I)"]["frechet"][0] > 30 and record["full"]["mnist-gan-long"]["frechet"][0] < 2
