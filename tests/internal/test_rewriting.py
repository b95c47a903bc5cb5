"""model.yaml is made to hold another document, and every byte that need not change stays."""

import re
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
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


def test_what_is_merged_in_from_elsewhere_is_overridden_where_it_differs() -> None:
    text = "base: &base {minimum: 0, maximum: 9}\nfeatures:\n  - {<<: *base, name: age}\n"
    after = changed(text, lambda features: features[0].update(minimum=-1))
    assert after == text.replace("name: age}", "name: age, minimum: -1}")


def test_what_is_merged_in_from_elsewhere_cannot_go_and_is_refused_in_one_line() -> None:
    text = "base: &base {minimum: 0}\nfeatures:\n  - {<<: *base, name: age}\n"
    wanted = document(text)
    del wanted["features"][0]["minimum"]
    with pytest.raises(ProjectError, match="edit it by hand"):
        rewritten(text, wanted, "model.yaml", layout.column)


def test_an_alias_that_is_to_hold_something_else_is_replaced_by_it() -> None:
    text = "a: &x [1, 2] # ours\nb: *x  # theirs\nc: *x\n"
    assert rewritten(text, {"a": [1, 2], "b": [3], "c": [1, 2]}, "model.yaml") == (
        "a: &x [1, 2] # ours\nb: [3]  # theirs\nc: *x\n"
    )
    assert rewritten(text, {"a": [1], "b": [1], "c": [1]}, "model.yaml") == (
        "a: &x [1] # ours\nb: *x  # theirs\nc: *x\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "models: []  # none\nz: 1\n",
        "models:\nz: 1",
        "models: null # none\n",
        "z: 1\nmodels: [ ]",
        "models: [\n]\n",
    ],
)
def test_a_list_begins_and_ends_on_lines_of_its_own(text: str) -> None:
    entry = {"name": "a", "version": "1"}
    longer = rewritten(text, {**document(text), "models": [entry]}, "model.yaml")
    assert "\n  - name: a\n    version: '1'\n" in longer
    shorter = rewritten(longer, {**document(text), "models": []}, "model.yaml")
    assert "models: []" in shorter
    assert len(shorter.splitlines()) == len(text.splitlines()) - text.count("[\n]")
    assert shorter.count("#") == text.count("#")


def test_two_versions_of_a_name_are_told_apart() -> None:
    text = "models:\n  - name: a\n    version: '1' # first\n  - {name: a, version: '2'}\n"
    wanted = [{"name": "a", "version": "3"}, {"name": "a", "version": "1"}]
    assert rewritten(text, {"models": wanted}, "model.yaml") == (
        "models:\n  - name: a\n    version: '3'\n  - name: a\n    version: '1' # first\n"
    )


ODD = {
    "the dash has a line": "x:\n  - # one-two\n    name: a\n    y: 1\n  -\n    name: b\n",
    "a list in a list": "x:\n  - - 1\n    - 2 # two\n  - - 3\n",
    "numbers as keys": "x: {0: a, 2: 'b', true: c}\ny:\n  0: 1\n  1.5: 2\n",
    "a mark before all": "\ufeffx: [1]\ny: {a: 1}\n",
    "tags and anchors": "x: &x !!seq\n  - &y 1\n  - *y\nz: *x\n",
    "nothing": "x:\n  - a\n  -\n  - null\ny: {a: , b: ~}\n",
    "a document's marks": "%YAML 1.2\n---\nx: 1\n...\n",
    "keys in quotes": "\"x\": 'a: b'\n'y' : \"c: #d\"\n? z\n: 1\n",
}
TEXTS = [*ODD.values(), *LAYOUTS.values()]
SCALARS = st.sampled_from([None, True, 0, 1, 1.5, "", "a", "b: #", "2020-01-01", "é\u2028", "x\ny"])
KEYS = st.sampled_from(["x", "y", "name", "a", "b", 0, 1.5])
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.sampled_from(TEXTS), st.dictionaries(KEYS, DOCUMENTS), st.data())
def test_a_text_holds_what_is_wanted_or_is_refused_in_one_line(
    text: str, new: dict[Any, Any], data: st.DataObject
) -> None:
    """Whatever is written, keys that stay as they are keep their lines."""
    kept = data.draw(st.sets(st.sampled_from(sorted(document(text), key=str))))
    wanted = {key: value for key, value in document(text).items() if key in kept} | new
    try:
        after = rewritten(text, wanted, "model.yaml")
    except ProjectError as error:
        message = str(error)
    else:
        assert document(after) == wanted
        return
    assert message == "model.yaml is laid out in a way that cannot be edited: edit it by hand."


@pytest.mark.parametrize(
    ("before", "wanted", "after"),
    [
        ("a: {b: 1}  # why\n", {"a": {"c": 2}}, "a: {c: 2}  # why\n"),
        ("a: {b: 1, d: 3}\n", {"a": {"c": 2}}, "a: {c: 2}\n"),
        ("a: [1]\n", {"a": [2]}, "a: [2]\n"),
    ],
)
def test_what_stands_in_brackets_may_be_replaced_as_a_whole(
    before: str, wanted: dict[str, Any], after: str
) -> None:
    assert rewritten(before, wanted, "model.yaml") == after


def line_end_of(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
