"""``imggen evaluate``: a model's measurement under the book's protocol."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from imggen_lib import files
from imggen_lib.cli.configuration import check_data
from imggen_lib.cli.outputs import sampler
from imggen_lib.cli.terminal import say
from imggen_lib.errors import printable

_EYES = "one that `train features` made of pictures in classes, or --features inception or resnet18 (downloaded)"


def evaluate(args: argparse.Namespace) -> int:
    """Print, or write, the measurement as JSON."""
    from imggen_lib.finding import find
    from imggen_lib.machine import device
    from imggen_lib.protocol import Protocol
    from imggen_lib.protocol import evaluate as measure

    out: Path | None = getattr(args, "out", None)
    if out is not None:
        _check_writable(out)
    protocol = Protocol(n=args.n, seed=args.seed, likelihood_draws=args.draws)
    on = str(device(getattr(args, "device", None)))
    saved = sampler(find(args.dir, args.allow), args)
    features: str | None = getattr(args, "features", None)
    data = _reference(args, saved.meta)
    features = _eyes(data, features)
    found = measure(saved, data, protocol, on, features, args.reference)
    for line in found.get("notes", ()):
        say(f"note: {line}", error=True)
    text = json.dumps(found, indent=1)
    if out is None:
        print(text)
    else:
        try:
            files.write(out, lambda path: path.write_text(text + "\n", encoding="utf-8"))
        except OSError:  # the disk is full by now: minutes of measuring are not thrown away
            print(text)
            raise
        quality = found["quality"]
        name = "kernel" if quality["frechet_distance"] is None else "frechet"
        print(printable(f"{args.dir}: {name.capitalize()} distance {quality[f'{name}_distance']}: {out}"))
        say(*verdict(found))
    return 0


def verdict(found: Mapping[str, Any]) -> list[str]:
    """What the kernel distance says, in words: beside real pictures and beside a Gaussian, which needs no training.

    Intervals that do not meet are apart; of those that meet it says that nothing is shown.
    """
    quality, bases = found["quality"], found.get("baselines") or {}
    ours = quality.get("intervals", {}).get("kernel_distance")
    if ours is None or not {"real_halves", "gaussian"} <= bases.keys():
        return []
    rows = {"the model": (quality["kernel_distance"], ours)}
    for name, key in (("real pictures", "real_halves"), ("a Gaussian", "gaussian")):
        rows[name] = (bases[key]["kernel_distance"], bases[key]["interval"])
    told = "; ".join(f"{name} {value:.3g} [{low:.3g}, {high:.3g}]" for name, (value, (low, high)) in rows.items())
    real, gauss = rows["real pictures"][1], rows["a Gaussian"][1]
    if gauss[0] <= real[1]:
        words = f"this network sees too little to judge by, since it takes a Gaussian for real: look through {_EYES}"
    elif ours[0] <= real[1]:
        words = "through this network the images are not told from real ones"
    elif ours[1] < gauss[0]:
        words = "nearer to real pictures than a Gaussian with their mean and covariance, and not there yet"
    elif ours[0] > gauss[1]:
        words = "farther from real pictures than a Gaussian with their mean and covariance: it needs more images, or does not learn"
    else:
        words = "not shown to be nearer to real pictures than a Gaussian with their mean and covariance"
    return [f"kernel distance with 95 % intervals, lower is better: {told}", f"verdict: {words}"]


def _check_writable(out: Path) -> None:
    """Refuse a file that cannot be written before the measurement, not after it."""
    if not out.parent.is_dir() or out.is_dir():
        raise ValueError(f"{out} cannot be written: it is a folder, or its folder does not exist")
    if out.exists():
        if out.is_file():  # opening a pipe would wait for a reader
            with out.open("a"):
                pass
        return
    with NamedTemporaryFile(dir=out.parent):
        pass


def _reference(args: argparse.Namespace, meta: Mapping[str, Any]) -> str:
    """The data that the samples are compared with. Raises ``ValueError`` with the ways out where none can be told."""
    from imggen_lib.data.sources import NAMES
    from imggen_lib.protocol import FEATURES

    trained_on = str(meta.get("data", {}).get("name", "a set that it does not name"))
    data = str(getattr(args, "data", trained_on))
    if data.startswith("files:"):
        data = f"folder:{data.partition(':')[2]}"  # the same pictures in the same splits
    own = data.startswith("folder:")
    if not own and data not in NAMES:
        if not hasattr(args, "data"):
            known = ", ".join(FEATURES)
            raise ValueError(
                f"{args.dir} was trained on {data}: say with --data which of {known}, or which folder:PATH, it is compared with"
            )
        if data.startswith("shards:"):
            raise ValueError("evaluate compares with images that are kept in memory: give --data folder:PATH")
        check_data(data)
    return data


def _eyes(data: str, features: str | None) -> str | None:
    """The feature network: a random one where data have none of their own and none was chosen, which is said."""
    from imggen_lib.protocol import FEATURES

    if features is None and data not in FEATURES:
        say(f"note: {data} has no feature network of its own: a random one looks, which sees less than {_EYES}", error=True)
        return "random"
    return features
