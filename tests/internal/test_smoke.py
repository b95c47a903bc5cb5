"""A smoke check: everything runs once, and nothing takes its model for a result."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from small import PETS

from seedling.config import Project, RegisteredModel
from seedling.errors import ProjectError
from seedling.files import sha256, write_json
from seedling.registry.folder import FolderRegistry
from seedling.registry.open import open_registry
from seedling.serving import models
from seedling.settings import SMOKE
from seedling.training.fits import Fitting
from seedling.training.notes import Registration
from seedling.training.outcomes import sentence


@pytest.fixture
def smoke(tmp_path: Path) -> Path:
    """The folder of a model that a smoke check has written."""
    folder = tmp_path / "model"
    folder.mkdir()
    write_json(
        folder / "schema.json", {"dataset": PETS.model_dump(), "holdout": 0.2, "smoke": True}
    )
    return folder


def taking(X: Any, y: Any, X_test: Any, y_test: Any, *, smoke: bool = False) -> Any:
    return smoke, {}, {}


def alone(X: Any, y: Any, X_test: Any, y_test: Any) -> Any:
    return False, {}, {}


@pytest.mark.parametrize(("train_model", "given"), [(taking, True), (alone, False)])
def test_a_train_model_hears_of_a_smoke_check_where_it_takes_it(
    train_model: Any, given: bool
) -> None:
    X, y = pd.DataFrame({"a": [1.0]}), pd.Series([1.0])
    assert Fitting(train_model, {}, 1, smoke=True).first(X, y, X, y).model is given
    assert Fitting(train_model, {}, 1).first(X, y, X, y).model is False


def test_no_registry_takes_it(smoke: Path, project: Project, tmp_path: Path) -> None:
    for registry in (FolderRegistry(tmp_path / "pets"), open_registry(project)):
        with pytest.raises(ProjectError, match=r"^pets was trained for a smoke check, .* SMOKE=1"):
            registry.register("pets", smoke, {"model": "pets", "description": ""})
        assert registry.versions("pets") == []


def test_the_service_does_not_load_it(smoke: Path, project: Project) -> None:
    registered = RegisteredModel(name="pets", model="pets", version="1", sha256=sha256(smoke))
    home = project.model_path(registered)
    home.parent.mkdir(parents=True)
    smoke.rename(home)
    words = "^The model pets, version 1, was trained for a smoke check, which is not served"
    with pytest.raises(ProjectError, match=words):
        models.load(project, registered)


def test_the_gates_sentence_calls_its_metric_no_result() -> None:
    one = Registration(
        "pets", "pets-pets", "f1", 0.9, 0.5, "1", "", None, smoke=True, rows=500, held_out_rows=500
    )
    assert sentence(one) == (
        "Model was not registered for this run. A smoke check is not registered: all steps ran, "
        "and f1 0.9 is no result."
    )


@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("yes", True), ("", False), ("0", False), ("off", False)]
)
def test_the_variable_is_yes_or_no(text: str, value: bool) -> None:
    assert SMOKE.get({"SMOKE": text}) is value


def test_another_value_of_the_variable_is_refused() -> None:
    with pytest.raises(ProjectError, match="SMOKE is 'maybe': 1 or 0 is expected"):
        SMOKE.get({"SMOKE": "maybe"})
