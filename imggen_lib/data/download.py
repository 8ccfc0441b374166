"""Fetch a file into the cache: several mirrors, time-outs, retries, a progress bar, a checksum, and an atomic rename.

Files are written only inside the cache folder (``$IMGGEN_CACHE``, else the platform's own), and only under their final name once
they are whole and their checksum is right.
"""

import contextlib
import hashlib
import os
import time
import urllib.error
import urllib.request
from pathlib import Path
from tempfile import NamedTemporaryFile

from imggen_lib.errors import DataError, DataUnavailable

TIMEOUT = 20.0  # seconds without a byte
RETRIES = 2  # tries a mirror
PAUSE = 1.0  # seconds between two tries at the same mirror


def cache_folder() -> Path:
    """Where downloads live: ``$IMGGEN_CACHE``, else the platform's cache folder for ``imggen_lib``."""
    from platformdirs import user_cache_path

    chosen = os.environ.get("IMGGEN_CACHE")
    return Path(chosen).expanduser() if chosen else user_cache_path("imggen_lib")


def offline() -> bool:
    """Whether ``IMGGEN_OFFLINE`` forbids downloads."""
    return os.environ.get("IMGGEN_OFFLINE", "").lower() not in ("", "0", "false", "no")


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(path: Path, expected: str, size: int) -> None:
    """Raise :class:`DataError` unless the file is the expected one, byte for byte."""
    actual_size = path.stat().st_size
    if actual_size != size or sha256(path) != expected:
        what = f"{actual_size:,} bytes" if actual_size != size else "the right size but other bytes"
        raise DataError(
            f"{path} is damaged or another file: it has {what}, expected {size:,} bytes with SHA-256 {expected[:12]}...; "
            "delete it and try again, so that it is fetched anew"
        )


def _fetch_once(url: str, target: Path, expected: str, size: int) -> None:
    from tqdm.auto import tqdm

    with NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
        temporary = Path(file.name)
    try:
        request = urllib.request.Request(url, headers={"User-Agent": "imggen_lib"})
        with (
            temporary.open("wb") as file,
            urllib.request.urlopen(request, timeout=TIMEOUT) as response,
            tqdm(total=size, unit="B", unit_scale=True, desc=target.name, leave=False) as bar,
        ):
            while block := response.read(1 << 16):
                file.write(block)
                bar.update(len(block))
                if bar.n > size:
                    raise DataError(f"{url} sends more than the expected {size:,} bytes")
            file.flush()
            os.fsync(file.fileno())
        verify(temporary, expected, size)
        os.replace(temporary, target)  # closed by now: Windows does not rename an open file
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def fetch(urls: list[str], target: Path, expected: str, size: int) -> Path:
    """Download the first of `urls` that gives the expected bytes to `target`, and return `target`."""
    if offline():
        raise DataUnavailable(f"{target.name} is not here, and IMGGEN_OFFLINE forbids downloads")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataUnavailable(f"{target.parent} cannot be made: {error}; IMGGEN_CACHE names another folder") from error
    failures: dict[str, str] = {}  # the last one of each mirror
    for url in urls:
        for attempt in range(RETRIES):
            try:
                _fetch_once(url, target, expected, size)
                return target
            except (OSError, EOFError, DataError, ValueError) as error:
                reason = getattr(error, "reason", None) or error
                # The temporary file's name says nothing to the reader.
                failures[url] = str(reason).split(" is damaged or another file: ")[-1]
                if isinstance(error, urllib.error.HTTPError) and error.code in (403, 404, 410):
                    break
                if attempt + 1 < RETRIES:
                    time.sleep(PAUSE)
    raise DataUnavailable(f"{target.name} could not be downloaded:" + "".join(f"\n  {url}: {why}" for url, why in failures.items()))
