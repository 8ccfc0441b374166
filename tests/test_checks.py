"""What enters is checked where it enters: numbers, tensors, labels, images, networks, and PyTorch's own settings around a call."""

import copy
import inspect
import json
import math
import pickle
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from imggen_lib import noise
from imggen_lib.checks import attribute, check_images, check_labels, real, tensor, whole
from imggen_lib.configs import FeatureConfig, GanConfig, VaeConfig, from_json
from imggen_lib.data import ImageSet, to_float, to_uint8
from imggen_lib.data.stream import files
from imggen_lib.errors import CheckpointError, DataError
from imggen_lib.losses import can as can_losses
from imggen_lib.losses import gan as gan_losses
from imggen_lib.losses import image as image_losses
from imggen_lib.losses import vae as vae_losses
from imggen_lib.machine import evaluating
from imggen_lib.metrics import colour, likelihood, texture
from imggen_lib.metrics.distribution import features, frechet_distance, frechet_interval, statistics
from imggen_lib.metrics.extractors import extractor
from imggen_lib.metrics.likelihood import log_likelihoods
from imggen_lib.metrics.modes import modes_found
from imggen_lib.metrics.trained import _fitted
from imggen_lib.models.vae import ConvVAE
from imggen_lib.noise import latents, slerp
from imggen_lib.sampling import decode, interpolate, sample

Images = Callable[..., torch.Tensor]


def raw(function: Callable[..., Any]) -> Callable[..., Any]:
    """Without the tests' type checker in front."""
    return inspect.unwrap(function)


def made(cls: type, **given: Any) -> Any:
    """A dataclass from any values, as outside of the tests, where no type checker stands in front of its fields."""
    new = object.__new__(cls)
    for entry in fields(cls):
        object.__setattr__(new, entry.name, given[entry.name] if entry.name in given else _default(entry))
    raw(cls.__post_init__)(new)
    return new


def _default(entry: Any) -> Any:
    return entry.default_factory() if entry.default is MISSING else entry.default


# Numbers


@pytest.mark.parametrize("value", [3, np.int64(3), np.int8(3), np.uint8(3), 3.0, np.float32(3), torch.tensor(3), np.array(3)])
def test_a_whole_number_of_any_library_is_an_int(value: Any) -> None:
    found = whole(value, "n")
    assert found == 3 and type(found) is int


@pytest.mark.parametrize(
    "value", [3.5, True, np.True_, torch.tensor(True), "3", None, [3], np.array([1, 2]), float("nan"), float("inf"), 3j, b"3"]
)
def test_what_is_no_whole_number_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="n must be a whole number, got "):
        whole(value, "n")


def test_whole_numbers_have_bounds() -> None:
    assert whole(1, "n", 1, 1) == 1
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        whole(0, "n", 1)
    with pytest.raises(ValueError, match="n must be at most 10, got 11"):
        whole(11, "n", most=10)


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), np.float64(0.5), torch.tensor(0.5), np.array(0.5)])
def test_a_real_number_of_any_library_is_a_float(value: Any) -> None:
    assert real(value, "x") == 0.5 and type(real(value, "x")) is float
    assert real(2, "x") == 2.0


@pytest.mark.parametrize("value", [True, np.False_, "0.5", None, float("nan"), float("inf"), 1j, [0.5, 1.0], 10**400])
def test_what_is_no_finite_number_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="x must be a finite number, got "):
        real(value, "x")


