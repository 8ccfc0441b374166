"""Names of files and reasons of errors as they may be printed; paths as people write them."""

from pathlib import Path

from imggen_lib.errors import DataUnavailable, printable
from imggen_lib.files import expanded


def plain(error: BaseException) -> str:
    """The reason that an exception gives, in one line of at most 200 signs."""
    told = error.strerror if isinstance(error, OSError) and error.strerror else str(error.args[0] if error.args else "")
    return printable(" ".join(told.split()))[:200] or type(error).__name__


def user_path(path: str | Path) -> Path:
    """A path with ``~`` and ``~name`` put in."""
    try:
        return expanded(path)
    except ValueError as error:
        raise DataUnavailable(str(error)) from error
