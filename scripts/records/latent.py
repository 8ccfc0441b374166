"""Flows in a VAE's latent space, and one step: train what ships, and measure it beside what it has to beat.

``latent.py train`` encodes MNIST with a shipped VAE, trains a flow with each of three seeds, distils each into one step, trains
mean flows, and writes all to ``runs/latent``, the first flow and its student to ``imggen_lib/latent_flows``. ``latent.py measure``
writes the record.
"""

import argparse
import time
from functools import partial
from pathlib import Path
from typing import Any

import torch
from latent_measures import measure

from imggen_lib.checkpoint import pretrained
from imggen_lib.data import load
from imggen_lib.latent_flows import FOLDER, build, latent_flow, store
from imggen_lib.latent_flows import card as stored_card
from imggen_lib.losses.flow import logit_normal_times
from imggen_lib.machine import prepare
from imggen_lib.models.latent_flow import LatentFlow
from imggen_lib.train.flow import train_flow
from imggen_lib.train.latent_flow import Codes, code_batches, encode, flow_pairs, train_mean_flow, train_on_pairs
from imggen_lib.train.state import FlowState, cosine

RUNS = Path("runs/latent")
VAE_NAME = "mnist-vae-res"
SEEDS = (0, 1, 2)
PLAN: dict[str, Any] = {"width": 256, "blocks": 4, "classes": 10, "drop": 0.1, "deviation": 0.8}
#: Codes that are seen, the first learning rate, the batch of each round; a round begins with the averaged weights of the last.
ROUNDS: dict[str, tuple[tuple[int, float, int], ...]] = {
    "flow": ((4_000_000, 2e-3, 256),),
    "pairs": ((800_000, 1e-3, 256),),
    "mean": ((800_000, 1e-3, 256),),
}
SAMPLER = ("heun", 2, 1.1)  # of the flow that ships, and the teacher's: chosen on training images, see the record's "choice"
PAIRS = 40_000
NAMES = {"flow": "mnist-flow-latent", "pairs": "mnist-flow-step"}  # what ships; mean flow is measured alone


def config(method: str, **changes: Any) -> dict[str, Any]:
    """What is stored of a flow's networks and of how it is sampled."""
    solver, steps, guidance = SAMPLER if method == "flow" else ("euler", 1, 1.0)
    sizes = {name: PLAN[name] for name in ("width", "blocks", "classes")}
    return {"method": method, "vae": VAE_NAME, **sizes, "solver": solver, "steps": steps, "guidance": guidance, **changes}


def fresh(method: str, codes: Codes, seed: int) -> LatentFlow:
    """A flow that knows nothing yet, scaled to the codes."""
    torch.manual_seed(seed)
    vae = pretrained(VAE_NAME).model()
    return build(config(method), vae).scale_to(codes.mu, codes.logvar)


def run(name: str, state: FlowState, steps: Any, images: int) -> float:
    """Train to the end, and the processor seconds that it took."""
    began = time.process_time()
    for record in steps:
        if state.steps % 250 == 0:
            print(
                f"{name} {state.images:,} of {images:,}, {time.process_time() - began:.0f} s, {float(record['loss']):.4f}",
                flush=True,
            )
    return time.process_time() - began


def keep(model: LatentFlow, method: str, seed: int, seconds: float, seen: int, extra: dict[str, Any]) -> None:
    """Store the model with its card: among the runs, and the first seed's among what ships."""
    card = {
        "command": f"python scripts/records/latent.py train {method} {seed}",
        "seed": seed,
        "training_seconds": round(seconds),
        "of": "processor time of one thread, the VAE's training and the encoding not counted",
        "hardware": "CPU, one thread",
        "licence": "MIT, trained by this book; data: MNIST (LeCun, Cortes, Burges)",
        **extra,
    }
    train = load("mnist", "train")
    data = {"name": "mnist", "images": len(train), "sha256": train.checksum, "classes": list(train.classes)}
    for folder, name in [(RUNS, f"{method}-{seed}")] + ([(FOLDER, NAMES[method])] if seed == 0 and method in NAMES else []):
        store(model, name, config(method), card, folder, images=seen, steps=0, data=data)


def train(method: str, seed: int, codes: Codes) -> None:
    """Train one flow of the method, round by round, and store it; a round that is done is not done again."""
    model, name, seconds, seen = fresh(method, codes, seed), f"{method}-{seed}", 0.0, 0
    extra: dict[str, Any] = {"rounds": ROUNDS[method]}
    if (RUNS / f"{name}.json").exists():
        known = stored_card(name, RUNS)
        model, seconds, seen = latent_flow(name, RUNS), known["card"]["training_seconds"], known["images"]
    elif method != "flow":
        teacher = latent_flow(f"flow-{seed}", RUNS)
        model.flow.net.load_state_dict(teacher.flow.net.state_dict(), strict=method == "pairs")
    if method == "pairs":
        teacher = latent_flow(f"flow-{seed}", RUNS)
        extra |= {"teacher": f"the flow of seed {seed}: {SAMPLER[0]}, {SAMPLER[1]} steps, guidance {SAMPLER[2]}", "pairs": PAIRS}
    before = 0
    for number, (images, lr, size) in enumerate(ROUNDS[method]):
        before += images
        if seen >= before:
            continue
        state = FlowState.create(model.flow.requires_grad_(True), lr=lr)
        draws = 10 * seed + number
        options: dict[str, Any] = {"ema_half_life": images / 20, "lr_schedule": cosine(images, warmup=20_000), "seed": draws}
        batches = code_batches(codes, model, size, images=images, seed=draws)
        if method == "flow":
            middle = partial(logit_normal_times, deviation=PLAN["deviation"])
            steps: Any = train_flow(state, batches, drop=PLAN["drop"], dequantise=False, times=middle, **options)
        elif method == "mean":
            steps = train_mean_flow(state, batches, **options)
        else:
            steps = train_on_pairs(state, flow_pairs(teacher, PAIRS, seed=seed), images=images, batch=size, **options)
        seconds += run(f"{name}, round {number + 1}", state, steps, images)
        seen += state.images
        model._modules["flow"] = state.ema
        keep(model, method, seed, seconds, seen, extra)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("train", "measure"))
    parser.add_argument("method", nargs="?", choices=tuple(ROUNDS))
    parser.add_argument("seeds", nargs="*", type=int)
    args = parser.parse_args()
    torch.set_num_threads(1)
    prepare("cpu")
    RUNS.mkdir(parents=True, exist_ok=True)
    vae, data = pretrained(VAE_NAME).model(), load("mnist", "train")
    kept = RUNS / "codes.pt"  # encoded once
    codes = Codes(*torch.load(kept, weights_only=True)) if kept.exists() else encode(vae, data)
    if not kept.exists():
        torch.save(tuple(codes), kept)
    if args.what == "measure":
        measure(vae, codes, data, RUNS, SEEDS)
        return
    for seed in args.seeds or SEEDS:
        for method in [args.method] if args.method else list(ROUNDS):
            train(method, seed, codes)


if __name__ == "__main__":
    main()
