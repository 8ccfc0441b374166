"""The command line: ``python -m imggen_lib train|sample|info|evaluate``. Errors are one line and exit code 2.

Nothing here computes, and nothing here loads PyTorch before it is needed: ``--help`` answers at once.
"""

import io
import os
import sys
from collections.abc import Sequence

from imggen_lib.cli import models
from imggen_lib.cli.options import parser
from imggen_lib.cli.train import train


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; the exit code is 0, 2 for bad input, or 128 + the signal that stopped a training."""
    from imggen_lib.errors import TrainingDiverged

    args = parser().parse_args(argv)
    for stream in (sys.stdout, sys.stderr):  # file names may hold bytes that are no text
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return {"train": train, "sample": models.sample, "info": models.info, "evaluate": models.evaluate}[args.command](args)
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
