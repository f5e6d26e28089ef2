"""`python -m load_tester` is the command `load-tester`."""

import sys

from load_tester.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
