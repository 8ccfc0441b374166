"""The record of the chapter on games: its numbers are what they say, and the models that ship are those of its script."""

import levels as script
import numpy as np
import pytest
import scipy.stats

from imggen_lib.applications.levels import models, tiles
from imggen_lib.applications.levels.agent import solve
from imggen_lib.applications.levels.measures import broken_pipes
from imggen_lib.configs import GanConfig
from imggen_lib.measured import measured


def test_the_rank_correlation_is_scipy_s_and_its_interval_holds_it() -> None:
    pairs = [(2, 2), (2, 3), (4, 3), (4, 4), (4, 5), (6, 5), (6, 4), (6, 6)]
    value, low, high, n = script.rank_correlation(pairs)
    assert value == pytest.approx(scipy.stats.spearmanr(pairs).statistic, abs=1e-4) and n == 8
    assert -1 <= low < value < high <= 1


def test_shuffled_columns_keep_every_column() -> None:
    level = np.arange(12, dtype=np.uint8).reshape(1, 2, 6)
    mixed = script.shuffled(np.repeat(level, 3, 0))
    assert all(sorted(map(tuple, m.T)) == sorted(map(tuple, level[0].T)) for m in mixed)
    assert not (mixed == level).all()


@pytest.mark.parametrize("name", [*script.BETAS, *script.GANS])
def test_the_models_that_ship_are_small_and_those_of_the_script(name: str) -> None:
    assert name in models.shipped()
    saved = models.pretrained(name)
    assert (models.WEIGHTS / f"{name}.safetensors").stat().st_size < 400_000
    assert saved.meta["card"]["command"] == f"python scripts/records/levels.py train {name}"
    assert saved.meta["data"]["name"] == "grammar"
    if name in script.BETAS:
        beta, images = script.BETAS[name]
        assert saved.config.beta == beta and images <= saved.meta["images"] < images + saved.config.batch
    else:
        wanted = models.gan_config(**script.GANS[name])
        assert isinstance(saved.config, GanConfig) and saved.config.generator == wanted.generator
        assert saved.config.generator_options == wanted.generator_options and saved.config.critic_options == wanted.critic_options
        assert (saved.config.r1, saved.config.head_start) == (wanted.r1, wanted.head_start)
    assert models.draw_levels(saved.model(), 2).shape == (2, 16, 32)


def test_budgets_and_rare_counts_of_the_record_are_what_they_say() -> None:
    record = measured("levels")
    rows = record["originals"]["levels"]
    assert len(rows) == 15 and {row["outcome"] for row in rows.values()} <= {"finished", "unreachable", "out of nodes"}
    for most, count in record["originals"]["finished"].items():
        assert count == sum(row["outcome"] == "finished" and row["nodes"] <= int(most) for row in rows.values())
    assert record["originals"]["finished"]["20000"] >= 14
    for name, found in record["sets"].items():
        assert all(0 <= low <= value <= high for value, low, high, _ in found["cells"].values()), name
        if name.endswith("mended"):
            assert found["cells"]["pipes broken"][0] == 0


def test_what_searches_found_can_be_finished_and_has_no_broken_pipe_where_it_is_perfect() -> None:
    record = measured("levels")
    for name, found in record["searches"].items():
        for row in found["rows"]["CMA-ES"] if name != "difficulty" else ():
            level = tiles.parse_level(row["text"])
            assert broken_pipes(level) == row["broken"]
            if row["off"] == 0:
                assert row["broken"] == 0 and solve(level, nodes=record["protocol"]["agent_nodes"]).finished
