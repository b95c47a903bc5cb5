"""Pieces found in texts, as one sees them: answers, the log without texts, copies of text files."""

import codecs
import csv
import importlib.util
import json
import re
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from forms import forms

from seedling import InputError, NotFound
from seedling.cli import batch_score
from seedling.cli.batch_score import Options
from seedling.config import Project, RegisteredModel
from seedling.errors import ProjectError
from seedling.lifecycle import labelled_rows
from seedling.monitoring import truth
from seedling.scoring import chunk, durable, plan
from seedling.serving import log_texts, models, score_files
from seedling.serving.app import create_app
from seedling.serving.models import Version
from seedling.serving.service import Service
from seedling.serving.shadows import Shadows
from seedling.tasks.spans.cells import Span, as_items, redacted
from seedling.tasks.spans.model import WHOLE, SpanFinder
from seedling.testing import first_model, invoke

FORMS = forms(["name", "email"], sample="Anna", longest=300)
PATTERNS = {"name": r"An{1,2}a", "email": r"[^\s@]+@\S+\w"}
# As many characters in Python as the offsets count: emoji, a combining mark, two kinds of line end.
TEXT = "😀 Name: Anna\r\nMail:\tan\u0303a@example.org\n\u00c5ngstr\u00f6m A\u030a Ana\r"
HIDDEN = "😀 Name: [name]\r\nMail:\t[email]\n\u00c5ngstr\u00f6m A\u030a [name]\r"
PERSONAL = re.compile(r"Anna|example\.org|Ana\b")


def answer(rows: Sequence[Any]) -> dict[str, Any]:
    found = []
    for (text,) in rows:
        spans = [
            Span(match.start(), match.end(), label)
            for label, pattern in PATTERNS.items()
            for match in re.finditer(pattern, text)
        ]
        kept: list[Span] = []
        for one in sorted(spans):
            if not kept or one.start >= kept[-1].end:
                kept.append(one)
        found.append(as_items(kept, text))
    texts = [redacted(text, spans) for (text,), spans in zip(rows, found, strict=True)]
    return {"predictions": found, "redacted": texts, "scores": [], "labels": ["name", "email"]}


def version_of(project: Project) -> Version:
    name = first_model(project)
    registered = RegisteredModel(name=name, model=name, version="1", sha256="0" * 64)
    return Version(registered, FORMS, answer, plain=True)


