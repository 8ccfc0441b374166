"""Students: the teacher's pairs, and what a student learns from them, with a critic and without."""

import pytest
import torch

from imggen_lib.compress.distil import pairs, train_student
from imggen_lib.compress.prune import prune, smallest
from imggen_lib.data import ImageSet
from imggen_lib.losses.gan import relativistic
from imggen_lib.models.gan import ConvCritic, ConvGenerator
from imggen_lib.models.narrow import NarrowGenerator
from imggen_lib.noise import generator_for
from imggen_lib.sampling import decode
from imggen_lib.train.state import GanState

SHAPE = (1, 12, 12)


def _nets() -> tuple[ConvGenerator, NarrowGenerator, ConvCritic]:
    torch.manual_seed(0)
    return ConvGenerator(SHAPE, 4, 8, 2).eval(), NarrowGenerator(SHAPE, 4, 8, 2, seeds=3), ConvCritic(SHAPE, 4, 2)


def _data() -> ImageSet:
    draw = torch.Generator().manual_seed(3)
    images = torch.randint(0, 255, (40, *SHAPE), dtype=torch.uint8, generator=draw)
    return ImageSet(images, torch.arange(40) % 2, ("a", "b"), "noise")


def test_pairs_are_the_teachers_images_by_class() -> None:
    teacher = _nets()[0]
    made = pairs(teacher, 10, seed=1)
    labels = torch.arange(10) // 5
    assert len(made) == 10 and torch.equal(made.latents, pairs(teacher, 10, seed=1).latents)
    expected = decode(teacher, made.latents, labels)
    wanted = torch.tensor([1, 0, 1, 1])
    z, images = made.of(wanted, 4, generator_for(0, 1))
    for latent, image, label in zip(z, images, wanted, strict=True):
        k = (made.latents == latent).all(1).nonzero().item()
        assert k // 5 == label and (image - expected[int(k)]).abs().max() <= 1 / 255 + 1e-6
    with pytest.raises(ValueError, match="not a multiple"):
        pairs(teacher, 11)


def _trained(images: int, **options: object) -> tuple[list[dict], GanState]:
    teacher, student, critic = _nets()
    state = GanState.create(student, critic, lr=2e-3)
    arguments: dict = {"taught": pairs(teacher, 40), "loss": relativistic} | options
    batches = _data().batches(8, images=images, seed=0)
    return list(train_student(state, batches, arguments.pop("taught"), arguments.pop("loss"), **arguments)), state


def test_a_student_comes_nearer_to_its_teacher() -> None:
    records, _ = _trained(1600, loss=None)
    assert float(records[-1]["apart"]) < 0.7 * float(records[0]["apart"])
    assert all(float(r["critic"]) == 0 == float(r["generator"]) for r in records)


def test_the_critic_comes_when_it_should() -> None:
    records, _ = _trained(80, critic_from=24, head_start=16)
    assert [float(r["critic"]) != 0 for r in records] == [False] * 3 + [True] * 7
    assert [float(r["generator"]) != 0 for r in records] == [False] * 5 + [True] * 5


def test_without_a_teacher_it_is_a_gan() -> None:
    records, _ = _trained(40, taught=None)
    assert all(float(r["apart"]) == 0 and float(r["generator"]) > 0 for r in records)
    with pytest.raises(ValueError, match="a teacher's pairs, a critic's loss, or both"):
        _trained(40, taught=None, loss=None)


def test_what_is_pruned_stays_pruned() -> None:
    masks = smallest(_nets()[1], 0.5)
    _, state = _trained(80, each_step=lambda net: prune(net, masks))
    for name, keep in masks.items():
        weight = state.generator.get_submodule(name).weight
        assert isinstance(weight, torch.Tensor) and not weight[~keep].any() and weight[keep].all()


def test_a_narrow_generator_has_fewer_numbers_in_its_dense_layer() -> None:
    wide, narrow, _ = _nets()
    assert narrow.dense.weight.numel() * 8 == wide.dense.weight.numel() * 3
    assert narrow(torch.randn(3, 4), torch.tensor([0, 1, 1])).shape == (3, *SHAPE)
    with pytest.raises(ValueError, match="at least one map"):
        NarrowGenerator(SHAPE, 4, 8, 2, seeds=0)
