"""Whether a training gets better: told from noise, with baselines beside it; the best is kept, and a plateau ends the run."""

import inspect
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from imggen_lib import checkpoint
from imggen_lib.cli import main
from imggen_lib.data import ImageSet, glyphs
from imggen_lib.metrics.baselines import gaussian_images, kernel_baselines
from imggen_lib.metrics.distribution import features
from imggen_lib.metrics.trained import random_network, trained_network
from imggen_lib.metrics.twosample import kernel_difference, kernel_distance
from imggen_lib.noise import generator_for
from imggen_lib.progress import Judge, Plateau
from imggen_lib.runs import Run

Said = pytest.CaptureFixture[str]
SMALL = ["--net", "mlp", "--hidden", "8", "--latent-dim", "4", "--batch", "16", "--size", "16", "--quiet"]


def _normal(n: int, shift: float, seed: int) -> Tensor:
    return torch.randn(n, 6, generator=torch.Generator().manual_seed(seed)) + shift


def test_the_difference_is_that_of_two_kernel_distances_and_its_interval_is_narrower() -> None:
    real, near, far = _normal(60, 0, 1), _normal(200, 0.3, 2), _normal(200, 0.6, 3)
    found = kernel_difference(real, near, far)
    one, other = kernel_distance(real, near), kernel_distance(real, far)
    assert found.value == pytest.approx(one.value - other.value, abs=1e-12) and found.high < 0
    assert found.standard_error < (one.standard_error**2 + other.standard_error**2) ** 0.5
    assert kernel_difference(real, far, near).value == pytest.approx(-found.value)
    assert kernel_difference(real, near, near) == (0, 0, 0, 0)
    for wrong in ((real[:3], near, far), (real, near, far[:50]), (real, near[:, :3], far)):
        with pytest.raises(ValueError, match=r"groups|features|dimensions|shape"):
            inspect.unwrap(kernel_difference)(*wrong)


def test_the_interval_of_the_difference_holds_zero_as_often_as_it_says() -> None:
    """Two sets from one distribution: at most 5 % of the intervals miss 0, up to four standard errors of 100 trials."""
    missed = 0
    for k in range(100):
        e = kernel_difference(_normal(40, 0, 3 * k), _normal(40, 0.2, 3 * k + 1), _normal(40, 0.2, 3 * k + 2))
        missed += not e.low <= 0 <= e.high
    assert missed / 100 < 0.05 + 4 * (0.05 * 0.95 / 100) ** 0.5


