"""What the command line accepts, and the configuration that it asks for."""

import argparse
from pathlib import Path
from typing import Any, NoReturn

LOSS_NAMES = ("minimax", "non-saturating", "least-squares", "hinge", "wasserstein", "relativistic")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}\n")


def _count(text: str) -> int:
    """A whole number of at least one; ``60_000``, ``60000`` and ``6e4`` are the same."""
    try:
        value = int(float(text)) if "e" in text.lower() else int(text)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
    if not 1 <= value < 2**40:
        raise argparse.ArgumentTypeError(f"must be at least 1 and below 2**40, got {text}")
    return value


def parser() -> argparse.ArgumentParser:
    formatter = argparse.ArgumentDefaultsHelpFormatter
    parser = _Parser(prog="imggen_lib", description="Train image generators, sample from them, measure them.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="{train,sample,info,evaluate}")

    suppress: dict[str, Any] = {"default": argparse.SUPPRESS}
    train = commands.add_parser("train", help="train a GAN or a VAE", formatter_class=formatter)
    train.add_argument("kind", choices=("gan", "vae"), help="what to train")
    train.add_argument(
        "--data",
        default="glyphs",
        help="glyphs, mnist, fashion-mnist, folder:PATH (kept in memory), files:PATH or shards:PATTERN (read while training)",
    )
    train.add_argument("--images", type=_count, default=600_000, help="images to see in all, repeats counted")
    train.add_argument("--out", type=Path, help="folder for the checkpoint; needed unless --profile", **suppress)
    train.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    train.add_argument(
        "--begin-from",
        metavar="MODEL",
        help="begin with the weights of a model that ships, or of a checkpoint's folder; the network is then that model's",
        **suppress,
    )
    train.add_argument("--article", action="store_true", help="gan: the article's recipe (MLP, BCE, Adam at 2e-4)")
    train.add_argument("--conditional", action="store_true", help="condition on the data's classes")
    # Model options default to None, so that the configuration's own defaults hold and a resumed run keeps its own.
    train.add_argument("--seed", type=int, help="seed of the run: same seed, same numbers (default: 0)", **suppress)
    train.add_argument(
        "--net", choices=("mlp", "conv", "res"), help="kind of network; res has residual blocks (default: conv)", **suppress
    )
    train.add_argument(
        "--size", type=_count, help="folder:, files:, shards: side of the images in pixels (default: 32)", **suppress
    )
    train.add_argument(
        "--channels", type=_count, help="folder:, files:, shards: 1 for grey, 3 for RGB (default: as found, or 3)", **suppress
    )
    train.add_argument("--latent-dim", type=_count, help="dimensions of the latent (default: gan 64, vae 16)", **suppress)
    train.add_argument("--width", type=_count, help="conv: channels (default: gan 64, vae 32)", **suppress)
    train.add_argument("--hidden", type=_count, nargs="+", help="mlp: sizes of the hidden layers", **suppress)
    train.add_argument("--batch", type=_count, help="images a step (default: gan 64, vae 128)", **suppress)
    train.add_argument("--lr", type=float, help="learning rate (default: gan 0.002, vae 0.0015)", **suppress)
    train.add_argument("--loss", help=f"gan: {', '.join(LOSS_NAMES)} (default: relativistic)", **suppress)
    for name, text in (("r1", "gamma of R1"), ("r2", "gamma of R2"), ("gp", "weight of the WGAN-GP penalty")):
        train.add_argument(f"--{name}", type=float, help=f"gan: {text}", **suppress)
    train.add_argument(
        "--head-start",
        type=_count,
        help="gan: images that the critic sees before the generator learns, as after --begin-from (default: 0)",
        **suppress,
    )
    train.add_argument(
        "--simultaneous", action="store_true", help="gan: both players move at once (default: first the critic)", **suppress
    )
    train.add_argument("--critic-steps", type=_count, help="gan: critic updates a generator update", **suppress)
    train.add_argument("--penalty-every", type=_count, help="gan: apply penalties every so many steps", **suppress)
    train.add_argument("--ema-half-life", type=float, help="gan: half-life of the average, in images", **suppress)
    train.add_argument(
        "--decay-start",
        type=_count,
        help="gan: images seen from which the learning rates fall to a fiftieth, at --images (default: they stay)",
        **suppress,
    )
    train.add_argument(
        "--likelihood", help="vae: bernoulli, gaussian or logistic (default: bernoulli for grey, gaussian for RGB)", **suppress
    )
    train.add_argument("--beta", type=float, help="vae: weight of the KL term (default: 1)", **suppress)
    train.add_argument("--beta-warmup", type=_count, help="vae: images over which beta rises from 0 (default: none)", **suppress)
    train.add_argument("--free-bits", type=float, help="vae: nats a latent dimension that cost nothing (default: 0)", **suppress)
    train.add_argument("--draws", type=_count, help="vae: of z; several: the importance-weighted bound (default: 1)", **suppress)
    train.add_argument("--draws-start", type=_count, help="vae: one draw before so many images (default: 0)", **suppress)
    train.add_argument("--checkpoint-every", type=_count, default=100_000, help="images between two checkpoints")
    train.add_argument("--device", help="cpu, cuda, cuda:1, ... (default: cuda if there is one)", **suppress)
    train.add_argument("--threads", type=_count, help="CPU threads (default: PyTorch's choice)", **suppress)
    train.add_argument("--workers", type=int, default=2, help="files:, shards: how many processes read images")
    train.add_argument("--compile", action="store_true", help="let torch.compile make the kernels (a minute at the start)")
    train.add_argument("--bf16", action="store_true", help="products in bfloat16, for GPUs and CPUs that have units for it")
    train.add_argument("--profile", action="store_true", help="train some steps, say where their time goes, write nothing")
    train.add_argument("--quiet", action="store_true", help="no progress bar")

    sample = commands.add_parser("sample", help="images from a checkpoint", formatter_class=formatter)
    sample.add_argument("dir", type=Path, help="a checkpoint's folder, or the name of a model that ships with the package")
    sample.add_argument("-n", type=_count, default=64, help="how many images")
    sample.add_argument("--seed", type=int, default=0, help="seed of the first image; the next has the next seed")
    sample.add_argument("--label", type=int, help="conditional models: this class only", **suppress)
    sample.add_argument("--scale", type=_count, default=2, help="enlarge each pixel so many times")
    sample.add_argument("--out", type=Path, required=True, help="picture to write, for instance grid.png")

    info = commands.add_parser("info", help="what a checkpoint is", formatter_class=formatter)
    info.add_argument("dir", type=Path, help="a checkpoint's folder, or the name of a model that ships with the package")

    evaluate = commands.add_parser("evaluate", help="measure a model under the book's protocol", formatter_class=formatter)
    evaluate.add_argument("dir", type=Path, help="a checkpoint's folder, or the name of a model that ships with the package")
    evaluate.add_argument(
        "--data", help="mnist or fashion-mnist: what the samples are compared with (default: what it was trained on)", **suppress
    )
    evaluate.add_argument("-n", type=_count, default=10_000, help="samples, against as many test images")
    evaluate.add_argument("--seed", type=int, default=0, help="seed of the first sample")
    evaluate.add_argument("--draws", type=_count, default=100, help="vae: draws an image of the likelihood estimate")
    evaluate.add_argument(
        "--features",
        help="look through inception (the published FID's), resnet50, ... (default: --data's own)",
        **suppress,
    )
    evaluate.add_argument("--device", help="cpu, cuda, cuda:1, ... (default: cuda if there is one)", **suppress)
    evaluate.add_argument("--out", type=Path, help="JSON to write (default: standard output)", **suppress)
    return parser


def origin(args: argparse.Namespace) -> Any:
    """The configuration of the model that ``--begin-from`` names, None without it."""
    from imggen_lib.checkpoint import find

    if not hasattr(args, "begin_from"):
        return None
    config = find(args.begin_from).config
    if config.kind != args.kind:
        raise ValueError(f"{args.begin_from} is a {config.kind}, not a {args.kind}")
    return config


def asked(args: argparse.Namespace) -> dict[str, Any]:
    """The entries of the configuration that the options ask for; an option of the other kind of model is an error, not ignored."""
    from dataclasses import asdict, fields

    from imggen_lib.configs import GanConfig, VaeConfig

    kind: type[GanConfig] | type[VaeConfig] = {"gan": GanConfig, "vae": VaeConfig}[args.kind]
    names = {f.name for f in fields(GanConfig)} | {f.name for f in fields(VaeConfig)}
    given = {k: tuple(v) if isinstance(v, list) else v for k, v in vars(args).items() if k in names}
    foreign = sorted(given.keys() - {f.name for f in fields(kind)})
    if foreign:
        raise ValueError(f"--{foreign[0].replace('_', '-')} is not an option of a {args.kind}")
    if not args.article:
        return given
    if args.kind == "vae":
        raise ValueError("--article is an option of a gan: the article's second program is not a VAE (see the chapter)")
    plain = asdict(GanConfig())
    return {**{k: v for k, v in asdict(GanConfig.article()).items() if v != plain[k]}, **given}


def config(args: argparse.Namespace, image_shape: tuple[int, int, int], classes: int, model: Any = None) -> Any:
    """The configuration of a fresh run. A VAE of colour images has a Gaussian likelihood unless told otherwise.

    A run that begins from a model has the network of `model`, its configuration (:func:`origin`); options that ask for another are
    found out when it begins.
    """
    from imggen_lib.configs import GanConfig, VaeConfig

    entries: dict[str, Any] = {"image_shape": image_shape, "classes": classes if args.conditional else 0}
    if args.kind == "vae":
        entries |= {"schedule_images": args.images, "likelihood": "bernoulli" if image_shape[0] == 1 else "gaussian"}
    if hasattr(args, "decay_start"):
        entries["decay_end"] = args.images
    if model is not None:
        wanted = classes if model.classes or args.conditional else 0
        entries |= {**model.architecture, "image_shape": image_shape, "classes": wanted}
    return {"gan": GanConfig, "vae": VaeConfig}[args.kind](**{**entries, **asked(args)})
