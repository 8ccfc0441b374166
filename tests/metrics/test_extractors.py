"""Feature networks by name: the published FID's Inception against torch-fidelity and torchmetrics, torchvision's, one's own; and
what happens when weights are not there. Nothing is fetched: random weights lie where the library looks for the real ones."""

import copy
import inspect
import os
import pickle
import sys
import urllib.error
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torchvision.transforms.functional as oracle_transforms
from torch import Tensor, nn
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torchmetrics.image.fid import NoTrainInceptionV3
from torchvision import models

from imggen_lib import checkpoint, pretrained
from imggen_lib.cli.features import FeatureState
from imggen_lib.configs import FeatureConfig
from imggen_lib.data import to_uint8
from imggen_lib.metrics import extractors
from imggen_lib.metrics.distribution import class_shares, features, frechet_distance, statistics
from imggen_lib.metrics.extractors import FeaturesUnavailable, describe, extractor, without_last_layer
from imggen_lib.metrics.manifold import density_coverage, precision_recall
from imggen_lib.metrics.novelty import nearest_training, vendi_score
from imggen_lib.metrics.trained import trained_network
from imggen_lib.metrics.twosample import classifier_test, kernel_distance

NAME = extractors.INCEPTION_URL.rpartition("/")[2]


class _Blank(FeatureExtractorInceptionV3):
    """torch-fidelity's network as it is before any weights are loaded."""

    def load_state_dict(self, *args: object, **kwargs: object) -> None:  # type: ignore[override]
        pass


