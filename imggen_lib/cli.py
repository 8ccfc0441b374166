"""The command line: ``python -m imggen_lib train|sample|info``. Errors are one line and exit code 2; nothing here computes."""

import argparse
import contextlib
import io
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from imggen_lib.runs import Run

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


def _parser() -> argparse.ArgumentParser:
    formatter = argparse.ArgumentDefaultsHelpFormatter
    parser = _Parser(prog="imggen_lib", description="Train image generators and sample from them.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="{train,sample,info}")

    train = commands.add_parser("train", help="train a GAN or a VAE", formatter_class=formatter)
    train.add_argument("kind", choices=("gan", "vae"), help="what to train")
    train.add_argument("--data", default="glyphs", help="glyphs, mnist, fashion-mnist or folder:PATH")
    train.add_argument("--images", type=_count, default=600_000, help="images to see in all, repeats counted")
    train.add_argument("--out", type=Path, required=True, help="folder for the checkpoint")
    train.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    train.add_argument("--article", action="store_true", help="gan: the article's recipe (MLP, BCE, Adam at 2e-4)")
    train.add_argument("--conditional", action="store_true", help="condition on the data's classes")
    # Model options default to None, so that the configuration's own defaults hold and a resumed run keeps its own.
    suppress: dict[str, Any] = {"default": argparse.SUPPRESS}
    train.add_argument("--seed", type=int, help="seed of the run: same seed, same numbers (default: 0)", **suppress)
    train.add_argument("--net", choices=("mlp", "conv"), help="kind of network (default: conv)", **suppress)
    train.add_argument("--size", type=_count, help="folder:PATH: side of the images in pixels (default: 32)", **suppress)
    train.add_argument("--channels", type=_count, help="folder:PATH: 1 for grey, 3 for RGB (default: as found)", **suppress)
    train.add_argument("--latent-dim", type=_count, help="dimensions of the latent (default: gan 64, vae 16)", **suppress)
    train.add_argument("--width", type=_count, help="conv: channels (default: gan 64, vae 32)", **suppress)
    train.add_argument("--hidden", type=_count, nargs="+", help="mlp: sizes of the hidden layers", **suppress)
    train.add_argument("--batch", type=_count, help="images a step (default: gan 64, vae 128)", **suppress)
    train.add_argument("--lr", type=float, help="learning rate (default: gan 0.001, vae 0.0015)", **suppress)
    train.add_argument("--loss", help=f"gan: {', '.join(LOSS_NAMES)} (default: relativistic)", **suppress)
    for name, text in (("r1", "gamma of R1"), ("r2", "gamma of R2"), ("gp", "weight of the WGAN-GP penalty")):
        train.add_argument(f"--{name}", type=float, help=f"gan: {text}", **suppress)
    train.add_argument("--critic-steps", type=_count, help="gan: critic updates a generator update", **suppress)
    train.add_argument("--penalty-every", type=_count, help="gan: apply penalties every so many steps", **suppress)
    train.add_argument("--ema-half-life", type=float, help="gan: half-life of the average, in images", **suppress)
    train.add_argument(
        "--likelihood", help="vae: bernoulli, gaussian or logistic (default: bernoulli for grey, gaussian for RGB)", **suppress
    )
    train.add_argument("--beta", type=float, help="vae: weight of the KL term (default: 1)", **suppress)
    train.add_argument("--beta-warmup", type=_count, help="vae: images over which beta rises from 0 (default: none)", **suppress)
    train.add_argument("--free-bits", type=float, help="vae: nats a latent dimension that cost nothing (default: 0)", **suppress)
    train.add_argument("--checkpoint-every", type=_count, default=100_000, help="images between two checkpoints")
    train.add_argument("--device", help="cpu, cuda, cuda:1, ... (default: cuda if there is one)", **suppress)
    train.add_argument("--threads", type=_count, help="CPU threads (default: PyTorch's choice)", **suppress)
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
    return parser


def _asked(args: argparse.Namespace) -> dict[str, Any]:
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


def _config(args: argparse.Namespace, image_shape: tuple[int, int, int], classes: int) -> Any:
    """The configuration of a fresh run. A VAE of colour images has a Gaussian likelihood unless told otherwise."""
    from imggen_lib.configs import GanConfig, VaeConfig

    entries: dict[str, Any] = {"image_shape": image_shape, "classes": classes if args.conditional else 0}
    if args.kind == "vae":
        entries |= {"schedule_images": args.images, "likelihood": "bernoulli" if image_shape[0] == 1 else "gaussian"}
    return {"gan": GanConfig, "vae": VaeConfig}[args.kind](**{**entries, **_asked(args)})


class _Stop:
    """Ctrl-C and SIGTERM ask the loop to stop after the step at hand; a second one stops at once."""

    def __init__(self) -> None:
        self.asked = 0

    @contextlib.contextmanager
    def listening(self) -> Iterator["_Stop"]:
        def ask(number: int, frame: object) -> None:
            if self.asked:
                raise KeyboardInterrupt
            self.asked = number

        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _train(args: argparse.Namespace) -> int:
    import torch

    from imggen_lib import checkpoint, runs
    from imggen_lib.data import load

    if hasattr(args, "threads"):
        torch.set_num_threads(args.threads)
    device = getattr(args, "device", None)
    if device is not None:
        try:
            torch.empty(0, device=device).cpu()
        except (RuntimeError, AssertionError) as error:
            raise ValueError(f"device {device!r} cannot be used: {str(error).splitlines()[0]}") from None
    exists = (args.out / "checkpoint.json").exists()
    if exists and not args.resume:
        raise ValueError(f"{args.out} holds a checkpoint already: add --resume to go on with it, or choose another --out")
    if args.out.exists() and not args.out.is_dir():
        raise ValueError(f"{args.out} is a file; --out must be a folder")
    if args.resume and not exists:
        raise ValueError(f"there is no checkpoint at {args.out} to resume")
    saved = checkpoint.load(args.out) if args.resume else None
    if saved is None:
        _config(args, (1, 28, 28), 0)  # complain of bad options before the data is read
    shape: dict[str, Any] = {"size": getattr(args, "size", None), "channels": getattr(args, "channels", None)}
    if saved is not None and args.data.startswith("folder:"):
        shape = {"size": saved.config.image_shape[1], "channels": saved.config.image_shape[0]}
    data = load(args.data, "train", **shape)
    if data.skipped:
        more = [f"and {len(data.skipped) - 10} more"] if len(data.skipped) > 10 else []
        print(f"unreadable files skipped: {len(data.skipped)}", *data.skipped[:10], *more, sep="\n  ", file=sys.stderr)
    if saved is not None:
        _same_options(args, saved.config)
        run = runs.resume(args.out, data, device)
        if run.state.images >= args.images:
            print(f"{args.out} has already seen {run.state.images:,} images; nothing to do for --images {args.images}")
            return 0
    else:
        run = runs.start(_config(args, data.image_shape, len(data.classes)), data, device)
    args.out.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=args.out):
        pass  # complain of a folder that cannot be written to before the training, not after it
    return _loop(args, run)


