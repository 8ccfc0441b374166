"""What the command line accepts. The configuration that it asks for is made in :mod:`imggen_lib.cli.configuration`."""

import argparse
from typing import Any, NoReturn

from imggen_lib import __version__
from imggen_lib.cli import use_options
from imggen_lib.cli.values import count, filled, minutes, number, option, own_name, path
from imggen_lib.errors import printable

LOSS_NAMES = ("minimax", "non-saturating", "least-squares", "hinge", "wasserstein", "relativistic")
_NAMES = "`imggen` and `python -m imggen_lib` are the same command."
_MODEL = use_options.MODEL
_DEVICE = "cpu, cuda, cuda:1, ... (default: what IMGGEN_DEVICE says, or cuda if there is one)"
_EYES = (
    "random, mnist-features, fashion-features (at hand), a folder that `train features` wrote, inception (the published FID's), "
    "resnet18, resnet50, ... (downloaded)"
)
_PICTURES = "folder:, files:, shards:"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {printable(message)}\n")


class _Version(argparse.Action):
    """The versions of the library, PyTorch and Python, without loading PyTorch."""

    def __init__(self, option_strings: Any, dest: str, **_: Any) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help="say the versions of this library, PyTorch and Python")

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        import platform
        from importlib.metadata import PackageNotFoundError, version

        try:
            torch = f"torch {version('torch')}"
        except PackageNotFoundError:
            torch = "no torch"
        print(f"imggen_lib {__version__}, {torch}, Python {platform.python_version()}")
        parser.exit(0)


def parser() -> argparse.ArgumentParser:
    """The commands with their options."""
    parser = _Parser(prog="imggen_lib", description=f"Train image generators, sample from them, measure them. {_NAMES}")
    parser.add_argument("--version", action=_Version)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    options: dict[str, Any] = {"formatter_class": argparse.ArgumentDefaultsHelpFormatter}
    train = commands.add_parser("train", help="train a GAN, a VAE, a flow, or a feature network", **options)
    _what_to_train(train)
    _model(train)
    _of_a_gan(train)
    _of_a_vae(train)
    _of_a_flow(train)
    _of_one_s_own(train)
    _watching(train)
    _how_to_train(train)
    use_options.add(commands, options)
    commands.add_parser("info", help="what a checkpoint is", **options).add_argument("dir", type=path, help=_MODEL)
    _evaluate(commands.add_parser("evaluate", help="measure a model under the book's protocol", **options))
    for command in commands.choices.values():
        _allow(command)
    return parser


# Options without a default here are left out where they are not given (SUPPRESS), so that the configuration's own defaults hold
# and a resumed run keeps its own.


def _what_to_train(train: argparse.ArgumentParser) -> None:
    given: dict[str, Any] = {"default": argparse.SUPPRESS}
    train.add_argument(
        "kind",
        choices=("gan", "vae", "flow", "features"),
        help="what to train; features: a network that `evaluate --features` looks through",
    )
    train.add_argument(
        "--data",
        type=filled,
        default="glyphs",
        help="glyphs, mnist, fashion-mnist, folder:PATH (kept in memory), files:PATH or shards:PATTERN (read while training)",
    )
    train.add_argument(
        "--images",
        type=count(),
        default=600_000,
        help="images to see in all, repeats counted; a resumed run may be given more, and a learning rate that was to fall until "
        "then (a vae's, a flow's, or --decay-start) rises first and falls until the new number",
    )
    train.add_argument("--out", type=path, help="folder for the checkpoint; needed unless --profile", **given)
    train.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    train.add_argument(
        "--begin-from",
        type=filled,
        metavar="MODEL",
        help="begin with the weights of a model that ships, or of a checkpoint's folder; the network is then that model's",
        **given,
    )
    train.add_argument("--article", action="store_true", help="gan: the article's recipe (MLP, BCE, Adam at 2e-4)")
    train.add_argument("--conditional", action="store_true", help="condition on the data's classes")
    train.add_argument("--seed", type=int, help="seed of the run: same seed, same numbers (default: 0)", **given)


