"""A row as a person has it: with the table's other columns, in a frame or bare, with its gaps."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient

from seedling import tasks
from seedling.config import Dataset, Project
from seedling.data.example_rows import example
from seedling.errors import InputError
from seedling.serving import model_info
from seedling.serving.app import create_app
from seedling.serving.inputs import Reader
from seedling.serving.loading import Loader
from seedling.serving.models import ServedModel, fake
from seedling.serving.openapi import document
from seedling.serving.protocols import named_model, rows, score_rows
from seedling.testing import first_model
from seedling.wording import listed

pytestmark = pytest.mark.every_vertical
HOUSES = Dataset.model_validate(
    {
        "name": "houses",
        "source": "houses.csv",
        "file_name": "houses.parquet",
        "version": "1",
        "task": "regression",
        "metric": "rmse",
        "entity_key": ["Unnamed: 0"],
        "target": {"name": "price", "type": "number"},
        "features": [
            {"name": "rooms", "type": "integer"},
            {"name": "model", "type": "category", "categories": ["flat", "villa"]},
            {"name": "data", "type": "number", "nullable": True},
        ],
        "ignored": ["street", "listed on"],
    }
)
READER = Reader(HOUSES)
HOUSE = {"rooms": 3, "model": "flat", "data": None}
AS_IN_THE_TABLE = HOUSE | {"": 7, "price": 1, "street": {"any": ["thing"]}, "listed on": "May 1"}
FRAMES = [
    {"payload": {"instances": [HOUSE]}},
    {"payload": {"instances": HOUSE}},
    {"payload": {"instances": [[3, "flat", None]]}},
    {"instances": [HOUSE]},
    {"instances": [[3, "flat", None]]},
    HOUSE,
    [HOUSE],
    [[3, "flat", None]],
    {"payload": {"instances": [AS_IN_THE_TABLE]}},
    {"instances": [AS_IN_THE_TABLE]},
    AS_IN_THE_TABLE,
]


@pytest.fixture(scope="module")
def client(trained: Project) -> Iterator[FlaskClient]:
    app = create_app(trained, environment="")
    yield app.test_client()
    app.extensions["service"].stop()


@pytest.mark.parametrize("body", FRAMES)
def test_a_row_is_the_same_in_any_frame(body: Any) -> None:
    found = READER.body(json.dumps(body).encode())
    assert READER.values(found) == [(3, "flat", None)]
    names, columns = READER.names, HOUSES.features
    sent = score_rows(json.dumps(body).encode(), names, columns)
    assert READER.values(READER.instances(sent)) == [(3, "flat", None)]


@pytest.mark.parametrize("body", [HOUSE, [HOUSE], AS_IN_THE_TABLE])
def test_mlflows_route_takes_bare_rows_too(body: Any) -> None:
    sent = rows(json.dumps(body).encode(), "application/json", READER.names, HOUSES.features)
    assert READER.values(READER.instances(sent)) == [(3, "flat", None)]


def test_a_column_called_model_names_no_model() -> None:
    assert named_model(json.dumps(HOUSE).encode()) is None
    assert named_model(b'{"model": "tree", "data": []}') == "tree"


def test_what_the_schema_ignores_is_in_no_log_line() -> None:
    (row,) = READER.body(json.dumps({"payload": {"instances": [AS_IN_THE_TABLE]}}).encode())
    assert set(msgspec.to_builtins(row)) == {*HOUSE, "price"}


def test_a_column_that_the_table_has_since_may_be_sent_to_an_older_version(
    trained: Project,
) -> None:
    config, learned = trained.config, trained.config.datasets[0]
    assert config.as_sent(learned) is learned
    if tasks.of(learned).text_column(learned):
        pytest.skip("its rows are a text each, and nothing more")
    column = {"name": "loyalty", "type": "integer"}
    settings = learned.model_dump(mode="json")
    gone = next(each.name for each in learned.features if each.name not in (learned.groups or ()))
    kept = [each for each in settings["features"] if each["name"] != gone]
    settings["features"] = [*kept, column]
    settings["ignored"] = ["street"]
    now = config.model_copy(update={"datasets": [Dataset.model_validate(settings)]})
    arrangement = Loader(trained, "").load(now)
    reader = arrangement.lineups[first_model(trained)].reader
    row = example(learned.raw)
    (plain,) = reader.body(json.dumps(row).encode())
    for more in ({"loyalty": 3}, {"loyalty": "none", "street": None}):
        for body in (row | more, {"payload": {"instances": [row | more]}}, [row | more]):
            assert reader.body(json.dumps(body).encode()) == [plain]
        assert reader.row(row | more) == plain
    with pytest.raises(InputError, match="loyalti: the model knows no such feature; did you mean"):
        reader.body(json.dumps(row | {"loyalti": 3}).encode())
    described = document(now, model_info.facts(now, arrangement.lineups))
    features = described["components"]["schemas"][f"{first_model(trained)}.Features"]
    assert {"loyalty", "street"} <= features["properties"].keys()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (HOUSE | {"roms": 1}, "roms: the model knows no such feature; did you mean rooms?"),
        ([HOUSE | {"stret": 1}], "instances[0].stret: the model knows no such feature; did you"),
        ({"roms": 3}, "roms: the model knows no such feature; did you mean rooms?"),
        ({"rooms": "three", "model": "flat"}, "rooms: expected a whole number, got text."),
        ({"rooms": 3}, "model: required, and missing."),
        ([{"rooms": None}], "instances[0].rooms, model: required, and missing."),
        ([HOUSE, {"data": 1}], "instances[1].rooms, model: required, and missing."),
        ([[3, None, 1]], "instances[0].model: required, and missing."),
        ({"instances": [{}]}, "instances[0].rooms, model: required, and missing."),
        ({"x1": 3}, 'Expected {"payload": {"instances": [...]}}, or a row, or a list of rows.'),
        ({}, 'Expected {"payload": {"instances": [...]}}, or a row, or a list of rows.'),
    ],
)
def test_what_is_wrong_in_a_row_is_named(body: Any, words: str) -> None:
    with pytest.raises(InputError) as refused:
        READER.body(json.dumps(body).encode())
    assert str(refused.value).startswith(words)


def test_a_row_of_nothing_is_no_row_even_where_everything_may_be_missing() -> None:
    features = [{"name": name, "type": "number", "nullable": True} for name in "ab"]
    reader = Reader(Dataset.model_validate(HOUSES.model_dump() | {"features": features}))
    assert reader.values(reader.body(b'[{"a": 1}]')) == [(1, None)]
    with pytest.raises(InputError, match=r"^instances\[1\]: every feature is missing\.$"):
        reader.values(reader.body(b'[{"a": 1}, {}]'))
    with pytest.raises(InputError, match="every feature is missing"):
        reader.raw_values([reader.row({"price": 1})], single=True)


PATHS = ["{model}/predict", "{model}/score", "score", "invocations", "run"]


@pytest.mark.parametrize("path", PATHS)
def test_every_route_names_the_features_that_a_row_lacks(
    client: FlaskClient, trained: Project, path: str
) -> None:
    model = first_model(trained)
    features = trained.config.datasets[0].features
    if path == "run" and trained.config.datasets[0].groups:
        pytest.skip("its /run looks up what a row of a known group lacks")
    required = [column.name for column in features if not column.nullable]
    lacking = (required[1:] or required)[-2:]
    for gaps in ({name: None for name in lacking}, {}):
        row = {**example(features), **gaps}
        for name in lacking if not gaps else ():
            del row[name]
        if not row:
            continue  # of its one feature: what is then sent is no row, which another test says
        response = client.post(f"/{path.format(model=model)}", json=row)
        assert response.status_code == 400
        said = response.get_data(as_text=True)
        assert all(name in said for name in lacking), said


def test_a_row_of_the_feature_store_that_lacks_a_feature_is_refused(trained: Project) -> None:
    lineups: Mapping[str, Any] = fake(trained.config)
    served = ServedModel("any", next(iter(lineups.values())))
    row = example(served.dataset.features)
    assert served.answer(row)["predictions"]
    required = next(column.name for column in served.dataset.features if not column.nullable)
    with pytest.raises(InputError, match=f"{required}: required, and missing"):
        served.answer(row | {required: None})


def test_many_missing_features_are_counted() -> None:
    assert listed(["a", "b", "c"], most=2) == "a, b and 1 more"
    assert listed(["a", "b"], most=2) == "a, b"


def test_a_text_that_is_missing_in_the_file_is_missing_in_a_request_too() -> None:
    features = [
        {"name": "rooms", "type": "integer"},
        {"name": "street", "type": "category", "categories": ["Elm", "?"], "nullable": True},
        {"name": "kind", "type": "category", "categories": ["flat", "villa"]},
        {"name": "sold", "type": "date", "nullable": True},
        {"name": "size", "type": "number", "nullable": True},
    ]
    reader = Reader(
        Dataset.model_validate(
            HOUSES.model_dump() | {"features": features, "read": {"na": ["open"]}}
        )
    )

    def read(**row: Any) -> Any:
        return reader.values(reader.body(json.dumps({"rooms": "3"} | row).encode()))[0]

    only = (3, None, "flat", None, None)
    for blank in ("", " ", "NA", "open"):
        assert read(street=blank, kind="flat", sold=blank, size=blank) == only
    assert read(street="?", kind="flat")[1] == "?"  # a category of the schema
    with pytest.raises(InputError, match="kind: required, and missing"):
        read(street="Elm", kind="")
    row = reader.row({"rooms": "3", "street": "", "kind": "flat", "sold": ""})
    assert reader.raw_values([row], single=True) == [only]
