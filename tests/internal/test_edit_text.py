"""Edits of YAML and TOML texts: only the lines of an entry come and go, wherever they stand."""

import tomllib

import pytest
from layouts import fixtures
from ruamel.yaml import YAML

from seedling.errors import ProjectError
from seedling.scaffold import edit_array, edit_text

ENTRY = "- name: c\n  dataset: d\n"
# What a team may have made of `training.models`, each with the entries a and b.
LAYOUTS = {
    "as generated": "training:\n  models:\n    - name: a\n      x: 1\n    - name: b\n      x: 2\n",
    "comments": (
        "training: # ours\n  # first\n  models: # two\n# Ann\n    - name: a # of Ann\n"
        "# still a\n      x: 1\n\n    # of Bob\n    - name: b\n      x: 2\n  # the rest\n  y: 1\n"
    ),
    "other indents": (
        "training:\n    models:\n       -   name: a\n           x: 1\n       - name: b\n"
    ),
    "items below their key": "training:\n  models:\n  - name: a\n    x: 1\n  - name: b\n  y: 1\n",
    "quotes": "'training':\n  \"models\":\n    - {x: 1, name: 'a'}\n    - \"name\": b # b\n",
    "another key of the name": "models: []\ntraining:\n  y:\n    models: 1\n  models:\n"
    "    - name: a\n    - name: b\nserving:\n  models: []\n",
    "text": "note: |\n  training:\n    models:\n\ntraining:\n  models:\n    - name: a\n"
    "      why: |\n        - name: b\n\n        # no comment\n    - name: b\n"
    "      x: 'y\n        z'\n",
    "no last line end": "training:\n  models:\n    - name: a\n    - name: b",
    "blank lines": (
        "training:\n\n  models:\n\n    - name: a\n\n    - name: b\n\n\nserving:\n  x: 1\n"
    ),
}

line_end, text = fixtures(LAYOUTS)


def named(text: str) -> list[str]:
    return [model["name"] for model in YAML().load(text)["training"]["models"]]


def test_an_entry_is_added_and_taken_out_again_byte_for_byte(text: str, line_end: str) -> None:
    longer = edit_text.insert(text, "training.models", ENTRY, "model.yaml")
    assert named(longer) == ["a", "b", "c"]
    assert longer.count("\n") == longer.count(line_end)
    added = edit_text.entries(longer, "training.models", "model.yaml")[2]
    assert edit_text.lines_of(longer, added) == ENTRY.replace("\n", line_end)
    assert edit_text.without(longer, [added]).rstrip() == text.rstrip()


def test_entries_are_found_as_yaml_reads_them(text: str) -> None:
    found = edit_text.entries(text, "training.models", "model.yaml")
    assert [entry.value("name") for entry in found] == named(text)
    assert named(edit_text.without(text, found[:1])) == ["b"]
    assert named(edit_text.without(text, found[1:])) == ["a"]


def test_the_first_entry_goes_below_its_key() -> None:
    text = "training:\n  models:\n\nserving:\n  x: 1\n"
    longer = edit_text.insert(text, "training.models", ENTRY, "model.yaml")
    assert longer == text.replace("models:\n", "models:\n    - name: c\n      dataset: d\n")


@pytest.mark.parametrize(
    "text",
    ["", "training:\n", "training:\n  models: [{name: a}]\n", "training: {models: []}\n"],
)
def test_what_cannot_be_edited_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ProjectError, match=r"model.yaml has no training.models with"):
        edit_text.insert(text, "training.models", ENTRY, "model.yaml")


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("slug: pets # ours", "slug", "pets"),
        ("x: 1\nslug: 'pets'", "slug", "pets"),
        ("slug:\n", "slug", None),
        ("#slug: pets\nx:\n  slug: y", "slug", None),
        ("a:\n  b:\n    c: d", "a.b.c", "d"),
        ("a:\n  b: {x: 1, c: d}", "a.b.c", "d"),
        ("a:\n  - c: d", "a.c", None),
    ],
)
def test_a_value_is_found_by_its_path(text: str, path: str, value: str | None) -> None:
    assert edit_text.outline(text).value(path) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x: 1\n", None),
        ("parts: []\n", []),
        ("parts: [a, 'b'] # [c]\nx: [d]\n", ["a", "b"]),
        ("parts: [\n  a, # c\n  b,\n]\nx: 1\n", ["a", "b"]),
        ('parts:\n  - a # c\n  # - d\n  - "b"\nx: 1\n', ["a", "b"]),
        ("parts:\n- a\n- b-c\nx:\n- d\n", ["a", "b-c"]),
    ],
)
def test_words_are_listed_in_brackets_or_one_a_line(text: str, words: list[str] | None) -> None:
    assert edit_text.words(text, "parts") == words


ARRAYS = {
    "empty": "[x]\ntrain = [\n]\n",
    "some": "[x]\ntrain = [\n    \"a>=1\", # ours, says Ann\n    # 'c',\n]\nserve = [\n]\n",
    "no last comma": "[x]\ntrain = [\n  'a>=1',\n  \"b; python_version == '3'\"\n]\n",
    "another table": '[y]\ntrain = [\n    "z",\n]\n\n[x]\ntrain = [ # ours\n    "a>=1",\n]\n',
}


@pytest.mark.parametrize("text", ARRAYS.values(), ids=ARRAYS)
def test_strings_come_into_an_array_and_leave_it(text: str, line_end: str) -> None:
    text = text.replace("\n", line_end)
    before = tomllib.loads(text)["x"]["train"]
    longer = edit_array.insert(text, "x", "train", ["c", "a>=1"], "pyproject.toml")
    assert set(tomllib.loads(longer)["x"]["train"]) == {*before, "c", "a>=1"}
    new = {"c", "a>=1"} - {*before}
    assert edit_array.remove(longer, "x", "train", new, "pyproject.toml") == text


def test_an_array_on_one_line_is_refused() -> None:
    with pytest.raises(ProjectError, match=r"pyproject.toml, x: write the group train"):
        edit_array.insert("[x]\ntrain = []\n", "x", "train", ["a"], "pyproject.toml")
