"""The repository's address is written into ``_config.yml`` and into the first cell of every notebook.

python scripts/write/address.py https://github.com/OWNER/NAME
python scripts/write/address.py ""                              # none: no launch buttons, and the first cell says what to do
"""

import argparse
import sys

from forge import configured, normal, write
from notebooks import paired, reformat, texts
from notebooks import write as store


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--branch", default="", help="what the buttons on the pages open (as it is)")
    parser.add_argument("--check", action="store_true", help="change nothing; say whether this is the address")
    args = parser.parse_args()
    if args.check:
        there = configured().url
        sys.exit(0 if there == normal(args.url) else f"_config.yml says {there or 'no address'}, not {args.url}")
    try:
        write(args.url, args.branch or configured().branch)
    except ValueError as error:
        sys.exit(str(error))
    for text in texts():
        if reformat(text, write_back=True):
            store(paired(text), text.with_suffix(".ipynb"))
    print(f"{len(texts())} notebooks install the library from {configured().url or 'nowhere: there is no address'}")


if __name__ == "__main__":
    main()
