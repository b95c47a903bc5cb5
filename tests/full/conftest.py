"""What the long tests share."""

from collections.abc import Iterator

import pytest
from postgresql import PostgreSQL, postgresql_server


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    """A PostgreSQL server that is stopped at the end, whatever happens."""
    with postgresql_server() as server:
        yield server
