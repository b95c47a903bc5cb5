"""The plumbing is tested where it stands, on a project that is generated once for each process.

VERTICAL names another than finance, on which only those are run that take a project and have no
marker `one_vertical`: the others would do the same again.
"""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
from baking import generate

from seedling import testing
from seedling.testing import own_environment, project, trained  # noqa: F401 - fixtures

FOLDER = Path(tempfile.mkdtemp(prefix="seedling-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)

VERTICAL = os.environ.get("VERTICAL", "")
testing.HOME = generate(FOLDER, {"vertical": VERTICAL or "finance"})
sys.path.insert(0, str(testing.HOME))  # for its models, serve and dataset_creation


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if VERTICAL:
        taking = [
            item
            for item in items
            if {"project", "trained"} & {*item.fixturenames}
            and not item.get_closest_marker("one_vertical")
        ]
        config.hook.pytest_deselected(items=[item for item in items if item not in taking])
        items[:] = taking
