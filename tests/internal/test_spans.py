"""Spans in text as a task: cells, answers, what is watched, and that no text stays in a model."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from seedling import tasks
from seedling.config import Dataset, Project
from seedling.data import leaks
from seedling.data.infer_schema import propose
from seedling.errors import ProjectError
from seedling.files import write_text
from seedling.monitoring.profiles import Profiler
from seedling.scaffold import model_requirements
from seedling.tasks import measuring
from seedling.tasks.spans import cells, ready, saved
from seedling.tasks.spans.model import SpanFinder
from seedling.testing import first_model
from seedling.training.cross_validation import plan

ENTRY: dict[str, Any] = {
    "name": "letters",
    "source": "letters.csv",
    "file_name": "letters.parquet",
    "version": "1",
    "task": "spans",
    "metric": "f2",
    "entity_key": ["id"],
    "target": {"name": "found", "type": "text", "labels": ["name", "email"]},
    "features": [{"name": "text", "type": "text"}],
}
LETTERS = Dataset.model_validate(ENTRY)
TASK = tasks.of(LETTERS)
PEOPLE = ["Ada Quill", "Bo Lind", "Cy Maro", "Di Okafor", "Ed Brandt", "Flo Weiss", "Gus Holm"]


def letters(count: int = 28) -> pd.DataFrame:
    texts, found = [], []
    for number in range(count):
        name = PEOPLE[number % len(PEOPLE)]
        begin = "Name: " if number % 2 else "Dear \U0001f600 "
        texts.append(f"{begin}{name}\r\nThank you for no. {number}.")
        span = {"start": len(begin), "end": len(begin) + len(name), "label": "name"}
        found.append(cells.as_json([span]))
    return pd.DataFrame({"id": range(count), "text": texts, "found": found})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"target": ENTRY["target"] | {"labels": []}}, "list the labels of the spans"),
        ({"target": ENTRY["target"] | {"positive": "name"}}, "has labels only"),
        ({"target": ENTRY["target"] | {"labels": ["name", 3]}}, "3 is no text"),
        ({"features": [{"name": "age", "type": "integer"}]}, "one feature, of type text: age is"),
        ({"features": [{"name": n, "type": "text"} for n in "ab"]}, "there are several"),
    ],
)
def test_a_dataset_that_the_task_cannot_learn_is_refused(
    change: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        Dataset.model_validate(ENTRY | change)


@pytest.mark.parametrize(
    "cell",
    [
        "Ada",
        '{"start": 0}',
        '[{"start": 3, "end": 3, "label": "name"}]',
        '[{"start": 0, "end": 3, "label": "street"}]',
        '[{"start": true, "end": 3, "label": "name"}]',
        '[{"start": 0, "end": 3, "label": "name"}, {"start": 2, "end": 5, "label": "email"}]',
    ],
)
def test_a_cell_that_holds_no_spans_is_marked(cell: str) -> None:
    fits, _ = TASK.training.check(LETTERS.target)
    assert [*fits(pd.Series([cell, "[]", letters(1)["found"][0]]))] == [False, True, True]


def test_parts_of_an_answer_are_measured_although_its_lists_differ_in_length() -> None:
    rows = letters(3)
    truth = TASK.training.values(rows, LETTERS.target)
    answer = {"predictions": [[], [], [{**truth[2][0]._asdict()}]], "redacted": [""] * 3}
    assert measuring.measure(truth, answer, LETTERS, rows)["recall"] == pytest.approx(1 / 3)
    part = measuring.taken(answer, [2], LETTERS)
    assert part["predictions"] == [answer["predictions"][2]]
    found = TASK.training.intervals(truth, answer, rows, LETTERS, 0.95)
    assert found["recall"].low <= 1 / 3 <= found["recall"].high
    assert [*TASK.training.losses(truth, answer, LETTERS)] == [1, 1, 0]


def test_a_text_in_which_the_spans_are_marked_gives_them_away() -> None:
    rows = letters()
    assert leaks.find(rows, LETTERS) == []  # although each text has one span
    texts = [f"<name>{PEOPLE[number % 7]}</name> writes" for number in range(len(rows))]
    cell = [
        cells.as_json([{"start": 6, "end": text.index("<", 1), "label": "name"}]) for text in texts
    ]
    ((name, words),) = leaks.find(rows.assign(text=texts, found=cell), LETTERS)
    assert (name, words) == (
        "text",
        "has each span's label in brackets before it: remove the marks",
    )


def test_of_an_own_table_the_text_is_the_only_feature_and_the_rest_is_said() -> None:
    texts = [f"no. {at} is a good one" for at in range(28)]
    rows = letters().assign(age=[at % 5 for at in range(28)], text=texts)
    proposal = propose(rows, "letters", "letters.csv", "spans", "found", ["id"])
    assert [feature["name"] for feature in proposal.entry["features"]] == ["text"]
    assert proposal.left_out == {"age": "spans are found in text"}
    assert proposal.entry["ignored"] == ["age"]
    Dataset.model_validate(proposal.entry)
    (line,) = [line for line in proposal.lines if line.name == "age"]
    assert (line.kind, line.seen) == ("left out", "spans are found in text")


def test_a_slow_learner_is_cross_validated_where_a_person_asks_for_it() -> None:
    assert "folds: 5 under training in model.yaml" in plan(letters(), LETTERS, None).refused
    assert plan(letters(), LETTERS, 3)[:2] == (3, 1)


def test_a_profile_counts_spans_by_label_and_holds_no_answer() -> None:
    rows = letters(4)
    answers = pd.DataFrame({"prediction": rows["found"], "redacted": "Dear [name]"})
    profiler = Profiler(LETTERS)
    profiler.add(rows[["id"]], answers)
    outputs = profiler.finish().outputs
    assert [*outputs] == ["spans", "name spans", "email spans"]
    assert outputs["name spans"].kind == "numbers"


def test_the_truth_of_a_text_that_was_shifted_is_that_of_its_new_text() -> None:
    rows = letters(3)
    texts = ["Re: " + rows["text"][0], "good", rows["text"][2]]
    found = TASK.training.true_after(rows.assign(text=texts), rows, LETTERS)
    spans = TASK.training.values(found, LETTERS.target)
    (moved,) = spans[0]
    assert texts[0][moved.start : moved.end] == PEOPLE[0]
    assert spans[1] == ()
    assert found["found"][2] == rows["found"][2]


def test_a_saved_model_answers_alike_and_holds_no_word_of_its_texts(tmp_path: Path) -> None:
    config = tmp_path / "config.cfg"
    config.write_text(ready.CONFIG, encoding="utf-8")
    rows = letters()
    X, y = rows[["text"]], TASK.training.values(rows, LETTERS.target)
    small = {"components.ner.model.hidden_width": 16}
    model = SpanFinder(config, epochs=3, settings=small).fit(X[:20], y[:20], X[20:], y[20:])
    assert 1 <= model.epochs <= 3
    saved.save(model, tmp_path / "saved")
    again = saved.load(tmp_path / "saved")
    found = model.predict(rows["text"])
    assert again.predict(rows["text"]) == found
    for text, spans in zip(rows["text"], found, strict=True):
        assert all(text[span["start"] : span["end"]] == span["text"] for span in spans)
    files = [path for path in (tmp_path / "saved").rglob("*") if path.is_file()]
    assert not [path.name for path in files if b"Okafor" in path.read_bytes()]
    assert not [path.name for path in files if path.suffix in (".pkl", ".pickle")]


def test_a_config_that_is_none_is_one_line(tmp_path: Path) -> None:
    config = tmp_path / "config.cfg"
    config.write_text(ready.CONFIG.replace('lang = "xx"', ""), encoding="utf-8")
    rows = letters(4)
    y = TASK.training.values(rows, LETTERS.target)
    with pytest.raises(ProjectError, match=r"^config\.cfg: ") as caught:
        SpanFinder(config, epochs=1).fit(rows[["text"]], y)
    assert "\n" not in str(caught.value)


def test_its_image_has_spacy_and_no_scikit_learn(
    project: Project,
) -> None:
    """Beside a model that scikit-learn serves, the image of all has both."""
    spacy_ner, other = ready.ready_models()["spacy_ner"], tasks.ready_models()["regression"]
    needs = model_requirements.of_ready(spacy_ner)
    assert needs["serve"] == ["pandas>=2.2,<3", *ready.NEEDED]
    assert needs["plain"] == []
    assert (
        "scikit-learn" not in model_requirements.of_images([spacy_ner])["requirements_predict.txt"]
    )
    both = model_requirements.of_images([spacy_ner, other["support_vector_machine"]])
    assert {"spacy", "scikit-learn"} <= {
        re.split(r"[^\w-]", line)[0] for line in both["requirements_predict.txt"].splitlines()
    }
    write_text(project.root / "models" / "finder" / "train.py", spacy_ner.source)
    assert model_requirements.serve_alone(project.root, "finder")
    assert not model_requirements.serve_alone(project.root, first_model(project))
