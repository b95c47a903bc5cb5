"""The feature store: read-only where it serves, plain words where it does not answer."""

from pathlib import Path

import pandas as pd
import pytest

from seedling.config import Project
from seedling.data import feature_store
from seedling.errors import ProjectError, Unavailable


def test_what_is_filled_in_can_be_queried(tmp_path: Path) -> None:
    engine = feature_store.open_url("sqlite:///store.db", tmp_path)
    feature_store.fill(engine, {"pets": pd.DataFrame({"id": [1, 2], "age": [3, 4]})})
    rows = feature_store.query(engine, "SELECT age FROM pets WHERE id = :id", {"id": 2})
    assert rows["age"].tolist() == [4]


def test_a_read_only_store_refuses_writes(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    feature_store.create_sqlite(path, {"pets": pd.DataFrame({"id": [1]})})
    engine = feature_store.open_url(f"sqlite:///{path.as_posix()}", tmp_path, read_only=True)
    with pytest.raises(Unavailable, match="readonly"):
        feature_store.fill(engine, {"pets": pd.DataFrame({"id": [2]})})


def test_a_wrong_query_is_told_in_a_line(tmp_path: Path) -> None:
    engine = feature_store.open_url("sqlite:///store.db", tmp_path)
    with pytest.raises(Unavailable, match="no such table: pets") as caught:
        feature_store.query(engine, "SELECT * FROM pets")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("url", ["nonsense", "oracle9i://host/db"])
def test_a_url_that_is_none_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ProjectError):
        feature_store.open_url(url, tmp_path)


def test_the_environment_goes_before_model_yaml(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FEATURE_STORE_URL", "sqlite:///elsewhere.db")
    engine = feature_store.connect(project)
    assert Path(str(engine.url.database)) == project.root / "elsewhere.db"


def test_a_token_is_packed_as_the_odbc_driver_takes_it() -> None:
    assert feature_store.odbc_token("ab") == b"\x04\x00\x00\x00a\x00b\x00"
