"""What a sweep needs of this machine: `search` in model.yaml, and `--set` of the train step."""

from typing import Any

import pytest

from seedling.config import SearchRange, TrainedModel
from seedling.errors import ProjectError
from seedling.steps.train import overrides

FOREST = {"name": "forest", "dataset": "pets", "hyperparameters": {"rate": 0.1, "depth": 4}}


def test_ranges_and_lists_are_read_as_they_stand() -> None:
    search = {"rate": {"min": 0.01, "max": 1, "log": True}, "depth": [2, 4]}
    found = TrainedModel.model_validate({**FOREST, "search": search}).search
    assert found["rate"] == SearchRange(min=0.01, max=1, log=True)
    assert found["depth"] == [2, 4]


@pytest.mark.parametrize(
    ("search", "words"),
    [
        ({"width": [1]}, "width is no hyperparameter; there are rate, depth"),
        ({"rate": {"min": 1, "max": 1}}, "min 1 is not below max 1"),
        ({"rate": {"min": 0, "max": 1, "log": True}}, "min 0 has no logarithm"),
        ({"depth": []}, "at least 1 item"),
        ({"depth": ["two words"]}, "should match pattern"),
    ],
    ids=["unknown", "empty range", "logarithm", "empty list", "words"],
)
def test_what_cannot_be_searched_is_refused(search: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        TrainedModel.model_validate({**FOREST, "search": search})


def test_hyperparameters_are_typed_as_in_model_yaml() -> None:
    forest = TrainedModel.model_validate(FOREST)
    assert overrides(forest, ["rate=1e-05", "depth=8"]) == {"rate": 1e-05, "depth": 8}
    assert overrides(forest, ["rate=null", "depth=true"]) == {"rate": None, "depth": True}
    assert overrides(forest, ["depth=a=b"]) == {"depth": "a=b"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("width=1", "width is no hyperparameter of forest; there are rate, depth"),
        ("rate", "expected NAME=VALUE"),
        ("rate=[", "not valid YAML"),
    ],
    ids=["unknown", "shape", "yaml"],
)
def test_an_override_that_says_nothing_is_refused(given: str, words: str) -> None:
    with pytest.raises(ProjectError, match=words):
        overrides(TrainedModel.model_validate(FOREST), [given])
