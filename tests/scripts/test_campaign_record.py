"""The record of the chapter on advertising: its bars are met, its choice can be made again, and its shares are what they say."""

import campaign as script
import pytest

from imggen_lib.applications.campaign import choose
from imggen_lib.applications.campaign.palette import contrast, palette
from imggen_lib.applications.campaign.sizes import SIZES
from imggen_lib.checkpoint import pretrained
from imggen_lib.measured import measured
from imggen_lib.metrics.intervals import wilson_interval
from imggen_lib.protocol import feature_network
from imggen_lib.sampling import sample

RECORD = measured("campaign")


def test_every_banner_of_ours_passes_and_hardly_one_of_the_baseline() -> None:
    ours, trivial = RECORD["sets"]["generated, chosen"], RECORD["sets"]["random colours, enlarged pixels"]
    assert ours["passed"][0] == 1 and ours["passed"][3] == 10 * 12 * 3 + 10 * 12 and not any(ours["failed"].values())
    assert ours["heaviest share of the limit"] <= 0.6 and ours["near"][0] == 0
    assert trivial["passed"][2] < 0.1 and trivial["failed"]["contrast"] > 100
    assert ours["layouts"]["120x60"] == {"logo": 48} and "logo" not in ours["layouts"]["300x250"]


def test_shares_have_wilson_s_interval_and_their_n() -> None:
    assert script.share(3, 10) == pytest.approx((0.3, *wilson_interval(3, 10), 10), abs=1e-5)
    for row in RECORD["sets"].values():
        value, low, high, n = row["passed"]
        assert (low, high) == pytest.approx(wilson_interval(round(value * n), n), abs=1e-5) and n >= 120
        sums = [sum(round(cell[0] * cell[3]) for cell in row["recognised"].values()), sum(c[3] for c in row["recognised"].values())]
        assert row["recognised at all"] == pytest.approx(script.share(*sums), abs=1e-4)
        assert row["recognised"].keys() == {one.name for one in SIZES}


def test_colours_are_as_recorded() -> None:
    for hue in (0, 90, 200, 359):
        made = palette(hue)
        assert RECORD["colours"]["button contrasts"]["solved"][hue] == pytest.approx(
            contrast(made.button, made.button_text), abs=1e-3
        )
    assert RECORD["colours"]["button"]["solved"][:1] == [1.0] and RECORD["colours"]["button"]["equal lightness"][2] < 0.9
    assert 0.11 < RECORD["colours"]["random pairs"]["4.5"][0] < 0.13 and 0.25 < RECORD["colours"]["random pairs"]["3.0"][0] < 0.28


@pytest.mark.parametrize("label", [0, 3, 8])
def test_the_choice_can_be_made_again_from_the_record(label: int) -> None:
    known = RECORD["garments"][str(label)]
    images = sample(pretrained("fashion-gan-classes").model(), script.SEEDS, labels=label)
    sure = choose.class_probabilities(feature_network("fashion-mnist"), images, images.new_full((len(images),), label).long())
    rows = zip(sure.tolist(), choose.silhouettes(images).tolist(), known["distances"], strict=True)
    found = [choose.Candidate(label, k, *numbers) for k, numbers in enumerate(rows)]
    rules = choose.Rules(*known["rules"])
    assert choose.choose(found, images, rules) == known["chosen"]
    assert abs(sum(not choose.refusals(one, rules) for one in found) - known["keep the rules"]) <= 1
    assert all(known["distances"][k] >= rules.near for k in known["chosen"])
