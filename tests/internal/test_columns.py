"""Column types: found by name, checked by their own keys, light enough for the service."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from small import PETS, pets

import seedling
from seedling import columns
from seedling.columns.category import Category
from seedling.columns.protocol import Column
from seedling.config import Config, Dataset, Project
from seedling.data.schema import model_frame, random_rows
from seedling.data.spelled import POINT
from seedling.data.validation import validate
from seedling.errors import ProjectError

AGE = {"name": "age", "type": "integer"}
HEAVY = ("numpy", "pandas", "sklearn", "pandera")


def described(*features: dict[str, Any]) -> Dataset:
    return Dataset.model_validate({**PETS.model_dump(), "features": list(features)})


@pytest.mark.parametrize(
    ("feature", "words"),
    [
        ({**AGE, "type": "colour"}, "features.0.type: there is no column type 'colour'; there are"),
        ({**AGE, "type": ["integer"]}, "features.0.type: there is no column type"),
        ({**AGE, "type": "protocol"}, "features.0.type: there is no column type 'protocol'"),
        ({"name": "age"}, "features.0.type: this key is missing"),
        ({**AGE, "categories": ["a"]}, "features.0.categories: no such key here"),
        ({**AGE, "minimum": "low"}, "features.0.minimum: expected: a number"),
        ({**AGE, "minimum": 3, "maximum": 2}, "features.0: minimum 3 is above maximum 2"),
        ({"name": "kind", "type": "category"}, "features.0.categories: this key is missing"),
        ("age", "features.0: expected: keys with values"),
    ],
)
def test_a_wrong_entry_is_one_line_with_its_key(project: Project, feature: Any, words: str) -> None:
    with pytest.raises(ProjectError) as error:
        project.edit(lambda document: document["datasets"][0].update(features=[feature]))
    line = str(error.value)
    assert line.startswith("model.yaml, line ")
    assert f"datasets.0.{words}" in line
    assert "\n" not in line


def test_every_type_has_what_the_protocol_asks_for() -> None:
    numbers, others = ["duration", "integer", "number"], ["date", "datetime", "text"]
    assert columns.names() == sorted(["boolean", "category", *numbers, *others])
    assert [name for name, _ in columns.to_propose()] == [
        "boolean",
        "date",
        "datetime",
        "integer",
        "number",
        "duration",
        "category",
        "text",
    ]
    rows = random_rows(PETS.features, 50)
    for column in PETS.features:
        assert type(column) is columns.find(column.type)
        assert column.expected
        assert column.summary(rows[column.name])
        for check in column.checks():
            assert check.fits(rows[column.name]).all()
        assert column.field().value == column.example()
        (part,) = column.frame(pd.Series([column.example(), None], dtype=object)).values()
        assert part.isna().tolist() == [False, True]


def test_a_dumped_schema_is_read_again_also_one_with_the_keys_of_every_type() -> None:
    assert Dataset.model_validate(PETS.model_dump()) == PETS
    old = {"description": "", "minimum": None, "maximum": None, "categories": [], "nullable": False}
    features = [{**old, **column.model_dump()} for column in PETS.features]
    assert described(*features) == PETS


def test_parts_must_not_be_named_as_another_feature(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns.find("boolean"), "parts", ("yes",))
    with pytest.raises(ValueError, match="tame_yes names parts of more than one feature"):
        described({"name": "tame", "type": "boolean"}, {"name": "tame_yes", "type": "number"})


def test_a_type_that_says_little_is_text() -> None:
    column = Column(name="note", type="note")
    cells = pd.Series(["a", None, 3.0])
    assert column.values(cells) == ["a", None, "3"]
    assert column.frame(cells)["note"].tolist()[::2] == ["a", "3"]
    assert column.checks()[0].fits(cells.dropna()).all()
    assert column.measures(cells).tolist()[::2] == ["a", "3"]


def test_the_frame_of_a_row_is_the_same_alone_and_in_a_batch() -> None:
    rows = pets(20)
    whole = model_frame(rows, PETS.features)
    for at in range(20):
        pd.testing.assert_frame_equal(
            model_frame(rows[at : at + 1], PETS.features), whole[at : at + 1]
        )
    assert validate(rows, PETS) == []


def test_the_type_that_the_readme_shows_works() -> None:
    text = Path(seedling.__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
    found: dict[str, Any] = {}
    exec(text.partition("```python\n")[2].partition("```")[0], found)  # noqa: S102
    column = found["TYPE"](name="tint", type="colour")
    frame = column.frame(pd.Series(["#ff8800", None]))
    assert {name: part[0] for name, part in frame.items()} == {
        "tint_red": 255,
        "tint_green": 136,
        "tint_blue": 0,
    }
    assert all(part.isna()[1] for part in frame.values())
    assert column.propose(pd.Series(["#ff8800", "#000000"])) == {}
    assert not column.checks()[0].fits(pd.Series(["red"])).any()


def test_the_service_reads_columns_without_pandas_and_numpy() -> None:
    script = (
        "import sys\nimport seedling.extending\nfrom seedling import columns\n"
        "for name, kind in columns.to_propose():\n"
        "    more = {'categories': ['a']} if name == 'category' else {}\n"
        "    column = columns.read({'name': 'x', 'type': name, **more})\n"
        "    column.json_type(), column.reader(), column.field(), column.cell(column.example())\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def test_a_config_of_many_columns_is_read_in_milliseconds(project: Project) -> None:
    """At start-up every worker reads model.yaml: types are looked up once, not for each column."""
    columns.find.cache_clear()
    document = project.config.model_dump()
    document["datasets"][0]["features"] += [{**AGE, "name": f"n{at}"} for at in range(500)]
    config = Config.model_validate(document)
    assert columns.find.cache_info().misses <= 5
    assert len(config.datasets[0].features) > 500


def test_blanks_around_a_category_say_nothing_wherever_it_is_read() -> None:
    column = Category(name="colour", type="category", categories=["blue", "red"])
    cells = pd.Series([" red", "red ", "blue"])
    assert Category.propose(cells) == {"categories": ["blue", "red"]}
    assert column.from_text(cells, POINT).tolist() == ["red", "red", "blue"]
    reader = column.reader()
    assert reader is not None
    assert reader(" red") == "red"
    listed = Category(name="colour", type="category", categories=["red", "red "])
    assert (listed.parse("red "), listed.reader()) == ("red ", None)
