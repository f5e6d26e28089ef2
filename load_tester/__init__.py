"""A load tester: rate-controlled attacks, measured from the schedule, with every result kept."""

__version__ = "0.1.0"
