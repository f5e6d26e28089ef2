"""`python -m load_tester`, and the installed command `load-tester`."""

import sys


def main() -> int:
    """Run the program; returns its exit status. Ctrl-C while it is still being loaded ends it without a traceback."""
    try:
        from load_tester.cli.main import main as run  # noqa: PLC0415 - loading it takes a third of a second
    except KeyboardInterrupt:
        return 130
    return run()


if __name__ == "__main__":
    sys.exit(main())
