"""Flows in a VAE's latent space, and one step: train what ships, and measure it beside what it has to beat.

``latent.py train`` encodes MNIST with a shipped VAE, trains a flow with each of three seeds, distils each into one step, trains
mean flows, and writes the first of each to ``imggen_lib/latent_flows``, all to ``runs/latent``. ``latent.py measure`` writes the
record.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import torch
from latent_measures import measure

from imggen_lib.checkpoint import pretrained
from imggen_lib.data import load
from imggen_lib.latent_flows import FOLDER, build, store
from imggen_lib.machine import prepare
from imggen_lib.models.latent_flow import LatentFlow
from imggen_lib.train.flow import train_flow
from imggen_lib.train.latent_flow import Codes, code_batches, encode, flow_pairs, train_mean_flow, train_on_pairs
from imggen_lib.train.state import FlowState, cosine

RUNS = Path("runs/latent")
VAE_NAME = "mnist-vae-res"
SEEDS = (0, 1, 2)
PLAN: dict[str, Any] = {"width": 256, "blocks": 4, "classes": 10, "batch": 256, "drop": 0.1}
IMAGES = {"flow": 1_200_000, "pairs": 400_000, "mean": 400_000}
PAIRS = 40_000
TEMPERATURE = 1.0
NAMES = {"flow": "mnist-flow-latent", "pairs": "mnist-flow-step", "mean": "mnist-flow-mean"}


def config(method: str, **changes: Any) -> dict[str, Any]:
    """What is stored of a flow's networks and of how it is sampled."""
    sampler = {"flow": ("heun", 4), "pairs": ("euler", 1), "mean": ("euler", 1)}[method]
    sizes = {name: PLAN[name] for name in ("width", "blocks", "classes")}
    return {"method": method, "vae": VAE_NAME, **sizes, "solver": sampler[0], "steps": sampler[1], "guidance": 1.0, **changes}


def fresh(method: str, codes: Codes, seed: int) -> LatentFlow:
    """A flow that knows nothing yet, scaled to the codes."""
    torch.manual_seed(seed)
    vae = pretrained(VAE_NAME).model()
    return build(config(method), vae).scale_to(codes.mu, codes.logvar)


def run(name: str, state: FlowState, steps: Any, images: int) -> float:
    """Train to the end, and the processor seconds that it took."""
    began, last = time.process_time(), 0.0
    for record in steps:
        if state.steps % 250 == 0:
            last = time.process_time() - began
            print(f"{name} {state.images:,} of {images:,}, {last:.0f} s, loss {float(record['loss']):.4f}", flush=True)
    return time.process_time() - began


def finished(model: LatentFlow, state: FlowState, method: str, seed: int, seconds: float, extra: dict[str, Any]) -> LatentFlow:
    """The model with the averaged weights, stored with its card."""
    model._modules["flow"] = state.ema
    card = {
        "command": f"python scripts/records/latent.py train {method} {seed}",
        "seed": seed,
        "training_seconds": round(seconds),
        "of": "processor time of one thread, the VAE's training not counted",
        "hardware": "CPU, one thread",
        "licence": "MIT, trained by this book; data: MNIST (LeCun, Cortes, Burges)",
        **extra,
    }
    train = load("mnist", "train")
    data = {"name": "mnist", "images": len(train), "sha256": train.checksum, "classes": list(train.classes)}
    for folder, name in [(RUNS, f"{method}-{seed}")] + ([(FOLDER, NAMES[method])] if seed == 0 else []):
        store(model, name, config(method), card, folder, images=state.images, steps=state.steps, data=data)
    return model


def train(method: str, seed: int, codes: Codes) -> None:
    """Train one flow of the method, and store it."""
    from imggen_lib.latent_flows import latent_flow

    images, model = IMAGES[method], fresh(method, codes, seed)
    half_life, size = images / 20, PLAN["batch"]
    lr = {"flow": 2e-3, "pairs": 1e-3, "mean": 1e-3}[method]
    extra: dict[str, Any] = {"temperature": TEMPERATURE}
    if method != "flow":
        teacher = latent_flow(f"flow-{seed}", RUNS)
        own = teacher.flow.net.state_dict()
        model.flow.net.load_state_dict(own, strict=method == "pairs")
    state = FlowState.create(model.flow.requires_grad_(True), lr=lr)
    schedule = cosine(images, warmup=20_000)
    shared: dict[str, Any] = {"ema_half_life": half_life, "lr_schedule": schedule, "seed": seed}
    batches = code_batches(codes, model, size, images=images, seed=seed, temperature=TEMPERATURE)
    began = time.process_time()
    if method == "flow":
        steps = train_flow(state, batches, drop=PLAN["drop"], dequantise=False, **shared)
    elif method == "mean":
        steps = train_mean_flow(state, batches, **shared)
    else:
        pairs = flow_pairs(teacher.sampled_with(solver="heun", steps=4), PAIRS, seed=seed)
        extra |= {
            "teacher": f"the flow of seed {seed}, Heun, 4 steps",
            "pairs": PAIRS,
            "pairs_seconds": round(time.process_time() - began),
        }
        steps = train_on_pairs(state, pairs, images=images, batch=size, **shared)
    finished(model, state, method, seed, run(f"{method} {seed}", state, steps, images), extra)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("train", "measure"))
    parser.add_argument("method", nargs="?", choices=tuple(NAMES))
    parser.add_argument("seeds", nargs="*", type=int)
    args = parser.parse_args()
    torch.set_num_threads(1)
    prepare("cpu")
    RUNS.mkdir(parents=True, exist_ok=True)
    vae, data = pretrained(VAE_NAME).model(), load("mnist", "train")
    kept = RUNS / "codes.pt"  # encoded once
    codes = Codes(*torch.load(kept)) if kept.exists() else encode(vae, data)
    if not kept.exists():
        torch.save(tuple(codes), kept)
    if args.what == "measure":
        measure(vae, codes, data, RUNS, SEEDS)
        return
    for seed in args.seeds or SEEDS:
        for method in [args.method] if args.method else list(NAMES):
            train(method, seed, codes)


if __name__ == "__main__":
    main()
