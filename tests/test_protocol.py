"""The book's protocol: what it measures, and what it refuses. Small sizes; the real ones are in the records."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from imggen_lib import checkpoint, protocol
from imggen_lib.cli import main
from imggen_lib.configs import GanConfig
from imggen_lib.data import ImageSet
from imggen_lib.metrics.extractors import Extractor
from imggen_lib.models.gan import MLPGenerator
from imggen_lib.protocol import Bench, Protocol, rounded
from imggen_lib.runs import start

SMALL = Protocol(n=300, novelty_images=200, likelihood_images=20, likelihood_draws=3)


@pytest.fixture(scope="module", autouse=True)
def few_training_images(mnist_folder: Path) -> Iterator[None]:
    """The protocol looks at all 60,000 training images; here at 2,000."""
    whole = protocol.load
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(protocol, "load", lambda name, split: whole(name, split).subset(torch.arange(2000)))
        yield


@pytest.fixture(autouse=True)
def _data(mnist_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMGGEN_DATA", str(mnist_folder))


@pytest.fixture(scope="module")
def bench(few_training_images: None, mnist_folder: Path) -> Bench:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMGGEN_DATA", str(mnist_folder))
        return Bench("mnist", SMALL)


def test_models_come_out_in_the_order_that_one_sees(bench: Bench) -> None:
    """The conditional GAN, the article's GAN, a generator that was never trained: better to worse; real images like the first."""
    torch.manual_seed(0)
    never = MLPGenerator((1, 28, 28))
    shipped = [bench.model(checkpoint.pretrained(f"mnist-gan-{name}").model()) for name in ("classes", "article")]
    found, real = [*shipped, bench.model(never)], bench.real_images()
    for name, sign in {"frechet_distance": 1, "kernel_distance": 1, "coverage": -1}.items():
        values = [sign * numbers[name] for numbers in found]
        assert values == sorted(values), name
    assert real["frechet_distance"] < 2 * found[0]["frechet_distance"] < found[1]["frechet_distance"]
    assert found[0]["near_duplicates"] < 0.1
    assert found[2]["smallest_class_share"] == 0
    assert all(numbers.keys() == real.keys() for numbers in found)


def test_the_same_model_gives_the_same_numbers_and_a_vae_a_likelihood(bench: Bench) -> None:
    vae = checkpoint.pretrained("mnist-vae-mlp").model()
    first, second = bench.model(vae), bench.model(vae)
    assert first == second
    assert -130 < first["log_likelihood"] < -70 and first["log_likelihood_error"] > 0
    assert first["likelihood"] == "bernoulli"


