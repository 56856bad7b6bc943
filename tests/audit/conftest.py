"""A database of one's own."""

from tests.faults.conftest import elsewhere  # noqa: F401 - a fixture
