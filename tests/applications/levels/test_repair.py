"""The rule that mends pipes: nothing is broken afterwards, what was whole stays, and what was nearly a pipe becomes that pipe."""

import numpy as np
import pytest

from imggen_lib.applications.levels import grammar, models, tiles
from imggen_lib.applications.levels.measures import broken_pipes, pipe_tiles
from imggen_lib.applications.levels.repair import mended


def level(*rows: str) -> tiles.Level:
    return tiles.parse_level("\n".join(rows) + "\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (("----", "-<>-", "-[--", "XXXX"), ("----", "-<>-", "-[]-", "XXXX")),  # half a stem is missing
        (("----", "-[>-", "-[]-", "XXXX"), ("----", "-<>-", "-[]-", "XXXX")),  # half a mouth is
        (("-<>-", "----", "----", "XXXX"), ("-<>-", "-[]-", "-[]-", "XXXX")),  # it hangs in the air
        (("----", "-<--", "-[]-", "XXXX"), ("----", "-<>-", "-[]-", "XXXX")),
        (("----", "---<", "----", "XXXX"), ("----", "---<", "---[", "XXXX")),  # what lies beyond the edge is not known
        (("----", "-<>-", "-[]-", "----"), ("----", "-<>-", "-[]-", "-[]-")),  # no ground: down to the lowest row
        (("----", "-<>-", "-[]-", "X-XX"), ("----", "-<>-", "-[]-", "X[]X")),  # ground under one half is none
        (("-<>--", "-[]<-", "-[][-", "XXXXX"), ("-<>--", "-[]--", "-[]--", "XXXXX")),  # one pipe is left of what touches
    ],
)
def test_what_was_nearly_a_pipe_becomes_it(before: tuple[str, ...], after: tuple[str, ...]) -> None:
    given = level(*before)
    kept = given.copy()
    assert tiles.level_text(mended(given)).split() == list(after)
    assert (given == kept).all()


def test_whole_levels_stay_as_they_are() -> None:
    for window in tiles.all_windows(grammar.split()[1], step=16):
        assert (mended(window) == window).all()


def test_no_pipe_is_broken_afterwards_and_little_else_is_changed() -> None:
    drawn = models.draw_levels(models.pretrained("levels-vae").model(), 200, seed=900)
    after = [mended(one) for one in drawn]
    wrong = [k for k in range(200) if broken_pipes(drawn[k])]
    assert len(wrong) > 60 and not any(broken_pipes(one) for one in after)
    assert all((drawn[k] == after[k]).all() for k in set(range(200)) - set(wrong))
    assert np.mean([(drawn[k] != after[k]).sum() for k in wrong]) < 10
    assert sum(pipe_tiles(one) > 0 for one in after) >= 0.9 * sum(pipe_tiles(one) > 0 for one in drawn)


def test_any_tangle_of_pipes_is_mended() -> None:
    random = np.random.default_rng(0)
    for _ in range(200):
        one = random.choice(np.array([tiles.EMPTY, tiles.GROUND, *tiles.PIPE], np.uint8), size=(8, 10))
        assert broken_pipes(mended(one)) == 0
