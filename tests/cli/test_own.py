"""What a person does with pictures of their own: measure the model, by eyes of their own, train longer, ask for a class."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from imggen_lib import checkpoint
from imggen_lib.cli import main
from imggen_lib.cli.evaluate import verdict
from imggen_lib.data import ImageSet
from imggen_lib.protocol import Bench, Protocol

Said = pytest.CaptureFixture[str]
SMALL = ["--net", "mlp", "--hidden", "8", "--latent-dim", "4", "--batch", "16", "--size", "16", "--quiet"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of 80 pictures, 10 of which are the test split."""
    root, rng = tmp_path_factory.mktemp("own"), np.random.default_rng(0)
    for k in range(160):
        place = root / ("dark", "light")[k % 2]
        place.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(*((0, 120), (130, 256))[k % 2], (18, 18, 3), dtype=np.uint8)).save(place / f"{k}.png")
    return root


@pytest.fixture(scope="module")
def made(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A conditional GAN of 16x16 colour images in ``gan``, and a feature network of the same pictures in ``eyes``."""
    out = tmp_path_factory.mktemp("made")
    command = ["--data", f"folder:{folder}", "--images", "320"]
    assert main(["train", "gan", *command, "--conditional", "--out", str(out / "gan"), *SMALL]) == 0
    assert main(["train", "features", *command, "--size", "16", "--quiet", "--out", str(out / "eyes")]) == 0
    return out


def quality(capsys: Said, *arguments: object) -> dict[str, object]:
    capsys.readouterr()
    assert main(["evaluate", *map(str, arguments)]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_a_run_of_one_s_own_is_measured_offline(made: Path, folder: Path, capsys: Said) -> None:
    own = quality(capsys, made / "gan", "--features", made / "eyes", "--reference", "train")
    assert own["data"] == f"folder:{folder}" and own["reference"] == {"split": "train", "images": 150, "real_images": 0}
    assert "eyes" in own["features"]["network"] and own["features"]["resize"].startswith("to 16 x 16")  # type: ignore[index]
    found = own["quality"]
    assert isinstance(found, dict) and found["kernel_distance"] > 0 and found["frechet_distance"] > 0
    shipped = quality(capsys, made / "gan", "--data", f"files:{folder}", "--features", "mnist-features", "--reference", "all")
    assert shipped["reference"] == {"split": "all", "images": 160, "real_images": 0} and shipped["real_images"] is None
    assert shipped["features"]["resize"].startswith("to 28 x 28")  # type: ignore[index]


def test_a_few_pictures_give_numbers_with_intervals_and_baselines(made: Path, folder: Path, capsys: Said) -> None:
    """Nothing but the folder of the run: a random network, all pictures, copies told by the ten that were kept aside."""
    assert main(["evaluate", str(made / "gan")]) == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert found["reference"] == {"split": "all", "images": 160, "real_images": 0}
    assert "random" in found["features"]["network"] and "a random one looks" in said.err
    quality, baselines = found["quality"], found["baselines"]
    assert quality["held_out"] == 10 and {"copying_z", "novelty_ratio", "coverage"} <= quality.keys()
    assert quality["intervals"].keys() >= {"kernel_distance", "coverage", "precision"}
    assert baselines["real_halves"]["n"] == 80 and baselines["gaussian"]["n"] == 160
    assert all(b["interval"][0] <= b["kernel_distance"] <= b["interval"][1] for b in baselines.values())
    assert baselines["real_halves"]["kernel_distance"] < quality["kernel_distance"], "16 steps of training"
    assert main(["evaluate", str(made / "gan"), "--features", str(made / "eyes")]) == 0
    assert "random" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (
            ["--features", "{eyes}", "--reference", "test"],
            "10 images to compare with (reference 'test'); a measurement needs at least 100; reference 'all'",
        ),
        (["--features", "{gan}"], "is a gan, no feature network"),
        (["--features", "mnist-gan-conv"], "is a gan, no feature network"),
        (["--data", "{folder}", "--features", "{eyes}"], "Did you mean folder:"),
        (["--data", "shards:x.tar", "--features", "{eyes}"], "give --data folder:PATH"),
        (["--data", "glyphs", "--features", "{eyes}"], "folder:PATH is read in the model's size"),
    ],
)
def test_messages_name_the_way_out(more: list[str], words: str, made: Path, folder: Path, capsys: Said) -> None:
    places = {"eyes": made / "eyes", "gan": made / "gan", "folder": folder}
    assert main(["evaluate", str(made / "gan"), *(m.format(**places) for m in more)]) == 2
    err = capsys.readouterr().err
    assert words in err and err.count("\n") == 1


def test_likelihoods_are_of_held_out_images_whatever_the_reference(folder: Path) -> None:
    net = torch.nn.Flatten()
    from imggen_lib.metrics.extractors import Extractor

    eyes = Extractor(net, lambda x: x[:, :, ::8, ::8], {})
    bench = Bench(f"folder:{folder}", Protocol(), net=eyes, reference="train", image_shape=(3, 16, 16))
    assert len(bench.test) == 10 and len(bench.reference) == 150
    with pytest.raises(ValueError, match="reference"):
        Bench(f"folder:{folder}", Protocol(), net=eyes, reference="tset", image_shape=(3, 16, 16))


def test_a_feature_network_needs_classes(folder: Path, tmp_path: Path, capsys: Said) -> None:
    one = ["train", "features", "--data", f"folder:{folder / 'dark'}", "--out", str(tmp_path / "x"), "--images", "64"]
    assert main(one) == 2
    assert "learns from classes" in (err := capsys.readouterr().err) and "inception, resnet18" in err
    for more in (["--resume"], ["--latent-dim", "3"], ["--bf16"], ["--beta", "1"]):
        assert main([*one, *more]) == 2 and not (tmp_path / "x").exists()
        assert "not an option of a feature network" in capsys.readouterr().err or more == ["--resume"]


def test_a_label_by_its_name_or_number(made: Path, tmp_path: Path, capsys: Said) -> None:
    found = []
    for label in ("light", "1", "dark"):
        assert main(["sample", str(made / "gan"), "-n", "4", "--label", label, "--out", str(tmp_path / f"{label}.npz")]) == 0
        found.append(np.load(tmp_path / f"{label}.npz")["arr_0"])
    assert found[0].shape == (4, 16, 16, 3) and found[0].dtype == np.uint8
    assert (found[0] == found[1]).all() and (found[0] != found[2]).any()
    for label, words in (("lihgt", "Did you mean 'light'"), ("2", "must lie in 0..1"), ("-1", "must lie in 0..1")):
        assert main(["sample", str(made / "gan"), f"--label={label}", "--out", str(tmp_path / "x.png")]) == 2
        assert words in capsys.readouterr().err


def test_no_film_of_one_picture_and_no_picture_without_end(tmp_path: Path, capsys: Said) -> None:
    assert main(["sample", "mnist-gan-conv", "-n", "4", "--out", str(tmp_path / "x.gif")]) == 2
    assert "no film" in capsys.readouterr().err
    assert main(["sample", "mnist-gan-conv", "-n", "100000", "--scale", "100", "--out", str(tmp_path / "x.png")]) == 2
    assert "pixels" in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_a_vae_is_trained_longer(folder: Path, tmp_path: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its learning rate had fallen to a fiftieth; planned anew it is what it would be at that point of the longer training."""
    out = tmp_path / "vae"
    command = ["train", "vae", "--data", f"folder:{folder}", "--out", str(out), "--quiet"]
    assert main([*command, *SMALL, "--images", "320"]) == 0
    longer = tmp_path / "longer"
    shutil.copytree(out, longer)
    capsys.readouterr()
    assert main([*command[:-2], str(longer), "--quiet", "--resume", "--images", "640"]) == 0
    assert "falls until 640 images instead of 320" in capsys.readouterr().err
    config = checkpoint.load(longer).config
    assert config.schedule_images == 640 and config.lr_schedule(320) > 0.5
    assert main([*command, "--resume", "--images", "640", "--lr", "0.0007"]) == 0
    assert checkpoint.load(out).config.lr == 0.0007 and "the learning rate is 0.0004" in capsys.readouterr().err
    weights = [checkpoint.load(f).tensors for f in (out, longer)]
    assert any((weights[0][k] != weights[1][k]).any() for k in weights[0])


@pytest.fixture
def listed(tmp_path: Path) -> Callable[..., int]:
    (tmp_path / "bad\x1b[2J\n.png").write_bytes(b"no")
    for k in range(3):
        Image.new("L", (20, 20), 40 * k).save(tmp_path / f"{k}.png")
    return lambda *more: main(["train", "gan", "--data", f"folder:{tmp_path}", *SMALL, "--images", "16", *more])


@pytest.mark.skipif("os.name == 'nt'", reason="such names are for POSIX")
def test_names_of_files_are_printed_harmless(listed: Callable[..., int], tmp_path: Path, capsys: Said) -> None:
    assert listed("--out", str(tmp_path / "out")) == 0
    err = capsys.readouterr().err
    assert "bad\\x1b[2J\\n.png" in err and "\x1b" not in err


def test_a_set_without_a_name_asks_for_one(tmp_path: Path, capsys: Said) -> None:
    from imggen_lib.configs import GanConfig
    from imggen_lib.runs import start

    data = ImageSet.from_float(torch.linspace(-1, 1, 3 * 4 * 256).view(4, 3, 16, 16), name="mine")
    start(GanConfig(net="mlp", hidden=(8,), latent_dim=4, image_shape=(3, 16, 16)), data, "cpu").save(tmp_path)
    assert main(["evaluate", str(tmp_path)]) == 2
    assert "--data which of mnist, fashion-mnist, or which folder:PATH" in capsys.readouterr().err


def test_arrays_go_to_the_very_file_that_is_named(tmp_path: Path) -> None:
    assert main(["sample", "mnist-gan-conv", "-n", "2", "--out", str(tmp_path / "x.NPZ")]) == 0
    assert [p.name for p in tmp_path.iterdir()] == ["x.NPZ"] and np.load(tmp_path / "x.NPZ")["arr_0"].shape == (2, 28, 28, 1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full is there on Linux only")
def test_a_measurement_that_no_disk_takes_is_printed(capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imggen_lib.protocol.evaluate", lambda *_: {"quality": {"frechet_distance": 1.5}})
    assert main(["evaluate", "mnist-gan-conv", "--out", "/dev/full"]) == 2
    said = capsys.readouterr()
    assert json.loads(said.out)["quality"] == {"frechet_distance": 1.5} and "No space left" in said.err


REAL, GAUSSIAN = (0.0, (-0.1, 0.1)), (1.0, (0.8, 1.2))
VERDICTS = {
    "sees too little": ((0.5, (0.4, 0.6)), (0.15, (0.09, 0.2)), "sees too little to judge by"),
    "real": ((0.1, (0.05, 0.15)), GAUSSIAN, "not told from real ones"),
    "between": (
        (0.5, (0.4, 0.6)),
        GAUSSIAN,
        "nearer to real pictures than a Gaussian",
    ),
    "farther": ((1.5, (1.3, 1.7)), GAUSSIAN, "farther from real pictures"),
    "open": ((0.9, (0.7, 1.1)), GAUSSIAN, "not shown to be nearer"),
}


@pytest.mark.parametrize(("ours", "gaussian", "words"), VERDICTS.values(), ids=VERDICTS.keys())
def test_the_verdict_is_read_off_intervals(ours: Any, gaussian: Any, words: str) -> None:
    bases = {key: {"kernel_distance": v, "interval": list(i)} for key, (v, i) in (("real_halves", REAL), ("gaussian", gaussian))}
    quality = {"kernel_distance": ours[0], "intervals": {"kernel_distance": list(ours[1])}}
    numbers, said = verdict({"quality": quality, "baselines": bases})
    assert said.startswith("verdict: ") and words in said
    assert f"the model {ours[0]:.3g} [{ours[1][0]:.3g}, {ours[1][1]:.3g}]" in numbers and "real pictures 0 [-0.1, 0.1]" in numbers
    assert verdict({"quality": {"kernel_distance": None}, "baselines": bases}) == []


def test_a_measurement_that_is_written_ends_in_a_verdict(made: Path, tmp_path: Path, capsys: Said) -> None:
    assert main(["evaluate", str(made / "gan"), "--out", str(tmp_path / "q.json")]) == 0
    told = capsys.readouterr().out
    assert "kernel distance with 95 % intervals" in told and "\nverdict: " in told