def test_the_command_writes_json(bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "quality.json"
    assert main(["evaluate", "mnist-gan-article", "-n", "300", "--out", str(out)]) == 0
    found = json.loads(out.read_text())
    assert found["data"] == "mnist" and found["features"] == "mnist-features" and found["protocol"]["n"] == 300
    assert found["quality"]["frechet_distance"] > found["real_images"]["frechet_distance"] > 0
    assert "Frechet distance" in capsys.readouterr().out


def test_samples_are_compared_with_what_the_model_was_trained_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Unless another set is named; a model of anything else asks for one."""
    chosen: list[str] = []

    def noted(saved: checkpoint.Checkpoint, data: str, *rest: object) -> dict[str, object]:
        chosen.append(data)
        return {}

    monkeypatch.setattr(protocol, "evaluate", noted)
    for arguments in (["fashion-gan-classes"], ["fashion-gan-classes", "--data", "mnist"], ["mnist-gan-conv"]):
        assert main(["evaluate", *arguments]) == 0
    assert chosen == ["fashion-mnist", "mnist", "mnist"]
    run = start(GanConfig(net="mlp", hidden=(8,), latent_dim=4), ImageSet.from_float(torch.zeros(4, 1, 28, 28)), "cpu")
    run.save(tmp_path)
    capsys.readouterr()
    assert main(["evaluate", str(tmp_path)]) == 2
    assert "--data which of mnist, fashion-mnist" in capsys.readouterr().err
    assert main(["evaluate", str(tmp_path), "--data", "mnist"]) == 0


def test_intervals_change_no_number_and_hold_it(bench: Bench) -> None:
    """What a user's JSON says and what the records say is the same; the intervals come on top, one for each number."""
    model = checkpoint.pretrained("mnist-vae-conv").model()
    plain, more = bench.model(model), bench.model(model, intervals=True)
    assert {k: v for k, v in more.items() if k in plain} == plain
    assert more["levels"] == 2 and 0 < more["bits_per_dimension"] < 1
    spread = more["intervals"]
    assert set(plain) - set(spread) == {
        "frechet_distance", "frechet_interval", "kernel_standard_error",  # have theirs by name
        "copying_z",  # its deviation is about 1
        "log_likelihood_error", "likelihood",
    }  # fmt: skip
    for name, (low, high) in spread.items():
        assert low <= more[name] <= high, name
        if name in ("precision", "recall", "coverage", "smallest_class_share"):
            assert 0 <= low < high <= 1


def test_the_same_protocol_through_other_eyes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Any feature network by name: distances and no answers of a classifier; too few images are told before the work."""

    def corner(name: str) -> Extractor:
        return Extractor(torch.nn.Flatten(), lambda x: x[:, :, 8:16, 8:16], {"network": name, "features": "64"})

    monkeypatch.setattr(protocol, "extractor", corner)
    command = ["evaluate", "mnist-gan-article", "-n", "300", "--features", "corner"]
    assert main(command) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["features"] == {"network": "corner", "features": "64"}
    quality, real = found["quality"], found["real_images"]
    assert quality["frechet_distance"] > real["frechet_distance"] and "entropy_score" not in quality and "copying_z" not in quality
    for name in ("precision", "recall", "density", "coverage", "vendi_score"):
        low, high = quality["intervals"][name]
        assert low <= quality[name] <= high
    monkeypatch.setattr(protocol, "extractor", lambda name: Extractor(torch.nn.Flatten(), lambda x: x, {}))
    assert main(command) == 0  # what needs no covariance is measured in any case
    said = capsys.readouterr()
    assert "300 images for 784 features: the covariance is singular; use 845 or more" in said.err
    quality = json.loads(said.out)["quality"]
    assert quality["frechet_distance"] is None and quality["frechet_interval"] is None
    assert quality["kernel_distance"] > 0 and 0 <= quality["precision"] <= 1 and "kernel_distance" in quality["intervals"]


def test_bad_requests_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))  # no weights there
    for arguments, words in (
        (["mnist-features"], "makes no images"),
        (["mnist-gan-conv", "-n", "50"], "at least 200"),
        (["mnist-gan-conv", "--out", str(tmp_path)], "cannot be written"),
        (["mnist-gan-canv"], "mnist-gan-conv"),
        (["mnist-gan-conv", "--features", "inception"], "put it at"),
        (["mnist-gan-conv", "--features", "resnet_50"], "Did you mean 'resnet50'"),
    ):
        with pytest.MonkeyPatch.context() as patch:
            lines: list[str] = []
            patch.setattr("sys.stderr.write", lines.append)
            assert main(["evaluate", *arguments]) == 2, arguments
        assert words in "".join(lines), (arguments, lines)


def test_other_shapes_are_refused(bench: Bench) -> None:
    with pytest.raises(ValueError, match="makes images of shape"):
        bench.model(MLPGenerator((3, 32, 32)))


def test_rounding_keeps_significant_figures() -> None:
    assert rounded({"a": 123.456789, "b": [0.00012345, 2], "c": "x", "d": 7}) == {"a": 123.5, "b": [0.0001234, 2], "c": "x", "d": 7}


def test_every_data_set_s_network_is_for_its_images() -> None:
    for data, name in protocol.FEATURES.items():
        if name in checkpoint.shipped():
            assert checkpoint.pretrained(name).meta["data"]["name"] == data
