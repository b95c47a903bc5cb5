"""A project's folder may be called as what it imports is."""

from collections.abc import Callable
from pathlib import Path

import pytest
from baking import verb


@pytest.mark.full
@pytest.mark.parametrize("slug", ["numpy", "seedling"])
def test_a_slug_hides_no_import(installed: Callable[..., Path], slug: str):
    project = installed({"vertical": "hello_world", "project_slug": slug})
    assert '"predictions": [' in verb(project, "demo")
    # Its service has answered just now. The tests of that train in a folder with another name.
    verb(project, "test", "--ignore", "tests/test_service.py")
