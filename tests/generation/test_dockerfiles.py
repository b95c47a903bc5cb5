"""The Dockerfiles of a project, as hadolint sees them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from baking import call


@pytest.mark.parametrize("file", ["Dockerfile", "s2i/Dockerfile"])
def test_hadolint_has_nothing_to_say(bake: Callable[[dict[str, str]], Path], file: str):
    project = bake({"vertical": "finance"})
    done = call(["hadolint", project / file], project)
    assert done.returncode == 0, done.stdout
