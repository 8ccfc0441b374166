"""What every tool is given, from the shipped weights, as one file: `python scripts/tools/reference.py inputs.npz`."""

import argparse
from pathlib import Path

import numpy as np

from imggen_lib.tools.reference import digest, inputs


def main() -> None:
    """Write the arrays, and print their SHA-256, which the record holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    arrays = inputs()
    np.savez(parser.parse_args().out, **arrays)
    print(digest(arrays))


if __name__ == "__main__":
    main()
