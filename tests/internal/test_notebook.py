"""A registered model in a notebook: loaded, asked and explained by the public names alone."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from flask.testing import FlaskClient

from seedling import LoadedModel, Project, ProjectError, load_dataset, load_model, tasks
from seedling.serving.app import create_app
from seedling.testing import first_model
from seedling.training.explaining import effects

pytestmark = pytest.mark.every_vertical
PAGE = Path(__file__).resolve().parents[2] / "docs" / "notebook.md"


@pytest.fixture(scope="module")
def here(trained: Project) -> Iterator[Project]:
    """The trained project, as the working folder of a notebook."""
    before = Path.cwd()
    os.chdir(trained.root)
    yield trained
    os.chdir(before)


@pytest.fixture(scope="module")
def model(here: Project) -> LoadedModel:
    return load_model()


@pytest.fixture(scope="module")
def rows(here: Project) -> pd.DataFrame:
    return load_dataset(here, here.config.datasets[0])


@pytest.fixture(scope="module")
def client(here: Project) -> Iterator[FlaskClient]:
    app = create_app(here, environment="")
    yield app.test_client()
    app.extensions["service"].stop()


def test_every_block_of_the_page_runs(here: Project, capsys: pytest.CaptureFixture[str]) -> None:
    if here.config.datasets[0].task != "classification":
        pytest.skip("the page is about the finance project")
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 5
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, PAGE.name, "exec"), names)  # noqa: S102 - the page's own code
    assert "effect" in capsys.readouterr().out


def test_a_frame_is_answered_as_the_service_answers_its_rows(
    model: LoadedModel, rows: pd.DataFrame, client: FlaskClient
) -> None:
    asked = rows.sample(7, random_state=1)
    found = model.predict(asked)
    assert [*found.index] == [*asked.index]
    raw = [column.name for column in model.dataset.raw]
    sent = asked[raw].astype(object).where(asked[raw].notna(), None).to_dict("records")
    body = {"payload": {"instances": sent}}
    response = client.post(f"/{model.name}/predict", json=body)
    said = response.get_json()["payload"]
    if model.dataset.task == "classification":
        assert found["prediction"].tolist() == said["predictions"]
        scores = found.filter(like="score_").to_numpy()
        assert np.allclose(scores, said["scores"], atol=1e-5)
    elif model.dataset.target.type in ("integer", "number"):
        assert np.allclose(found["prediction"], said["predictions"], rtol=1e-5)
    else:
        assert found.to_numpy().tolist() == tasks.of(model.dataset).batch_cells(said)


def test_texts_as_a_file_has_them_are_the_same_rows(
    model: LoadedModel, rows: pd.DataFrame, tmp_path: Path
) -> None:
    rows.head(9).to_csv(tmp_path / "rows.csv", index=False)
    read = pd.read_csv(tmp_path / "rows.csv", dtype=str, keep_default_na=False)
    again = model.predict(read.replace("", None))
    assert again["prediction"].tolist() == model.predict(rows.head(9))["prediction"].tolist()


def test_effects_and_the_average_add_up_to_the_answer(
    model: LoadedModel, rows: pd.DataFrame
) -> None:
    row = rows.iloc[3]
    if model.predict(rows.head(1)).select_dtypes("number").empty:
        with pytest.raises(ProjectError, match="have no number to explain"):
            model.explain(row)
        return
    found = model.explain(row)
    answer = model.predict(rows.iloc[[3]])
    assert found.answer == pytest.approx(answer[found.output].iloc[0])
    assert found.average + found.effects["effect"].sum() == pytest.approx(found.answer)
    assert set(found.effects.index) == {column.name for column in model.dataset.raw}
    sizes = found.effects["effect"].abs()
    assert sizes.is_monotonic_decreasing
    again = model.explain(dict(row))
    assert again.effects["effect"].tolist() == found.effects["effect"].tolist()


def test_a_linear_answer_has_its_exact_effects() -> None:
    draw = np.random.default_rng(0)
    others = pd.DataFrame({"a": draw.normal(size=300), "b": 1, "c": ["x", "y"] * 150})
    row = pd.DataFrame({"a": [2.0], "b": [1], "c": ["x"]})
    found, average = effects(row, others, lambda rows: (3 * rows["a"] + rows["b"]).to_numpy())
    assert average == pytest.approx(1 + 3 * others["a"].mean(), abs=0.8)
    assert found[0] == pytest.approx(7 - average)
    assert found[1:].tolist() == [0, 0]


def test_what_cannot_be_loaded_or_explained_is_said_in_one_line(
    here: Project, model: LoadedModel, rows: pd.DataFrame
) -> None:
    first = model.dataset.raw[0].name
    with pytest.raises(ProjectError, match=f"lacks {first}"):
        model.predict(rows.drop(columns=first))
    with pytest.raises(ProjectError, match="One row is explained at a time, not 2"):
        model.explain(rows.head(2))
    with pytest.raises(ProjectError, match=r"no number (of the answer: there are|to explain)"):
        model.explain(rows.iloc[0], output="sureness")
    with pytest.raises(ProjectError, match="nobody"):
        load_model("nobody")
    with pytest.raises(ProjectError, match="no version '99'"):
        load_model(first_model(here), version="99")
    assert load_model(first_model(here), version=model.version).version == model.version


def test_a_cell_that_does_not_fit_is_named_once(model: LoadedModel, rows: pd.DataFrame) -> None:
    column = next((each for each in model.dataset.raw if each.numeric), None)
    if column is None:
        pytest.skip("any cell fits a text")
    with pytest.raises(ProjectError) as refused:
        model.predict(rows.head(2).assign(**{column.name: "much"}))
    assert str(refused.value).startswith(f"{column.name}: 2 cells do not fit (row 1 'much', ")
