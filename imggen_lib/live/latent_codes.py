"""Where a VAE's codes of real images are, for a page: one Gaussian a class, and a cloud of codes in the plane that shows a class.

For each class the plane's first direction is the one in which its codes differ most from the others' (Fisher's), the second the
one in which they vary most among themselves, at a right angle to the first.
"""

import base64
import json
from typing import Any

import torch
from torch import Tensor

from imggen_lib.live.shipped import MAPS
from imggen_lib.live.wire import Writer
from imggen_lib.models.latent_flow import ClassGaussians
from imggen_lib.noise import generator_for

NAME = "mnist-flow-codes"
OWN, OTHERS = 60, 120  # codes in the cloud: of the class, of the others
_STREAM = 12  # of random numbers; see noise.generator_for


def known() -> dict[str, Any]:
    """What ``maps/mnist-flow-codes.json`` says: ``of`` (the VAE's checksum), ``typical``, the table of tensors and their bytes."""
    return dict(json.loads((MAPS / f"{NAME}.json").read_text(encoding="utf-8")))


def file() -> dict[str, Any]:
    """The record as a page loads it: ``{"spec": ..., "bytes": ...}``, the bytes deflated."""
    said = known()
    content = base64.b64decode(said.pop("content"))
    return {"spec": {**said, "name": NAME}, "bytes": content}


def planes(gaussians: ClassGaussians) -> Tensor:
    """Two orthonormal directions a class, ``(classes, 2, z)``."""
    within = (gaussians.root @ gaussians.root.mT).double()
    mean, found = gaussians.mean.double(), []
    for k in range(gaussians.classes):
        away = torch.linalg.solve(within.mean(0), mean[k] - mean.mean(0))
        away = away / away.norm()
        across = torch.eye(len(away), dtype=away.dtype) - torch.outer(away, away)
        second = torch.linalg.eigh(across @ within[k] @ across).eigenvectors[:, -1]
        found.append(torch.stack([away, second]))
    return torch.stack(found).float()


def distances(codes: Tensor, labels: Tensor, mean: Tensor, whiten: Tensor) -> Tensor:
    r"""How far codes are from those of their class, ``(n,)``: :math:`\sqrt{\|L_c^{-1}(z-\mu_c)\|^2/d}`, 1 for an average one."""
    moved = torch.einsum("nij,nj->ni", whiten[labels].to(codes), codes - mean[labels].to(codes))
    return moved.square().mean(1).sqrt()


def described(mu: Tensor, logvar: Tensor, labels: Tensor, classes: int = 10) -> dict[str, Any]:
    """The record, from the posteriors of images ``(n, z)``: Gaussians, planes, clouds of codes, and which distances are usual."""
    noise = generator_for(0, _STREAM)
    codes = mu + (logvar / 2).exp() * torch.randn(mu.shape, generator=noise)
    gaussians = ClassGaussians(mu.shape[1], classes).fit(mu, logvar.exp(), labels)
    whiten = torch.linalg.inv(gaussians.root.double()).float()
    plane, writer = planes(gaussians), Writer()
    far = distances(codes, labels, gaussians.mean, whiten)
    at = torch.tensor([0.05, 0.5, 0.95])
    typical = [[round(v, 3) for v in far[labels == k].quantile(at).tolist()] for k in range(classes)]
    rows = whiten.flatten(0, 1)
    step = (rows.abs().amax(1) / 127).half().double()
    parts = {"mean": writer.numbers(gaussians.mean, exact=False)}
    shrunk = writer.whole((rows.double() / step[:, None]).round(), scale=writer.numbers(step), axis=0)
    parts |= {"whiten": shrunk, "directions": writer.numbers(plane, exact=False)}
    for name, size in (("own", OWN), ("others", OTHERS)):
        clouds = []
        for k in range(classes):
            mine = codes[(labels == k) if name == "own" else (labels != k)]
            clouds.append(mine[torch.randperm(len(mine), generator=noise)[:size]] @ plane[k].T)
        cloud = torch.stack(clouds).double()
        unit = (cloud.abs().max() / 127).half().double()
        parts[name] = writer.whole((cloud / unit).round().clamp(-127, 127), scale=writer.numbers(unit.repeat(classes)), axis=0)
    content = base64.b64encode(writer.deflated()).decode()
    return {"images": len(mu), "typical": typical, "parts": parts, "tensors": writer.table, "content": content}
