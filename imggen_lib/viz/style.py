"""One visual language: what each colour means in the whole book, and how thick a line is.

Charts name a meaning (``style.DATA``), never a colour. The colours are near Okabe and Ito's, made darker or lighter until each has
3 to 1 on white and on the page's dark ground. Meanings that meet in one picture differ for colour-blind readers, and in print
without colour by lightness, dashes or the shape of the mark (tests). Source of the idea: https://jfly.uni-koeln.de/color/.
"""

from typing import Any

from matplotlib.colors import LinearSegmentedColormap, to_rgba

PAGE_LIGHT, PAGE_DARK = "#ffffff", "#121212"  # the page's two grounds

INK = "#797979"  # 4.3 to 1 on both grounds
BLUE, ORANGE, GREEN = "#0a6cad", "#dd7a10", "#08a559"
RED, PURPLE, TEAL = "#c62f45", "#7d63c9", "#128a96"

DATA = BLUE  # the data, what is real, what is given
MODEL = ORANGE  # the generator's or the model's, what is made
NOISE = INK  # the random numbers that go in
CRITIC = INK  # the critic's answer
NETWORK = GREEN  # in diagrams: a network
GRADIENT = PURPLE  # the way of a gradient
WARNING = RED  # where something goes wrong
REFERENCE = "black"  # an exact value, a baseline, a yardstick: dashed; black becomes INK when the picture is shown
MARK = "black"  # single points that stand out
CONTEXT = "0.6"  # what belongs to the picture and is not its subject
BAND = "0.9"  # a range that is not told from chance
WHITE = "white"  # a sheet as a printer takes it
PAPER = "#ddd5c4"  # what ink stands on that is meant for paper, on light pages and dark ones
HOLLOW, ON_COLOUR = "white", "white"  # the inside of an open mark; words on a coloured ground
WORSE, BETTER = MODEL, DATA  # what a metric calls worse, what it calls better
GAN, VAE, FLOW = MODEL, PURPLE, GREEN  # the families side by side; the marks differ as well: round, square, an arrow

CYCLE = (BLUE, ORANGE, GREEN, RED, PURPLE, TEAL)  # named series without a meaning of their own
DASHES = (
    "-",
    "--",
    "-.",
    ":",
    (0, (5, 1, 1, 1, 1, 1)),
    (0, (8, 2)),
)
DENSITY = LinearSegmentedColormap.from_list("density", [(*to_rgba(BLUE)[:3], alpha) for alpha in (0.0, 0.5, 1.0)])

HAIR, THIN, LINE, BOLD = 0.7, 1.0, 1.6, 2.2  # points: help, context, a curve, what the picture is about
GRID, AREA, CLOUD = 0.3, 0.4, 0.8  # how opaque: the grid, an area's inside (its edge is opaque), points in a crowd


def series(k: int) -> dict[str, Any]:
    """The colour and the dashes of the k-th of several named lines without a meaning of their own."""
    return {"color": CYCLE[k % len(CYCLE)], "linestyle": DASHES[k % len(DASHES)]}


def area(colour: str) -> dict[str, Any]:
    """The arguments of a filled area: a pale inside, and an edge that is told from both grounds."""
    return {"facecolor": (*to_rgba(colour)[:3], AREA), "edgecolor": colour, "linewidth": LINE}


def class_colour(k: int) -> tuple[float, float, float, float]:
    """The colour of the k-th class of a data set; ten differ, and each class has its name in the picture as well."""
    from matplotlib import colormaps

    return to_rgba(colormaps["tab10"](k % 10))
