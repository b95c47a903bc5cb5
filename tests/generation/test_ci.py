"""What the files of both CI systems have in common: no secret is in them, or asked for."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from baking import CI

Bake = Callable[[dict[str, str]], Path]

SYSTEMS = [name for name in CI if name != "none"]
SECRET = re.compile(r"(?i)secrets\.|password|client.secret|connection.?string|account.?key")


@pytest.mark.parametrize("ci", SYSTEMS)
def test_no_file_of_ci_holds_a_secret(bake: Bake, ci: str):
    folder, *files = CI[ci]
    project = bake({"vertical": "finance", "models": "logistic_regression", "ci": ci})
    for name in files:
        assert not SECRET.search((project / folder / name).read_text(encoding="utf-8")), name
