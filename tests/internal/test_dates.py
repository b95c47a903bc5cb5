"""Dates and times of a table are features: found by the data, the same in every way of asking."""

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from flask.testing import FlaskClient

from seedling import columns
from seedling.columns.protocol import Column, NoFeature
from seedling.config import Dataset, Project
from seedling.data.cells import typed
from seedling.data.datasets import load
from seedling.data.infer_schema import propose
from seedling.data.schema import random_rows
from seedling.data.schema_changes import changes
from seedling.data.validation import examine
from seedling.registry import model_files
from seedling.serving.app import create_app
from seedling.testing import copy_project, first_model, run_verb

DAY, TIME = "2024-03-15", "2024-03-15T20:21:09"
COUNT = 240


def column(**entry: Any) -> Column:
    found: Column = columns.read({"name": "at", **entry})
    return found


def proposed(values: list[Any], name: str = "at") -> tuple[str, dict[str, Any]]:
    """The type and the other keys that are proposed for a column of these values."""
    cells = pd.Series(values, name=name)
    for type_name, kind in columns.to_propose():
        try:
            keys = kind.propose(cells)
        except NoFeature:
            return "left out", {}
        if keys is not None:
            return type_name, keys
    return "left out", {}


@pytest.mark.parametrize(
    ("text", "day_first"),
    [
        (DAY, None),
        ("2024/3/15", None),
        ("20240315", None),
        ("15-Mar-2024", None),
        ("Mar 15, 2024", None),
        ("15/03/2024", True),
        ("15.3.2024", True),
        ("15-03-24", True),
        ("3/15/2024", False),
        ("2024-03-15 00:00:00", None),
        ("2024-03-15T00:00:00+02:00", None),
        (20240315, None),
        (20240315.0, None),
        (dt.date(2024, 3, 15), None),
        (pd.Timestamp(2024, 3, 15), None),
    ],
)
def test_a_day_is_read_in_each_spelling(text: Any, day_first: bool | None) -> None:
    day = column(type="date", day_first=day_first)
    assert day.cell(text) == DAY
    assert day.values(pd.Series([text, None], dtype=object)) == [DAY, None]


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-15 20:21:09",
        "2024-03-15T20:21:09.999",
        "2024-03-15T18:21:09Z",
        "2024-03-15 19:21:09+01:00",
        "2024-03-15 18:21:09 UTC",
        "15/03/2024 20:21:09",
        "Mar 15 2024 8:21:09PM",
    ],
)
def test_a_time_is_read_in_each_spelling_and_brought_to_the_columns_zone(text: str) -> None:
    time = column(type="datetime", day_first=True, zone="Etc/GMT-2")
    assert time.cell(text) == TIME
    assert time.values(pd.Series([text])) == [TIME]


@pytest.mark.parametrize(
    "value",
    [
        *("06:00", "1.10.0", "10/20", "18-24", "36 months", "12-34-56", "now", "2024", "1.2.3.4"),
        *("01/02/2024", "30/02/2024", "2024-02-30", "1710460800", 1710460800, 20241301, True, ""),
    ],
)
def test_what_is_no_day_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(value)) + "|day|month|year"):
        column(type="date").cell(value)


def test_a_day_column_takes_no_time_and_a_column_without_a_zone_no_zone() -> None:
    with pytest.raises(ValueError, match="midnight"):
        column(type="date").cell(TIME)
    with pytest.raises(ValueError, match="zone"):
        column(type="datetime").cell(f"{TIME}Z")
    berlin = column(type="datetime", zone="Europe/Berlin")
    assert berlin.cell("2024-07-01T00:00:00Z") == "2024-07-01T02:00:00"


DAYS = [f"{day:02}/{month:02}/2024" for month in (1, 2, 3) for day in range(1, 29)]


