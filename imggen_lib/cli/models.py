"""``imggen sample`` and ``info``: images from a trained model, and what it is."""

import argparse
import json
from typing import TYPE_CHECKING

from imggen_lib.errors import printable

if TYPE_CHECKING:
    from torch import Tensor

    from imggen_lib.checkpoint import Checkpoint

_PIXELS = 2**28  # of one picture
_FILMS = (".gif", ".apng", ".mp4", ".webm", ".avi")


def sample(args: argparse.Namespace) -> int:
    """Write a sheet of images, or the images themselves, to a file."""
    from imggen_lib.checkpoint import find
    from imggen_lib.sampling import sample as draw
    from imggen_lib.viz import save_grid

    kind = args.out.suffix.lower()
    if kind in _FILMS:
        raise ValueError(f"{args.out}: one sheet of images is no film; name a picture such as .png (a film: imggen_lib.viz.gif)")
    if not args.out.parent.is_dir() or args.out.is_dir():
        raise ValueError(f"{args.out} cannot be written: it is a folder, or {args.out.parent} is not a folder")
    saved = find(args.dir, args.allow)
    if saved.config.kind not in ("gan", "vae"):
        raise ValueError(f"{args.dir} is a {saved.config.kind} network; it makes no images")
    _, height, width = saved.config.image_shape
    if kind != ".npz" and args.n * height * width * args.scale**2 > _PIXELS:
        raise ValueError(f"{args.n:,} images at --scale {args.scale} are more than {_PIXELS:,} pixels: ask for less, or for .npz")
    images = draw(saved.model(), args.n, seed=args.seed, labels=_labels(args, saved))
    if kind == ".npz":
        _save_arrays(images, args)
    else:
        save_grid(images, args.out, scale=args.scale)
    print(printable(f"{args.n} images: {args.out}"))
    return 0


def _save_arrays(images: "Tensor", args: argparse.Namespace) -> None:
    """Bytes ``(n, height, width, channels)`` under the name ``images``, as other programs that measure expect them."""
    import numpy as np

    from imggen_lib.data import to_uint8

    with args.out.open("wb") as file:  # given a name, NumPy would write x.NPZ.npz for x.NPZ
        np.savez_compressed(file, images=to_uint8(images).permute(0, 2, 3, 1).cpu().numpy())


def _labels(args: argparse.Namespace, saved: "Checkpoint") -> "Tensor | None":
    """The class that ``--label`` names by its name or by its number, once an image; None without it."""
    import torch

    from imggen_lib.errors import unknown_name

    if not hasattr(args, "label"):
        return None
    count = saved.config.classes
    if not count:
        raise ValueError(f"{args.dir} is not class-conditional: --label has no meaning")
    names = [str(name) for name in saved.meta.get("data", {}).get("classes", ())]
    if args.label in names:
        return torch.full((args.n,), names.index(args.label))
    try:
        number = int(args.label)
    except ValueError:
        raise ValueError(unknown_name("class for --label", args.label, names or map(str, range(count)))) from None
    if not 0 <= number < count:
        raise ValueError(f"--label must lie in 0..{count - 1}, got {number}")
    return torch.full((args.n,), number)


def info(args: argparse.Namespace) -> int:
    """Print what a checkpoint says of itself as JSON."""
    from imggen_lib.checkpoint import find

    saved = find(args.dir, args.allow)
    parameters = sum(p.numel() for p in saved.model().parameters())
    print(json.dumps({**saved.meta, "parameters": parameters}, indent=2))
    return 0
