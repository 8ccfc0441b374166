"""What the command line makes of a trained model: sheets, single files, arrays, films; pictures into the latent space and back."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from imggen_lib import checkpoint, pretrained, sample
from imggen_lib.cli import main
from imggen_lib.data import load, to_uint8
from imggen_lib.noise import latents, slerp
from imggen_lib.sampling import decode, walk


def done(*words: object) -> None:
    assert main([str(word) for word in words]) == 0


def test_single_files_are_the_images_of_their_seeds(tmp_path: Path) -> None:
    done("sample", "mnist-gan-conv", "-n", 3, "--seed", 5, "--scale", 1, "--out", f"{tmp_path}/a/")
    done("sample", "mnist-gan-conv", "-n", 3, "--seed", 5, "--scale", 1, "--single", "--out", tmp_path / "b")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]
    expected = to_uint8(sample(pretrained("mnist-gan-conv").model(), 3, seed=5))
    for folder in ("a", "b"):
        assert sorted(p.name for p in (tmp_path / folder).iterdir()) == [f"seed-00000{k}.png" for k in (5, 6, 7)]
        for k in range(3):
            assert (np.asarray(Image.open(tmp_path / folder / f"seed-00000{5 + k}.png")) == expected[k, 0].numpy()).all()


def test_arrays_hold_images_labels_and_seeds(tmp_path: Path) -> None:
    done("sample", "mnist-gan-classes", "-n", 12, "--seed", 2, "--truncation", 0.5, "--out", tmp_path / "x.npz")
    found, model = np.load(tmp_path / "x.npz"), pretrained("mnist-gan-classes").model()
    assert found["arr_0"].shape == (12, 28, 28, 1) and found["arr_0"].dtype == np.uint8
    assert found["seeds"].tolist() == list(range(2, 14)) and found["labels"].tolist() == [k % 10 for k in range(12)]
    short = decode(model, 0.5 * latents(range(2, 14), 64), torch.arange(12) % 10)
    assert (found["arr_0"][..., 0] == to_uint8(short)[:, 0].numpy()).all()


def test_a_class_is_named_in_any_case(tmp_path: Path) -> None:
    for name in ("sandal", "Sandal", "5"):
        done("sample", "fashion-gan-classes", "-n", 2, "--label", name, "--out", tmp_path / f"{name}.npz")
        assert np.load(tmp_path / f"{name}.npz")["labels"].tolist() == [5, 5]


def test_a_walk_passes_its_seeds_on_arcs_and_closes() -> None:
    model = pretrained("mnist-gan-conv").model()
    frames, z = walk(model, [3, 9, 4], 4, truncation=0.8), 0.8 * latents([3, 9, 4], model.latent_dim)
    assert frames.shape == (12, 1, 28, 28)
    expected = [slerp(z[k], z[(k + 1) % 3], t / 4) for k in range(3) for t in range(4)]
    assert torch.allclose(frames, decode(model, torch.stack(expected)), atol=1e-5)
    with pytest.raises(ValueError, match="keeps to one class"):
        walk(pretrained("mnist-gan-classes").model(), [1, 2])


def test_a_walk_as_a_film(tmp_path: Path) -> None:
    common = ("sample", "mnist-gan-conv", "--walk", "-n", 3, "--frames", 4)
    done(*common, "--out", tmp_path / "w.gif", "--fps", 10)
    with Image.open(tmp_path / "w.gif") as film:
        assert film.n_frames == 12 and film.info["duration"] == 100 and film.size == (60, 60)
        assert len(film.convert("RGB").getcolors(1000)) > 20  # not the 12 of the book's own films
    done(*common, "--out", tmp_path / "f.gif", "--colours", 4)
    with Image.open(tmp_path / "f.gif") as film:
        assert len(film.convert("RGB").getcolors(1000)) <= 4


def test_a_walk_as_mp4(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    ffmpeg = pytest.importorskip("imageio_ffmpeg")
    line = ("sample", "mnist-gan-conv", "--walk", "-n", 2, "--frames", 5, "--out", tmp_path / "w.mp4")
    done(*line)
    frames, seconds = ffmpeg.count_frames_and_secs(str(tmp_path / "w.mp4"))
    assert frames == 10 and seconds > 0.5 and [p.name for p in tmp_path.iterdir()] == ["w.mp4"]
    (tmp_path / "w.mp4").unlink()
    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", None)
    assert main([str(word) for word in line]) == 2 and not list(tmp_path.iterdir())
    assert "pip install imageio-ffmpeg" in capsys.readouterr().err


def test_codes_are_the_encoders(tmp_path: Path) -> None:
    done("encode", "mnist-vae-mlp", "glyphs", "-n", 7, "--out", tmp_path / "c.npz")
    found, x = np.load(tmp_path / "c.npz"), load("glyphs", "test").floats(7)
    mu, logvar = pretrained("mnist-vae-mlp").model().encode(x)
    assert np.allclose(found["mu"], mu, atol=1e-5) and np.allclose(found["logvar"], logvar, atol=1e-5)
    assert found["names"][3] == "glyphs/test/3" and "labels" not in found


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A VAE of a folder of one's own, in colour, trained on green behind what is transparent."""
    for k in range(5):
        picture = Image.new("RGBA", (20, 30), (50 * k, 10, 200, 255))
        picture.paste((0, 0, 0, 0), (0, 0, 20, 15))
        (tmp_path / "p").mkdir(exist_ok=True)
        picture.save(tmp_path / "p" / f"{k}.png")
    small = "--size 8 --net mlp --hidden 16 --latent-dim 4 --batch 4 --images 8 --quiet --background green".split()
    done("train", "vae", "--data", f"folder:{tmp_path / 'p'}", "--out", tmp_path / "run", *small)
    return tmp_path