@pytest.mark.parametrize(
    ("values", "day_first"),
    [
        (DAYS, True),
        ([f"{text[3:5]}/{text[:2]}/2024" for text in DAYS], False),
        ([text for text in DAYS if text < "13"], True),  # every cell leaves it open
        ([text.replace("/", ".") for text in DAYS], True),
        ([text.replace("/2024", "/24") for text in DAYS], True),
    ],
)
def test_the_data_say_whether_the_day_is_first(values: list[str], day_first: bool) -> None:
    kind, keys = proposed(values)
    assert (kind, keys["day_first"]) == ("date", day_first)
    assert str(keys["earliest"]) == "2024-01-01"
    undecided = all(text[:2] < "13" and text[3:5] < "13" for text in values)
    assert ("description" in keys) == undecided
    words = column(type=kind, **keys).words()
    assert words.endswith("day before month" if day_first else "month before day")


def test_hours_versions_and_bands_are_no_dates() -> None:
    for values in (["06:00", "12:00", "18:00"], ["1.10.0", "1.10.2"], ["10/20", "20/30"]):
        assert proposed(values * 30)[0] == "category"
    assert proposed([20240131, 20240201, 20240315], "amount")[0] == "integer"
    assert proposed([20240131, 20240201, 20240315], "sale_date")[0] == "date"
    assert proposed([0.5, 20240201.0], "sale_date")[0] == "number"
    assert proposed(["20240131", "20240201", "20240315"], "amount")[0] == "category"


def test_days_of_every_kind_of_table_are_proposed_alike() -> None:
    days = pd.date_range("2024-01-01", periods=40)
    texts = days.strftime("%Y-%m-%d").tolist()
    expected = ("date", {"earliest": dt.date(2024, 1, 1), "latest": dt.date(2024, 2, 9)})
    assert proposed(texts) == expected
    assert proposed(days.tolist()) == expected
    assert proposed(days.date.tolist()) == expected
    assert proposed([f"{text} 00:00:00" for text in texts]) == expected
    assert proposed([*texts, *["unknown"] * 30, "soon"]) == expected
    assert proposed(days.tz_localize("Asia/Tokyo").astype(str).tolist()) == expected
    assert proposed([*texts, "9999-12-31", "0001-01-01"])[0] == "date"  # ends that are open


def test_a_sheet_with_days_and_texts_in_one_column_has_days_and_one_misfit() -> None:
    cells = [dt.datetime(2024, 1, 31), "15/03/2024", None, "-"] * 20
    sheet = pd.DataFrame({"at": [*cells, "soon"], "sold": [0, 1, 1, 0] * 20 + [1]})
    proposal = propose(sheet, "sheet", "sheet.xlsx", "classification", target="sold")
    (feature,) = proposal.entry["features"]
    assert (feature["type"], feature["day_first"]) == ("date", True)
    found = typed(sheet, Dataset.model_validate(proposal.entry))
    assert found.rows["at"][:2].tolist() == [pd.Timestamp(2024, 1, 31), pd.Timestamp(2024, 3, 15)]
    assert [(misfit.row, misfit.text) for misfit in found.misfits] == [(81, "soon")]


def test_an_order_that_no_row_decides_is_shown_before_anything_is_written() -> None:
    days = pd.DataFrame({"at": ["01/02/2024", "03/04/2024"] * 9, "sold": [0, 1] * 9})
    proposal = propose(days, "days", "days.csv", "classification", target="sold")
    assert "01/02/2024 is 1 February, which no row decides" in proposal.lines[1].seen


def test_times_with_zones_are_brought_to_utc_and_that_is_said() -> None:
    times = pd.date_range("2024-01-01 23:30", periods=40, freq="7h", tz="Europe/Berlin")
    for values in (times.tolist(), times.astype(str).tolist()):
        kind, keys = proposed(values)
        assert (kind, keys["zone"]) == ("datetime", "UTC")
        assert keys["earliest"] == dt.datetime(2024, 1, 1, 22, 30)
        assert column(type=kind, **keys).words().endswith("UTC")