def _model(train: argparse.ArgumentParser) -> None:
    given: dict[str, Any] = {"default": argparse.SUPPRESS}
    train.add_argument(
        "--net",
        choices=("mlp", "conv", "res"),
        help="kind of network; gan, vae: res has residual blocks (default: conv; with --vae mlp)",
        **given,
    )
    train.add_argument("--size", type=count(4096), help=f"{_PICTURES} side of the images in pixels (default: 32)", **given)
    train.add_argument("--channels", type=count(3), help=f"{_PICTURES} 1 for grey, 3 for RGB (default: as found, or 3)", **given)
    train.add_argument(
        "--background", type=filled, help=f"{_PICTURES} the colour behind transparent pixels (default: white)", **given
    )
    train.add_argument("--latent-dim", type=count(2**16), help="gan, vae: dimensions of the latent (default: 64, 16)", **given)
    train.add_argument(
        "--width", type=count(2**14), help="conv: channels (default: gan 64, vae 32, flow 48, with --vae 256, features 32)", **given
    )
    train.add_argument(
        "--hidden", type=count(2**18), nargs="+", help="gan, vae with --net mlp: sizes of the hidden layers", **given
    )
    train.add_argument("--batch", type=count(2**20), help="images a step (default: gan 64, vae 128, flow 64, features 64)", **given)
    train.add_argument(
        "--lr",
        type=number,
        help="learning rate; may be changed when a run is resumed (default: gan 0.002, vae 0.0015, flow 0.002, features 0.002)",
        **given,
    )


def _of_a_gan(train: argparse.ArgumentParser) -> None:
    given: dict[str, Any] = {"default": argparse.SUPPRESS}
    train.add_argument("--loss", help=f"gan: {', '.join(LOSS_NAMES)}, or my_losses:NAME (default: relativistic)", **given)
    for name, text in (("r1", "gamma of R1"), ("r2", "gamma of R2"), ("gp", "weight of the WGAN-GP penalty")):
        train.add_argument(f"--{name}", type=number, help=f"gan: {text}", **given)
    train.add_argument(
        "--head-start",
        type=count(),
        help="gan: images that the critic sees before the generator learns, as after --begin-from (default: 0)",
        **given,
    )
    train.add_argument(
        "--simultaneous", action="store_true", help="gan: both players move at once (default: first the critic)", **given
    )
    train.add_argument("--critic-steps", type=count(10_000), help="gan: critic updates a generator update", **given)
    train.add_argument("--penalty-every", type=count(), help="gan: apply penalties every so many steps", **given)
    train.add_argument("--ema-half-life", type=number, help="gan, flow: half-life of the weights' average, in images", **given)
    train.add_argument(
        "--decay-start",
        type=count(),
        help="gan: images seen from which the learning rates fall to a fiftieth, at --images (default: they stay)",
        **given,
    )


def _of_a_vae(train: argparse.ArgumentParser) -> None:
    given: dict[str, Any] = {"default": argparse.SUPPRESS}
    train.add_argument(
        "--likelihood", help="vae: bernoulli, gaussian or logistic (default: bernoulli for grey, gaussian for RGB)", **given
    )
    train.add_argument("--beta", type=number, help="vae: weight of the KL term (default: 1)", **given)
    train.add_argument("--beta-warmup", type=count(), help="vae: images over which beta rises from 0 (default: none)", **given)
    train.add_argument("--free-bits", type=number, help="vae: nats a latent dimension that cost nothing (default: 0)", **given)
    train.add_argument(
        "--draws", type=count(10_000), help="vae: of z; several: the importance-weighted bound (default: 1)", **given
    )
    train.add_argument("--draws-start", type=count(), help="vae: one draw before so many images (default: 0)", **given)


def _of_a_flow(train: argparse.ArgumentParser) -> None:
    given: dict[str, Any] = {"default": argparse.SUPPRESS}
    train.add_argument(
        "--vae",
        type=filled,
        metavar="MODEL",
        help="flow: move the codes of this VAE, one that ships or a checkpoint's folder, and draw them with its decoder",
        **given,
    )
    train.add_argument("--blocks", type=count(1000), help="flow: residual blocks a map (default: 1)", **given)
    train.add_argument("--drop", type=number, help="flow: share of images whose class is not told (default: 0.1)", **given)
    train.add_argument("--times", help="flow: how times are drawn, logit-normal or uniform (default: logit-normal)", **given)
    use_options.sampler(train)


