"""Flows in a VAE's latent space, and one step: train what ships, and measure it beside what it has to beat.

``latent.py train`` encodes MNIST with a shipped VAE, trains a flow with each of three seeds, distils each into one step, trains
mean flows, and writes all to ``runs/latent``. ``latent.py measure`` writes the record. The first flow and its student ship:
``checkpoints.py mnist-flow-latent mnist-flow-step`` measures and releases them.
"""

import argparse
import time
from functools import partial
from pathlib import Path
from typing import Any

import torch
from latent_measures import measure
from latent_runs import RUNS, SHIPS, TEACHER, VAE_NAME, build, known, read, store, to_ship

from imggen_lib.checkpoint import Checkpoint, pretrained
from imggen_lib.data import load
from imggen_lib.losses.flow import logit_normal_times
from imggen_lib.machine import prepare
from imggen_lib.models.latent_flow import LatentFlow
from imggen_lib.train.flow import train_flow
from imggen_lib.train.latent_flow import Codes, code_batches, encode, flow_pairs, train_mean_flow, train_on_pairs
from imggen_lib.train.state import FlowState, cosine

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
WARMUP = 20_000


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


def keep(model: LatentFlow, method: str, seed: int, seconds: float, seen: int, extra: dict[str, Any], folder: Path) -> None:
    """Store the model with its card among the runs."""
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
    store(model, f"{method}-{seed}", config(method), card, folder, images=seen, steps=0, data=data)


def told(method: str) -> dict[str, str]:
    """What a card must say of a method, and no configuration does."""
    if method == "flow":
        times = f"logit-normal, of deviation {PLAN['deviation']}"
        return {"training": f"flow matching on codes drawn anew; times {times}; the rate rises over {WARMUP:,} codes"}
    how = f"{SAMPLER[0]}, {SAMPLER[1]} steps, guidance {SAMPLER[2]}"
    return {
        "training": f"by regression on {PAIRS:,} pairs, not flow matching: one step, at time 0, from noise to the code that its "
        f"teacher, {TEACHER} ({how}), moves it to; drop and times of the configuration were not used",
        "limits": "it learned one step of Euler without guidance; more steps follow no velocity that it was taught",
    }


def codes(folder: Path = RUNS) -> Codes:
    """The codes of MNIST's training images, encoded once."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "codes.pt"
    if kept.exists():
        return Codes(*torch.load(kept, weights_only=True))
    found = encode(pretrained(VAE_NAME).model(), load("mnist", "train"))
    torch.save(tuple(found), kept)
    return found


def train(method: str, seed: int, codes: Codes, folder: Path = RUNS) -> None:
    """Train one flow of the method, round by round, and store it; a round that is done is not done again."""
    model, name, seconds, seen = fresh(method, codes, seed), f"{method}-{seed}", 0.0, 0
    extra: dict[str, Any] = {"rounds": ROUNDS[method]}
    if (folder / f"{name}.json").exists():
        before_this = known(name, folder)
        model, seconds, seen = read(name, folder), before_this["card"]["training_seconds"], before_this["images"]
    elif method != "flow":
        teacher = read(f"flow-{seed}", folder)
        model.flow.net.load_state_dict(teacher.flow.net.state_dict(), strict=method == "pairs")
    if method == "pairs":
        teacher = read(f"flow-{seed}", folder)
        extra |= {"teacher": f"the flow of seed {seed}: {SAMPLER[0]}, {SAMPLER[1]} steps, guidance {SAMPLER[2]}", "pairs": PAIRS}
    before = 0
    for number, (images, lr, size) in enumerate(ROUNDS[method]):
        before += images
        if seen >= before:
            continue
        state = FlowState.create(model.flow.requires_grad_(True), lr=lr)
        draws = 10 * seed + number
        options: dict[str, Any] = {"ema_half_life": images / 20, "lr_schedule": cosine(images, warmup=WARMUP), "seed": draws}
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
        keep(model, method, seed, seconds, seen, extra, folder)


def trained(name: str, folder: Path = RUNS) -> tuple[Checkpoint, dict[str, Any]]:
    """The run that ships under a name, trained if it is not there, and what its card says of the training."""
    encoded = codes(folder)
    for method in dict.fromkeys((SHIPS[TEACHER], SHIPS[name])):
        train(method, 0, encoded, folder)
    saved, card = to_ship(name, folder)
    kept = {key: card[key] for key in ("seed", "training_seconds", "hardware")}
    return saved, {**kept, "load": card["of"], **told(SHIPS[name])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("train", "measure"))
    parser.add_argument("method", nargs="?", choices=tuple(ROUNDS))
    parser.add_argument("seeds", nargs="*", type=int)
    args = parser.parse_args()
    torch.set_num_threads(1)
    prepare("cpu")
    encoded = codes()
    if args.what == "measure":
        measure(pretrained(VAE_NAME).model(), encoded, load("mnist", "train"), RUNS, SEEDS)
        return
    for seed in args.seeds or SEEDS:
        for method in [args.method] if args.method else list(ROUNDS):
            train(method, seed, encoded)


if __name__ == "__main__":
    main()