def test_parts_that_never_vary_are_not_proposed() -> None:
    months = pd.date_range("2020-01-01", periods=40, freq="MS")
    assert proposed(months.tolist())[1]["parts"] == ["days", "month", "weekday"]
    hours = pd.date_range("2024-03-01", periods=24 * 20, freq="h")
    assert proposed(hours.tolist())[1]["parts"] == ["days", "day", "weekday", "hour", "time"]


@pytest.mark.parametrize(
    "entry",
    [
        {"type": "date"},
        {"type": "date", "since": "1970-01-01", "parts": ["days", "year", "quarter", "yearday"]},
        {"type": "date", "parts": ["season_sin", "season_cos"]},
        {"type": "datetime", "parts": ["weekend", "days", "hour", "time"]},
    ],
)
def test_a_row_has_the_same_parts_alone_and_in_a_table(entry: dict[str, Any]) -> None:
    kind = column(**entry)
    rows = random_rows([kind], 50)["at"]
    cells = pd.Series([*rows, *kind.edges(), None], dtype=object)
    frame = pd.DataFrame(kind.frame(cells))
    assert list(frame) == kind.part_names()
    assert frame.iloc[-1].isna().all()
    values = kind.values(cells)
    alone = [kind.encode(value) for value in values[:-1]]
    assert frame[:-1].to_numpy().tolist() == alone
    typed = pd.DataFrame(kind.frame(kind.from_text(cells)))  # as the dataset keeps it
    pd.testing.assert_frame_equal(typed, frame)
    assert all(kind.checks()[0].fits(cells[:-1]))


def test_the_season_is_a_circle_on_which_new_year_follows_the_last_day() -> None:
    kind = column(type="date", parts=["season_sin", "season_cos"])
    assert kind.encode("2023-01-01") == [0, 1]
    sine, cosine = kind.encode("2023-12-31")
    assert sine == pytest.approx(-0.02, abs=0.005)
    assert cosine == pytest.approx(1, abs=0.001)


