"""The store is tested on both databases."""

from tests.conftest import both_engines

engine = both_engines