def _of_one_s_own(train: argparse.ArgumentParser) -> None:
    given: dict[str, Any] = {"default": argparse.SUPPRESS}
    named: dict[str, Any] = {"type": own_name, "metavar": "MODULE:NAME", **given}
    pairs: dict[str, Any] = {"type": option, "nargs": "+", "metavar": "KEY=VALUE", **given}
    train.add_argument("--generator", help="gan: a class or function of your own, such as my_nets:Generator", **named)
    train.add_argument("--critic", help="gan: the same for the critic", **named)
    train.add_argument(
        "--model",
        help="vae: the same for the VAE (imggen_lib.models.vae.VAE); flow: for the network that gives velocities",
        **named,
    )
    for name in ("generator", "critic", "model", "loss"):
        train.add_argument(f"--{name}-options", help=f"keywords for the {name} of your own", **pairs)
    train.add_argument(
        "--augment",
        choices=("diff", "ada"),
        help="gan: for few images; what the critic sees is changed in colour, moved, cut out, real and generated images alike: "
        "diff with one probability, ada the more often the surer the critic is of real images (default: none)",
        **given,
    )
    train.add_argument(
        "--augment-p", type=number, help="gan: the probability of each of these three; of ada, the largest (default: 0.4)", **given
    )
    train.add_argument("--augment-target", type=number, help="ada: how sure the critic should be, 0 to 1 (default: 0.6)", **given)
    train.add_argument(
        "--augment-images", type=count(), help="ada: images in which the probability can go from 0 to 1 (default: 100000)", **given
    )


def _watching(train: argparse.ArgumentParser) -> None:
    given: dict[str, Any] = {"default": argparse.SUPPRESS}
    train.add_argument(
        "--watch-every",
        type=count(),
        help="write samples, and their distance to held-out images, to --out every so many images (samples-*.png, progress.jsonl)",
        **given,
    )
    train.add_argument(
        "--stop-after",
        type=count(),
        help="stop when so many images have brought nothing that is clearly better; the best is kept in OUT/best "
        "(default: never; looks every fifth of it)",
        **given,
    )
    train.add_argument("--features", type=filled, help=f"look through {_EYES} (default: --data's own, or random)", **given)
    train.add_argument("--tensorboard", action="store_true", help="write the same for TensorBoard, which must be installed")


def _allow(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--allow",
        nargs="+",
        metavar="MODULE",
        default=[],
        help="import these modules if a checkpoint names networks in them: that runs their code",
    )


def _how_to_train(train: argparse.ArgumentParser) -> None:
    given: dict[str, Any] = {"default": argparse.SUPPRESS}
    train.add_argument("--checkpoint-every", type=count(), default=100_000, help="images between two checkpoints")
    train.add_argument(
        "--checkpoint-minutes", type=minutes, default=10.0, help="minutes between two checkpoints, where that is sooner"
    )
    train.add_argument("--device", help=_DEVICE, **given)
    train.add_argument("--threads", type=count(4096), help="CPU threads (default: PyTorch's choice)", **given)
    train.add_argument("--workers", type=count(256, least=0), default=2, help="files:, shards: how many processes read images")
    train.add_argument("--compile", action="store_true", help="let torch.compile make the kernels (a minute at the start)")
    train.add_argument("--bf16", action="store_true", help="products in bfloat16, for GPUs and CPUs that have units for it")
    train.add_argument("--profile", action="store_true", help="train some steps, say where their time goes, write nothing")
    train.add_argument("--quiet", action="store_true", help="no progress bar")


def _evaluate(evaluate: argparse.ArgumentParser) -> None:
    given: dict[str, Any] = {"default": argparse.SUPPRESS}
    evaluate.add_argument("dir", type=path, help=_MODEL)
    evaluate.add_argument(
        "--data",
        type=filled,
        help="mnist, fashion-mnist, glyphs or folder:PATH: what the samples are compared with (default: what it was trained on)",
        **given,
    )
    evaluate.add_argument(
        "--reference",
        choices=("auto", "test", "train", "all"),
        default="auto",
        help="which images of --data; all: both splits; auto: test, or all where test has fewer than 100",
    )
    evaluate.add_argument(
        "-n", type=count(10**7), default=10_000, help="samples, against as many images of --data, or all that there are"
    )
    evaluate.add_argument("--seed", type=int, default=0, help="seed of the first sample")
    use_options.sampler(evaluate)
    evaluate.add_argument("--draws", type=count(100_000), default=100, help="vae: draws per image of the likelihood estimate")
    evaluate.add_argument(
        "--features",
        type=filled,
        help=f"look through {_EYES} (default: --data's own, or random)",
        **given,
    )
    evaluate.add_argument("--device", help=_DEVICE, **given)
    evaluate.add_argument("--out", type=path, help="JSON to write (default: standard output)", **given)
