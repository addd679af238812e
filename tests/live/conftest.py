"""A house of one's own, as the end-to-end tests have it."""

from tests.e2e.conftest import house

__all__ = ["house"]
