"""``imggen sample``, ``info`` and ``evaluate``: what is done with a trained model."""

import argparse
import json
from pathlib import Path


def sample(args: argparse.Namespace) -> int:
    import torch

    from imggen_lib.checkpoint import find
    from imggen_lib.sampling import sample as draw
    from imggen_lib.viz import save_grid

    saved = find(args.dir)
    if saved.config.kind not in ("gan", "vae"):
        raise ValueError(f"{args.dir} is a {saved.config.kind} network; it makes no images")
    labels = None
    if hasattr(args, "label"):
        if not saved.config.classes:
            raise ValueError(f"{args.dir} is not class-conditional: --label has no meaning")
        if not 0 <= args.label < saved.config.classes:
            raise ValueError(f"--label must lie in 0..{saved.config.classes - 1}, got {args.label}")
        labels = torch.full((args.n,), args.label)
    save_grid(draw(saved.model(), args.n, seed=args.seed, labels=labels), args.out, scale=args.scale)
    print(f"{args.n} images: {args.out}")
    return 0


def info(args: argparse.Namespace) -> int:
    from imggen_lib.checkpoint import find

    saved = find(args.dir)
    parameters = sum(p.numel() for p in saved.model().parameters())
    print(json.dumps({**saved.meta, "parameters": parameters}, indent=2))
    return 0


def evaluate(args: argparse.Namespace) -> int:
    """Print, or write, the measurement as JSON."""
    from imggen_lib.checkpoint import find
    from imggen_lib.protocol import FEATURES, Protocol
    from imggen_lib.protocol import evaluate as measure
    from imggen_lib.runs import best_device

    out: Path | None = getattr(args, "out", None)
    if out is not None and (not out.parent.is_dir() or out.is_dir()):
        raise ValueError(f"{out} cannot be written: it is a folder, or its folder does not exist")
    protocol = Protocol(n=args.n, seed=args.seed, likelihood_draws=args.draws)
    device, features = getattr(args, "device", best_device()), getattr(args, "features", None)
    saved = find(args.dir)
    data = getattr(args, "data", saved.meta.get("data", {}).get("name", "a set that it does not name"))
    if data not in FEATURES and not hasattr(args, "data"):
        raise ValueError(f"{args.dir} was trained on {data}: say with --data which of {', '.join(FEATURES)} it is compared with")
    found = measure(saved, data, protocol, device, features)
    text = json.dumps(found, indent=1)
    if out is None:
        print(text)
    else:
        out.write_text(text + "\n", encoding="utf-8")
        print(f"{args.dir}: Frechet distance {found['quality']['frechet_distance']}: {out}")
    return 0
