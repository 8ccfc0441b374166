"""The configuration that the command line asks for."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    pass


KINDS = {"gan": "a gan", "vae": "a vae", "flow": "a flow", "features": "a feature network"}


def is_own(data: str) -> bool:
    """Whether ``--data`` names pictures of the user's own, whose shape may be chosen."""
    return data.startswith(("folder:", "files:", "shards:"))


def check_data(name: str) -> None:
    """Raises ``ValueError`` for a name that no data have, naming the nearest one; for a bare path, ``folder:`` and the path."""
    from imggen_lib.data.sources import NAMES
    from imggen_lib.errors import unknown_name

    if is_own(name) or name in NAMES:
        return
    if Path(name).is_dir():
        raise ValueError(f"unknown data set {name!r}. Did you mean folder:{name}?")
    raise ValueError(unknown_name("data set", name, {*NAMES, "folder:PATH", "files:PATH", "shards:PATTERN"}))


def allowed(args: argparse.Namespace) -> set[str]:
    """The modules that a checkpoint may ask for: those of ``--allow``, and those of the networks that the command names itself."""
    named = (str(getattr(args, name, "")) for name in ("generator", "critic", "model", "loss"))
    return {*args.allow, *(name.partition(":")[0] for name in named if ":" in name)}


def origin(args: argparse.Namespace) -> Any:
    """The configuration of the model that ``--begin-from`` names, None without it."""
    from imggen_lib.finding import find

    if not hasattr(args, "begin_from"):
        return None
    config = find(args.begin_from, allowed(args)).config
    if config.kind != args.kind:
        raise ValueError(f"{args.begin_from} is a {config.kind}, not a {args.kind}")
    return config


def _vae(args: argparse.Namespace) -> Any:
    """The configuration of the VAE that ``--vae`` names."""
    from imggen_lib.finding import find

    found = find(args.vae, allowed(args)).config
    if found.kind != "vae":
        raise ValueError(f"--vae {args.vae} is a {found.kind}, not a vae")
    return found


def asked(args: argparse.Namespace) -> dict[str, Any]:
    """The entries of the configuration that the options ask for; an option of the other kind of model is an error, not ignored."""
    from dataclasses import asdict, fields

    from imggen_lib.configs import ALL, GanConfig

    kind = ALL[args.kind]
    names = {f.name for k in ALL.values() for f in fields(k)}
    own = {f.name for f in fields(kind)} - {*kind.SETTLED}
    given = {k: tuple(v) if isinstance(v, list) else v for k, v in vars(args).items() if k in names}
    given |= {k: dict(v) for k, v in given.items() if k.endswith("_options")}
    foreign = sorted(given.keys() - own)
    if foreign:
        raise ValueError(f"--{foreign[0].replace('_', '-')} is not an option of {KINDS[args.kind]}")
    if not args.article:
        return given
    if args.kind != "gan":
        raise ValueError("--article is an option of a gan: the article's second program is not a VAE (see the chapter)")
    plain = asdict(GanConfig())
    return {**{k: v for k, v in asdict(GanConfig.article()).items() if v != plain[k]}, **given}


def config(args: argparse.Namespace, image_shape: tuple[int, int, int], classes: int, model: Any = None) -> Any:
    """The configuration of a fresh run. A VAE of colour images has a Gaussian likelihood unless told otherwise.

    A feature network has the data's classes in any case.

    A run that begins from a model has the network of `model`, its configuration (:func:`origin`); options that ask for another are
    found out when it begins.
    """
    from imggen_lib.configs import ALL

    classified = args.conditional or args.kind == "features"
    entries: dict[str, Any] = {"image_shape": image_shape, "classes": classes if classified else 0}
    if args.kind == "vae":
        entries |= {"schedule_images": args.images, "likelihood": "bernoulli" if image_shape[0] == 1 else "gaussian"}
    if args.kind == "flow":
        entries["schedule_images"] = args.images
        if hasattr(args, "vae"):
            entries["vae_config"] = _vae(args)
    if hasattr(args, "decay_start"):
        entries["decay_end"] = args.images
    if model is not None:
        if hasattr(args, "vae") and args.vae != model.vae:
            what = f"moves the codes of {model.vae}" if model.vae else "moves images"
            raise ValueError(f"{args.begin_from} {what}; a run that begins from it cannot have --vae {args.vae}")
        wanted = classes if model.classes or args.conditional else 0
        entries |= {k: v for k, v in model.architecture.items() if k not in model.SETTLED}
        entries |= {"image_shape": image_shape, "classes": wanted}
    return ALL[args.kind](**{**entries, **asked(args)})
