"""One example of every live demo, for the tests of what all of them have in common."""

from collections.abc import Callable

from imggen_lib import live
from imggen_lib.live.base import Live

DEMOS: dict[str, Callable[[], Live]] = {
    "explorer": lambda: live.explorer("mnist-vae-map", seed=1),
    "drawing": live.drawing,
    "real_or_fake": live.real_or_fake,
    "trainer": lambda: live.trainer("gan"),
    "flow": live.flow,
    "latent": live.latent,
    "game": live.game,
    "world": live.world,
    "xrays": live.xrays,
    "characters": live.characters,
    "campaign": live.campaign,
    "bandit": live.bandit,
    "worksheet": lambda: live.worksheet(3, "subtraction", "hard", 6),
    "surface": live.surface,
    "sizes": live.sizes,
    "sentence": live.sentence,
}
