"""``python -m latentstudio`` is the same as the command ``latentstudio``."""

import sys

from latentstudio.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