def test_a_gaussian_has_the_mean_and_the_covariance() -> None:
    images = 0.2 * torch.randn(50, 1, 3, 3, generator=torch.Generator().manual_seed(0)) - 0.1
    drawn = gaussian_images(images, 40_000, generator_for(1)).flatten(1).double()
    flat = images.flatten(1).double()
    torch.testing.assert_close(drawn.mean(0), flat.mean(0), atol=5e-3, rtol=0)
    torch.testing.assert_close(torch.cov(drawn.T), torch.cov(flat.T), atol=2e-3, rtol=0)
    with pytest.raises(ValueError, match="two images"):
        gaussian_images(images[:1], 3, generator_for(1))
    found = kernel_baselines(images, flat.float(), nn.Flatten(), 100, generator_for(1))
    assert found["real_halves"]["n"] == 25 and found["gaussian"]["n"] == 100
    assert found["gaussian"]["interval"][0] < found["gaussian"]["kernel_distance"] < found["gaussian"]["interval"][1]


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (3, 128, 128), (3, 8, 8)])
def test_random_eyes_see_the_same_every_time_and_tell_letters_that_stand_elsewhere(shape: tuple[int, int, int]) -> None:
    net, again = random_network(shape), trained_network("random", shape)
    assert again is not None and "random" in again.about["network"]
    x = nn.functional.interpolate(glyphs.make("train", n=120).floats(), size=shape[1]).expand(-1, shape[0], -1, -1)
    seen = features(net, x)
    assert seen.shape == (120, 128) and torch.equal(seen, features(again, x)) and torch.isfinite(seen).all()
    half, shifted = kernel_distance(seen[:60], seen[60:]), features(net, x.roll(shape[1] // 4, 3))
    assert kernel_distance(seen, shifted).low > half.high


class Painter(nn.Module):
    """A model whose images are 28x28 noise around a grey that can be set."""

    image_shape, latent_dim, classes = (1, 28, 28), 784, 0

    def __init__(self, grey: float) -> None:
        super().__init__()
        self.grey = nn.Parameter(torch.tensor(grey))

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        return (0.1 * z.view(-1, 1, 28, 28) + self.grey).clamp(-1, 1)


def _noise(n: int, seed: int) -> ImageSet:
    return ImageSet.from_float(0.1 * torch.randn(n, 1, 28, 28, generator=torch.Generator().manual_seed(seed)).clamp(-9, 9))


def test_better_means_clearly_better() -> None:
    judge = Judge(_noise(300, 0), _noise(120, 1), random_network((1, 28, 28)), n=200)
    assert judge.split == "test" and judge.about["reference"] == {"split": "test", "images": 120, "held_out": 120}
    assert {"gaussian", "real"} <= judge.about.keys() and "copying_z" in judge.about["gaussian"]
    said = [judge.look(Painter(grey)) for grey in (-0.8, -0.4, -0.4, -0.6, -0.1)]
    assert [better for _, better in said] == [True, True, False, False, True]
    assert "to_best" not in said[0][0] and said[2][0]["to_best"] == 0 and said[3][0]["to_best_interval"][0] > 0
    judge.remember(Painter(-0.8))
    assert judge.look(Painter(-0.6))[1] and not judge.look(Painter(-0.5999))[1]
    assert judge.look(Painter(-0.5999))[0]["to_best_interval"][1] < 0, "a gain that is certain, but too small to count"
    few = Judge(_noise(100, 0), _noise(30, 1), random_network((1, 28, 28)), n=100)
    assert few.split == "all" and few.about["reference"] == {"split": "all", "images": 130, "held_out": 30}
    none = Judge(_noise(40, 0), _noise(40, 0), random_network((1, 28, 28)), n=100)
    assert none.held is None and "copying_z" not in none.look(Painter(0.1))[0]
    with pytest.raises(ValueError, match="at least 20"):
        Judge(_noise(10, 0), None, random_network((1, 28, 28)))


def test_copies_are_told() -> None:
    train, held = _noise(150, 0), _noise(150, 1)
    judge = Judge(train, held, nn.Flatten(), n=150)

    class Copier(Painter):
        def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
            return train.floats()[: len(z)] + 0 * self.grey

    assert judge.look(Copier(0.0))[0]["copying_z"] < -10 < judge.look(Painter(0.0))[0]["copying_z"]


def test_the_rule_does_not_stop_on_noise_but_on_a_plateau() -> None:
    rule = Plateau(patience=300)
    assert [rule.ended(k, k in (100, 350)) for k in (100, 200, 300, 350, 500, 649)] == [False] * 6
    assert rule.best == 350 and rule.ended(650, False)
    assert not any(Plateau(0).ended(k, False) for k in (10, 10**9))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 pictures of one grey with noise, which a GAN learns at once."""
    root, rng = tmp_path_factory.mktemp("few"), np.random.default_rng(0)
    for k in range(120):
        Image.fromarray(rng.integers(100, 140, (16, 16, 3), dtype=np.uint8)).save(root / f"{k}.png")
    return root


def _lines(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "progress.jsonl").read_text().splitlines()]


def test_a_run_is_watched_stopped_and_gone_on_with(folder: Path, tmp_path: Path, capsys: Said) -> None:
    out = tmp_path / "run"
    command = ["train", "gan", "--data", f"folder:{folder}", "--out", str(out), *SMALL, "--watch-every", "160", "--augment", "ada"]
    assert main([*command, "--images", "480"]) == 0
    lines = _lines(out)
    assert lines[0]["features"] == "random" and lines[0]["reference"]["split"] == "all" and "gaussian" in lines[0]
    assert [line["images"] for line in lines[1:]] == [160, 320, 480] and lines[1]["better"]
    assert all(0 <= line["augment_p"] <= 0.4 for line in lines[1:]), "where adaptive augmentation is"
    assert len(list(out.glob("samples-*.png"))) == 3 and "best after" in capsys.readouterr().out
    best = checkpoint.load(out / "best").meta["images"]
    assert best == lines[-1]["best"] == max(line["images"] for line in lines[1:] if line["better"])
    with (out / "progress.jsonl").open("a") as file:  # what a killed process wrote after its last checkpoint
        file.write(json.dumps({"images": 10**6}) + "\n")
    assert main([*command, "--images", "20000", "--resume", "--stop-after", "800", "--lr", "0.0000001"]) == 0
    said = capsys.readouterr().out
    assert "nothing is clearly better since 800 images" in said and "done" in said
    seen = [line["images"] for line in _lines(out)[1:]]
    assert seen == sorted(seen) and 480 < seen[-1] < 10_000 and checkpoint.load(out).meta["images"] == seen[-1]
    assert seen[-1] - checkpoint.load(out / "best").meta["images"] >= 800
    assert main(["sample", str(out / "best"), "--out", str(tmp_path / "x.png")]) == 0


class Full:
    """A file on a disk that is full: half of a line goes in."""

    def __init__(self, file: Any) -> None:
        self.file = file

    def __enter__(self) -> "Full":
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def tell(self) -> int:
        return int(self.file.tell())

    def write(self, line: bytes) -> None:
        self.file.write(line[: len(line) // 2])

    def flush(self) -> None:
        self.file.flush()
        raise OSError(28, "No space left on device")


def test_a_full_disk_while_it_is_watched_is_a_warning(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    """Samples, numbers and the best checkpoint are told missing, one line each; the training ends as if nothing had been."""
    out, room, save, opened = tmp_path / "run", {"room": False}, Run.save, Path.open

    def full(self: Run, to: Path, **meta: Any) -> None:
        if Path(to).name == "best" and not room["room"]:
            raise OSError(28, "No space left on device")
        save(self, to, **meta)

    def opens(self: Path, mode: str = "r", *args: Any, **more: Any) -> Any:
        file = opened(self, mode, *args, **more)
        return Full(file) if mode.startswith("a") and self.name == "progress.jsonl" and not room["room"] else file

    def no_sheet(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Run, "save", full)
    monkeypatch.setattr(Path, "open", opens)
    with monkeypatch.context() as patch:
        patch.setattr("imggen_lib.viz.save_grid", no_sheet)
        command = ["train", "gan", "--data", f"folder:{folder}", "--out", str(out), *SMALL, "--watch-every", "160"]
        assert main([*command, "--images", "160"]) == 0
    said = capsys.readouterr()
    for what in ("checkpoint of the best so far, after 160 images", "line of numbers after 160", "sheet of samples after 160"):
        assert any(f"warning: no {what}" in line and line.endswith("training goes on") for line in said.err.splitlines()), what
    assert said.err.count("No space left on device") == 3 and checkpoint.load(out).meta["images"] == 160
    assert "best after 160 images, which could not be written: there is none" in said.out
    assert len(_lines(out)) == 1 and not list(out.glob("*.png")) and not (out / "best").exists(), "no half of a line"
    with (out / "progress.jsonl").open("r+") as file:
        file.seek(0, 2)
        file.write('{"images": 16')  # what a killed process leaves
    room["room"] = True
    assert main([*command, "--images", "320", "--resume"]) == 0
    assert [line["images"] for line in _lines(out)[1:]] == [320] and len(list(out.glob("samples-*.png"))) == 1


def test_a_vae_is_watched_and_tensorboard_is_written(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    written: list[tuple[str, Any]] = []

    class Writer:
        def __init__(self, folder: str) -> None:
            written.append(("folder", folder))

        def add_scalar(self, name: str, value: float, images: int) -> None:
            written.append((name, images))

        def add_image(self, name: str, image: np.ndarray, images: int, dataformats: str) -> None:
            written.append((name, image.shape))

        def flush(self) -> None: ...

    fake = ModuleType("torch.utils.tensorboard.writer")
    fake.SummaryWriter = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", ModuleType("torch.utils.tensorboard"))
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard.writer", fake)
    command = ["train", "vae", "--data", f"folder:{folder}", *SMALL, "--images", "96", "--watch-every", "64", "--tensorboard"]
    assert main([*command, "--out", str(tmp_path / "a")]) == 0
    assert {"folder", "kernel_distance", "elbo", "samples"} <= {name for name, _ in written}
    assert ("samples", (137, 137, 3)) in written
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard.writer", None)
    assert main([*command, "--out", str(tmp_path / "b")]) == 2
    assert "pip install tensorboard" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--tensorboard"], "say with --watch-every how often"),
        (["--features", "random"], "say with --watch-every how often"),
        (["--watch-every", "64", "--data", "files:x"], "kept in memory"),
        (["--watch-every", "64", "--stop-after", "32"], "is over before the first look"),
        (["--watch-every", "64", "--features", "mnist-gan-conv"], "is a gan, no feature network"),
        (["--watch-every", "64", "--profile"], "not for --profile"),
    ],
)
def test_what_cannot_be_watched_is_told_in_one_line(more: list[str], words: str, tmp_path: Path, capsys: Said) -> None:
    command = ["train", "gan", "--data", "glyphs", "--out", str(tmp_path / "x"), *SMALL[:-3], "--images", "64", "--quiet"]
    assert main([*command, *more]) == 2
    err = capsys.readouterr().err
    assert words in err and err.count("\n") == 1
