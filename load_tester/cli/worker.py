"""The entry point of the attack workers' nursery: knows the test types, and nothing of the rest."""

from load_tester.domain.test_type import Registry
from load_tester.engine import nursery
from test_types.discovery import discover

if __name__ == "__main__":
    nursery.main(Registry(discover()))
