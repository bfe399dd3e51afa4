"""Guards use the small world of tests/world.py."""

from tests import conftest, world

conftest.FILLS["world"] = world.fill
