"""What the page of frequent questions needs and no other record has: Fréchet distances of VAEs by where the code is from.

The same decoder, three sources of its codes: the prior N(0, I); the posterior of real training images, drawn; and its mean. Against
10,000 test images, by the protocol. Beside them the real training images themselves, which went through no network.
"""

import argparse
import json
import platform
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from imggen_lib.checkpoint import pretrained
from imggen_lib.machine import evaluating, prepare
from imggen_lib.metrics.distribution import features, frechet_interval
from imggen_lib.models.vae import VAE
from imggen_lib.noise import generator_for
from imggen_lib.protocol import Bench, Protocol
from imggen_lib.sampling import decode, sample

OUT = Path(__file__).parents[2] / "imggen_lib" / "measured" / "questions.json"
MODELS = ("mnist-vae-res", "mnist-vae-conv", "mnist-vae-mlp")


def codes(model: VAE, images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and a draw of q(z|x) for binarised images, which is what these models were trained on."""
    noise = generator_for(0, 71)
    binary = (torch.rand(images.shape, generator=noise) < (images + 1) / 2).to(images) * 2 - 1
    with torch.no_grad(), evaluating(model):
        mu, logvar = (torch.cat(part) for part in zip(*(model.encode(x) for x in binary.split(500)), strict=True))
    return mu, mu + (logvar / 2).exp() * torch.randn(mu.shape, generator=noise)


def main() -> None:
    """Measure and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=OUT)
    out: Path = parser.parse_args().out
    torch.set_num_threads(1)
    prepare("cpu")
    bench = Bench("mnist", Protocol())
    assert bench.real is not None
    real = bench.real.floats()

    def distance(images: Tensor) -> dict[str, float]:
        found = frechet_interval(bench.reference_features, features(bench.net, images))
        return {name: float(f"{getattr(found, name):.4g}") for name in ("value", "low", "high")}

    frechet: dict[str, Any] = {"real training images": distance(real)}
    for name in MODELS:
        model = pretrained(name).model()
        assert isinstance(model, VAE)
        mean, drawn = codes(model, real)
        sources = {
            "prior": sample(model, len(real)),
            "posterior, drawn": decode(model, drawn),
            "posterior, mean": decode(model, mean),
        }
        frechet[name] = {source: distance(images) for source, images in sources.items()}
        print(name, frechet[name], flush=True)
    record = {
        "command": "python scripts/records/questions.py",
        "protocol": {"n": len(real), "data": "mnist", "features": "mnist-features", "interval": "95 %, of the mean at this n"},
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
        "machine": "CPU, one thread",
        "frechet": frechet,
    }
    out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