def _same_options(args: argparse.Namespace, config: Any) -> None:
    """A resumed run keeps its options; one given again must be the same, rather than silently have no effect."""
    if args.kind != config.kind:
        raise ValueError(f"{args.out} holds a {config.kind}, not a {args.kind}")
    if args.conditional and not config.classes:
        raise ValueError(f"{args.out} was started without --conditional; it cannot go on with it")
    c, side, _ = config.image_shape
    for name, value in (("size", side), ("channels", c)):
        if getattr(args, name, value) != value:
            raise ValueError(f"{args.out} was started with {name} {value}; it cannot go on with {getattr(args, name)}")
    if config.kind == "vae" and 0 < config.schedule_images < args.images:
        print(
            f"note: the learning rate was planned for {config.schedule_images:,} images and stays low after them", file=sys.stderr
        )
    for name, given in _asked(args).items():
        if given != (value := getattr(config, name)):
            raise ValueError(f"{args.out} was started with {name.replace('_', '-')} {value}; it cannot go on with {given}")


def _loop(args: argparse.Namespace, run: "Run") -> int:
    from imggen_lib.viz import progress

    began, first = time.perf_counter(), run.state.images
    due = first + args.checkpoint_every
    stop = _Stop()
    command = "python -m imggen_lib " + " ".join(sys.argv[1:])
    with stop.listening():
        for record in progress(run.records(args.images), args.images, start=first, disable=args.quiet):
            if record["images"] >= due and record["images"] < args.images:
                run.save(args.out, command=command)
                due += args.checkpoint_every
            if stop.asked:
                break
        run.save(args.out, command=command)
    seconds = time.perf_counter() - began
    seen = run.state.images
    print(f"{'stopped' if stop.asked else 'done'}: {seen:,} images seen, {(seen - first) / seconds:,.0f} images/s, {args.out}")
    if stop.asked:
        print("go on with the same command and --resume", file=sys.stderr)
        return 128 + stop.asked
    return 0