def test_the_parts_are_what_their_names_say() -> None:
    parts = ["days", "year", "quarter", "month", "day", "yearday", "weekday", "weekend"]
    kind = column(type="datetime", parts=[*parts, "hour", "time"], since="2024-01-01")
    found = kind.encode("2024-02-03T06:30:00")
    assert found == [33 + 6.5 / 24, 2024, "Q1", "Feb", 3, 34, "Sat", 1, "06", 6.5]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"type": "date", "earliest": "soon"}, "expected a date such as"),
        ({"type": "date", "earliest": "2024-02-01", "latest": "2024-01-01"}, "is after latest"),
        ({"type": "date", "parts": ["hour"]}, "Input should be 'days'"),
        ({"type": "datetime", "zone": "Europe/Nowhere"}, "there is no time zone"),
    ],
)
def test_a_wrong_key_is_refused(entry: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        column(**entry)


def test_a_dumped_column_is_read_again() -> None:
    kind = column(type="datetime", earliest=dt.date(2024, 1, 1), parts=["hour"], zone="UTC")
    assert columns.read(json.loads(json.dumps(kind.model_dump()))) == kind


def test_a_summary_and_what_is_counted_are_of_moments() -> None:
    kind = columns.find("date")
    assert kind
    days = pd.Series(pd.date_range("2024-01-01", periods=101))
    assert kind.summary(days) == "2024-01-01 to 2024-04-10, median 2024-02-20"
    assert kind.summary(days.astype(str)) == kind.summary(days)
    in_order_with_a_gap = pd.concat([pd.Series([pd.NaT]), days], ignore_index=True)
    assert kind.summary(in_order_with_a_gap) == kind.summary(days)
    seconds = column(type="date").measures(in_order_with_a_gap.astype(str))
    assert seconds.isna().tolist() == [True] + [False] * 101
    assert seconds.diff()[2:].eq(86_400).all()
    assert seconds.equals(column(type="date").measures(in_order_with_a_gap))


def sales(count: int = COUNT) -> pd.DataFrame:
    """Orders, with days and times as a person writes them; weekends and evenings sell."""
    generator = np.random.default_rng(0)
    days = pd.Series(pd.date_range("2023-01-01", periods=count))
    minutes = pd.Series(generator.integers(0, 24 * 60, count))
    times = days + pd.to_timedelta(minutes, unit="min")
    busy = (days.dt.weekday >= 5) * 1.0 + (minutes / 60 > 16) + generator.normal(0, 0.3, count)
    return pd.DataFrame(
        {
            "order": range(1, count + 1),
            "day": days.dt.strftime("%d/%m/%Y"),
            "paid": times.dt.strftime("%Y-%m-%dT%H:%M:%SZ").where(generator.random(count) > 0.05),
            "size": generator.normal(10, 2, count).round(2),
            "sold": (busy > 1).astype(int),
        }
    )


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that has trained its first model on orders with days and times."""
    project = copy_project(tmp_path_factory.mktemp("shop") / "project")
    model = first_model(project)
    sales().to_csv(project.root / "orders.csv", index=False)
    words = ("--from", "orders.csv", "--target", "sold", "--key", "order", "--yes")
    for verb in (("create-local-datasets", *words), ("train", "--model", model)):
        done = run_verb(project, *verb)
        assert done.returncode == 0, done.stdout + done.stderr
    return Project(project.root)


def test_a_table_with_days_and_times_becomes_a_schema_and_a_compiled_model(shop: Project) -> None:
    text = shop.config_path.read_text(encoding="utf-8")
    assert "  earliest: 2023-01-01\n        latest: 2023-08-28\n        day_first: true\n" in text
    _, paid, _ = shop.config.datasets[0].features
    assert (paid.type, paid.nullable) == ("datetime", True)
    (registered,) = shop.config.models
    note = json.loads((shop.model_path(registered) / "measured.json").read_text(encoding="utf-8"))
    assert note["compiled"]["largest_difference"] < 1e-9, note["compiled"]
    (page,) = shop.assets.glob("reports/*/*/report.html")
    assert "<td>day</td><td>date</td>" in page.read_text(encoding="utf-8")
    assert "day_weekday" in page.read_text(encoding="utf-8")


def test_a_later_day_is_a_warning_and_text_that_is_no_day_a_problem(shop: Project) -> None:
    dataset = shop.config.datasets[0]
    rows = load(shop, dataset).astype({"day": object})
    rows.loc[2, "day"] = "31/12/2030"
    found = examine(rows, dataset)
    assert found.problems == []
    assert "is after the latest, 2023-08-28 (row 3)" in str(found.warnings[0])
    rows.loc[4, "day"] = "31/02/2023"
    (problem,) = examine(rows, dataset).problems
    assert str(problem) == "day: '31/02/2023' is not a date such as 2024-03-15 (row 5)"


def test_tomorrows_days_widen_the_schema_and_a_time_makes_it_one_of_times(shop: Project) -> None:
    dataset = shop.config.datasets[0]
    rows = load(shop, dataset)
    later = rows.assign(day=rows["day"].astype(object).where(rows.index > 0, "31/12/2030"))
    (change,) = changes(later, dataset)
    assert change.entry == {"latest": dt.date(2030, 12, 31)}
    assert change.words == "latest 2023-08-28 -> 2030-12-31 (row 1)"
    timed = rows.assign(day=pd.to_datetime(rows["paid"]).dt.tz_localize(None))
    (change,) = changes(timed, dataset)[-1:]
    assert change.entry["type"] == "datetime"


@pytest.fixture(scope="module")
def client(shop: Project) -> FlaskClient:
    return create_app(shop, environment="").test_client()


def test_every_way_of_asking_answers_a_row_as_the_table_has_it(
    shop: Project, client: FlaskClient, tmp_path: Path
) -> None:
    model, rows = first_model(shop), sales(3)
    rows["paid"] = ["2023-01-01T20:00:00Z", None, "2023-01-03T06:30:00Z"]
    as_written = [
        {"day": row.day, "paid": row.paid, "size": row.size_}
        for row in rows.rename(columns={"size": "size_"}).itertuples()
    ]
    iso = [
        {**row, "day": f"{row['day'][6:]}-{row['day'][3:5]}-{row['day'][:2]}"} for row in as_written
    ]
    bodies = [
        (f"/{model}/predict", {"json": {"payload": {"instances": as_written}}}),
        (f"/{model}/predict", {"json": {"payload": {"instances": iso}}}),
        ("/invocations", {"json": {"dataframe_records": as_written}}),
        ("/invocations", {"data": rows.to_csv(index=False), "content_type": "text/csv"}),
    ]
    answers = []
    for route, body in bodies:
        response = client.post(route, **body)
        assert response.status_code == 200, response.text
        answer = response.get_json()
        answers.append(answer.get("payload", answer)["predictions"])
    assert all(answer == answers[0] for answer in answers)
    ran = [client.post("/run", json=row).get_json()["outputs"]["predictions"] for row in as_written]
    assert [one for (one,) in ran] == answers[0]
    typed = rows.assign(
        day=pd.to_datetime(rows["day"], dayfirst=True).dt.date,
        paid=pd.to_datetime(rows["paid"], utc=True),
    )
    rows.to_csv(tmp_path / "text.csv", index=False)
    typed.to_parquet(tmp_path / "typed.parquet")
    for path in (tmp_path / "text.csv", tmp_path / "typed.parquet"):
        done = run_verb(shop, "batch-score", str(path), str(tmp_path / "answers.csv"))
        assert done.returncode == 0, done.stderr
        scored = pd.read_csv(tmp_path / "answers.csv", float_precision="round_trip")
        assert scored["prediction"].tolist() == answers[0]


@pytest.mark.parametrize(
    ("value", "got"), [(1672531200, "1672531200"), ("2023-13-01", "'2023-13-01'"), ([], "[]")]
)
def test_a_number_of_seconds_and_a_day_that_is_none_are_refused(
    shop: Project, client: FlaskClient, value: Any, got: str
) -> None:
    row = {"day": value, "paid": None, "size": 3}
    route = f"/{first_model(shop)}/predict"
    response = client.post(route, json={"payload": {"instances": [row]}})
    assert response.status_code == 400
    words = response.get_json()["payload"]["error"]
    assert words == f"instances[0].day: expected a date such as 2024-03-15, got {got}."


def test_the_page_asks_with_a_calendar_and_openapi_names_the_format(
    shop: Project, client: FlaskClient
) -> None:
    page = client.get("/", headers={"Accept": "text/html"}).text
    assert 'type="date" value="2023-04-30"' in page
    assert 'type="datetime-local" step="1" value="2023-' in page
    assert 'data-low="2023-01-01" data-high="2023-08-28"' in page
    schemas = client.get("/openapi.json").get_json()["components"]["schemas"]
    fields = schemas[f"{first_model(shop)}.Features"]["properties"]
    assert (fields["day"]["format"], fields["day"]["x-latest"]) == ("date", "2023-08-28")
    assert fields["paid"]["format"] == "date-time"


def test_a_model_that_is_not_compiled_answers_the_same(shop: Project) -> None:
    (registered,) = shop.config.models
    folder = shop.model_path(registered)
    predictor = model_files.load(registered.model, "1", folder, registered.sha256)
    features = predictor.dataset.features
    sent = pd.DataFrame({"day": [DAY], "paid": [TIME], "size": [9.5]})
    typed = sent.assign(day=pd.to_datetime(sent["day"]), paid=pd.to_datetime(sent["paid"]))
    assert [column.name for column in features] == list(sent)
    one, other = (predictor.answer(rows) for rows in (sent, typed))
    for said in one.keys() & {"scores", "predictions"}:
        assert np.array_equal(one[said], other[said])


def test_a_proposal_of_dates_only_is_a_schema() -> None:
    rows = pd.DataFrame({"day": DAYS, "sold": [at % 2 for at in range(len(DAYS))]})
    (feature,) = propose(rows, "days", "days.csv", "classification", target="sold").entry[
        "features"
    ]
    assert feature["type"] == "date"
