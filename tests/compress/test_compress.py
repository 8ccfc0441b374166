"""Folding, rounding, pruning and files of small generators, each against PyTorch's own tools where there are any."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import prune as torch_prune
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from imggen_lib.checkpoint import pretrained
from imggen_lib.compress import store
from imggen_lib.compress.fold import FoldedGenerator, fold_into, folded, line
from imggen_lib.compress.prune import prune, smallest
from imggen_lib.compress.quantise import (
    FakeQuantised,
    aware,
    best_steps,
    calibrated,
    largest_steps,
    layers,
    levels,
    quantised,
    rounded,
    rows,
    settled,
    unrows,
)
from imggen_lib.models.gan import ConvGenerator
from imggen_lib.models.narrow import NarrowGenerator
from imggen_lib.sampling import sample

SHAPE = (1, 12, 12)


def _norm(norm: nn.modules.batchnorm._BatchNorm) -> None:
    """Statistics and weights that are not those of the start."""
    draw = torch.Generator().manual_seed(1)
    for value in (norm.running_mean, norm.weight.data, norm.bias.data):
        assert value is not None
        value.copy_(torch.randn(value.shape, generator=draw))
    assert norm.running_var is not None
    norm.running_var.copy_(torch.rand(norm.running_var.shape, generator=draw) + 0.2)


def _generator(narrow: bool = False) -> ConvGenerator:
    torch.manual_seed(0)
    made = NarrowGenerator(SHAPE, 5, 8, 3, seeds=2) if narrow else ConvGenerator(SHAPE, 5, 8, 3)
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            _norm(module)
    for _, layer in layers(made):
        layer.weight.data *= 4  # images with contrast
    return made.eval()


def _inputs(n: int = 9) -> tuple[Tensor, Tensor]:
    return torch.randn(n, 5, generator=torch.Generator().manual_seed(2)), torch.arange(n) % 3


@pytest.mark.parametrize("bias", [True, False])
def test_folding_is_pytorchs(bias: bool) -> None:
    torch.manual_seed(0)
    norm, flat = nn.BatchNorm2d(4).eval(), nn.BatchNorm1d(4).eval()
    _norm(norm), _norm(flat)
    conv, up, dense = nn.Conv2d(3, 4, 3, bias=bias), nn.ConvTranspose2d(3, 4, 4, 2, 1, bias=bias), nn.Linear(3, 4, bias=bias)
    expected = [
        fuse_conv_bn_eval(conv.eval(), norm),
        fuse_conv_bn_eval(up.eval(), norm, transpose=True),
        fuse_linear_bn_eval(dense.eval(), flat),
    ]
    for layer, theirs, after in zip((conv, up, dense), expected, (norm, norm, flat), strict=True):
        fold_into(layer, after)
        assert torch.allclose(layer.weight, theirs.weight, atol=1e-6) and torch.allclose(layer.bias, theirs.bias, atol=1e-6)


@pytest.mark.parametrize("narrow", [False, True])
def test_a_folded_generator_draws_the_same_images_without_normalisation(narrow: bool) -> None:
    made = _generator(narrow)
    small = folded(made)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in small.modules())
    assert torch.allclose(small(*_inputs()), made(*_inputs()), atol=1e-5)
    assert small.shift.shape == (small.start[0],) and small.shift.abs().min() > 0
    before = made.dense.weight.clone()
    small.dense.weight.data.zero_()
    assert torch.equal(made.dense.weight, before), "the folded generator has weights of its own"


def test_what_cannot_be_folded_says_so() -> None:
    with pytest.raises(ValueError, match="only behind a linear layer"):
        folded(ConvGenerator(SHAPE, 5, 8, 3, blocks=1))
    with pytest.raises(ValueError, match="running statistics"):
        line(nn.BatchNorm2d(3, track_running_stats=False))


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_rounding_is_pytorchs_fake_quantiser(bits: int) -> None:
    weight = torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
    step = largest_steps(weight, bits) * 0.7  # some weights are cut off
    theirs = torch.fake_quantize_per_channel_affine(
        weight, step[:, 0], torch.zeros(6, dtype=torch.int32), 0, -levels(bits), levels(bits)
    )
    assert torch.allclose(quantised(weight, step, bits), theirs, atol=1e-6)
    assert len((quantised(weight, step, bits) / step).round().unique()) <= 2**bits - 1


def test_bits_must_make_sense() -> None:
    for bits in (1, 17):
        with pytest.raises(ValueError, match="2 to 16 bits"):
            levels(bits)


def test_the_best_step_is_no_worse_than_that_of_the_largest_weight() -> None:
    flat = torch.randn(20, 300, generator=torch.Generator().manual_seed(0))
    for bits in (3, 4):
        errors = [(quantised(flat, how(flat, bits), bits) - flat).square().sum(1) for how in (largest_steps, best_steps)]
        assert (errors[1] <= errors[0] + 1e-6).all() and errors[1].sum() < 0.8 * errors[0].sum()
    assert torch.allclose(largest_steps(flat, 8) * 127, flat.abs().amax(1, keepdim=True))


def test_rows_and_back() -> None:
    for shape, axis, channels in (((6, 4), 0, 3), ((2, 5, 3, 3), 1, 5)):
        weight = torch.randn(shape)
        flat = rows(weight, axis, channels)
        assert flat.shape == (channels, weight.numel() // channels) and torch.equal(unrows(flat, weight, axis), weight)
    assert torch.equal(rows(torch.arange(12.0).view(6, 2), 0, 3)[1], torch.tensor([4.0, 5.0, 6.0, 7.0]))


def test_rounded_copies_get_worse_with_fewer_bits() -> None:
    small = folded(_generator())
    expected = small(*_inputs())
    apart = [(rounded(small, bits)(*_inputs()) - expected).abs().mean() for bits in (8, 6, 4, 3)]
    assert 0 < apart[0] < apart[1] < apart[2] < apart[3]
    assert torch.equal(small(*_inputs()), expected)
    for _, layer in layers(rounded(small, 4, "tensor")):
        assert len(layer.weight.unique()) <= 15
    with pytest.raises(ValueError, match="each channel"):
        rounded(small, 4, "row")


def test_calibration_makes_the_output_nearer_where_inputs_depend_on_each_other() -> None:
    torch.manual_seed(0)
    generator = FoldedGenerator(nn.Linear(8, 36, bias=False), torch.zeros(4), nn.Sequential(nn.ReLU()), _generator())
    generator.start, generator.classes = (4, 3, 3), 0
    z = torch.randn(2000, 2) @ torch.randn(2, 8) + 0.1 * torch.randn(2000, 8)
    expected = generator(z)
    near, with_inputs = rounded(generator, 3, best=True)(z), calibrated(generator, 3, z)(z)
    assert (with_inputs - expected).square().mean() < 0.6 * (near - expected).square().mean()


def test_the_straight_through_estimator_and_the_steps_slope() -> None:
    weight = torch.tensor([[0.26, -0.9, 2.4]], dtype=torch.float64)
    rounding = FakeQuantised(weight, 3, 0, 1).double()
    rounding.log_step.data = torch.tensor([[0.5]], dtype=torch.float64).log()
    given = weight.clone().requires_grad_(True)
    out = rounding(given)
    assert out.tolist() == [[0.5, -1.0, 1.5]]  # 0.52, -1.8 and 4.8 steps; three is the most
    (out * torch.tensor([[1.0, 10.0, 100.0]])).sum().backward()
    assert given.grad is not None and given.grad.tolist() == [[1.0, 10.0, 0.0]]
    inside = torch.tensor([1 - 0.52, -2 + 1.8, 3.0], dtype=torch.float64)  # round(w/s) - w/s, or the level where it is cut
    slope = (inside * torch.tensor([1.0, 10.0, 100.0])).sum() * 0.5  # of the step's logarithm
    assert rounding.log_step.grad is not None and rounding.log_step.grad.item() == pytest.approx(slope.item())


def test_aware_training_keeps_to_the_grid() -> None:
    small = folded(_generator())
    trained = aware(small, 3)
    begun = trained(*_inputs()).detach()
    assert torch.allclose(begun, rounded(small, 3, best=True)(*_inputs()), atol=1e-5)
    optimiser, wanted = torch.optim.Adam(trained.parameters(), 1e-3), small(*_inputs()).detach()
    for _ in range(150):
        loss = (trained(*_inputs()) - wanted).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss < 0.7 * (begun - wanted).square().mean()
    plain = settled(trained, small)
    assert torch.equal(plain(*_inputs()), trained(*_inputs())) and not list(plain.buffers())
    for _, layer in layers(plain):
        flat = rows(layer.weight, 1 if isinstance(layer, nn.ConvTranspose2d) else 0, 1)
        assert len(flat.unique()) <= 7 * layer.weight.shape[0]


@pytest.mark.parametrize("share", [0.0, 0.5, 0.8])
def test_pruning_is_pytorchs(share: float) -> None:
    ours, theirs = folded(_generator()), folded(_generator())
    prune(ours, smallest(ours, share))
    for (_, mine), (_, other) in zip(layers(ours), layers(theirs), strict=True):
        if share:
            torch_prune.l1_unstructured(other, "weight", amount=share)
        assert torch.equal(mine.weight, other.weight)
    with pytest.raises(ValueError, match="below 1"):
        smallest(ours, 1.0)


@pytest.mark.parametrize("bits", [2, 3, 4, 5, 8])
def test_bits_are_packed_one_behind_the_other(bits: int) -> None:
    whole = torch.randint(-levels(bits), levels(bits) + 1, (7, 5), generator=torch.Generator().manual_seed(bits))
    content = store.packed(whole, bits)
    assert len(content) == -(-35 * bits // 8) and torch.equal(store.unpacked(content, bits, (7, 5)), whole)


@pytest.mark.parametrize("narrow", [False, True])
def test_a_file_keeps_a_rounded_generator(tmp_path: Path, narrow: bool) -> None:
    small = rounded(folded(_generator(narrow)), 4)
    size = store.save(small, tmp_path / "a.safetensors", 4, note="made in a test")
    again = store.load(tmp_path / "a.safetensors")
    assert again.card == {"note": "made in a test"} and again.bits == 4
    assert torch.allclose(again(*_inputs()), small(*_inputs()), atol=5e-3)  # biases and steps in half precision
    assert store.nbytes(small, 4) < size < store.nbytes(small, 4) + 2500
    with pytest.raises(ValueError, match="not on a grid"):
        store.save(folded(_generator()), tmp_path / "b.safetensors", 4)


def test_eight_bits_are_rounded_by_the_file(tmp_path: Path) -> None:
    small = folded(_generator())
    store.save(small, tmp_path / "a.safetensors", 8)
    again, nearest = store.load(tmp_path / "a.safetensors"), rounded(small, 8)
    assert (again(*_inputs()) - nearest(*_inputs())).abs().max() < 0.02


def test_bytes_are_counted() -> None:
    small = folded(_generator())
    weights, others = 5 * 0 + 8 * 72 + 8 * 4 * 16 + 4 * 16, 8 + 4 + 1
    assert store.nbytes(small, 32) == 4 * (weights + others)
    assert store.nbytes(small, 8) == weights + 2 * others + 2 * (8 + 4 + 1)
    assert store.nbytes(small, 4, steps=False) == weights // 2 + 2 * others


@pytest.mark.parametrize("name", store.names())
def test_what_ships_draws_what_its_card_says(name: str) -> None:
    small = store.small(name)
    measured = small.card["measured"]
    assert measured["weights"] == sum(layer.weight.numel() for _, layer in layers(small))
    assert measured["bytes"] == store.nbytes(small, small.bits)
    teacher = sample(pretrained("mnist-gan-classes").model(), 20)
    apart = [(images - teacher).abs().mean() for images in (sample(small, 20), sample(small, 20, seed=500))]
    assert apart[0] < 0.16 and apart[0] < 0.6 * apart[1], "a student of the teacher, latent by latent"
    assert small.card["licence"].startswith("MIT")


def test_small_generators_have_names() -> None:
    assert {"fifth", "int4"} <= set(store.names())
    with pytest.raises(ValueError, match="the small generators are"):
        store.small("tiny")
