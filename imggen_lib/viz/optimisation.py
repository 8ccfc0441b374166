"""Pictures for the chapter on generation by optimisation."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from imggen_lib.data import ImageSet
from imggen_lib.viz import style
from imggen_lib.viz.figure import Picture, cell, figure_and_axes, palette_png
from imggen_lib.viz.pages import Html, sliders
from imggen_lib.viz.sheets import Sheet, enlarged, tile


class Plate(Sheet):
    """A sheet of colour images in up to 64 colours instead of 32."""

    colours = 64

    def _repr_png_(self) -> bytes:
        return palette_png(enlarged(self.sheet, self.scale), self.colours)


def plate(images: Sequence[Tensor], columns: int | None = None, scale: int = 2) -> Plate:
    """Colour images ``(1, c, h, w)`` side by side; smaller ones are enlarged to the largest one's size, pixel by pixel."""
    if not images:
        raise ValueError("there is nothing to show")
    size = max(image.shape[2] for image in images)
    same = [torch.nn.functional.interpolate(image.cpu(), size=(size, size), mode="nearest") for image in images]
    return Plate(tile(torch.cat(same), columns or len(images), gap=2), scale)


def pyramid_picture(levels: Sequence[Tensor]) -> Picture:
    """The levels of a Laplacian pyramid ``(1, 1, h, w)`` side by side, all enlarged to the same size; grey is 0."""
    figure, axes = figure_and_axes(6.0, 1.75, ncols=len(levels))
    for j, (ax, level) in enumerate(zip(axes, levels, strict=True)):
        ax.imshow(level[0, 0].cpu().numpy(), cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
        ax.set(xticks=[], yticks=[])
        ax.set_xlabel(f"$L_{j}$: {level.shape[3]}$\\times${level.shape[2]}", fontsize=10)
    return figure


def code_map(z: Tensor, data: ImageSet, ellipse: tuple[Tensor, Tensor]) -> Picture:
    """Two-dimensional latents coloured by class, the unit circle, and the fitted Gaussian's ellipses at one and two deviations.

    `ellipse` is the Gaussian's mean ``(2,)`` and root ``(2, 2)``.
    """
    figure, ax = figure_and_axes(5.0, 4.6)
    xy, labels = z.detach().cpu().numpy(), data.labels[: len(z)].cpu().numpy()
    for k, name in enumerate(data.classes):
        mine, colour = xy[labels == k], style.class_colour(k)
        ax.scatter(mine[:, 0], mine[:, 1], s=6, color=colour, linewidths=0, alpha=style.CLOUD)
        if len(mine):
            box = {"boxstyle": "circle,pad=0.2", "facecolor": cell(colour, 1.0), "edgecolor": style.ON_COLOUR}
            ax.text(
                *np.median(mine, 0), name, ha="center", va="center", fontsize=10, weight="bold", color=style.ON_COLOUR, bbox=box
            )
    angle = torch.linspace(0, 2 * torch.pi, 200, dtype=torch.float64)
    circle = torch.stack([angle.cos(), angle.sin()], 1)
    ax.plot(*circle.T.numpy(), color=style.CONTEXT, linewidth=style.THIN)
    mean, root = (part.cpu().double() for part in ellipse)
    for deviations in (1, 2):
        ax.plot(*(mean + deviations * circle @ root.T).T.numpy(), color=style.MARK, linewidth=style.LINE, linestyle="--")
    ax.set(xlabel="$z_1$", ylabel="$z_2$", aspect="equal", xlim=(-1.45, 1.45), ylim=(-1.25, 1.25))
    return figure


def picture_slider(table: Mapping[str, Mapping[float, Tensor]], names: tuple[str, str], alt: str) -> Html:
    """Two sliders over colour images ``(1, 3, h, w)``: which row of the table, and which of its values."""

    def draw(row: str, value: float) -> Picture:
        figure, ax = figure_and_axes(3.6, 3.6)
        figure.set_layout_engine("none")
        ax.set_position((0, 0, 1, 1))
        ax.imshow(tile(table[row][value], 1, gap=0), interpolation="nearest")
        ax.axis("off")
        return figure

    values = list(next(iter(table.values())))
    return sliders(draw, {names[0]: list(table), names[1]: values}, alt, colours=64)


def moved(by: Sequence[int], costs: Mapping[str, Sequence[float]]) -> Picture:
    """What several distances say of a stroke that was moved by so many pixels, each relative to its value at the first move."""
    if not costs or any(len(values) != len(by) for values in costs.values()):
        raise ValueError(f"expected {len(by)} values of each distance, got {[len(values) for values in costs.values()]}")
    figure, ax = figure_and_axes(4.6, 2.8)
    for (name, values), look in zip(costs.items(), ("s--", "o-", "^:"), strict=False):
        ax.plot(by, [value / values[0] for value in values], look, markersize=5, label=name)
    ax.set(xlabel=r"$\Delta$ [pixel]", ylabel=r"$d(\Delta)\, /\, d(1)$", ylim=(0, None))
    ax.grid(alpha=0.3)
    ax.legend(frameon=False, fontsize=11)
    return figure


def over_radius(radius: Sequence[float], distance: Sequence[float], grey: Sequence[float], real_grey: float) -> Picture:
    """Two panels over the length of the codes: the Fréchet distance, and the share of grey among the pixels that are not black.

    A vertical line marks the ball's radius 1, a horizontal one the share of grey of real images.
    """
    if not len(radius) == len(distance) == len(grey) > 0:
        raise ValueError(f"expected a distance and a share for each radius, got {len(radius)}, {len(distance)} and {len(grey)}")
    figure, axes = figure_and_axes(6.0, 2.6, ncols=2)
    for ax, values, look, name in zip(axes, (distance, grey), ("o-", "s-"), ("FD", "grey"), strict=True):
        ax.plot(radius, values, look, color=style.DATA, markersize=5)
        ax.axvline(1, color=style.CONTEXT, linewidth=style.THIN, linestyle=":")
        ax.set(xlabel=r"$\Vert z \Vert$", ylabel=name, ylim=(0, None))
        ax.grid(alpha=0.3)
    axes[1].axhline(real_grey, color=style.REFERENCE, linestyle="--")
    return figure
