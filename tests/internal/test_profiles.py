"""Profiles of rows: the same from one table and from its parts, and no row kept in them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from seedling.config import Dataset
from seedling.data import arrow_tables
from seedling.errors import ProjectError
from seedling.monitoring import profiles
from seedling.monitoring.profiles import Profiler

FEATURES = [
    {"name": "amount", "type": "number"},
    {"name": "items", "type": "integer"},
    {"name": "plan", "type": "category", "categories": ["a", "b"], "others": True},
    {"name": "member", "type": "boolean"},
    {"name": "since", "type": "date"},
    {"name": "note", "type": "text"},
]
DATASET = Dataset.model_validate(
    {
        "name": "t",
        "source": "t",
        "file_name": "t.parquet",
        "version": "1",
        "task": "classification",
        "metric": "accuracy",
        "target": {"name": "y", "type": "category", "labels": ["no", "yes"], "positive": "yes"},
        "features": FEATURES,
    }
)


def rows(count: int, seed: int = 0, shift: float = 0.0) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    found = pd.DataFrame(
        {
            "amount": draw.normal(shift, 1, count),
            "items": draw.integers(0, 9, count),
            "plan": draw.choice(["a", "b ", "c"], count),
            "member": draw.random(count) < 0.3,
            "since": pd.Timestamp("2024-01-01") + pd.to_timedelta(draw.integers(0, 99, count), "D"),
            "note": [f"word{n} again" for n in draw.integers(0, 5, count)],
        }
    )
    found.loc[::10, "amount"] = np.nan
    return found


def profile(table: pd.DataFrame, like: profiles.Profile | None = None) -> profiles.Profile:
    profiler = Profiler(DATASET, like)
    profiler.add(table)
    return profiler.finish()


def test_each_type_is_counted_as_a_model_sees_it() -> None:
    found = profile(rows(1000)).features
    assert found["amount"].missing == 100
    assert found["amount"].sd == pytest.approx(1, abs=0.1)
    assert found["items"].edges == [*range(9)]
    assert found["items"].exact
    assert set(found["plan"].values) == {"a", "b", "c"}
    assert set(found["member"].values) == {"true", "false"}
    assert found["since"].high == pd.Timestamp("2024-04-08").timestamp()
    assert found["note"].values["again"] == 1000


def test_a_profile_does_not_depend_on_how_the_rows_come(tmp_path: Path) -> None:
    reference, later = profile(rows(30_000)), rows(5000, 1)
    whole = profile(later, reference)
    parts = [Profiler(DATASET, reference) for _ in range(2)]
    for at in range(0, 5000, 700):
        part = later[at : at + 700]
        parts[at // 700 % 2].add(part if at % 400 else pa.RecordBatch.from_pandas(part))
    merged = parts[0].merged(parts[1]).finish()
    for name, column in merged.features.items():
        known = whole.features[name]
        assert column.counts == known.counts
        assert column.values == known.values
        assert column.mean == pytest.approx(known.mean)
        assert column.sd == pytest.approx(known.sd)
    profiles.write(tmp_path / "profile.json", whole)
    assert profiles.read(tmp_path / "profile.json").features == whole.features
    (tmp_path / "profile.json").write_text("{}")
    with pytest.raises(ProjectError, match="is no profile of rows"):
        profiles.read(tmp_path / "profile.json")


def test_a_distribution_is_exact_at_its_edges() -> None:
    table = rows(50_000)
    found = profile(table).features["amount"]
    numbers = np.sort(table["amount"].dropna())
    below = np.searchsorted(numbers, found.edges, side="right")
    assert np.cumsum(found.counts)[:-1].tolist() == below.tolist()
    assert max(found.counts) <= len(numbers) / 1000


def test_a_frequent_number_has_a_count_for_itself() -> None:
    table = rows(50_000)
    table.loc[::2, "amount"] = 0.25
    found = profile(table).features["amount"]
    assert max(found.counts) == (table["amount"] == 0.25).sum()


def test_profiles_by_other_edges_are_not_merged() -> None:
    one, other = Profiler(DATASET), Profiler(DATASET)
    one.add(rows(200_000)[["amount"]].fillna(0))
    other.add(rows(200_000, 1)[["amount"]].fillna(0))
    with pytest.raises(ValueError, match="other edges"):
        one.merged(other)


def test_what_a_profile_has_cut_off_is_counted_together() -> None:
    table = pd.DataFrame({"plan": [f"p{n}" for n in range(1500)] + ["often"] * 9})
    found = profile(table).features["plan"]
    assert len(found.values) == 1000
    assert found.rest == 501
    later = profile(pd.DataFrame({"plan": ["often", "never seen"]}), found_in(found))
    assert later.features["plan"].rest == 1
    assert later.features["plan"].values == {"often": 1}


def found_in(column: profiles.ColumnProfile) -> profiles.Profile:
    return profiles.Profile(column.rows, {column.name: column})


def test_answers_are_counted_too_and_found_again_in_a_log() -> None:
    table = rows(500)
    scores = np.linspace(0, 1, 500)
    answer = {
        "predictions": ["yes" if score > 0.5 else "no" for score in scores],
        "scores": [[1 - score, score] for score in scores],
        "labels": ["no", "yes"],
    }
    frame = profiles.answer_frame(DATASET, answer)
    profiler = Profiler(DATASET)
    profiler.add(table)
    profiler.add(table.head(0), frame)
    reference = profiler.finish()
    assert {name: found.kind for name, found in reference.outputs.items()} == {
        "prediction": "categories",
        "score_no": "numbers",
        "score_yes": "numbers",
    }
    window = Profiler(DATASET, reference)
    window.add(pd.concat([table, frame], axis=1).head(100))
    assert window.finish().outputs["score_yes"].rows == 100


def test_a_large_file_is_read_without_keeping_what_was_read(tmp_path: Path) -> None:
    path, draw = tmp_path / "rows.parquet", np.random.default_rng(0)
    table = pa.table({f"x{at}": draw.standard_normal(200_000) for at in range(4)})
    parquet.write_table(table, path, row_group_size=10_000)
    size = table.nbytes
    del table
    before, most = pa.total_allocated_bytes(), 0
    for _, share in arrow_tables.batches(path, 5_000, ["x0", "x1", "x2", "x3"]):
        if share < 1:
            most = max(most, pa.total_allocated_bytes() - before)
    assert most < size / 2