@pytest.fixture
def finder(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose first model finds pieces by patterns: what it answers is certain."""
    version = version_of(project)
    monkeypatch.setattr(models, "load", lambda *_: version)
    monkeypatch.setattr(score_files.assets, "fetch", lambda *_: None)
    monkeypatch.setattr(score_files, "_entries", lambda *_: [version.registered])
    return project


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Texts in four encodings with several line ends; one is no text, one empty, one too long."""
    place = tmp_path / "in"
    place.mkdir()
    (place / "1.txt").write_bytes(TEXT.encode())
    (place / "2 é.txt").write_bytes(codecs.BOM_UTF8 + TEXT.encode())
    (place / "3.TXT").write_bytes(codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"))
    (place / "4.txt").write_bytes(codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"))
    (place / "5.txt").write_bytes(b"=1+1 Anna\n")
    (place / "6.txt").write_bytes("Müller".encode("latin-1"))
    (place / "7.txt").write_bytes(b"")
    (place / "8.txt").write_bytes(b"x" * 301)
    return place


def score(project: Project, source: Path, target: Path, *, code: int = 0) -> None:
    assert batch_score.score(project, str(source), str(target), Options(workers=1)) == code


def lines(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_folder_of_texts_is_a_row_each_and_copies_keep_encodings_and_line_ends(
    finder: Project, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    score(finder, folder, tmp_path / "out.csv", code=1)
    found = lines(tmp_path / "out.csv")
    assert [row["file"] for row in found] == ["1.txt", "2 é.txt", "3.TXT", "4.txt", "5.txt"]
    assert [row["form_id"] for row in found] == ["1", "2 é", "3", "4", "5"]
    assert {row["redacted"] for row in found[:4]} == {HIDDEN}
    for span in json.loads(found[0]["prediction"]):
        assert TEXT[span["start"] : span["end"]] == span["text"]
    copies = tmp_path / "out.redacted"
    assert {path.name: path.read_bytes() for path in copies.iterdir()} == {
        "1.txt": HIDDEN.encode(),
        "2 é.txt": codecs.BOM_UTF8 + HIDDEN.encode(),
        "3.TXT": codecs.BOM_UTF16_LE + HIDDEN.encode("utf-16-le"),
        "4.txt": codecs.BOM_UTF16_BE + HIDDEN.encode("utf-16-be"),
        "5.txt": b"=1+1 [name]\n",
    }
    rejects = {row["file"]: row["reason"] for row in lines(tmp_path / "out.rejects.csv")}
    assert rejects.keys() == {"6.txt", "7.txt", "8.txt"}
    assert rejects["6.txt"].startswith("is not text in utf-8, from byte 2 on: name its encoding")
    assert rejects["7.txt"] == "required, and missing"
    assert rejects["8.txt"] == "has 301 characters, more than the 300 allowed"
    assert "5 texts copied to" in capsys.readouterr().out
    assert not (tmp_path / "out.csv.parts").exists()


def test_what_lies_beside_texts_is_named_and_left_out(
    finder: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place, tables = tmp_path / "in", tmp_path / "tables"
    for folder in (place, tables):
        (folder / "old").mkdir(parents=True)
        (folder / "old" / "x.txt").write_bytes(b"Anna")
        (folder / "notes.md").write_bytes(b"Anna")
    (place / "1.txt").write_bytes(b"Anna")
    (tables / "1.csv").write_bytes(b"form_id,text\n1,Anna\n")
    score(finder, place, tmp_path / "out.csv")
    assert [row["file"] for row in lines(tmp_path / "out.csv")] == ["1.txt"]
    said = f"Not scored, as no file of text or rows: notes.md, old in {place}.\n"
    assert said in capsys.readouterr().err
    with pytest.raises(ProjectError, match="is a folder: nothing in it is scored"):
        score(finder, tables, tmp_path / "out.csv")
    shutil.rmtree(tables / "old")
    with pytest.raises(ProjectError, match=r"notes\.md: give a \.csv"):
        score(finder, tables, tmp_path / "out.csv")


def test_a_run_that_was_ended_goes_on_and_copies_each_text_once(
    finder: Project, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score(finder, folder, tmp_path / "whole.csv", code=1)
    asked: list[str] = []
    real, stops = chunk.score_part, 3

    def counted(scorer: Any, part: Any, *rest: Any) -> Any:
        asked.append(part.file)
        if len(asked) == stops:
            raise KeyboardInterrupt
        return real(scorer, part, *rest)

    monkeypatch.setattr("seedling.scoring.workers.score_part", counted)
    score(finder, folder, tmp_path / "out.csv", code=130)
    assert not (tmp_path / "out.redacted").exists()
    (folder / "1.txt").write_bytes(b"Anna")  # changed meanwhile
    score(finder, folder, tmp_path / "out.csv", code=1)
    assert asked[3:] == ["1.txt", "3.TXT", "4.txt", "5.txt", "6.txt", "7.txt", "8.txt"]
    for name in ("2 é.txt", "3.TXT", "4.txt", "5.txt"):
        path = tmp_path / "out.redacted" / name
        assert path.read_bytes() == (tmp_path / "whole.redacted" / name).read_bytes()
    assert (tmp_path / "out.redacted" / "1.txt").read_bytes() == b"[name]"
    assert len(lines(tmp_path / "out.csv")) == 5


def test_a_copy_that_is_gone_is_made_again(
    finder: Project, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts, real = plan.folder_of(tmp_path / "out.csv"), durable.write_noted

    def lost(path: Path, *rest: Any) -> None:
        real(path, *rest)
        path.with_suffix(chunk.COPY).unlink(missing_ok=True)

    with monkeypatch.context() as patched:
        patched.setattr(durable, "write_noted", lost)
        with pytest.raises(ProjectError, match=r"The copy of 1\.txt is not in"):
            score(finder, folder, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()
    for note in parts.glob("*.json"):
        note.unlink()
    score(finder, folder, tmp_path / "out.csv", code=1)
    assert len([*(tmp_path / "out.redacted").iterdir()]) == 5


def test_copies_replace_no_folder_with_other_files(
    finder: Project, folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "out.redacted"
    other.mkdir()
    (other / "1.txt").write_text("of an earlier run")
    (other / "notes.md").write_text("somebody's")
    with pytest.raises(ProjectError, match=r"has another file notes\.md in it"):
        score(finder, folder, tmp_path / "out.csv")
    (other / "notes.md").unlink()
    score(finder, folder, tmp_path / "out.csv", code=1)
    assert (other / "1.txt").read_bytes() == HIDDEN.encode()
    with pytest.raises(ProjectError, match="is where the files to score are"):
        score(finder, other, tmp_path / "out.csv")


def test_a_table_of_texts_gives_what_their_files_give(finder: Project, tmp_path: Path) -> None:
    with (tmp_path / "in.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["form_id", "text"], ["7", TEXT], ["8", "nothing"]])
    score(finder, tmp_path / "in.csv", tmp_path / "out.csv")
    first, second = lines(tmp_path / "out.csv")
    assert (first["form_id"], first["redacted"]) == ("7", HIDDEN)
    assert (second["prediction"], second["redacted"]) == ("[]", "nothing")
    assert not (tmp_path / "out.redacted").exists()


# The log.


@pytest.fixture
def logged(
    trained: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Service, list[dict[str, Any]]]:
    """A service of the model, and the lines that it logs."""
    monkeypatch.setattr(models, "load", lambda *_: version_of(trained))
    ignored = shutil.ignore_patterns("spool", "predictions.db*")
    root = Path(shutil.copytree(trained.root, tmp_path / "served", ignore=ignored))
    written: list[dict[str, Any]] = []
    service = Service(Project(root))
    monkeypatch.setattr(service.log, "append", lambda line: written.append(json.loads(line)))
    return service, written


def keep(service: Service, kept: str) -> None:
    serving = service.config.serving.model_copy(update={"logged_texts": kept})
    config = service.config.model_copy(update={"serving": serving})
    service._arrangement = service._arrangement._replace(config=config)


@pytest.mark.parametrize(
    ("kept", "text"), [("redacted", HIDDEN), ("left_out", None)], ids=["redacted", "left_out"]
)
def test_no_personal_text_reaches_the_log_where_it_is_not_kept(
    logged: tuple[Service, list[dict[str, Any]]], kept: str, text: str | None
) -> None:
    service, written = logged
    name = next(iter(service.models))
    keep(service, kept)
    body = json.dumps([{"text": TEXT, "form_id": 3}, {"text": "nothing"}]).encode()
    found = service.predict(body, name)
    assert found["redacted"] == [HIDDEN, "nothing"]  # the caller has all of it
    service.invocations(json.dumps({"instances": [TEXT]}).encode(), "application/json")
    service.score(json.dumps({"data": [[TEXT]]}).encode())
    first = written[0]
    assert [row.get("text") for row in first["rows"]] == [text, text and "nothing"]
    assert first["rows"][0]["form_id"] == 3
    assert first["outputs"]["redacted"] == [text, text and "nothing"]
    spans = first["outputs"]["predictions"][0]
    assert [(each["start"], each["label"]) for each in spans] == [
        (each["start"], each["label"]) for each in found["predictions"][0]
    ]
    assert len(written) == 3
    assert not PERSONAL.search(json.dumps(written, ensure_ascii=False))


def test_the_log_has_texts_as_they_were_sent_unless_told(
    logged: tuple[Service, list[dict[str, Any]]],
) -> None:
    service, written = logged
    service.predict(json.dumps({"text": TEXT}).encode(), next(iter(service.models)))
    assert written[0]["rows"] == [{"text": TEXT}]
    assert written[0]["outputs"]["predictions"][0][0]["text"] == "Anna"


@pytest.mark.parametrize("kept", ["redacted", "left_out"])
def test_a_call_of_run_logs_no_personal_text_whatever_serve_py_does(
    project: Project, kept: str
) -> None:
    version = version_of(project)
    answered = answer([(TEXT,)]) | {"model": "m", "version": "1"}
    answers = [(version, [(TEXT,)], answered)]
    calls = [
        ({"text": TEXT}, {"text": TEXT}, answered, answers),
        ({"letter": TEXT, "id": 3}, [{"text": TEXT}], answered, answers),
        ({"text": TEXT}, {"text": TEXT}, {"found": TEXT}, answers),
        ({"text": TEXT}, TEXT, [TEXT], answers),
        ({"text": TEXT}, {"text": TEXT}, {}, []),  # it asked no model
        ({"text": [TEXT]}, {"text": {"of": TEXT}}, None, []),
    ]
    for *called, asked in calls:
        found = log_texts.of_run(kept, tuple(called), asked, [FORMS])  # type: ignore[arg-type]
        assert not PERSONAL.search(json.dumps(found, ensure_ascii=False)), called
    inputs, _, outputs = log_texts.of_run(kept, calls[1][:3], answers, [FORMS])
    assert inputs == {"letter": HIDDEN if kept == "redacted" else None, "id": 3}
    assert outputs["predictions"][0][0] == {"start": 8, "end": 12, "label": "name"}


def test_what_needs_texts_of_the_log_says_that_it_has_none(project: Project) -> None:
    version = version_of(project)
    with pytest.raises(ProjectError, match=r"keeps no texts \(serving\.logged_texts: redacted\)"):
        Shadows(project)._refuse_without_texts("redacted", version)
    Shadows(project)._refuse_without_texts("as_given", version)
    path = project.root / "model.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("\nserving:\n", "\nserving:\n  logged_texts: left_out\n"), "utf-8")
    with pytest.raises(ProjectError, match="nothing is learned from its rows"):
        labelled_rows.beside(Project(project.root), FORMS, False, None)  # type: ignore[arg-type]


# A challenger.


def test_a_challenger_with_a_share_of_the_forms_answers_and_is_compared(
    two_versions: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The champion misses each e-mail address; forms of the same key stay with one version."""

    def load(_: Project, registered: RegisteredModel) -> Version:
        def finds(rows: Sequence[Any]) -> dict[str, Any]:
            found = answer(rows)
            if registered.version == "1":
                spans = [
                    [span for span in of if span["label"] == "name"] for of in found["predictions"]
                ]
                found["predictions"] = spans
            return found

        return Version(registered, FORMS, finds, plain=True)

    def describe(document: Any) -> None:
        document["datasets"] = [FORMS.model_dump(exclude_unset=True)]
        described = document["training"]["models"][0]
        document["training"]["models"] = [{"name": described["name"], "dataset": FORMS.name}]

    monkeypatch.setattr(models, "load", load)
    monkeypatch.setenv("PREDICTION_LOG", "sqlite:///local_assets/forms.db")
    model = first_model(two_versions)
    assert invoke(two_versions, "traffic", model, "--version", "2", "--share", "0.4").exit_code == 0
    two_versions.edit(describe)
    client = create_app(Project(two_versions.root), environment="").test_client()
    forms = [{"form_id": at, "text": TEXT} for at in range(150)]
    answered = [
        client.post(f"/{model}/predict", json={"payload": {"instances": forms}}).get_json()
        for _ in range(2)
    ]
    client.application.extensions["service"].stop()
    versions = answered[0]["payload"]["versions"]
    assert 30 < versions.count("2") < 90
    assert versions == answered[1]["payload"]["versions"]
    found = [len(spans) for spans in answered[0]["payload"]["predictions"]]
    assert found == [3 if version == "2" else 2 for version in versions]
    keys = pd.DataFrame({"form_id": [str(at) for at in range(150)]})
    true = answer([(TEXT,)])["predictions"][0]
    cell = json.dumps([{key: span[key] for key in ("start", "end", "label")} for span in true])
    truth.keep(two_versions, FORMS, ["form_id"], keys, pd.Series([cell] * 150))
    said = invoke(Project(two_versions.root), "compare", model).stdout
    assert f"Version 2 of {model} is better than version 1" in said


# Requests.


def test_a_text_that_is_too_long_is_refused_without_repeating_it(
    logged: tuple[Service, list[dict[str, Any]]],
) -> None:
    service, _ = logged
    body = json.dumps({"instances": [{"text": "Anna"}, {"text": "Anna" * 100}]}).encode()
    with pytest.raises(InputError) as raised:
        service.predict(body, next(iter(service.models)))
    words = "instances[1].text: has 400 characters, more than the 300 allowed."
    assert str(raised.value) == words


@pytest.fixture
def serve() -> Any:
    """The Serve of the vertical, over the model, and a feature store with one form."""
    path = Path(__file__).parents[2] / "templates" / "forms" / "serve.py"
    query = path.parent / "feature_inference_query.sql"
    spec = importlib.util.spec_from_file_location("forms_serve", path)
    assert query.exists()
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_run_takes_a_text_or_the_key_of_a_form(
    serve: Any, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = models.ServedModel("finder", models.lineup(version_of(project)))
    forms = {7: {"text": TEXT}}
    monkeypatch.setattr(serve, "first_row", lambda _, __, key: forms.get(key["form_id"]))
    asked = serve.Serve(None, None, SimpleNamespace(best=served), [], [])
    for given in ({"text": TEXT}, {"form_id": 7}, {"form_id": "7"}, {"text": TEXT, "form_id": 9}):
        features, outputs = asked.run(given)
        assert (features, outputs["redacted"]) == ({"text": TEXT}, [HIDDEN])
    assert asked.run_fake({})[1].keys() == outputs.keys()
    for wrong, error, words in (
        ({}, InputError, "Give a text, or the form_id of a form in the feature store."),
        ({"form_id": 8}, NotFound, "The feature store has no form with form_id 8."),
        ({"form_id": "x"}, InputError, "form_id: expected a whole number."),
        ({"text": 5}, InputError, "text: expected text, got a number."),
        ({"text": ""}, InputError, "text: required, and missing."),
        ({"text": "x" * 301}, InputError, "text: has 301 characters, more than the 300 allowed."),
    ):
        with pytest.raises(error) as raised:
            asked.run(wrong)
        assert str(raised.value) == words


def test_words_of_texts_are_forgotten_and_threads_answer_alike() -> None:
    """A service reads new words for months: spaCy would keep each of them for ever."""
    spacy = pytest.importorskip("spacy")
    nlp = spacy.blank("xx")
    nlp.add_pipe("ner").add_label("email")
    nlp.initialize()
    model = SpanFinder(nlp=nlp)
    texts = [f"{TEXT} word{at} x{at}@example.org" for at in range(WHOLE + 6)]
    alone = [model.predict([text])[0] for text in texts]
    before = len(nlp.vocab.strings)
    with ThreadPoolExecutor(4) as pool:
        found = [*pool.map(model.predict, [texts, texts[::-1], texts, texts[::-1]])]
    assert found == [alone, alone[::-1], alone, alone[::-1]]
    assert len(nlp.vocab.strings) == before
    assert not any(f"word{at}" in nlp.vocab.strings for at in range(len(texts)))
    for text, spans in zip(texts, alone, strict=True):
        assert all(text[each["start"] : each["end"]] == each["text"] for each in spans)


def test_production_is_warned_of_a_log_with_personal_texts(
    trained: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    version = version_of(trained)
    monkeypatch.setattr(models, "load", lambda *_: version)
    monkeypatch.setenv("ASSETS", "local")
    Service(trained, "prod")
    assert caplog.text.count("`logged_texts: redacted`") == 1
    caplog.clear()
    Service(trained, "dev")
    assert "logged_texts" not in caplog.text


def test_what_has_no_letter_and_no_digit_is_not_found() -> None:
    spacy = pytest.importorskip("spacy")
    nlp = spacy.blank("xx")
    doc = nlp("Form 😀 of Ann")
    spans = [("email", 1, 2), ("name", 3, 4)]
    doc.ents = [spacy.tokens.Span(doc, start, end, label) for label, start, end in spans]
    assert SpanFinder(nlp=nlp, rules=False)._found(doc) == (Span(10, 13, "name"),)
