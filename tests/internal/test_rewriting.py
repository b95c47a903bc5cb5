"""model.yaml is made to hold another document, and every byte that need not change stays."""

import re
from copy import deepcopy
from typing import Any

import pytest
from layouts import fixtures
from ruamel.yaml import YAML

from seedling.config.rewriting import rewritten
from seedling.data import layout
from seedling.errors import ProjectError

# What a team may have made of a list of features.
LAYOUTS = {
    "one line each": (
        "# ours\nx: [1,  2]  # two\nfeatures:\n"
        "  - {name: age, type: integer, minimum: 0, maximum: 9}   # years\n\n"
        "  # Ann's\n  - {name: plan, type: category, categories: [a, 'b']}\nz: {a: 1}\n"
    ),
    "a line for each key": (
        "features:\n    -   name: age   # years\n        type: integer\n        minimum: 0 # none\n"
        "        maximum: 9\n        # no more\n\n    -   name: plan\n        type: category\n"
        "        categories:\n        - a # Ann\n        - 'b'\n        # no c\nz: |\n  text\n"
    ),
    "brackets over lines": (
        'features: # two\n- {name: "age", type: integer,\n   minimum: 0, # none\n   maximum: 9}\n'
        "- {name: plan, type: category, categories: [a,\n    b, # Bob\n    ]}\n"
    ),
    "all in brackets": (
        "features: [{name: age, type: integer, minimum: 0, maximum: 9}, "
        "{name: plan, type: category, categories: [a, b]}]"
    ),
}

line_end, text = fixtures(LAYOUTS)


def document(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def changed(text: str, change: Any) -> str:
    wanted = document(text)
    change(wanted["features"])
    after = rewritten(text, wanted, "model.yaml", layout.column)
    assert document(after) == wanted
    assert after.count("\n") == after.count("\r\n" if "\r\n" in text else "\n")
    return after


def test_a_number_takes_the_place_of_a_number(text: str) -> None:
    after = changed(text, lambda features: features[0].update(maximum=101.5))
    assert after == text.replace("maximum: 9", "maximum: 101.5")


def test_a_list_grows_at_its_end(text: str) -> None:
    after = changed(text, lambda features: features[1]["categories"].append("new"))
    shorter = re.sub(r", +new|,\s+new|        - new\r?\n", "", after)
    assert shorter == text


def test_a_key_comes_and_goes_without_a_trace(text: str) -> None:
    after = changed(text, lambda features: features[0].update(nullable=True))
    assert len(after.splitlines()) - len(text.splitlines()) in (0, 1)
    assert changed(after, lambda features: features[0].pop("nullable")) == text


def test_an_item_comes_and_goes_without_a_trace(text: str) -> None:
    entry = {"name": "new one", "type": "category", "categories": ["x"], "nullable": True}
    after = changed(text, lambda features: features.append(deepcopy(entry)))
    back = changed(after, lambda features: features.pop())
    assert back == text or back == text + line_end_of(text)


def test_everything_at_once(text: str) -> None:
    def change(features: list[Any]) -> None:
        features[0].update(type="number", maximum=1e-5, nullable=True)
        del features[0]["minimum"]
        features[1]["categories"] += [f"number {at}" for at in range(40)]
        features.append({"name": "new", "type": "category", "categories": ["w" * 40, "v" * 60]})

    after = changed(text, change)
    kept = [line for line in text.splitlines() if line.strip().startswith("#")]
    assert [line for line in after.splitlines() if line.strip().startswith("#")] == kept


def test_a_long_list_goes_on_below() -> None:
    text = LAYOUTS["one line each"]
    many = [f"category {number}" for number in range(30)]
    after = changed(text, lambda features: features[1]["categories"].extend(many))
    assert max(len(line) for line in after.splitlines()) <= 100


def test_nothing_to_change_changes_nothing(text: str) -> None:
    assert changed(text, lambda features: None) == text


def test_what_is_merged_in_from_elsewhere_is_refused_in_one_line() -> None:
    text = "base: &base {minimum: 0}\nfeatures:\n  - {<<: *base, name: age}\n"
    wanted = document(text)
    wanted["features"][0]["minimum"] = -1
    with pytest.raises(ProjectError, match="edit it by hand"):
        rewritten(text, wanted, "model.yaml", layout.column)


def line_end_of(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
