"""``python -m imggen_lib``."""

import sys

from imggen_lib.cli import main

sys.exit(main())
