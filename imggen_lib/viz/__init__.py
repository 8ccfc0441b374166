"""Pictures: functions from tensors to something that shows itself in a notebook, so that plot code stays off the page.

Text stays out of the pictures as far as it can: axes have the symbols of the formulas, the words are in the captions.
What several chapters use can be imported from here; one chapter's own charts are in the module of that chapter's name.
"""

from imggen_lib.viz.charts import bars, column, curves, latent_map, smooth
from imggen_lib.viz.figure import DPI, Picture, figure_and_axes
from imggen_lib.viz.pages import Html, film, flipbook, sliders
from imggen_lib.viz.sheets import Sheet, gif, grid, rows, save_grid, tile
from imggen_lib.viz.watch import frames_at, progress

__all__ = [
    "DPI",
    "Html",
    "Picture",
    "Sheet",
    "bars",
    "column",
    "curves",
    "figure_and_axes",
    "film",
    "flipbook",
    "frames_at",
    "gif",
    "grid",
    "latent_map",
    "progress",
    "rows",
    "save_grid",
    "sliders",
    "smooth",
    "tile",
]
