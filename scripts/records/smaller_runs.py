"""The trainings behind ``scripts/records/smaller.py``: students, what they learn from, and where each stopped."""

import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from imggen_lib.checkpoint import pretrained
from imggen_lib.compress.distil import Pairs, pairs, train_student
from imggen_lib.compress.fold import folded
from imggen_lib.compress.prune import prune, smallest
from imggen_lib.compress.quantise import aware
from imggen_lib.data import load
from imggen_lib.losses.gan import relativistic
from imggen_lib.machine import first_weights
from imggen_lib.models.gan import ConvCritic
from imggen_lib.models.narrow import NarrowGenerator
from imggen_lib.train.state import GanState, cosine

BUILD = Path(__file__).parents[2] / "_build" / "smaller"
TEACHER, PAIRS, BATCH = "mnist-gan-classes", 60_000, 64


@dataclass(frozen=True)
class Student:
    """How one small generator comes about; images are those that the critic could have seen."""

    images: int
    seeds: int = 0  # of a NarrowGenerator; 0: the teacher itself, folded
    width: int = 0
    begin: str = ""  # another run, folded, to begin from
    bits: int = 0  # of quantisation-aware training
    pruned: float = 0.0  # the share of weights that are kept at 0
    taught: bool = True
    critic: bool = True
    critic_from: int = 0
    weight: float = 10.0  # of the difference to the teacher's images
    lr: float = 2e-3


SIZES = {"fifth": (11, 40), "tenth": (5, 28), "thirtieth": (2, 12)}  # maps of the dense layer, width

COMPARED, SEEDS = ("fifth", "fifth-alone"), 3  # runs of which it matters how far two trainings differ, and how often each is made


def _students() -> dict[str, Student]:
    """Each size three times: with pairs and a critic, with pairs alone, and with neither teacher nor pairs, an ordinary GAN."""
    found = {}
    for name, (seeds, width) in SIZES.items():
        images = 120_000 if name == "thirtieth" else 300_000
        found[name] = Student(images, seeds, width, critic_from=images // 5)
        found[f"{name}-pairs"] = Student(images, seeds, width, critic=False)
        found[f"{name}-alone"] = Student(images, seeds, width, taught=False)
    return found


RUNS = {
    **_students(),
    "int4": Student(160_000, bits=4, lr=2e-4),
    "int3": Student(160_000, bits=3, lr=2e-4),
    "fifth-int4": Student(80_000, bits=4, begin="fifth", lr=2e-4),
    "pruned-50": Student(60_000, pruned=0.5, lr=2e-4),
    "pruned-80": Student(60_000, pruned=0.8, lr=2e-4),
}


def begun(run: Student, seed: int) -> nn.Module:
    """The network that a run begins with."""
    if run.begin:
        begin = begun(RUNS[run.begin], seed)
        begin.load_state_dict(torch.load(BUILD / f"{run.begin}.pt", weights_only=True)["ema"])
        generator: nn.Module = folded(begin.eval())  # type: ignore[arg-type]
    elif run.seeds:
        generator = NarrowGenerator((1, 28, 28), 64, run.width, 10, run.seeds)
    else:
        generator = folded(pretrained(TEACHER).model())
    return aware(generator, run.bits) if run.bits else generator


def taught() -> Pairs:
    """The teacher's pairs, made once."""
    file = BUILD / "pairs.pt"
    if not file.exists():
        made = pairs(pretrained(TEACHER).model(), PAIRS)
        torch.save({"latents": made.latents, "images": made.images}, file)
    found = torch.load(file, weights_only=True)
    return Pairs(found["latents"], found["images"], 10)


def train(name: str, seed: int = 0) -> None:
    """Train one run to its end, with a checkpoint a minute."""
    run, file = RUNS[name], BUILD / f"{name}{f'-{seed}' if seed else ''}.pt"
    BUILD.mkdir(parents=True, exist_ok=True)
    with first_weights(seed):
        state = GanState.create(begun(run, seed), ConvCritic((1, 28, 28), 32, 10), lr=run.lr)
    seconds = 0.0
    if file.exists():
        found = torch.load(file, weights_only=True)
        seconds, state.images, state.steps = found["seconds"], found["images"], found["steps"]
        for part, net in {**state.modules(), **state.optimizers()}.items():
            net.load_state_dict(found[part if part in state.modules() else f"{part}_optimizer"])
    masks = smallest(state.generator, run.pruned) if run.pruned else None
    batches = load("mnist", "train").batches(BATCH, images=run.images, seed=seed, start=state.images)
    records = train_student(
        state,
        batches,
        taught() if run.taught else None,
        relativistic if run.critic else None,
        weight=lambda images: run.weight,
        critic_from=run.critic_from,
        head_start=12_800 if run.critic_from or run.bits or run.pruned else 0,
        ema_half_life=10_000,
        lr_schedule=cosine(run.images, warmup=2_000),
        each_step=None if masks is None else lambda net: prune(net, masks),
        seed=seed,
    )
    began, saved = time.process_time(), time.process_time()
    for record in records:
        if record["images"] >= run.images or time.process_time() - saved > 30:
            saved = time.process_time()
            nets = {k: v.state_dict() for k, v in state.modules().items()}
            parts = nets | {f"{k}_optimizer": v.state_dict() for k, v in state.optimizers().items()}
            torch.save(
                {**parts, "seconds": seconds + saved - began, "images": state.images, "steps": state.steps},
                file,
            )
            said = {k: f"{float(v):.4f}" for k, v in record.items() if k != "images"}
            print(name, record["images"], round(seconds + saved - began), said, flush=True)
