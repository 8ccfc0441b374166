"""flow_matching's own loop beside our stand-in for it: ``python -m bench.original PATH``, with a copy of its repository at PATH.

The image example's ``train_one_epoch`` is no part of the package on the index, so it is run from the repository, as it is, with its
average of the weights and its scaler of gradients, around the network of the bench; five rounds of both in turn, each in a process
of its own. Needs ``pip install flow_matching torchmetrics``. Writes the entry "original" of ``imggen_lib/measured/bench.json``.
"""

import argparse
import itertools
import json
import statistics
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms

from bench import nets, peers
from bench.__main__ import OUT
from bench.apart import apart
from imggen_lib.data import load

_seen: dict[str, Any] = {}  # in a side's own process


class Told(nn.Module):
    """Our network, asked as theirs is: the class in a dictionary, which is empty where it is left out."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nets.unet(10)

    def forward(self, x: torch.Tensor, t: torch.Tensor, extra: dict[str, torch.Tensor]) -> torch.Tensor:
        return self.net(x, t, extra.get("label", torch.full((len(x),), 10)))


class Part:
    """So many batches of a loader: what their epoch is here."""

    def __init__(self, loader: Any, steps: int) -> None:
        self.loader, self.steps = loader, steps

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[Any]:
        return itertools.islice(iter(self.loader), self.steps)


def begin(example: str, images: np.ndarray) -> None:
    """Their side: loader, network, optimiser and scaler as ``train.py`` makes them, but without workers."""
    warnings.simplefilter("ignore")  # of a scaler and an autocast for CUDA, where there is none
    sys.path.insert(0, example)
    from models.ema import EMA
    from training.grad_scaler import NativeScalerWithGradNormCount

    model = EMA(Told())
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.95))
    _seen["loader"] = DataLoader(peers.Labelled(images, transforms.ToTensor()), batch_size=64, shuffle=True, drop_last=True)
    _seen["rest"] = model, optimizer, torch.optim.lr_scheduler.ConstantLR(optimizer), NativeScalerWithGradNormCount()


def theirs(steps: int) -> float:
    """Images a second of ``train_one_epoch``."""
    from training.train_loop import train_one_epoch

    model, optimizer, schedule, scaler = _seen["rest"]
    args = argparse.Namespace(
        accum_iter=1, discrete_flow_matching=False, class_drop_prob=0.1, skewed_timesteps=False, test_run=False
    )
    began = time.perf_counter()
    train_one_epoch(model, Part(_seen["loader"], steps), optimizer, schedule, torch.device("cpu"), 0, scaler, args)
    return steps * 64 / (time.perf_counter() - began)


def begin_stand_in(images: np.ndarray) -> None:
    _seen["stand-in"] = peers.textbook_flow(images)


def stand_in(steps: int) -> float:
    """Images a second of our loop in its place."""
    began = time.perf_counter()
    for _ in range(steps):
        next(_seen["stand-in"])
    return steps * 64 / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, help="a copy of github.com/facebookresearch/flow_matching")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=150, help="a side and round")
    args = parser.parse_args()
    images = load("mnist").images[:, 0].numpy()
    with apart() as ours, apart() as original:
        ours(begin_stand_in, images)
        original(begin, str(args.path / "examples" / "image"), images)
        for side, run in ((ours, stand_in), (original, theirs)):
            side(run, 5)
        speeds = [(ours(stand_in, args.steps), original(theirs, args.steps)) for _ in range(args.rounds)]
    each = [round(a / b, 3) for a, b in speeds]
    found = {"work": "U-Net, flow matching", "rounds": args.rounds, "steps": args.steps, "ratio": statistics.median(each)}
    found |= {"ratios": [min(each), max(each)], "original": round(statistics.median(b for _, b in speeds))}
    record = json.loads(OUT.read_text(encoding="utf-8")) | {"original": found}
    OUT.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(found)


if __name__ == "__main__":
    main()
