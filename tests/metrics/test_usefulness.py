"""Train on synthetic, test on real: right where it must be, guessing where labels say nothing, and set by its seed."""

from inspect import unwrap

import pytest
import torch

from imggen_lib.metrics.baselines import class_gaussians, gaussian_images
from imggen_lib.metrics.intervals import wilson_interval
from imggen_lib.metrics.usefulness import classification_accuracy_score


def _bars(n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Upright (0) and lying (1) bars in noise, (n, 1, 16, 16)."""
    g = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 2
    images = 0.2 * torch.rand(n, 1, 16, 16, generator=g) - 1
    for image, label, at in zip(images, labels.tolist(), torch.randint(4, 12, (n,), generator=g).tolist(), strict=True):
        image[0, :, at] += 1.5 * (label == 0)
        image[0, at, :] += 1.5 * (label == 1)
    return images, labels


def test_a_classifier_that_learned_the_classes_names_real_images_right_and_one_with_shuffled_labels_guesses() -> None:
    (images, labels), (real, real_labels) = _bars(200, 0), _bars(300, 1)
    found = classification_accuracy_score(images, labels, real, real_labels, seen=3000, width=4)
    assert found.value > 0.97
    assert (found.low, found.high) == pytest.approx(wilson_interval(found.value * 300, 300))
    mixed = labels[torch.randperm(200, generator=torch.Generator().manual_seed(2))]
    assert 0.3 < classification_accuracy_score(images, mixed, real, real_labels, seen=1000, width=4).value < 0.7


def test_the_number_depends_on_the_seed_alone_and_leaves_the_process_s_random_numbers_be() -> None:
    (images, labels), (real, real_labels) = _bars(60, 0), _bars(200, 1)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one = classification_accuracy_score(images, labels, real, real_labels, seen=300, width=4, seed=3)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    assert classification_accuracy_score(images, labels, real, real_labels, seen=300, width=4, seed=3) == one


def test_images_that_lack_a_class_cost_that_class() -> None:
    (images, labels), (real, real_labels) = _bars(200, 0), _bars(300, 1)
    only = labels == 0
    assert classification_accuracy_score(images[only], labels[only], real, real_labels, seen=1000, width=4).value == 0.5


def test_the_gaussians_of_the_classes_have_each_class_s_mean() -> None:
    images, labels = _bars(400, 0)
    wanted = torch.arange(600) % 2
    drawn = class_gaussians(images, labels, wanted, torch.Generator().manual_seed(0))
    for label in (0, 1):
        gap = (drawn[wanted == label].mean(0) - images[labels == label].mean(0)).abs().max()
        assert gap < 0.25
    one = gaussian_images(images[labels == 0], 300, torch.Generator().manual_seed(0))
    assert torch.equal(drawn[wanted == 0], one)
    with pytest.raises(ValueError, match="got 0 of class 7"):
        class_gaussians(images, labels, torch.tensor([7]), torch.Generator())


def test_what_cannot_be_trained_on_is_said() -> None:
    images, labels = _bars(20, 0)
    with pytest.raises(ValueError, match="training images are"):
        unwrap(classification_accuracy_score)(images, labels, torch.zeros(5, 1, 8, 8), torch.zeros(5, dtype=torch.long))
    with pytest.raises(ValueError, match="two images to train on"):
        classification_accuracy_score(images[:1], labels[:1], images, labels)