@pytest.fixture(scope="module")
def inception_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights file of the right shapes: random, with the batch norms at home on some images, so that features vary."""
    folder = tmp_path_factory.mktemp("inception")
    torch.save({}, folder / "empty.pth")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = _Blank("inception-v3-compat", ["2048"], feature_extractor_weights_path=folder / "empty.pth")
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = None  # take the statistics of what it sees now
                module.train()
        net(torch.randint(256, (3, 3, 64, 64), dtype=torch.uint8))
    torch.save(net.state_dict(), folder / NAME)
    return folder / NAME


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder where PyTorch Hub keeps weights; any file's checksum is the one in its name."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(extractors, "sha256", lambda path: Path(path).stem.rpartition("-")[2] + "0" * 56)
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def _close(found: Tensor, expected: Tensor) -> None:
    """Equal to rounding in float32, relative to how large features are."""
    torch.testing.assert_close(found, expected.double(), rtol=0, atol=2e-5 * float(expected.abs().max()))


@pytest.fixture(scope="module")
def ours(inception_file: Path) -> extractors.Extractor:
    return extractor("inception", weights=inception_file)


def test_inception_features_and_distances_are_those_of_torch_fidelity_and_torchmetrics(
    inception_file: Path, ours: extractors.Extractor, make_images: Callable[..., Tensor]
) -> None:
    """Bytes of three channels, resized as TensorFlow did, cut to 2048 numbers. torchmetrics resizes otherwise **by default**."""
    theirs = FeatureExtractorInceptionV3("inception-v3-compat", ["2048"], feature_extractor_weights_path=inception_file)
    choice = "antialias" in inspect.signature(NoTrainInceptionV3).parameters  # older versions resize as TensorFlow did
    plain = NoTrainInceptionV3("inception-v3-compat", ["2048"], str(inception_file), **({"antialias": False} if choice else {}))
    grey, rgb = make_images(5, 1, 28), make_images(5, 3, 40, seed=1)
    sets = {}
    for name, x in (("grey", grey), ("rgb", rgb)):
        (sets[name],) = theirs(to_uint8(x).expand(-1, 3, -1, -1))
        _close(features(ours, x, batch=3), sets[name])
        assert sets[name].std(0).max() > 0.01 * sets[name].abs().max()  # the images do differ in it
    _close(sets["rgb"].double(), plain(to_uint8(rgb)))
    if choice:
        plain.use_antialias = inspect.signature(NoTrainInceptionV3).parameters["antialias"].default
        assert (sets["rgb"] - plain(to_uint8(rgb))).abs().max() > 0.05 * sets["rgb"].abs().max()

    few = torch.linspace(0, 2047, 3).long()  # more images than features, so that there is a distance
    a, b = features(ours, grey)[:, few], features(ours, rgb)[:, few]
    stats = [fid_features_to_statistics(sets[name][:, few].double()) for name in ("grey", "rgb")]
    oracle = fid_statistics_to_metric(*stats, verbose=False)["frechet_inception_distance"]
    assert frechet_distance(statistics(a), statistics(b)) == pytest.approx(oracle, rel=1e-3)


def test_weights_that_are_not_here_are_a_sentence_that_says_what_to_do(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, file in (("inception", NAME), ("resnet18", "resnet18-f37072fd.pth")):
        for options, why in (({}, "IMGGEN_OFFLINE forbids downloads"), ({"download": False}, "does not download")):
            with pytest.raises(FeaturesUnavailable) as caught:
                extractor(name, **options)
            text = str(caught.value)
            assert why in text and str(hub / file) in text and "TORCH_HOME" in text and "https://" in text and "\n" not in text

    def fail(*args: object, **kwargs: object) -> None:
        raise urllib.error.URLError("no route to host")

    monkeypatch.setenv("IMGGEN_OFFLINE", "0")
    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    with pytest.raises(FeaturesUnavailable, match=r"cannot be downloaded \(no route to host\): download https"):
        extractor("inception")
    assert not list(hub.iterdir())


def test_weights_are_fetched_once_kept_and_checked(
    inception_file: Path, ours: extractors.Extractor, hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def fetch(url: str, target: str, digest: str, progress: bool) -> None:
        calls.append((url, digest))
        os.link(inception_file, target)

    monkeypatch.setenv("IMGGEN_OFFLINE", "0")
    monkeypatch.setattr(torch.hub, "download_url_to_file", fetch)
    assert extractors._weights(extractors.INCEPTION_URL, download=True) == hub / NAME
    found = extractor("inception")
    assert all(torch.equal(v, ours.state_dict()[k]) for k, v in found.state_dict().items())
    assert found.about == describe("inception") != ours.about
    assert calls == [(extractors.INCEPTION_URL, "6726825d")] and (hub / NAME).exists()
    monkeypatch.setattr(extractors, "sha256", lambda path: "0" * 64)
    with pytest.raises(FeaturesUnavailable, match="does not start with 6726825d; delete it"):
        extractor("inception")


def test_a_file_of_other_weights_or_with_code_in_it_is_refused(tmp_path: Path, hub: Path) -> None:
    class Dangerous:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(tmp_path / "made"),)

    (tmp_path / "code.pth").write_bytes(pickle.dumps(Dangerous()))
    torch.save({"fc.weight": torch.zeros(2)}, tmp_path / "other.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    for name in ("inception", "resnet18"):
        for file, match in (
            ("code.pth", "no plain weights"),
            ("other.pth", "another network"),
            ("list.pth", "no plain weights"),
            ("none.pth", "no weights file"),
        ):
            with pytest.raises(FeaturesUnavailable, match=match):
                extractor(name, weights=tmp_path / file)
    assert not (tmp_path / "made").exists()


def test_without_torch_fidelity_the_message_names_it(inception_file: Path, hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch_fidelity.feature_extractor_inceptionv3", None)
    with pytest.raises(FeaturesUnavailable, match="pip install torch-fidelity"):
        extractor("inception", weights=inception_file)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small:IMAGENET1K_V1"])
def test_torchvision_features_are_what_comes_before_the_last_layer(
    name: str, hub: Path, make_images: Callable[..., Tensor]
) -> None:
    torch.manual_seed(0)
    base = name.partition(":")[0]
    whole = models.get_model(base, weights=None).eval()
    file = hub / models.get_model_weights(base).IMAGENET1K_V1.url.rpartition("/")[2]
    torch.save(whole.state_dict(), file)
    state = torch.random.get_rng_state()
    ours = extractor(name)
    assert torch.equal(state, torch.random.get_rng_state())  # building a network draws nothing from the reader's generator
    x = make_images(3, 1, 28)
    small = oracle_transforms.resize(((x + 1) / 2).repeat(1, 3, 1, 1), [224, 224], antialias=True)
    ready = oracle_transforms.normalize(small, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    seen: list[Tensor] = []
    last = [m for m in whole.modules() if isinstance(m, nn.Linear)][-1]
    last.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    with torch.no_grad():
        whole(ready)
    _close(features(ours, x, batch=2), seen[0])
    assert ours.about["features"].startswith(str(last.in_features)) and file.name == ours.about["weights"]
    torch.testing.assert_close(features(extractor(name, weights=file), x), features(ours, x))
    assert "not the published" in extractor(name, weights=file).about["weights"]


def test_names_that_nothing_has(hub: Path) -> None:
    for name, match in (
        ("resnet_18", "Did you mean 'resnet18'"),
        ("inceptoin", "Did you mean 'inception"),
        ("resnet18:IMAGENET1K_V7", "Known: DEFAULT, IMAGENET1K_V1"),
        ("mnist-gan-conv", "is no feature network"),
    ):
        with pytest.raises(ValueError, match=match):
            extractor(name)
    with pytest.raises(ValueError, match="comes with its weights"):
        extractor("mnist-features", weights="x.pth")
    with pytest.raises(ValueError, match="does not end in a dense layer"):
        without_last_layer(models.squeezenet1_1(weights=None))


def test_shipped_networks_by_name_are_the_same_features(make_images: Callable[..., Tensor]) -> None:
    x = make_images(9)
    for name in ("mnist-features", "fashion-features"):
        torch.testing.assert_close(features(extractor(name), x), features(pretrained(name).model(), x))
        assert describe(name) == extractor(name).about
    with pytest.raises(ValueError, match=r"takes images of shape \(1, 28, 28\), got \(1, 8, 8\)"):
        features(extractor("mnist-features"), make_images(2, 1, 8))
    assert describe("inception").keys() == describe("mnist-features").keys()


def test_an_extractor_stays_in_evaluation_mode_and_within_its_batch(make_images: Callable[..., Tensor]) -> None:
    sizes: list[int] = []
    net = nn.Sequential(nn.Flatten(), nn.Dropout(0.5))
    net.register_forward_hook(lambda module, inputs, output: sizes.append(len(output)))
    ours = extractors.Extractor(net, lambda x: x, {}, batch=4)
    x = make_images(10, 1, 2)
    assert not ours.train().training and not net.training
    torch.testing.assert_close(features(ours, x, batch=7), x.flatten(1).double())
    assert max(sizes) == 4 and sum(sizes) == 10
    with pytest.raises(ValueError, match="got 2 channels"):
        inspect.unwrap(extractors.colour)(make_images(2, 2, 4))


def _corner(x: Tensor) -> Tensor:
    return x[:, 0, :2, :2].flatten(1)


def test_every_distance_takes_any_function_or_network(make_images: Callable[..., Tensor]) -> None:
    real, generated = make_images(60, 3, 5), 0.7 * make_images(60, 3, 5, seed=1)
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 5), nn.BatchNorm2d(4), nn.Flatten()).train()
    before = copy.deepcopy(net.state_dict())
    for look in (_corner, lambda x: x.double().mean((2, 3)), net):
        r, g = features(look, real, batch=7), features(look, generated, batch=60)
        assert r.dtype == torch.float64 and len(r) == len(g) == 60
        for number in (
            frechet_distance(statistics(r), statistics(g)),
            *kernel_distance(r, g),
            *precision_recall(r, g),
            *density_coverage(r, g),
            *classifier_test(r, g),
            vendi_score(g),
            nearest_training(r, g).distances.sum().item(),
        ):
            assert number == number  # not NaN
    assert net.training and all(torch.equal(v, before[k]) for k, v in net.state_dict().items())  # it was only looked through
    shares, sure = class_shares(lambda x: 9 * _corner(x), real)
    assert shares.shape == (4,) and shares.sum() == 1 and 0.25 < sure <= 1


def test_what_is_no_feature_is_refused(make_images: Callable[..., Tensor]) -> None:
    x = make_images(5, 1, 4)
    for look, match in (
        (lambda x: x, "one row of features an image"),
        (lambda x: x[:1, 0, 0], "one row of features an image"),
        (lambda x: x.flatten(1) * torch.nan, "NaN"),
        (lambda x: x.flatten(1).long(), None),
    ):
        if match is None:  # whole numbers are numbers
            assert features(look, x).dtype == torch.float64
            continue
        with pytest.raises(ValueError, match=match):
            features(look, x)
    for bad, match in ((to_uint8(x), "to_float converts"), (x[0], "four dimensions")):
        with pytest.raises(ValueError, match=match):
            inspect.unwrap(features)(_corner, bad)
    with pytest.raises(ValueError, match="batch must be at least 1, got 0"):
        features(_corner, x, batch=0)


def test_a_folder_named_as_a_shipped_network_is_the_folder_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "mnist-features"
    config = FeatureConfig(image_shape=(1, 28, 28), classes=10)
    checkpoint.save(own, FeatureState(config.build()), config)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    digest = str(checkpoint.load(own).meta["weights"]["sha256"])[:12]
    for name in ("mnist-features", "~/mnist-features", str(own)):
        found = trained_network(name, (1, 28, 28))
        assert found is not None and digest in str(found.about)
