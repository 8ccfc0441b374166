"""Play a level: a platform game in the page, an agent that one can watch, and levels of one's own.

The engine (``js/game_physics.js``) and the agent (``js/game_agent.js``) are :mod:`imggen_lib.applications.levels.physics` and
:mod:`imggen_lib.applications.levels.agent` once more, to the bit, so that a proof made in Python holds in the page.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from imggen_lib.live.base import Live
from imggen_lib.live.shipped import DECODER, LEVELS, kept, offers, packed_file

if TYPE_CHECKING:
    from imggen_lib.applications.levels.tiles import Level

MOST = 12  # levels of one's own: they stand in the page


@offers(LEVELS)
def levels() -> dict[str, Any]:
    """The levels of the game, their proofs and the pictures of their tiles: ``{"spec": ..., "bytes": ...}``.

    The bytes are the levels' texts, deflated, with an empty line between two.
    """
    return kept(LEVELS, "texts")


@offers(DECODER)
@cache
def level_decoder() -> dict[str, Any]:
    """What makes levels in the page, the generator ``levels-gan-local`` up to its logits, in half precision."""
    from imggen_lib.applications.levels.models import pretrained
    from imggen_lib.live.layers import unrolled
    from imggen_lib.live.pack import written

    config, model = (found := pretrained("levels-gan-local")).config, found.model()
    said, content = written({"decode": unrolled(model)})
    shape = {"latent": config.latent_dim, "image": list(config.image_shape), "classes": 0}
    return {"spec": {**said, **shape, "name": DECODER}, "bytes": content}


class GameDemo(Live):
    """See :func:`game`."""

    demo = "game"
    parts = ("maths", "product", "net", "game_physics", "game_agent", "game_draw")
    words = "A live demo stands here: a platform game to play, and an agent to watch. It needs JavaScript, or a running notebook."

    def file(self, name: str) -> dict[str, Any]:
        return packed_file(name) if name in (LEVELS, DECODER) else super().file(name)


def game(
    levels: "Sequence[Level] | None" = None, *, first: int | None = None, strings: Mapping[str, str] | None = None
) -> GameDemo:
    """Play platform levels with the arrow keys, by touch or with a gamepad, or watch an agent finish them.

    `levels` are arrays of tile numbers (:mod:`imggen_lib.applications.levels.tiles`), up to twelve, shown in their order; for each
    of them the agent searches in the page. Without them the stored levels are played, each with inputs that finish it, in the order
    of their difficulty; and a network makes new ones from seeds, which the agent has to finish before they are shown. `first`,
    counted from 0, is the one to begin with. Raises ``ValueError`` for what is no level, or too many.
    """
    from imggen_lib.applications.levels.tiles import COLUMNS, level_text

    options: dict[str, Any] = {"model": LEVELS}
    if levels is None:
        options["choices"] = [DECODER]  # loaded when a new level is asked for
    else:
        if not 1 <= len(levels) <= MOST:
            raise ValueError(f"from 1 to {MOST} levels can be played in one demo, got {len(levels)}")
        options["levels"] = [level_text(level) for level in levels]
        if any(level.shape[1] < COLUMNS // 2 or level.shape[0] > 24 for level in levels):
            raise ValueError(f"a level to play has {COLUMNS // 2} or more columns and 24 or fewer rows")
    count = len(levels) if levels is not None else len(packed_file(LEVELS)["spec"]["levels"])
    if first is not None:
        if not 0 <= first < count:
            raise ValueError(f"the first level is a number from 0 to {count - 1}, got {first}")
        options["first"] = first
    return GameDemo(options, strings=strings)
