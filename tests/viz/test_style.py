"""One visual language: colours by meaning, told from both grounds, by colour-blind readers, and in print without colour."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import is_color_like, to_hex, to_rgb, to_rgba_array
from skimage.color import rgb2hsv, rgb2lab

from imggen_lib.viz import style
from imggen_lib.viz.background import pushforward
from imggen_lib.viz.charts import curves
from imggen_lib.viz.figure import for_both_grounds, luminance, on_both
from imggen_lib.viz.gan import discriminator

VIZ = Path(style.__file__).parent
LIVE = VIZ.parent / "live"
MEANINGS = ("DATA", "MODEL", "NETWORK", "GRADIENT", "WARNING", "CRITIC", "NOISE", "GAN", "VAE", "FLOW")
TOGETHER = [("DATA", "MODEL"), ("DATA", "CRITIC"), ("MODEL", "CRITIC"), ("GAN", "VAE"), ("MODEL", "GRADIENT"), ("DATA", "WARNING"),
            ("GAN", "FLOW"), ("VAE", "FLOW"), ("NETWORK", "GRADIENT"), ("NETWORK", "MODEL"), ("NETWORK", "DATA")]  # fmt: skip
# Machado, Oliveira and Fernandes (2009), severity 1, for linear RGB.
BLIND = {
    "none": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def _contrast(a: object, b: object) -> float:
    high, low = sorted((luminance(a) + 0.05, luminance(b) + 0.05), reverse=True)
    return high / low


def _lab(colour: object, blind: str) -> np.ndarray:
    srgb: np.ndarray = np.array(to_rgb(colour))  # type: ignore[arg-type]
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(BLIND[blind]) @ linear, 0, 1)
    back = np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)
    return np.asarray(rgb2lab(back[None, None])[0, 0])


def _literals(path: Path) -> list[str]:
    """Strings that matplotlib or a page would take for a colour, where a colour is given, and colours inside HTML."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.keyword) and node.arg and re.search("colou?r|^[cm]?[ef]c$", node.arg):
            inside = [n.value for n in ast.walk(node.value) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
            found += [s for s in inside if s != "none" and is_color_like(s)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            s = node.value
            grey_or_name = bool(re.fullmatch(r"C\d|tab:\w+|tab10|0?\.\d+", s))
            found += [s] * (grey_or_name or bool(re.search(r"(?<!&)#(?:[0-9a-f]{6}|[0-9a-f]{3})\b|rgba?\(\d", s, re.I)))
    return found


@pytest.mark.parametrize("path", sorted(set(VIZ.glob("*.py")) - {VIZ / "style.py"}), ids=lambda path: path.stem)
def test_colours_have_a_name_with_a_meaning(path: Path) -> None:
    assert not _literals(path)


def test_literal_colours_are_found(tmp_path: Path) -> None:
    lines = (
        'a(color="black")',
        'a(markeredgecolor="0.4")',
        'X = "#4c72b0"',
        'X = "tab:blue"',
        'a(color={1: "C0"})',
        'h = "<i style=color:#abc>"',
    )
    for line in lines:
        (tmp_path / "a.py").write_text(line, encoding="utf-8")
        assert _literals(tmp_path / "a.py"), line


def test_every_colour_is_told_from_both_grounds_as_it_is() -> None:
    for colour in [*style.CYCLE, *(getattr(style, name) for name in MEANINGS)]:
        assert min(_contrast(colour, ground) for ground in (style.PAGE_LIGHT, style.PAGE_DARK)) >= 3, colour
        assert np.abs(np.array(on_both(colour)[:3]) - to_rgb(colour)).max() < 0.01, "the picture shows it unchanged"
    assert _contrast(on_both(style.REFERENCE), style.PAGE_DARK) > 4


@pytest.mark.parametrize("blind", list(BLIND))
def test_meanings_that_meet_differ_for_everybody(blind: str) -> None:
    for a, b in TOGETHER:
        difference = np.linalg.norm(_lab(getattr(style, a), blind) - _lab(getattr(style, b), blind))
        assert difference > 18, f"{a} and {b}: {difference:.1f}"


def test_data_and_model_differ_in_print_without_colour() -> None:
    assert abs(_lab(style.DATA, "none")[0] - _lab(style.MODEL, "none")[0]) > 14


def test_named_series_differ_in_print_without_colour() -> None:
    records = [{"images": k, **{name: float(k) for name in "abcdef"}} for k in range(1, 4)]
    figure = curves(records, list("abcdef"))
    lines = figure.axes[0].get_lines()
    assert len({str(line._dash_pattern) for line in lines}) == len(lines) == len(style.CYCLE)  # type: ignore[attr-defined]
    assert len({to_hex(line.get_color()) for line in lines}) == len(lines)


def test_areas_have_an_edge_that_is_seen() -> None:
    import torch

    x = torch.linspace(-3, 3, 61, dtype=torch.float64)
    p = torch.exp(-x.square()) / torch.exp(-x.square()).sum()
    areas = 0
    for figure in (discriminator(x, p, p.flip(0), 0 * x + 0.5), pushforward(x, p, x, p)):
        for_both_grounds(figure)
        for ax in figure.axes:
            for drawn in ax.collections:
                (edge,) = to_rgba_array(drawn.get_edgecolor())
                assert edge[3] == 1 and min(_contrast(edge, g) for g in (style.PAGE_LIGHT, style.PAGE_DARK)) > 2.99
                assert np.min(drawn.get_linewidth()) >= 1
                areas += 1
    assert areas == 4


def _hue(colour: str) -> float:
    return float(360 * rgb2hsv(np.array(to_rgb(colour))[None, None])[0, 0, 0])


def test_the_live_demos_have_the_same_blue_and_orange() -> None:
    css, draw = ((LIVE / name).read_text(encoding="utf-8") for name in ("live.css", "js/trainer_draw.js"))
    both = {"blue": style.DATA, "orange": style.MODEL}
    found = [(c, both[n]) for n, c in re.findall(r"--il-(blue|orange): (#\w{6})", css)]
    found += [(c, both[{"real": "blue", "fake": "orange"}[n]]) for n, c in re.findall(r'(real|fake): "(#\w{6})"', draw)]
    assert len(found) == 8
    for k, (colour, meant) in enumerate(found):
        assert abs(_hue(colour) - _hue(meant)) < 12, f"{colour} for {meant}"
        ground = (style.PAGE_LIGHT, style.PAGE_DARK)[k // 2 % 2]
        assert _contrast(colour, ground) >= 3, f"{colour} on {ground}"