def _open(path: Path) -> Any:
    from imggen_lib import checkpoint

    if not path.exists() and str(path) in checkpoint.shipped():
        return checkpoint.pretrained(str(path))
    if not path.exists() and path.parent == Path():
        from imggen_lib.errors import unknown_name

        message = unknown_name("folder or pretrained model", str(path), checkpoint.shipped())
        raise ValueError(message)
    return checkpoint.load(path)


def _sample(args: argparse.Namespace) -> int:
    import torch

    from imggen_lib.sampling import sample
    from imggen_lib.viz import save_grid

    saved = _open(args.dir)
    if saved.config.kind not in ("gan", "vae"):
        raise ValueError(f"{args.dir} is a {saved.config.kind} network; it makes no images")
    labels = None
    if hasattr(args, "label"):
        if not saved.config.classes:
            raise ValueError(f"{args.dir} is not class-conditional: --label has no meaning")
        if not 0 <= args.label < saved.config.classes:
            raise ValueError(f"--label must lie in 0..{saved.config.classes - 1}, got {args.label}")
        labels = torch.full((args.n,), args.label)
    save_grid(sample(saved.model(), args.n, seed=args.seed, labels=labels), args.out, scale=args.scale)
    print(f"{args.n} images: {args.out}")
    return 0


def _info(args: argparse.Namespace) -> int:
    saved = _open(args.dir)
    parameters = sum(p.numel() for p in saved.model().parameters())
    print(json.dumps({**saved.meta, "parameters": parameters}, indent=2))
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; the exit code is 0, 2 for bad input, or 128 + the signal that stopped a training."""
    from imggen_lib.errors import TrainingDiverged

    args = _parser().parse_args(argv)
    for stream in (sys.stdout, sys.stderr):  # file names may hold bytes that are no text
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return {"train": _train, "sample": _sample, "info": _info}[args.command](args)
    except BrokenPipeError:
        os._exit(0)  # the reader of our output has gone, as with `| head`
    except KeyboardInterrupt:
        print(f"imggen_lib {args.command}: interrupted", file=sys.stderr)
        return 130
    except (ValueError, OSError, OverflowError, MemoryError, RuntimeError) as error:
        text = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, MemoryError | RuntimeError) and not isinstance(error, TrainingDiverged):
            if isinstance(error, RuntimeError) and not any(s in text for s in ("out of memory", "allocate", "overflow")):
                raise  # a mistake of ours: its traceback is wanted
            text = "not enough memory; try a smaller --batch, --width or --size"
        print(f"imggen_lib {args.command}: error: {text}", file=sys.stderr)
        return 2
