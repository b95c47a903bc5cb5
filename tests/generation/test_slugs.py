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
    verb(project, "test")
