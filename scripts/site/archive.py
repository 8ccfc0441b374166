"""One archive of the built book that can be read anywhere: unpack it and open ``index.html``, no server and no network.

The same pages give the same bytes: files in order, with one date, the same rights, and the same compression.
"""

import argparse
import sys
import zipfile
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
FOLDER = "imggen-book"
DATE = (2000, 1, 1, 0, 0, 0)  # the archive's format has no "no date"
LEFT_OUT = {".buildinfo", ".doctrees", ".wheel"}

README = """{title}

To read the book, open the file index.html in a browser: Firefox, Chrome, Edge or Safari. It needs no server and no network.
On a phone, unpack the archive with the file manager first.

The notebooks are in the folder notebooks, and with them the library that they need: their first cell installs it from there.
To run them, see the page "How to use this book".
licences.txt says under which licence each part of these pages is.
"""


def members(site: Path) -> dict[str, bytes]:
    """The names and the contents of what goes into the archive, in order."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    found = {"README.txt": README.format(title=config["title"]).encode()}
    for path in site.rglob("*"):
        name = path.relative_to(site)
        if path.is_file() and not LEFT_OUT & set(name.parts):
            found[name.as_posix()] = path.read_bytes()
    return dict(sorted(found.items()))


def pack(site: Path, target: Path) -> None:
    """Write the archive; it is there whole or not at all."""
    if not (site / "index.html").is_file():
        raise ValueError(f"there is no built book in {site}: make book")
    partial = target.with_suffix(".part")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in members(site).items():
            info = zipfile.ZipInfo(f"{FOLDER}/{name}", DATE)
            info.external_attr = 0o100644 << 16
            info.create_system = 3
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    partial.replace(target)


def main() -> None:
    parser = argparse.ArgumentParser(description="pack the built book into one archive")
    parser.add_argument("--site", type=Path, default=ROOT / "_build" / "html")
    parser.add_argument("--out", type=Path, default=ROOT / "_build" / "imggen-book.zip")
    options = parser.parse_args()
    try:
        pack(options.site, options.out)
    except ValueError as error:
        sys.exit(str(error))
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.1f} MB; unpack it and open {FOLDER}/index.html")


if __name__ == "__main__":
    main()
