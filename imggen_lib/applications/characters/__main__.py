"""``python -m imggen_lib.applications.characters FOLDER``: a whole edition (:func:`.edition.make`)."""

import argparse

from imggen_lib.applications.characters.edition import make


def main() -> None:
    """Read the command line, write the folder, say what is in it."""
    parser = argparse.ArgumentParser(prog="python -m imggen_lib.applications.characters", description=make.__doc__)
    parser.add_argument("folder")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=60, help="how many characters, 1 to 60")
    parser.add_argument("--hue", type=float, default=250.0, help="of the palette, in degrees of OKLCH")
    parser.add_argument("--bold", type=float, default=0.0, help="added to the field, in units of the box of 109; below 0 is thin")
    given = parser.parse_args()
    try:
        told = make(given.folder, range(given.first, given.first + given.count), hue=given.hue, bold=given.bold)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    for name, file in told["files"].items():
        print(f"{name}: {file['bytes']:,} bytes")


if __name__ == "__main__":
    main()
