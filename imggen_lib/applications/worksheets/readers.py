"""Who reads a digit: the library's classifier, the nearest training images, and a support vector machine.

Whoever filters with a reader must not ask the same reader whether the filter worked. These three know the same training images, but
not the same about them: convolutions, distances of raw pixels, and distances after the slant was taken out.
"""

import math
from typing import Any, Protocol

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from imggen_lib.checks import check_images, check_labels, whole
from imggen_lib.machine import evaluating

Images = Float[Tensor, "n 1 h w"]
Labels = Int[Tensor, " n"]


class Reader(Protocol):
    """Reads digits."""

    def read(self, images: Images) -> Labels:
        """The digit that each image shows."""
        ...


class Classifier:
    """The head of ``mnist-features``, or of another :class:`~imggen_lib.models.features.FeatureNet`."""

    def __init__(self, net: Any = None) -> None:
        from imggen_lib.checkpoint import pretrained

        self.net = pretrained("mnist-features").model() if net is None else net

    def probabilities(self, images: Images) -> Float[Tensor, "n k"]:
        """What it takes the digits for."""
        check_images(images, "digits")
        with torch.no_grad(), evaluating(self.net):
            return torch.cat([self.net(part).softmax(1) for part in images.split(1000)])

    def read(self, images: Images) -> Labels:
        """The likeliest digit."""
        return self.probabilities(images).argmax(1)

    def sure(self, images: Images, labels: Labels, least: float) -> Tensor:
        """Where it gives the asked digit at least this probability, ``(n,)`` of booleans."""
        return self.probabilities(images).gather(1, labels[:, None])[:, 0] >= least


class Neighbours:
    """Reads by the vote of the `k` nearest of its images, by the distance of their pixels; of equal votes the nearest counts."""

    def __init__(self, images: Images, labels: Labels, k: int = 3) -> None:
        check_images(images, "training images")
        labels = check_labels(labels, len(images), 10)
        self.k = whole(k, "k", 1)
        parts = [images[labels == c].flatten(1) for c in range(10)]
        if min(map(len, parts)) < self.k:
            raise ValueError(f"each digit needs at least {k} images to compare with, got {[len(p) for p in parts]}")
        self.parts = [(part, part.square().sum(1)) for part in parts]

    def distances(self, images: Images) -> Float[Tensor, "n 10 k"]:
        """To the `k` nearest images of each digit, the nearest first."""
        check_images(images, "digits")
        found = []
        for x in images.flatten(1).split(500):
            own = x.square().sum(1, keepdim=True)
            near = [(own + s - 2 * x @ part.T).topk(self.k, largest=False).values for part, s in self.parts]
            found.append(torch.stack(near, 1).clamp(min=0).sqrt())
        return torch.cat(found)

    def read(self, images: Images) -> Labels:
        """The digit that most of the `k` nearest show."""
        distances = self.distances(images)
        nearest, at = distances.flatten(1).topk(self.k, largest=False)
        votes = functional.one_hot(at // self.k, 10).double()
        first = votes / (1e-9 + nearest[..., None].double())  # among equal votes, the nearest
        return (votes.sum(1) + 1e-3 * first.amax(1) / first.amax((1, 2))[:, None]).argmax(1)

    def margin(self, images: Images, labels: Labels) -> Float[Tensor, " n"]:
        r"""How legible a digit is: :math:`\log(d_\text{other} / d_\text{own})`, nearest images of another digit and of its own."""
        nearest = self.distances(images)[:, :, 0].clamp(min=1e-6)
        own = nearest.gather(1, labels[:, None])[:, 0]
        return (nearest.scatter(1, labels[:, None], math.inf).amin(1) / own).log()


def deskewed(images: Images) -> Images:
    """Each image sheared about its centre of mass until its ink has no slant, and centred there: a known preparation of digits."""
    ink = (images.double() + 1) / 2
    side = images.shape[-1]
    at = (torch.arange(side, dtype=torch.float64) + 0.5) * 2 / side - 1  # -1 to 1, as grid_sample counts
    mass = ink.sum((1, 2, 3)).clamp(min=1e-9)
    x, y = (ink.sum((1, 2)) @ at / mass, ink.sum((1, 3)) @ at / mass)
    dx, dy = at - x[:, None], at - y[:, None]
    across = torch.einsum("nhw,nh,nw->n", ink[:, 0], dy, dx) / mass
    down = torch.einsum("nhw,nh->n", ink[:, 0], dy.square()) / mass
    shear = across / down.clamp(min=1e-9)
    theta = torch.zeros(len(images), 2, 3, dtype=torch.float64)
    theta[:, 0, 0] = theta[:, 1, 1] = 1
    theta[:, 0, 1], theta[:, 0, 2], theta[:, 1, 2] = shear, x, y
    grid = functional.affine_grid(theta, list(ink.shape), align_corners=False)
    return (functional.grid_sample(ink, grid, align_corners=False) * 2 - 1).to(images)


class Machine:
    """A support vector machine with Gaussian kernel on 40 principal components of deskewed pixels, by scikit-learn."""

    def __init__(self, images: Images, labels: Labels, components: int = 40) -> None:
        from sklearn.decomposition import PCA
        from sklearn.pipeline import make_pipeline
        from sklearn.svm import SVC

        check_images(images, "training images")
        pca = PCA(components, svd_solver="covariance_eigh")
        self.steps = make_pipeline(pca, SVC(C=10, gamma="scale")).fit(self._rows(images), labels.numpy())

    @staticmethod
    def _rows(images: Images) -> Any:
        return deskewed(images).flatten(1).double().numpy()

    def read(self, images: Images) -> Labels:
        """The digit on whose side of all its planes the image lies."""
        return torch.from_numpy(self.steps.predict(self._rows(images))).long()


def either(*right: Bool[Tensor, "*n"]) -> Bool[Tensor, "*n"]:
    """Where at least one of the readers is right. A digit that both of two readers take for another contradicts its key."""
    return torch.stack(right).any(0)
