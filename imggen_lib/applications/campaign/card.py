"""The card of the garments' generator as this campaign uses it: what for, what not for, what was measured, and its limits."""

from collections.abc import Mapping
from typing import Any

from imggen_lib.applications.card import card
from imggen_lib.applications.report import Check
from imggen_lib.applications.verdict import Measured

USE = "Drafts, mood pictures that are said to be generated, and tests of layout, colour and loading time, in the ten fixed sizes."
NOT_FOR = "Showing goods for sale: these garments cannot be bought, and an advertisement that shows them as goods is misleading."
LIMITS = (
    "No check says whether anybody likes a banner, clicks on it or buys anything; that takes a sample, which the chapter computes.",
    "That a garment is not near to a training garment does not make it new, and does not clear it of anybody's rights in a design.",
    "Whether a garment is recognised was asked of the classifier that chose it, so that number flatters.",
    "At 320x50 and 300x50 garments are 44 pixels wide, and about one in five of the chosen ones is not recognised any more.",
    "The type has Latin, Greek and Cyrillic letters, not Chinese, Japanese or Korean ones.",
)


def campaign_card(record: Mapping[str, Any]) -> str:
    """The card as Markdown, from the record ``measured("campaign")``."""
    ours = record["sets"]["generated, chosen"]
    small = ours["recognised"]["320x50"]
    checks = [
        Check("banners that pass every check", Measured(*ours["passed"]), at_least=1.0),
        Check("garments near a training garment", Measured(*ours["near"]), at_most=0.01),
        Check("garments recognised, all sizes", Measured(*ours["recognised at all"]), at_least=0.9),
        Check("garments recognised at 320x50", Measured(*small[:4])),
    ]
    return card(
        "fashion-gan-classes, in a campaign", use=USE, not_for=NOT_FOR, limits=LIMITS, checks=checks, license="mit",
        warnings=("Drafts and mood pictures: these garments were generated, and nobody can buy them.",),
        sources=("Fashion-MNIST (Xiao, Rasul and Vollgraf 2017), MIT.", "Type: DejaVu Sans Bold, free to use and to embed."),
        tags=("advertising", "fashion"),
    )  # fmt: skip
