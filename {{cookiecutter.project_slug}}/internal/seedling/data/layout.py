"""The layout of a dataset's entry in model.yaml: a line for each column, more for a long one."""

from datetime import date
from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

ONE_LINE = 84  # characters: what fits into a line of model.yaml at its depth


def dataset(entry: dict[str, Any]) -> CommentedMap:
    """Return the entry with YAML layout: one line for each feature, more for a long one."""
    laid_out = CommentedMap(entry)
    laid_out["entity_key"] = _one_line(entry["entity_key"])
    if "groups" in entry:
        laid_out["groups"] = _one_line(entry["groups"])
    if "read" in entry:
        laid_out["read"] = _one_line(entry["read"])
    if "ignored" in entry:
        laid_out["ignored"] = short(entry["ignored"])
    laid_out["target"] = column(entry["target"])
    laid_out["features"] = CommentedSeq(column(feature) for feature in entry["features"])
    return laid_out


def column(entry: dict[str, Any]) -> Any:
    """Return a column's entry on a line if it fits, else a line for each key, then category."""
    shown = {key: str(value) if isinstance(value, date) else value for key, value in entry.items()}
    if len(str(shown)) <= ONE_LINE:
        return _one_line(entry)
    long = CommentedMap(entry)
    for name, value in entry.items():
        if isinstance(value, list) and len(str(value)) <= ONE_LINE:
            long[name] = _one_line(value)
    return long


def short(names: list[str]) -> Any:
    """Return a list on one line if it fits, else a line for each."""
    return _one_line(names) if len(str(names)) <= ONE_LINE else names


def _one_line(value: Any) -> Any:
    node = CommentedMap(value) if isinstance(value, dict) else CommentedSeq(value)
    node.fa.set_flow_style()
    if isinstance(value, dict):
        for name, item in value.items():
            if isinstance(item, list):
                node[name] = _one_line(item)
    return node
