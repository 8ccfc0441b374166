r"""What are generated images worth for learning? A classifier is trained on them and tested on real ones.

The order of the arguments is always **training images first, real test images second**.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from imggen_lib.checks import check_images, check_labels, whole
from imggen_lib.data.imageset import shares
from imggen_lib.machine import evaluating, first_weights
from imggen_lib.metrics.intervals import Estimate, share_estimate
from imggen_lib.models.features import FeatureNet
from imggen_lib.train.features import train_features


def classification_accuracy_score(
    images: Float[Tensor, "n c h w"], labels: Int[Tensor, " n"], real: Float[Tensor, "m c h w"], real_labels: Int[Tensor, " m"], *,
    seen: int = 40_000, batch: int = 100, width: int = 16, lr: float = 2e-3, seed: int = 0, level: float = 0.95,
) -> Estimate:  # fmt: skip
    r"""Train on synthetic, test on real: the share of real images that a classifier trained on `images` names right.

    .. math::
        \begin{aligned}
        &\frac1m \sum_{j=1}^m \mathbb 1\left[\arg\max_y f_\theta(x_j)_y = y_j\right], \\
        &\theta \approx \arg\min_\theta -\frac1n \sum_{i=1}^n \log p_\theta(\ell_i \mid g_i)
        \end{aligned}

    with :math:`g_i, \ell_i` the generated images and the classes that they were asked for, and :math:`x_j, y_j` real test images.
    0 to 1, **higher is better**; read it beside as many real training images, which a generator trained on no more than those
    cannot be expected to beat, and beside what needs no generator (:func:`~imggen_lib.metrics.baselines.class_gaussians`). It
    falls when classes are confused, and when what is needed to tell them apart is missing from the images: the variety within a
    class. It is blind to copies of training images, to how images look, and to how often a class comes, if every one comes
    equally often. The classifier is a :class:`~imggen_lib.models.features.FeatureNet` of `width` without dropout, trained by
    :func:`~imggen_lib.train.features.train_features` until it has `seen` so many images, the same number for every set, with a
    learning rate that falls to 0. The interval is Wilson's for m independent test images and this classifier; another `seed` or
    other training images give another classifier, so measure several. Source: Ravuri and Vinyals 2019, arXiv:1905.10887.
    """
    check_images(images, "training images")
    check_images(real, "real images")
    if images.shape[1:] != real.shape[1:]:
        raise ValueError(f"the training images are {tuple(images.shape[1:])}, the real ones {tuple(real.shape[1:])}")
    if len(images) < 2 or not len(real):
        raise ValueError(f"two images to train on and one to test on are needed, got {len(images)} and {len(real)}")
    batch, seen, m = min(whole(batch, "batch", 2), len(images)), whole(seen, "seen", 1), len(real)
    classes = int(max(labels.max(), real_labels.max())) + 1
    labels, real_labels = check_labels(labels, len(images), classes), check_labels(real_labels, m, classes)
    with first_weights(seed):
        net = FeatureNet((images.shape[1], images.shape[2], images.shape[3]), classes, width)
        net.head = nn.Sequential(nn.Linear(128, classes))  # dropout would draw from the process's random numbers

    pairs = ((images[i], labels[i]) for i in shares(len(images), batch, images=seen, seed=seed))
    for _ in train_features(net, pairs, lr=lr, lr_schedule=lambda done: max(0.0, 1 - done / seen), seed=seed):
        pass
    with torch.no_grad(), evaluating(net):
        right = sum(int((net(x).argmax(1) == y).sum()) for x, y in zip(real.split(1000), real_labels.split(1000), strict=True))
    share = right / m
    return share_estimate(Estimate(share, (share * (1 - share) / m) ** 0.5, share, share), m, level)
