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
    ships, student = record["full"]["latent flow"], record["full"]["one step"]
    assert ships["frechet"][0] <= 2.2 and ships["right"][0] >= 0.98 and ships["coverage"] >= 0.92
    assert student["frechet"][0] <= 2.6 and record["costs"]["one step"]["flow_ms"] <= 0.1
    assert record["baselines"]["prior N(0, I)"]["frechet"][0] > 30 and record["full"]["mnist-gan-long"]["frechet"][0] < 2
    assert record["likelihood"]["gain"]["steps doubled changes the mean by"] < 0.1


def test_what_is_measured_is_what_ships() -> None:
    flow = latent_flow("mnist-flow-latent")
    assert (flow.flow.solver, flow.flow.steps, flow.flow.guidance) == ("heun", 2, 1.1)
    chosen = measured("latent")["choice"]  # on training images: the least guidance whose classes are right as often as was asked
    assert min(float(w) for w, row in chosen.items() if row["right"][0] >= 0.98) == flow.flow.guidance


@pytest.mark.parametrize("name", ["flow", "flow_fashion"])
def test_the_guided_sampler_of_pixels_was_chosen_on_training_images(name: str) -> None:
    rows = measured(name)["rows"]
    tried = {way: row for way, row in rows.items() if way.startswith("choice/") and row["guidance"] > 1}
    best = min(tried, key=lambda way: tried[way]["frechet_distance"]["value"])
    assert len(tried) == 5 and [way for way in rows if way.startswith("sixteen/")] == [best.replace("choice", "sixteen")]


def test_sixteen_evaluations_of_the_flow_of_digits_meet_the_bar_that_the_chapter_states() -> None:
    assert measured("flow")["rows"]["sixteen/midpoint/4/1.1"]["frechet_distance"]["value"] <= 2
