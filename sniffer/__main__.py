"""``python -m sniffer``."""

import sys

from sniffer.cli import main

if __name__ == "__main__":
    sys.exit(main())
