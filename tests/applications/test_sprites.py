"""Items as sheets that other programs open; colours and alpha; distances; and the classical ways to get more of them."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from imggen_lib.applications import sprite_measures, sprites
from imggen_lib.data import items

PALETTE = np.array([[0, 0, 0, 0], [255, 0, 0, 255], [0, 0, 255, 255], [10, 10, 10, 255]], np.uint8)
KNOWN = items.items()


def picture(*rows: str) -> np.ndarray:
    return np.array([[[int(sign) for sign in row] for row in rows]], np.uint8)


def test_what_is_transparent_has_no_colour_and_comes_back_as_it_was() -> None:
    palette = PALETTE.copy()
    palette[0, :3] = 200
    channels = sprites.premultiplied(picture("012", "330"), palette)
    assert (
        channels.shape == (1, 4, 2, 3) and (channels[0, :, 0, 0] == 0).all() and channels[0, :, 0, 1].tolist() == [255, 0, 0, 255]
    )
    data = sprites.item_set(KNOWN)
    assert data.image_shape == (4, 32, 32)
    assert (sprites.quantised(data.floats(3), KNOWN.palette) == KNOWN.indices[:3]).all()


def test_quantising_divides_by_alpha_and_cuts_it_at_a_half() -> None:
    alpha = torch.tensor([0.49, 0.6, 1.0])
    colour = torch.tensor([1.0, 0.0, 0.0])[:, None] * alpha
    image = 2 * torch.cat([colour, alpha[None]])[None, :, None] - 1
    assert sprites.quantised(image, PALETTE)[0, 0].tolist() == [0, 1, 1]
    dim = np.array([[0, 0, 0, 0], [255, 0, 0, 255], [153, 0, 0, 255]], np.uint8)
    assert sprites.quantised(image, dim)[0, 0].tolist() == [0, 1, 1], "a half-transparent red is red, and not dark red"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda p: p[:, :3], "a palette is an array"),
        (lambda p: np.concatenate([p[1:], p[:1]]), "first entry of a palette is transparent"),
        (lambda p: p[:2], "entries below 2"),
    ],
)
def test_a_palette_that_is_none_is_refused(change: object, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        sprites.rgba(picture("012"), change(PALETTE))  # type: ignore[operator]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("sheet") / "new"
    assert sorted(sprites.export_sheet(place, KNOWN.indices[:21], KNOWN.palette, across=8)) == sorted(sprites.NAMES)
    return place


def test_the_sheet_is_rgba_in_at_most_32_colours_and_the_atlas_finds_every_item(folder: Path) -> None:
    with Image.open(folder / "items.png") as opened:
        assert opened.mode == "RGBA"
        whole = np.asarray(opened)
    assert whole.shape == (96, 256, 4) and set(np.unique(whole[..., 3])) == {0, 255}
    assert len(np.unique(whole.reshape(-1, 4), axis=0)) <= 32
    atlas = json.loads((folder / "items.json").read_text())
    assert atlas["meta"]["size"] == {"w": 256, "h": 96} and len(atlas["frames"]) == 21
    for k, frame in enumerate(atlas["frames"].values()):
        x, y, w, h = (frame["frame"][side] for side in "xywh")
        assert (whole[y : y + h, x : x + w] == KNOWN.palette[KNOWN.indices[k]]).all()


def test_another_reader_finds_the_tile_set(folder: Path) -> None:
    reader = pytest.importorskip("pytiled_parser")
    found = reader.parsers.tmx.tileset.parse(
        __import__("xml.etree.ElementTree", fromlist=["parse"]).parse(folder / "items.tsx").getroot(), 1, folder
    )
    assert (found.tile_width, found.columns, found.tile_count) == (32, 8, 24)
    assert (found.image_width, found.image_height) == (256, 96) and found.tiles[20].properties["name"] == "item-020"


def test_tiled_itself_opens_the_tile_set(folder: Path, tmp_path: Path) -> None:
    if (tiled := shutil.which("tiled")) is None:
        pytest.skip("Tiled is not installed (Debian: apt-get install tiled)")
    command = [tiled, "--export-tileset", "json", folder / "items.tsx", tmp_path / "items.json"]
    offscreen = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(command, env=offscreen, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads((tmp_path / "items.json").read_text())
    assert (said["columns"], said["tilecount"], said["imagewidth"], len(said["tiles"])) == (8, 24, 256, 21)


def test_an_empty_item_or_a_name_twice_is_not_exported(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="item-001 is empty"):
        sprites.export_sheet(tmp_path, np.concatenate([picture("11"), picture("00")]), PALETTE)
    with pytest.raises(ValueError, match="2 pictures need as many different names, got 1"):
        sprites.export_sheet(tmp_path, picture("1")[[0, 0]], PALETTE, names=["a", "a"])
    assert not list(tmp_path.iterdir())


def test_counts_of_an_item_by_hand() -> None:
    area, colours, parts, edges, outline = sprite_measures.counted(picture("33300", "31300", "33301"), PALETTE)[0]
    assert (area, colours, parts) == (10, 2, 2)
    assert edges == pytest.approx(2 / 6) and outline == pytest.approx(8 / 9)  # the middle is no edge of the silhouette


def test_a_copy_has_distance_0_wherever_it_lies_and_a_new_item_has_more() -> None:
    near = sprite_measures.nearest_share
    moved = np.roll(KNOWN.indices[:3], (1, -2), axis=(1, 2))
    assert near(moved, KNOWN.indices[:3]).tolist() == [0, 0, 0]
    changed = KNOWN.indices[:1].copy()
    changed[0, 16, 8:20] = 1
    assert 0 < near(changed, KNOWN.indices[:3])[0] < 0.2
    learn, held_out = items.split()
    assert near(held_out.indices[:10], learn.indices).min() > 0


def test_a_palette_swap_keeps_shapes_and_takes_colours_that_are_there() -> None:
    made = sprite_measures.recoloured(KNOWN.indices, KNOWN.palette, 12)
    shapes = {(one > 0).tobytes() for one in KNOWN.indices}
    assert all((one > 0).tobytes() in shapes for one in made)
    assert sum(one.tobytes() in {k.tobytes() for k in KNOWN.indices} for one in made) <= 1
    same = sprite_measures.recoloured(KNOWN.indices[:1], KNOWN.palette, 1)
    assert (same[0] > 0).tobytes() == (KNOWN.indices[0] > 0).tobytes()


def test_a_recombination_is_two_halves_of_one_kind() -> None:
    made = sprite_measures.recombined(KNOWN.indices, 6, KNOWN.labels)
    upper = np.indices((32, 32))
    corner = upper[1] >= upper[0]
    for one in made:
        first = [k for k in range(418) if (KNOWN.indices[k][corner] == one[corner]).all()]
        second = [k for k in range(418) if (KNOWN.indices[k][~corner] == one[~corner]).all()]
        assert {KNOWN.labels[k] for k in first} & {KNOWN.labels[k] for k in second}


def test_sets_that_differ_are_told_apart_and_halves_of_one_are_not() -> None:
    counts = sprite_measures.counted(KNOWN.indices, KNOWN.palette)
    assert 0.3 < sprite_measures.told_apart(counts[::2], counts[1::2]) < 0.65
    noise = np.random.default_rng(0).integers(0, 32, (60, 32, 32)).astype(np.uint8)
    assert sprite_measures.told_apart(counts, sprite_measures.counted(noise, KNOWN.palette)) > 0.99
