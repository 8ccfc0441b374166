"""What a resumed run keeps, and what may change: for how many images it is trained, and the learning rate."""

import argparse
from typing import TYPE_CHECKING, Any

from imggen_lib.cli.configuration import asked

if TYPE_CHECKING:
    from imggen_lib.runs import Run


def same_options(args: argparse.Namespace, config: Any) -> None:
    """A resumed run keeps its options; one given again must be the same, rather than silently have no effect."""
    if args.kind != config.kind:
        raise ValueError(f"{args.out} holds a {config.kind}, not a {args.kind}")
    if args.conditional and not config.classes:
        raise ValueError(f"{args.out} was started without --conditional; it cannot go on with it")
    c, side, _ = config.image_shape
    for name, value in (("size", side), ("channels", c)):
        if getattr(args, name, value) != value:
            raise ValueError(f"{args.out} was started with {name} {value}; it cannot go on with {getattr(args, name)}")
    for name, given in asked(args).items():
        if name == "lr" and hasattr(args, "lr"):
            continue  # it may change, see longer
        if given != (value := getattr(config, name)):
            raise ValueError(f"{args.out} was started with {name.replace('_', '-')} {value}; it cannot go on with {given}")


def longer(args: argparse.Namespace, run: "Run") -> list[str]:
    """Plan a resumed run's learning rate anew (:meth:`imggen_lib.runs.Run.plan`) where more images or another rate are asked for;
    what to tell of it."""

    def rate() -> float:
        return float(run.config.lr * run.config.lr_schedule(run.state.images))

    old, before = run.config, rate()
    if run.plan(images=args.images, lr=getattr(args, "lr", None)).config == old:
        return []
    end = "decay_end" if old.kind == "gan" else "schedule_images"
    planned, now = getattr(old, end), getattr(run.config, end)
    plan = f", and falls until {now:,} images instead of {planned:,}" if now != planned else ""
    return [f"note: the learning rate is {rate():.3g} from here on, after {before:.3g}{plan}"]
