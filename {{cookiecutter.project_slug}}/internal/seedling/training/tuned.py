"""Edits of a model's entry in model.yaml: what to search, and the best that a search found."""

from collections.abc import Mapping
from typing import Any

from ruamel.yaml.comments import CommentedMap

from seedling.config import Project, confirmed_edit
from seedling.data import layout


def write(project: Project, model: str, values: Mapping[str, Any], yes: bool) -> bool:
    """Put values of hyperparameters into model.yaml, as `confirmed_edit.write` does."""
    document = confirmed_edit.document(project)
    _entry(document, model)["hyperparameters"].update(values)
    return confirmed_edit.write(project, document, yes)


def write_search(project: Project, model: str, search: Mapping[str, Any], yes: bool) -> bool:
    """Put what to search into model.yaml, as `confirmed_edit.write` does."""
    document = confirmed_edit.document(project)
    _entry(document, model)["search"] = CommentedMap(
        {name: layout.column(wanted) for name, wanted in search.items()}
    )
    return confirmed_edit.write(project, document, yes)


def _entry(document: Any, model: str) -> Any:
    return next(each for each in document["training"]["models"] if each["name"] == model)
