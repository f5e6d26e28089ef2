"""`python -m load_starter` is `load-starter`."""

from load_starter.cli import main

main()
