"""Count the modes that each GAN loss finds on a ring of eight Gaussians: one protocol, five seeds; writes a record.

``make ring``. Same networks, optimiser, batch and number of points for all; the raw generator is measured and its running average.
"""

import argparse
import json
import platform
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from imggen_lib import sample
from imggen_lib.data.toy import Ring
from imggen_lib.losses import gan as losses
from imggen_lib.metrics.modes import modes_found
from imggen_lib.models.gan import MLPDiscriminator, MLPGenerator
from imggen_lib.train.gan import train_gan
from imggen_lib.train.state import GanState

OUT = Path(__file__).parents[2] / "imggen_lib" / "measured" / "ring.json"
PROTOCOL: dict[str, Any] = {
    "data": "ring of 8 Gaussians, radius 0.75, sigma 0.02, fresh points",
    "networks": "MLP, two hidden layers of 128, LeakyReLU(0.2); 16 latent dimensions",
    "batch": 128,
    "points": 1_000_000,
    "measured_on": 10_000,
    "ema_half_life": 10_000,
    "seeds": [0, 1, 2, 3, 4],
}
METHODS: dict[str, tuple[losses.GanLoss, dict[str, Any]]] = {
    "minimax": (losses.minimax, {}),
    "non-saturating": (losses.non_saturating, {}),
    "least squares": (losses.least_squares, {}),
    "hinge": (losses.hinge, {}),
    "Wasserstein": (losses.wasserstein, {}),
    "Wasserstein + GP": (losses.wasserstein, {"gp": 1.0}),
    "relativistic": (losses.relativistic, {}),
    "non-saturating + R1": (losses.non_saturating, {"r1": 0.1}),
    "relativistic + R1": (losses.relativistic, {"r1": 0.1}),
    "relativistic + R1 + R2": (losses.relativistic, {"r1": 0.1, "r2": 0.1}),
}


def one(loss: losses.GanLoss, options: dict[str, Any], seed: int, points: int, beta1: float) -> dict[str, Any]:
    """Train one generator and count."""
    ring = Ring()
    torch.manual_seed(seed)
    generator, critic = MLPGenerator(ring.image_shape, 16, (128, 128)), MLPDiscriminator(ring.image_shape, (128, 128))
    state = GanState.create(generator, critic, lr=1e-3, betas=(beta1, 0.99))
    began = time.perf_counter()
    batches = ring.batches(PROTOCOL["batch"], images=points, seed=seed)
    for _ in train_gan(state, batches, loss, seed=seed, ema_half_life=PROTOCOL["ema_half_life"], **options):
        pass
    out: dict[str, Any] = {"seed": seed, "seconds": round(time.perf_counter() - began, 1)}
    for name, net in (("raw", state.generator), ("ema", state.ema)):
        counted = modes_found(sample(net, PROTOCOL["measured_on"]).view(-1, 2), ring.centres, ring.sigma)
        out[name] = {"modes": counted.found, "near": round(counted.near, 4)}
    return out


def every(points: int, beta1: float) -> Iterator[tuple[str, dict[str, Any]]]:
    for seed in PROTOCOL["seeds"]:
        for name, (loss, options) in METHODS.items():
            yield name, one(loss, options, seed, points, beta1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=PROTOCOL["points"])
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--beta1", type=float, default=0.0, help="Adam's first moment")
    args = parser.parse_args()
    torch.set_num_threads(1)
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in METHODS}
    for name, run in every(args.points, args.beta1):
        runs[name].append(run)
        print(f"{name:24} {run}", flush=True)
    record = {
        "command": " ".join(["python scripts/records/ring.py", *sys.argv[1:]]),
        "protocol": {**PROTOCOL, "points": args.points, "optimizer": f"Adam, 1e-3, betas ({args.beta1:g}, 0.99)"},
        "options": {name: options for name, (_, options) in METHODS.items()},
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
        "machine": "CPU, one thread; other work ran meanwhile, so the seconds are upper limits",
        "runs": runs,
    }
    args.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
