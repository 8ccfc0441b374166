"""``imggen sample``, ``info``, ``export`` and ``push``: what a trained model makes, what it is, and the model itself for others."""

import argparse
import json
from pathlib import Path
from typing import Any

from imggen_lib.cli import outputs
from imggen_lib.errors import printable


def sample(args: argparse.Namespace) -> int:
    """Write what the ending of --out says."""
    from imggen_lib.finding import find
    from imggen_lib.sampling import sample as draw
    from imggen_lib.sampling import shortening
    from imggen_lib.viz import save_grid

    truncation = shortening(args.truncation)
    kind = Path(args.out).suffix.lower()
    singly = args.single or args.out.endswith(("/", "\\")) or Path(args.out).expanduser().is_dir()
    _check(args, kind, singly)
    path = Path(args.out).expanduser() if singly else outputs.target(args.out)
    saved = outputs.sampler(outputs.generator(find(args.dir, args.allow), args.dir), args)
    label = outputs.label_number(getattr(args, "label", None), saved, args.dir)
    if args.walk:
        return _walk(args, path, saved, label, truncation)
    n = getattr(args, "n", 64)
    if kind != ".npz":
        outputs.check_pixels(1 if singly else n, saved, args.scale, "ask for less, or for .npz")
    seeds = range(args.seed, args.seed + n)
    images = draw(saved.model(), n, seed=args.seed, labels=label, truncation=truncation)
    if singly:
        outputs.save_singly(images, seeds, args.out, args.scale)
    elif kind == ".npz":
        labels = (
            {"labels": [k % saved.config.classes if label is None else label for k in range(n)]} if saved.config.classes else {}
        )
        outputs.save_arrays(path, {"arr_0": outputs.as_bytes(images), **labels, "seeds": list(seeds)})
    else:
        save_grid(images, path, scale=args.scale)
    print(printable(f"{n} images: {path}"))
    return 0


def _check(args: argparse.Namespace, kind: str, singly: bool) -> None:
    """Refuse options that have no meaning together, before anything is loaded."""
    if singly and kind in (*outputs.FILMS, ".npz"):
        raise ValueError(f"{args.out}: --single writes a folder of pictures: name one without an ending")
    if kind in outputs.OTHER_FILMS:
        raise ValueError(f"{args.out}: a film is written as .gif or .mp4")
    if args.walk and (singly or kind not in outputs.FILMS):
        raise ValueError(f"--walk makes a film: name one that ends in .gif or .mp4, not {args.out}")
    if kind in outputs.FILMS and not args.walk:
        raise ValueError(
            f"{args.out}: one sheet of images is no film; add --walk for a walk through the latent space, or name a .png"
        )
    for name in ("frames", "fps", "colours"):
        if hasattr(args, name) and not args.walk:
            raise ValueError(f"--{name} is an option of a film: add --walk")
    if hasattr(args, "colours") and kind != ".gif":
        raise ValueError("--colours is an option of a .gif: an .mp4 has all of them")


def _walk(args: argparse.Namespace, path: Path, saved: Any, label: int | None, truncation: float) -> int:
    from imggen_lib.sampling import walk

    n, steps = getattr(args, "n", 8), getattr(args, "frames", 12)
    if n < 2:
        raise ValueError("a walk goes between at least two images: -n must be at least 2")
    if saved.config.classes and label is None:
        raise ValueError(f"{args.dir} is class-conditional, and a walk keeps to one class: choose it with --label")
    outputs.check_pixels(n * steps, saved, args.scale, "ask for less")
    if path.suffix.lower() == ".mp4":
        outputs.film_writer()
    frames = walk(saved.model(), range(args.seed, args.seed + n), steps, label=label, truncation=truncation)
    outputs.save_film(frames, path, scale=args.scale, fps=getattr(args, "fps", 12.0), colours=getattr(args, "colours", 256))
    print(printable(f"{len(frames)} frames: {path}"))
    return 0


def info(args: argparse.Namespace) -> int:
    """Print what a checkpoint says of itself as JSON."""
    from imggen_lib.finding import find

    saved = find(args.dir, args.allow)
    parameters = sum(p.numel() for p in saved.model().parameters())
    print(json.dumps({**saved.meta, "parameters": parameters}, indent=2))
    return 0


def export(args: argparse.Namespace) -> int:
    """Write a model as ONNX or ``torch.export``, and say how far its output is from PyTorch's."""
    from imggen_lib.finding import find

    kind = args.to.suffix.lower()
    if kind not in (".onnx", ".pt2"):
        raise ValueError(f"{args.to}: the ending says the format: .onnx, or .pt2 for torch.export")
    from imggen_lib.export import to_onnx, to_program

    saved = outputs.sampler(outputs.generator(find(args.dir, args.allow), args.dir), args)
    write = to_onnx if kind == ".onnx" else to_program
    worst = write(saved, args.to, part=args.part, name=args.dir.name)
    print(printable(f"{args.part} of {args.dir}: {args.to} (differs from PyTorch by at most {worst:.1e})"))
    return 0


def push(args: argparse.Namespace) -> int:
    """Write a model in the form of the Hugging Face hub, to a folder or to the hub."""
    from imggen_lib import hub
    from imggen_lib.finding import find

    print(printable(hub.push(find(args.dir, args.allow), args.to, name=args.dir.name, license=getattr(args, "license", ""))))
    return 0