# Configurations: what is accepted at the start can be stored at the end


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        (made(GanConfig, batch=np.int64(16), lr=np.float32(0.5), seed=np.int32(-5)), GanConfig(batch=16, lr=0.5, seed=-5)),
        (made(GanConfig, batch=16.0, image_shape=[1, 28, 28]), GanConfig(batch=16, image_shape=(1, 28, 28))),
        (
            made(GanConfig, net="mlp", hidden=np.array([8, 16]), simultaneous=np.True_),
            GanConfig(net="mlp", hidden=(8, 16), simultaneous=True),
        ),
        (made(VaeConfig, beta=np.float64(2), beta_warmup=1e4, draws=torch.tensor(1)), VaeConfig(beta=2.0, beta_warmup=10_000)),
        (made(FeatureConfig, classes=np.uint8(7), width=torch.tensor(8)), FeatureConfig(classes=7, width=8)),
    ],
)  # fmt: skip
def test_a_configuration_holds_plain_numbers(given: Any, plain: Any) -> None:
    assert given == plain
    stored = json.loads(json.dumps(given.to_json()))
    assert from_json(stored) == plain
    assert all(type(v) in (int, float, str, bool, tuple, list) for v in given.to_json().values())


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: made(GanConfig, batch=16.5), "batch must be a whole number"),
        (lambda: made(GanConfig, batch=True), "batch must be a whole number"),
        (lambda: made(GanConfig, batch="16"), "batch must be a whole number"),
        (lambda: made(GanConfig, batch=10**12), "batch must be at most"),
        (lambda: made(GanConfig, latent_dim=10**9), "latent-dim must be at most"),
        (lambda: made(GanConfig, net="mlp", hidden=(10**6, 10**6)), "hidden must be at most"),
        (lambda: made(GanConfig, net="mlp", hidden=()), "hidden must be a sequence"),
        (lambda: made(GanConfig, net="mlp", hidden=64), "hidden must be a sequence"),
        (lambda: made(GanConfig, width=10**9), "width must be at most"),
        (lambda: made(GanConfig, seed=1.5), "seed must be a whole number"),
        (lambda: made(GanConfig, lr="fast"), "learning rate must be a finite number"),
        (lambda: made(GanConfig, r1=1e38), "r1 must be at most"),
        (lambda: made(GanConfig, beta1=1.0), "beta1 must lie from 0 to below 1"),
        (lambda: made(GanConfig, loss=3), "loss must be a name, or what is to be used"),
        (lambda: made(GanConfig, net=None), "net must be a name"),
        (lambda: made(GanConfig, simultaneous=1), "simultaneous must be True or False"),
        (lambda: made(GanConfig, image_shape=(1, 28)), "image-shape must be"),
        (lambda: made(GanConfig, image_shape=(1, 10**6, 10**6)), "image-shape must be at most"),
        (lambda: made(GanConfig, head_start=-1), "head-start must be at least 0"),
        (lambda: made(VaeConfig, beta=1e300), "beta must be at most"),
        (lambda: made(VaeConfig, free_bits=1e308), "free-bits must be at most"),
        (lambda: made(VaeConfig, draws=999_999), "draws must be at most"),
        (lambda: made(VaeConfig, image_shape=(3, 32, 32), likelihood="bernoulli"), "a Bernoulli pixel is black or white"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_sentence(make: Callable[[], Any], why: str) -> None:
    with pytest.raises(ValueError, match=why) as error:
        make()
    assert "\n" not in str(error.value)


def test_a_vae_of_colours_has_a_likelihood_that_fits() -> None:
    assert VaeConfig().likelihood == "bernoulli" and VaeConfig(image_shape=(3, 32, 32)).likelihood == "gaussian"
    assert VaeConfig(image_shape=(3, 32, 32), likelihood="logistic").likelihood == "logistic"


def test_entries_of_another_type_are_an_error_of_the_checkpoint() -> None:
    """In a process of its own, where no type checker stands in front of the configuration."""
    code = """
from imggen_lib.configs import GanConfig, from_json
from imggen_lib.errors import CheckpointError
for entry in ({"batch": "16"}, {"latent_dim": "64"}, {"net": 3}, {"hidden": 5}, {"lr": None}, {"image_shape": {}}, {"seed": [1]}):
    try:
        from_json(GanConfig(net="mlp").to_json() | entry)
    except CheckpointError as error:
        assert str(error).startswith("the configuration cannot be used: ") and "\\n" not in str(error)
    else:
        raise AssertionError(entry)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


# Seeds


def test_seeds_of_numpy_give_the_same_noise(make_images: Images) -> None:
    plain = noise.latents([0, 1, 2], 4)
    assert torch.equal(plain, raw(noise.latents)(np.arange(3), 4)) and torch.equal(
        plain, raw(noise.latents)([0.0, np.int8(1), 2], 4)
    )
    assert raw(noise.mix)(np.int64(-5), 3) == noise.mix(-5, 3)
    for bad in (0.5, True, "1"):
        with pytest.raises(ValueError, match="a seed must be a whole number"):
            raw(noise.mix)(bad)


# Labels


@pytest.mark.parametrize(
    "labels",
    [
        torch.tensor([2, 0]),
        torch.tensor([2, 0], dtype=torch.int32),
        torch.tensor([2, 0], dtype=torch.uint8),
        np.array([2, 0]),
        [2, 0],
    ],
)
def test_labels_are_integers_of_any_size(labels: Any) -> None:
    found = check_labels(labels, 2, 3)
    assert found.dtype == torch.int64 and found.tolist() == [2, 0]


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        (torch.tensor([0.0, 1.0]), "whole numbers from 0 to 2, got torch.float32"),
        ([0.0, 1.0], "whole numbers"),
        (torch.tensor([True, False]), "whole numbers"),
        ("ab", "whole numbers"),
        (["a", "b"], "whole numbers"),
        ([0, None], "whole numbers"),
        ([0, 3], "from 0 to 2, got 0 to 3"),
        ([-1, 0], "from 0 to 2, got -1 to 0"),
        ([0], "2 images need 2 labels"),
        ([0, 1, 2], "2 images need 2 labels"),
        ([[0], [1]], "2 images need 2 labels"),
        (1, "2 images need 2 labels"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_labels(labels, 2, 3)


# Sets of images of one's own


def test_a_set_takes_arrays_and_any_integers(make_images: Images) -> None:
    x, make = make_images(4), raw(ImageSet.from_float.__func__)  # type: ignore[attr-defined]
    one = make(ImageSet, x, torch.tensor([0, 1, 1, 0], dtype=torch.int32))
    assert one.labels.dtype == torch.int64 and one.classes == ("0", "1")
    assert make(ImageSet, x, np.array([0, 1, 1, 0])).checksum == one.checksum
    arrays = made(ImageSet, images=one.images.numpy(), labels=one.labels.numpy(), classes=("a", "b"), name="mine")
    assert arrays.checksum == one.checksum


def test_a_set_refuses_another_range_and_labels_that_do_not_fit(make_images: Images) -> None:
    x, make = make_images(4), raw(ImageSet.from_float.__func__)  # type: ignore[attr-defined]
    unit = (x - x.min()) / (x.max() - x.min())
    with pytest.warns(UserWarning, match=r"is this \[0, 1\]"):
        make(ImageSet, unit)
    for bad, why in (
        (x * 127.5 + 127.5, r"is this \[0, 255\]"), (x.numpy(), "torch.from_numpy"), (x[0], "four dimensions"),
        (to_uint8(x), "not floats"), (x * torch.nan, "NaN"), ([1, 2], "must be a tensor"), (x[:0], "empty"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=why):
            make(ImageSet, bad)
    for labels, why in (([3, 7, 3, 7], "without gaps"), ([0, 1], "4 images need 4 labels"), ([0.5] * 4, "whole"), ([-1] * 4, "-1")):
        with pytest.raises(ValueError, match=why):
            make(ImageSet, x, labels)
    named = make(ImageSet, x, [1, 3, 1, 3], classes=("a", "b", "c", "d"))
    assert named.classes == ("a", "b", "c", "d") and named.labels.tolist() == [1, 3, 1, 3]
    with pytest.raises(DataError, match="from 0 to 1, got 1 to 3"):
        make(ImageSet, x, [1, 3, 1, 3], classes=("a", "b"))


def test_arrays_are_refused_by_a_sentence_that_says_what_to_do(make_images: Images) -> None:
    x = make_images(4).numpy()
    calls: list[Callable[[], Any]] = [
        lambda: raw(to_uint8)(x), lambda: raw(to_float)(x), lambda: check_images(x), lambda: raw(statistics)(x[:, 0, 0]),
        lambda: raw(image_losses.squared_error)(x, x), lambda: gan_losses._check(x, x), lambda: tensor(x, "images"),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(ValueError, match=r"must be a tensor, got a ndarray; torch\.from_numpy makes one"):
            call()


# Sampling


@pytest.fixture
def generator() -> nn.Module:
    torch.manual_seed(0)
    return GanConfig(net="mlp", hidden=(8,), classes=3, latent_dim=4).build()


def test_labels_of_a_sample_may_be_a_list_an_array_or_one_number(generator: nn.Module) -> None:
    expected = sample(generator, 3, labels=torch.tensor([2, 2, 2]))
    for labels in ([2, 2, 2], np.array([2, 2, 2]), 2, np.int64(2), torch.tensor(2), torch.tensor([2, 2, 2], dtype=torch.uint8)):
        assert torch.equal(sample(generator, 3, labels=labels), expected)
    for labels, why in ((3, "from 0 to 2"), ([0], "3 images need 3"), ("zero", "whole"), (-1, "from 0 to 2"), (0.5, "whole")):
        with pytest.raises(ValueError, match=why):
            sample(generator, 3, labels=labels)
    z = noise.latents([0, 1], 4)
    assert interpolate(generator, z, z, 2, labels=[0, 1]).shape[0] == 4


def test_numbers_of_a_sample_are_whole(generator: nn.Module) -> None:
    assert torch.equal(raw(sample)(generator, np.int64(3), seed=np.int32(5)), sample(generator, 3, seed=5))
    for options in ({"n": 2.5}, {"n": True}, {"n": 2, "seed": 0.5}, {"n": 0}, {}):
        with pytest.raises(ValueError):
            raw(sample)(generator, **options)
    with pytest.raises(ValueError, match=r"torch\.from_numpy"):
        raw(decode)(generator, np.zeros((2, 4)))


def test_a_network_of_one_s_own_is_told_what_it_lacks() -> None:
    plain = nn.Sequential(nn.Linear(4, 4))
    with pytest.raises(
        ValueError, match="Sequential has no attribute 'classes': a generator needs image_shape, latent_dim and classes"
    ):
        sample(plain, 2)
    with pytest.raises(ValueError, match="'latent_dim'"):
        attribute(plain, "latent_dim")


# Ranges at the way into a VAE


def test_a_vae_encodes_images_from_minus_one_to_one() -> None:
    torch.manual_seed(0)
    model, x = ConvVAE((1, 8, 8), 3, 2).eval(), torch.rand(4, 1, 8, 8)
    x[0, 0, 0, :2] = torch.tensor([0.0, 1.0])
    with pytest.warns(UserWarning, match=r"is this \[0, 1\]"):
        model.encode(x)
    with pytest.raises(ValueError, match=r"is this \[0, 255\]"):
        model.encode(x * 255)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.encode(x * 2 - 1)
        model.encode((x * 2 - 1) * 1.003)  # with noise of half a grey level


# What is around a call: PyTorch's defaults, and what stays after it


class _Fails(nn.Module):
    image_shape, latent_dim, classes = (1, 28, 28), 4, 0

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Linear(4, 4)

    def forward(self, z: torch.Tensor, labels: Any = None) -> torch.Tensor:
        raise KeyboardInterrupt


@pytest.fixture(scope="module")
def eyes() -> nn.Module:
    return extractor("mnist-features")


def test_no_default_of_pytorch_changes_a_number(generator: nn.Module, eyes: nn.Module, make_images: Images) -> None:
    x, vae = make_images(40), ConvVAE((1, 28, 28), 3, 2)
    calls = [lambda: sample(generator, 4), lambda: features(eyes, x), lambda: log_likelihoods(vae, x[:3], k=2)]
    plain = [call() for call in calls]
    torch.set_default_dtype(torch.float64)
    try:
        wide = [call() for call in calls]
    finally:
        torch.set_default_dtype(torch.float32)
    with torch.inference_mode():
        inside = [call() for call in calls]
    with torch.autocast("cpu", torch.bfloat16):
        rounded = [call() for call in calls[1:]]
    for found in (wide, inside):
        assert all(a.dtype == b.dtype and torch.equal(a, b) for a, b in zip(found, plain, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(rounded, plain[1:], strict=True))


def test_images_of_other_float_types_are_measured_in_the_network_s_own(eyes: nn.Module, make_images: Images) -> None:
    x = make_images(20)
    assert torch.equal(features(eyes, x.double()), features(eyes, x))
    assert (features(eyes, x.half()) - features(eyes, x)).abs().max() < 0.1
    with pytest.warns(UserWarning, match=r"is this \[0, 1\]"):
        features(eyes, (x - x.min()) / (x.max() - x.min()))
    with pytest.raises(ValueError, match=r"is this \[0, 255\]"):
        features(eyes, (x + 1) * 127.5)


@pytest.mark.parametrize("mode", [True, False])
def test_measuring_leaves_every_layer_in_its_mode(mode: bool, make_images: Images) -> None:
    model = ConvVAE((1, 28, 28), 3, 2).train(mode)
    model.encoder[0].train(not mode)
    net = FeatureConfig(width=2).build().train(mode)
    before, dice = [m.training for m in model.modules()], torch.get_rng_state()
    sample(model, 2), log_likelihoods(model, make_images(2), k=2)
    features(net, make_images(2))
    assert [m.training for m in model.modules()] == before and net.training == mode
    assert torch.equal(torch.get_rng_state(), dice)
    failing = _Fails().train(mode)
    with pytest.raises(KeyboardInterrupt):
        sample(failing, 1)
    assert failing.training == mode


def test_a_network_of_one_s_own_s_eyes_and_a_stream_can_be_copied_and_pickled(tmp_path: Path, make_images: Images) -> None:
    net = FeatureConfig(image_shape=(1, 8, 8), width=2).build()
    own = _fitted(net, "eyes", "0" * 64)
    for k in range(3):
        Image.new("RGB", (9, 9), (k, 0, 0)).save(tmp_path / f"{k}.png")
    stream = files(tmp_path, size=8, workers=0)
    x, first = make_images(3, side=16), next(stream.batches(3, images=3))[0]
    for copied in (copy.deepcopy, lambda what: pickle.loads(pickle.dumps(what))):
        assert torch.equal(features(copied(own), x), features(own, x))
        assert torch.equal(next(copied(stream).batches(3, images=3))[0], first)


def test_features_of_a_function_see_images_as_they_are(make_images: Images) -> None:
    seen = []
    features(lambda part: seen.append(part.dtype) or part.flatten(1)[:, :3], make_images(4).double())  # type: ignore[func-returns-value]
    assert seen == [torch.float64]


def test_an_extractor_can_be_copied_and_pickled(eyes: nn.Module, make_images: Images) -> None:
    x = make_images(3)
    for other in (copy.deepcopy(eyes), pickle.loads(pickle.dumps(eyes))):
        assert torch.equal(features(other, x), features(eyes, x))


def test_the_distance_of_a_set_to_itself_is_never_negative() -> None:
    draw = torch.Generator().manual_seed(0)
    for d in (2, 16, 64):
        f = torch.randn(400, d, generator=draw).double()
        s, moved = statistics(f), statistics(f[torch.randperm(400, generator=draw)])
        assert 0 <= frechet_distance(s, s) < 1e-8 and 0 <= frechet_distance(s, moved) < 1e-8
        found = frechet_interval(f, f)
        assert found.low <= found.value <= found.high


def test_an_error_relative_to_nothing_is_refused(make_images: Images) -> None:
    maps = make_images(1, 3, 8)
    for loss in (raw(image_losses.gram_loss), raw(image_losses.content_error)):
        for drawn in (maps, torch.zeros_like(maps)):
            grams, flat = image_losses.gram(drawn), torch.zeros(1, 3, 3)
            arguments = ([grams], [flat]) if loss is raw(image_losses.gram_loss) else ([drawn], [torch.zeros_like(maps)])
            with pytest.raises(ValueError, match="0 everywhere"):
                loss(*arguments)


def test_a_check_that_python_o_has_emptied_says_so() -> None:
    code = "from imggen_lib.exercises import attempt\ndef check(a):\n    assert a == 42, 'no'\nattempt(check, 7)"
    done = subprocess.run([sys.executable, "-O", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("not yet: checks are off under python -O")


def test_entries_of_sampling_and_noise_refuse_in_one_sentence() -> None:
    net = GanConfig(net="mlp", hidden=(8,), latent_dim=4).build()
    z, path, arc = latents(range(2), 4), inspect.unwrap(interpolate), inspect.unwrap(slerp)
    assert path(net, z, z, 3.0).shape == (6, 1, 28, 28)
    for steps in (2.5, "3", None, True):
        with pytest.raises(ValueError, match=r"steps must be"):
            path(net, z, z, steps)
    for seeds in (5, iter([1, 2])):
        with pytest.raises(ValueError, match=r"seeds must be a sequence"):
            inspect.unwrap(sample)(net, seeds=seeds)
        with pytest.raises(ValueError, match=r"seeds must be a sequence"):
            inspect.unwrap(latents)(seeds, 4)
    for dim in (4.5, "4", -1, None):
        with pytest.raises(ValueError, match=r"the number of latent dimensions must be"):
            inspect.unwrap(latents)([1], dim)
    for a, b, t, words in (
        (z.numpy(), z, 0.5, "tensor"),
        (z, z[:1, :3], 0.5, "same shape"),
        (z, z, math.nan, "t must be"),
    ):
        with pytest.raises(ValueError, match=words):
            arc(a, b, t)


@pytest.mark.parametrize("values", [[], None, "gan", {"kind": ["gan"]}, {"kind": None}, {"kind": "gan", 1: 2}])
def test_a_configuration_that_is_none_is_refused_in_one_sentence(values: Any) -> None:
    with pytest.raises(CheckpointError, match=r"configuration|kind of model"):
        inspect.unwrap(from_json)(values)


def test_terms_and_measures_refuse_arrays_in_one_sentence() -> None:
    x = torch.rand(2, 1, 4, 4)
    shares, rows = torch.full((2, 4), 0.25), torch.zeros(3, 2)
    model = VaeConfig(net="mlp", hidden=(8,), latent_dim=4).build()
    calls: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
        *((f, (x, x)) for f in (vae_losses.bernoulli_log_prob,)),
        *((f, (x, x, torch.zeros(()))) for f in (vae_losses.gaussian_log_prob, vae_losses.discretized_logistic_log_prob)),
        *((f, (rows, rows)) for f in (vae_losses.kl_per_dimension, vae_losses.standard_normal_kl)),
        *((f, (shares, shares)) for f in (colour.chi_square, colour.earth_movers)),
        *((f, (x,)) for f in (texture.grey, texture.binary_patterns)),
        *((f, (torch.rand(2, 3, 4, 4),) * 2) for f in (colour.lab_difference_76, colour.lab_difference_2000)),
        *((f, (rows,)) for f in (can_losses.style_ambiguity, can_losses.posterior_entropy)),
        *((f, (x,)) for f in (image_losses.gram, image_losses.out_of_range)),
        (modes_found, (rows, rows, torch.ones(()))),
        (vae_losses.iwae_bound, (rows,)),
        (likelihood.active_units, (rows,)),
        (lambda values: raw(likelihood.bits_per_dimension)(model, values), (rows[:, 0],)),
    ]
    for function, arguments in calls:
        for make in (torch.Tensor.numpy, torch.Tensor.tolist):
            with pytest.raises(ValueError, match=r"must be a tensor, got a (ndarray|list|float); torch\.\w+ makes one"):
                raw(function)(*map(make, arguments))


def test_what_looks_like_zero_to_one_is_said_and_bright_images_are_not(make_images: Images) -> None:
    x = make_images(20)
    for unit in (x / 2 + 0.5, (x / 2 + 0.5).clamp(0.01, 0.99)):
        with pytest.warns(UserWarning, match=r"is this \[0, 1\]"):
            check_images(unit)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for fine in (x, x.abs()[:3], x.abs() / 4, torch.ones_like(x), -x.abs()):
            check_images(fine)


def test_threads_that_ask_one_network_at_once_neither_train_it_nor_leave_it_changed() -> None:
    """One thread put the network back into training while another was asking it: other images, and the mode stayed."""
    net = nn.Sequential(nn.BatchNorm1d(4), nn.BatchNorm1d(4)).train()
    x, seen = torch.randn(64, 4), []

    def ask() -> None:
        for _ in range(200):
            with evaluating(net), torch.no_grad():
                net(x)
                seen.append(any(layer.training for layer in net.modules()))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not any(seen) and all(layer.training for layer in net.modules())
    assert not net[0].running_mean.any()
