"""`python -m wdprefect`."""

import sys

from wdprefect.cli import main

if __name__ == "__main__":
    sys.exit(main())
