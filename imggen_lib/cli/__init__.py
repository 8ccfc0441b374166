"""The command line: ``python -m imggen_lib COMMAND``, or ``imggen``. Errors are one line and exit code 2.

Nothing here computes, and nothing here loads PyTorch before it is needed: ``--help`` answers at once.
"""

import argparse
import contextlib
from collections.abc import Sequence

from imggen_lib.cli.options import parser
from imggen_lib.cli.terminal import keep_standard_numbers, plain_words, say, settle


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; the exit code is 0, 2 for bad input, or 128 + the signal that stopped a training."""
    keep_standard_numbers()
    try:
        with plain_words():
            return _one_line(parser().parse_args(argv))
    except KeyboardInterrupt:
        say("imggen_lib: interrupted", error=True)
        return 130
    finally:
        with contextlib.suppress(OSError):
            settle()


def _one_line(args: argparse.Namespace) -> int:
    """Run the command, and say in one line what the user can mend; a mistake of ours keeps its traceback."""
    from imggen_lib.cli.mistakes import in_one_line

    try:
        code = _command(args)
        settle()
        return code
    except Exception as error:
        if isinstance(error, BrokenPipeError) and args.command != "train":
            return 0  # the reader of our output has gone, as with `| head`
        if (line := in_one_line(error)) is None:
            raise
        say(f"imggen_lib {args.command}: error: {line}", error=True)
        return 2


def _command(args: argparse.Namespace) -> int:
    from imggen_lib.cli import evaluate, models, pictures
    from imggen_lib.cli.train import train

    commands = {"train": train, "evaluate": evaluate.evaluate}
    commands |= {"sample": models.sample, "info": models.info, "export": models.export, "push": models.push}
    commands |= {"encode": pictures.encode, "reconstruct": pictures.reconstruct, "interpolate": pictures.interpolate}
    return commands[args.command](args)
