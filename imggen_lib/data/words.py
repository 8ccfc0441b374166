"""Names of files and reasons of errors as they may be printed; paths as people write them."""

from pathlib import Path

from imggen_lib.errors import DataUnavailable
from imggen_lib.files import expanded


def shown(text: str) -> str:
    """Text as it may be printed on a terminal: line breaks, control signs and bytes that are no text become escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def plain(error: BaseException) -> str:
    """The reason that an exception gives, in one line of at most 200 signs."""
    told = error.strerror if isinstance(error, OSError) and error.strerror else str(error.args[0] if error.args else "")
    return shown(" ".join(told.split()))[:200] or type(error).__name__


def user_path(path: str | Path) -> Path:
    """A path with ``~`` and ``~name`` put in."""
    try:
        return expanded(path)
    except ValueError as error:
        raise DataUnavailable(str(error)) from error