def test_own_pictures_are_prepared_as_in_training(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done("encode", own / "run", own / "p", "--out", own / "c.npz")
    x = load(f"folder:{own / 'p'}", size=8, background="green").floats()
    mu = checkpoint.load(own / "run").model().encode(x)[0]
    assert np.allclose(np.load(own / "c.npz")["mu"], mu, atol=1e-5)
    done("encode", own / "run", own / "p", "--out", own / "w.npz", "--background", "white")
    assert not np.allclose(np.load(own / "w.npz")["mu"], mu, atol=1e-3)
    capsys.readouterr()
    done("reconstruct", own / "run", own / "p", "--scale", 1, "--out", own / "r.png")
    told, again = capsys.readouterr().out, decode(checkpoint.load(own / "run").model(), mu)
    ours = float((x - again).square().mean())
    mean = float((x - (x.sum(0) - x) / 4).square().mean())
    numbers = [float(n) for n in re.findall(r": ([0-9.]+) ±", told)]
    assert numbers == pytest.approx([ours, mean], abs=6e-5) and told.count("n = 5") == 2
    with Image.open(own / "r.png") as sheet:
        assert sheet.size == (5 * 9 + 1, 2 * 9 + 1)
        top = np.asarray(sheet)[1:9, 1:9]
    assert (top == to_uint8(x)[0].permute(1, 2, 0).numpy()).all()
    (own / "p" / "broken.png").write_bytes(b"no")
    done("reconstruct", own / "run", own / "p" / "0.png", "--out", own / "r.png")
    assert "needs a second one" in capsys.readouterr().out
    done("encode", own / "run", own / "p", "--out", own / "c.npz")
    assert "broken.png" in capsys.readouterr().err and len(np.load(own / "c.npz")["mu"]) == 5


def test_between_two_seeds_and_two_pictures(own: Path) -> None:
    done("interpolate", own / "run", 3, 8, "--steps", 4, "--scale", 1, "--out", own / "s.png")
    model = checkpoint.load(own / "run").model()
    z = latents([3, 8], 4)
    expected = to_uint8(decode(model, torch.stack([slerp(z[0], z[1], k / 3) for k in range(4)]))).permute(0, 2, 3, 1).numpy()
    with Image.open(own / "s.png") as sheet:
        assert sheet.size == (4 * 9 + 1, 10)
        for k in range(4):
            assert (np.asarray(sheet)[1:9, 1 + 9 * k : 9 + 9 * k] == expected[k]).all()
    done("interpolate", own / "run", own / "p" / "0.png", own / "p" / "4.png", "--scale", 1, "--out", own / "i.png")
    mu = model.encode(load(f"folder:{own / 'p'}", size=8, background="green").floats())[0]
    ends = to_uint8(decode(model, mu[[0, 4]])).permute(0, 2, 3, 1).numpy()
    with Image.open(own / "i.png") as sheet:
        cells = np.asarray(sheet)[1:9].astype(int)
    assert abs(cells[:, 1:9] - ends[0]).max() <= 1 and abs(cells[:, 64:72] - ends[1]).max() <= 1
    done("interpolate", "mnist-vae-mlp", 1, 2, "--out", own / "i.gif")
    with Image.open(own / "i.gif") as film:
        assert film.n_frames == 8


WRONG = {
    "gif without walk": ("sample mnist-gan-conv --out {out}/x.gif", "add --walk"),
    "walk as a picture": ("sample mnist-gan-conv --walk --out {out}/x.png", "--walk makes a film"),
    "walk of one": ("sample mnist-gan-conv --walk -n 1 --out {out}/x.gif", "-n must be at least 2"),
    "walk through classes": ("sample mnist-gan-classes --walk --out {out}/x.gif", "choose it with --label"),
    "frames of a sheet": ("sample mnist-gan-conv --frames 3 --out {out}/x.png", "--frames is an option of a film"),
    "colours of an mp4": ("sample mnist-gan-conv --walk --colours 9 --out {out}/x.mp4", "--colours is an option of a .gif"),
    "truncation 0": ("sample mnist-gan-conv --truncation 0 --out {out}/x.png", "at 0 all images are the same one"),
    "truncation 2": ("sample mnist-gan-conv --truncation 2 --out {out}/x.png", "above 0 and at most 1"),
    "single npz": ("sample mnist-gan-conv --single --out {out}/x.npz", "--single writes a folder"),
    "another film": ("sample mnist-gan-conv --walk --out {out}/x.webm", "a film is written as .gif or .mp4"),
    "a class that is not": ("sample fashion-gan-classes --label sandel --out {out}/x.png", "Did you mean"),
    "encode with a gan": ("encode mnist-gan-conv mnist --out {out}/x.npz", "has no encoder"),
    "codes as a picture": ("encode mnist-vae-mlp mnist --out {out}/x.png", "codes are written as .npz"),
    "no such picture": ("encode mnist-vae-mlp {out}/none.png --out {out}/x.npz", "neither a picture's file nor a folder"),
    "classes unknown": ("reconstruct mnist-vae-classes {here} --out {out}/x.png", "say with --label"),
    "no picture": ("reconstruct mnist-vae-mlp {here} --out {out}/x.png", "no picture can be read"),
    "neither seed nor file": ("interpolate mnist-vae-mlp 1 b.png --out {out}/x.png", "b.png is neither a seed"),
    "pictures and a gan": ("interpolate mnist-gan-conv 1 {here} --out {out}/x.png", "has no encoder: name seeds"),
    "one class": ("interpolate mnist-gan-classes 1 2 --out {out}/x.png", "choose it with --label"),
}


@pytest.mark.parametrize(("line", "message"), WRONG.values(), ids=WRONG.keys())
def test_refused_in_one_line(line: str, message: str, refused: Callable[..., None]) -> None:
    refused(line, message, here=__file__)


def test_the_versions_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert re.fullmatch(r"imggen_lib \S+, torch \S+, Python \S+\n", capsys.readouterr().out)
