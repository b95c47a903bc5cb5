"""Imports of the plumbing under the project's name, as projects had them before 0.2.0."""

from importlib import import_module
from pathlib import Path

import pytest

from seedling import carry_over

OLD = '''"""A model of the team's."""

import pandas as pd

from ours.training import LabelEncoded, fit_metrics
from ours.values import as_json, example
from ours.values import example as row
from ours.errors import (
    InputError,
    NotFound,  # of a patient
)
import ours_too


def late():
    from ours.validation import validate
'''
NEW = '''"""A model of the team's."""

import pandas as pd

from seedling.fitting import LabelEncoded, fit_metrics
from seedling import as_json, example_row as example
from seedling import example_row as row
from seedling import InputError, NotFound
import ours_too


def late():
    from seedling import validate_dataset as validate
'''


def test_imports_of_public_names_come_from_where_they_are_now():
    assert carry_over.with_imports(OLD, "ours") == NEW
    assert carry_over.with_imports(NEW, "ours") == NEW


@pytest.mark.parametrize(
    "line",
    [
        "from ours.schema import model_frame",
        "from ours.config import Project, Section",
        "from ours import datasets",
        "import ours.team",
        "from mlops.registry import open_registry",
    ],
)
def test_an_import_of_anything_else_is_left_and_named(tmp_path: Path, line: str):
    (tmp_path / "model.yaml").write_text('name: "Ours"\nslug: "ours"\n')
    team = tmp_path / "models" / "best" / "train.py"
    team.parent.mkdir(parents=True)
    team.write_text(f'"""Ours."""\n{line}\n')
    assert team not in carry_over.carry_over(tmp_path, "ours")
    (left,) = carry_over.left_to_do(tmp_path, "ours")
    assert left == f"models/best/train.py:2: {line}: seedling has no such public name"


def test_a_file_that_python_cannot_read_is_left_alone():
    assert carry_over.with_imports("from ours.values import (", "ours") == (
        "from ours.values import ("
    )


def test_every_public_name_is_one():
    for module, names in carry_over.PUBLIC.items():
        place = import_module(carry_over.PLACES.get(module, "seedling"))
        assert set(names.values()) <= set(place.__all__)
        assert all(hasattr(place, name) for name in place.__all__)


def test_the_slug_is_added_to_model_yaml_once():
    once = carry_over.with_slug('# Ours.\nname: "Ours"\nmodels: []\n', "ours")
    assert once == '# Ours.\nname: "Ours"\nslug: "ours"\nmodels: []\n'
    assert carry_over.with_slug(once, "other") == once
