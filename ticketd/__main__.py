"""``python -m ticketd``: the command line."""

import sys

from ticketd.cli import main

if __name__ == "__main__":
    sys.exit(main())
