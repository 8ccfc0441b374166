"""What the demo :mod:`imggen_lib.live.surface` loads: surfaces, a Gaussian of few factors, and two decoders."""

from functools import cache
from typing import Any

import torch
from torch import nn

from imggen_lib.applications.volatility import models, surfaces
from imggen_lib.applications.volatility.completion import BAND, LEAST_NOISE, Gaussian
from imggen_lib.live.shipped import SURFACES
from imggen_lib.live.wire import Writer

FACTORS, EACH = 24, 8  # directions of the Gaussian, surfaces of each truth


@cache
def gaussian() -> Gaussian:
    """The Gaussian of the 20,000 surfaces with its 24 largest directions, and the rest of each place's variance by itself."""
    full = Gaussian.full(surfaces.draw(20_000, 0))
    values, vectors = torch.linalg.eigh(full.covariance)
    factors = (vectors * values.clamp(min=0).sqrt())[:, -FACTORS:].float().double()
    rest = (full.covariance.diagonal() - factors.square().sum(1)).clamp(min=0).float().double()
    return Gaussian(full.mean.float().double(), factors @ factors.T + rest.diag())


def file() -> dict[str, Any]:
    """``{"spec": ..., "bytes": ...}``: see ``js/surface_math.js``."""
    writer, whole = Writer(), gaussian()
    values, vectors = torch.linalg.eigh(whole.covariance)
    factors = (vectors * values.clamp(min=0).sqrt())[:, -FACTORS:]
    rest = (whole.covariance.diagonal() - factors.square().sum(1)).clamp(min=0)
    shown = {truth: writer.numbers(surfaces.draw(EACH, 1, truth).float()) for truth in surfaces.TRUTHS}
    parts = {"mean": whole.mean, "factors": factors, "rest": rest}
    nets = {}
    for kind in models.KINDS:
        model = models.pretrained(kind)
        layers = [layer for layer in model.decoder.modules() if isinstance(layer, nn.Linear)]
        nets[kind] = {
            "layers": [[writer.numbers(layer.weight, exact=False), writer.numbers(layer.bias, exact=False)] for layer in layers],
            "bias": writer.numbers(model.bias, exact=False),
            "sigma": float(model.log_sigma.exp()),  # type: ignore[union-attr]
        }
    spec = {
        "name": SURFACES,
        "times": surfaces.TIMES.tolist(),
        "moneyness": surfaces.MONEYNESS.tolist(),
        "surfaces": shown,
        "gaussian": {name: writer.numbers(value.float()) for name, value in parts.items()},
        "nets": nets,
        "band": BAND,
        "least": LEAST_NOISE,
        "latent": models.LATENT,
    }
    return {"spec": {**spec, "tensors": writer.table}, "bytes": writer.deflated()}
