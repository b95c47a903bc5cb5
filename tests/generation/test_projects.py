"""Each vertical's project passes its own checks and its own tests, in its own environment."""

from collections.abc import Callable
from pathlib import Path

import pytest
from baking import VERTICALS, models_of, names, verb

Installed = Callable[..., Path]
# A vertical for each task: it is the tasks that know models. Where a task knows one, the project
# with the first of them has every model.
OF_A_TASK = {
    facts["task"]: vertical for vertical, facts in VERTICALS.items() if len(models_of(vertical)) > 1
}.values()


@pytest.mark.parametrize("check", ["lint", "test"])
@pytest.mark.parametrize("vertical", VERTICALS)
def test_a_project_passes_its_own(installed: Installed, vertical: str, check: str):
    first = names(VERTICALS[vertical]["models"])[0]
    verb(installed({"vertical": vertical, "models": first}), check)


@pytest.mark.full
@pytest.mark.parametrize("check", ["lint", "test"])
@pytest.mark.parametrize("vertical", OF_A_TASK)
def test_a_project_with_every_model_passes_its_own(installed: Installed, vertical: str, check: str):
    verb(installed({"vertical": vertical, "models": ", ".join(models_of(vertical))}), check)
