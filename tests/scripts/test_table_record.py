"""The results table's script: every row can be trained and measured, and rows can be put into a record that is there."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import table

from imggen_lib.configs import FlowConfig
from imggen_lib.data import ImageSet, glyphs
from imggen_lib.measured import measured
from imggen_lib.models.flow import Flow
from imggen_lib.viz.results import family


def new(name: str, **changes: Any) -> dict[str, Any]:
    """A record of one row, as the script makes it for ``--only``, measured like the one that is there."""
    before = measured("table")
    rows: dict[str, Any] = {key: {name: f"new {key}"} for key in ("configurations", "runs", "samples")}
    same = {key: before[key] for key in ("protocol", "real_images", "versions")}
    return {
        **same,
        "command": f"{before['command']} --only {name!r} --add",
        "machine": "m",
        "worst": {},
        "worst_logits": {},
        **rows,
        **changes,
    }


def test_a_row_is_put_into_its_place_and_the_others_stay() -> None:
    before = {key: value for key, value in measured("table").items() if key != "added"}
    kept = copy.deepcopy(before)
    record = table.added(before, new("VAE, MLP"))
    assert before == kept and list(record["runs"]) == [name for name in table.VARIANTS if name in record["runs"]]
    for key in ("configurations", "runs", "samples"):
        assert record[key] == {**kept[key], "VAE, MLP": f"new {key}"}
    assert record["added"]["VAE, MLP"]["machine"] == "m" and record["machine"] == kept["machine"]
    spread = next(iter(kept["worst"]))  # its seeds differed, and those of the new trainings do not
    assert spread not in table.added(before, new(spread))["worst"]
    flow = table.added(record, new("Flow matching"))
    assert set(flow["runs"]) >= {"Flow matching", *kept["runs"]} and set(flow["added"]) == {"VAE, MLP", "Flow matching"}


@pytest.mark.parametrize("change", [{"protocol": {}}, {"command": "python scripts/records/table.py --data mnist --images 10"}])
def test_rows_of_two_protocols_do_not_stand_in_one_table(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="two protocols"):
        table.added(measured("table"), new("Flow matching", **change))


def test_every_row_has_a_family() -> None:
    assert all(family(name) for name in table.VARIANTS)


def test_a_flow_s_row_trains_goes_on_and_is_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def digits(data: str, split: str) -> ImageSet:
        return glyphs.make("train", n=64, classes="0123456789")

    monkeypatch.setattr(table, "load", digits)
    config = table.VARIANTS["Flow matching, classes"]
    assert isinstance(config, FlowConfig)
    for images in (64, 128):
        run, seconds = table.trained(replace(config, width=4, seed=1), tmp_path, "glyphs", images)
        assert run.state.images == images and seconds > 0 and isinstance(run.state.ema, Flow)
    assert run.config.schedule_images == 64 and run.config.classes == 10
