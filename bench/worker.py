"""The entry point of the benchmark's attack workers: the product's own, with one more test type."""

from bench.static_get import STATIC_GET
from load_tester.domain.test_type import Registry
from load_tester.engine import nursery
from test_types import TEST_TYPES

if __name__ == "__main__":
    nursery.main(Registry((*TEST_TYPES, STATIC_GET)))
