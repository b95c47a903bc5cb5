"""The verb monitor: what is read from the log, what is said of it, and the page."""

import json
import re
import shutil
import sys
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from math import inf
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest
from large_findings import HOSTILE, large
from watching import NOW, copied, log_answers, over

from seedling.columns.protocol import Column
from seedling.config import Config, Project, span
from seedling.errors import ProjectError
from seedling.monitoring import (
    cutting,
    findings,
    logged,
    report,
    sent_on,
    truth,
    verdicts,
    watched,
    windows,
)
from seedling.monitoring.findings import Findings
from seedling.monitoring.logged import Page
from seedling.monitoring.watched import Asked
from seedling.serving import log_lines, stores
from seedling.serving.prediction_log import PredictionLog
from seedling.testing import first_model, invoke, sample_rows

UNTIL = NOW.isoformat()


@pytest.fixture(autouse=True)
def nothing_is_sent(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "sends" not in request.node.name:
        monkeypatch.setattr(sent_on, "send", lambda *_: [])


@pytest.fixture
def served(trained: Project, tmp_path: Path) -> Project:
    """A project whose first model is registered, and has answered nothing yet."""
    return copied(trained, tmp_path)


def rows_of(project: Project, count: int = 400, seed: int = 7) -> pd.DataFrame:
    dataset = project.config.first_dataset
    rows = sample_rows(dataset, count, seed)
    names = dict.fromkeys([*dataset.entity_key, *(column.name for column in dataset.raw)])
    return rows[[*names]]


def shifted_of(project: Project) -> Column:
    """A column of numbers that is wide enough to be shifted; the first where there is none."""
    raw = project.config.first_dataset.raw
    wide = (
        each for each in raw if each.profiled == "numbers" and each.type in ("number", "integer")
    )
    return next(wide, raw[0])


def number_of(project: Project) -> str:
    return shifted_of(project).name


def shifted(rows: pd.DataFrame, name: str, sd: float) -> pd.DataFrame:
    moved = rows[name] + sd * rows[name].std()
    return rows.assign(**{name: moved.round().astype(rows[name].dtype)})


# Reading the log.


@pytest.mark.every_vertical
def test_what_was_sent_and_answered_is_read_back_as_tables(served: Project, monkeypatch):
    monkeypatch.setattr(logged, "PAGE_ROWS", 30)
    rows = rows_of(served, 70)
    ids = log_answers(served, rows, over(3, 70))
    model = first_model(served)
    pages = [*logged.logged(served, model, NOW - timedelta(days=4), NOW)]
    assert [len(page.records) for page in pages] == [30, 30, 10]
    records, sent, answers = (
        pd.concat(tables, ignore_index=True) for tables in zip(*pages, strict=True)
    )
    assert records["id"].tolist() == ids
    assert [*sent] == [*rows]
    for name in rows:
        pd.testing.assert_series_equal(
            sent[name].isna(), rows[name].isna(), check_names=False, obj=name
        )
    name = shifted_of(served).name
    if shifted_of(served).numeric:
        known = rows[name].astype("float64")
        assert sent[name].astype("float64").tolist() == pytest.approx(known.tolist())
    else:
        assert sent[name].tolist() == rows[name].tolist()
    assert answers["prediction"].notna().all()
    assert not [*logged.logged(served, model, NOW, NOW + timedelta(days=1))]


def test_calls_of_run_are_read_where_their_features_are_the_models(served: Project):
    model, row = first_model(served), rows_of(served, 9).to_dict("records")[0]
    features = {name: row[name] for name in row if name != "person_id"}
    answer = {"predictions": ["<=50K"], "scores": [[0.9, 0.1]], "labels": ["<=50K", ">50K"]}
    settings = stores.log_settings(served.config)
    lines = [
        log_lines.run_line(
            {"person_id": 5}, features, {**answer, "model": "m"}, [(model, "1")], "a"
        ),
        log_lines.run_line({"person_id": 6}, features, "fine", [(model, "1"), ("other", "2")], "b"),
        log_lines.run_line({"person_id": 7}, {"age": 3}, answer, [(model, "1")], "c"),
    ]
    log = PredictionLog(stores.spool_of(served), lambda: stores.open_store(served.root, settings))
    for line in lines:
        log.append(line)
    log._session.end()  # as where the process has ended before it stored anything
    now = datetime.now(UTC)
    (page,) = logged.logged(
        served, model, now - timedelta(hours=1), now + timedelta(hours=1), version="1"
    )
    assert page.records["id"].tolist() == ["a", "b"]
    assert page.sent["person_id"].tolist() == [5, 6]
    assert page.answers["score_>50K"].fillna(-1).tolist() == [0.1, -1]
    assert not [*stores.spool_of(served).glob("*/*.jsonl")]


@pytest.mark.parametrize(
    ("record", "given"),
    [
        ("0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef"),
        ("0123456789abcdef0123456789abcdef-2", "0123456789abcdef0123456789abcdef"),
        ("0123456789abcdef-2-shadow-13", "0123456789abcdef"),
        ("7b0e5a92-58b7-4f3b-9d52-123456789012", "7b0e5a92-58b7-4f3b-9d52-123456789012"),
        ("7b0e5a92-58b7-4f3b-9d52-123456789012-shadow-2", "7b0e5a92-58b7-4f3b-9d52-123456789012"),
    ],
)
def test_a_records_id_leads_to_the_one_that_a_caller_has(record: str, given: str):
    assert logged.stem(record) == given


# Windows.


def page(times: list[datetime]) -> Page:
    records = pd.DataFrame({"time": times, "id": range(len(times))})
    return Page(records, records[["id"]], records[["id"]])


def test_windows_by_time_are_counted_back_from_the_end():
    times = [NOW - timedelta(days=days) for days in (15, 13.9, 7.1, 6.9, 0.1)]
    cut = windows.by_time(timedelta(days=7), NOW, "")
    found = {
        number: part.records["id"].tolist() for number, part in windows.parts(cut, page(times), 0)
    }
    assert found == {-3: [0], -2: [1, 2], -1: [3, 4]}


def test_windows_by_count_go_on_over_pages():
    cut = windows.by_count(3, NOW)
    times = over(1, 4)
    first = [(at, len(part.records)) for at, part in windows.parts(cut, page(times), 0)]
    second = [(at, len(part.records)) for at, part in windows.parts(cut, page(times), 4)]
    assert (first, second) == ([(0, 3), (1, 1)], [(1, 2), (2, 2)])


@pytest.mark.parametrize(
    "text", ["7", "7 days", "0d", "1e9d", "99999999999999999999d", "-1d", "d", ""]
)
def test_a_length_of_time_is_a_number_and_a_unit(text: str):
    with pytest.raises(ValueError, match="no length of time"):
        span(text)
    assert (span("90m"), span("2w")) == (timedelta(minutes=90), timedelta(days=14))


# What is said.


@pytest.mark.every_vertical
def test_the_column_that_was_shifted_is_named_and_no_other(served: Project):
    column = shifted_of(served)
    name, rows = column.name, rows_of(served, 500, 8)
    log_answers(served, rows_of(served, 500), over(14, 500, NOW - timedelta(days=14)))
    if column.numeric:
        moved = shifted(rows, name, 1.5)
    else:
        draw = np.random.default_rng(0)
        moved = rows.assign(**{name: column.shifted(rows[name], "altogether=90%", draw)})
    log_answers(served, moved, over(7, 500))
    done = invoke(served, "monitor", "--until", UNTIL, "--fail-on", "severe")
    assert done.exit_code == 3, done.output
    assert re.search(rf"1 column changed severely: {name} \(", done.output), done.output
    (folder,) = (
        each for each in findings.folder_of(served, first_model(served)).iterdir() if each.is_dir()
    )
    assert {each.name for each in folder.iterdir()} == {"findings.json", "report.html"}
    found = findings.read(folder / "findings.json")
    assert found.verdict == "severe"
    features = [each for each in found.drifts if each.part == "feature"]
    quietly = ("steady", "too few rows", "moves with time")
    assert [each.name for each in features if each.status not in quietly] == [name]
    assert [each.verdict for each in found.windows][:-1].count("severe") == 0
    quiet = invoke(
        served,
        "monitor",
        "--until",
        str((NOW - timedelta(days=14)).date()),
        "--fail-on",
        "moderate",
    )
    assert quiet.exit_code == 0, quiet.output


def test_a_look_back_is_not_the_latest_word_about_what_answers_now(served: Project):
    now = datetime.now(UTC)
    log_answers(served, rows_of(served, 200), over(2, 200, now))
    model = first_model(served)
    assert invoke(served, "monitor", "--until", "1d").exit_code == 0
    assert findings.latest(served, model) is None
    assert invoke(served, "monitor").exit_code == 0
    found = findings.latest(served, model)
    assert found is not None
    for trial in (("--until", "1d"), ("--since", "1d"), ("--window", "50")):
        done = invoke(served, "monitor", *trial)
        assert done.exit_code == 0, done.output
        assert f"A look by {trial[0]}: retrain and home go by the last one without." in done.output
        assert findings.latest(served, model) == found
    log_answers(served, rows_of(served, 50), over(1, 50, now))
    assert invoke(served, "monitor", "--window", "7d").exit_code == 0  # that of model.yaml
    assert findings.latest(served, model) != found


def test_a_record_that_holds_no_json_is_left_out_and_counted(served: Project):
    rows = rows_of(served, 40)
    log_answers(served, rows, over(2, 40))
    store = stores.open_store(served.root, stores.log_settings(served.config))
    (record, *_) = store.read(NOW - timedelta(days=3), NOW)
    store.add([record._replace(id="broken", features='[{"a": 1')])
    found = watched.watch(served, Asked(first_model(served), end=NOW))
    assert found.rows == 40
    assert found.remarks[0] == "1 record of the log left out, no JSON: broken."


def test_a_damaged_file_of_truth_is_named(served: Project):
    folder = truth.folder_of(served, served.config.first_dataset)
    folder.mkdir(parents=True)
    (folder / "1.parquet").write_bytes(b"PAR1 and no more")
    done = invoke(served, "monitor")
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1), done.output
    assert "1.parquet is no table of truth" in done.stderr


def test_answers_of_one_day_are_cut_by_count_and_it_says_so(served: Project):
    log_answers(served, rows_of(served, 600), over(0.5, 600))
    found = watched.watch(served, Asked(first_model(served), end=NOW))
    assert [each.rows for each in found.windows] == [300, 300]
    assert found.cut == "Windows of 300 rows, since all were answered within a day."
    served.edit(lambda document: document.update(monitoring={"window": 200}))
    found = watched.watch(served, Asked(first_model(served), end=NOW))
    assert (len(found.windows), found.cut) == (3, "Windows of 200 rows.")
    found = watched.watch(served, Asked(first_model(served), end=NOW, window="6h"))
    assert [each.rows for each in found.windows] == [300, 300]


def test_the_log_is_read_once_whether_its_windows_are_named_or_not(
    served: Project, monkeypatch: pytest.MonkeyPatch
):
    reads: list[datetime] = []

    def records(project: Project, model: str, start: datetime, end: datetime, **more):
        reads.append(start)
        return original(project, model, start, end, **more)

    original = logged.records
    monkeypatch.setattr(logged, "records", records)
    log_answers(served, rows_of(served, 90), over(0.5, 90))
    assert watched.watch(served, Asked(first_model(served), end=NOW)).rows == 90
    assert reads == [NOW - timedelta(days=84)]
    # What is held meanwhile has an end: a day with more rows is a window by time.
    monkeypatch.setattr(logged, "PAGE_ROWS", 20)
    monkeypatch.setattr(cutting, "MOST_HELD", 50)
    found = watched.watch(served, Asked(first_model(served), end=NOW))
    assert ([each.rows for each in found.windows], len(reads)) == ([90], 2)
    assert found.cut.startswith("Windows of 7d")


def test_thin_windows_are_measured_together_until_truth_allows_a_verdict(served: Project):
    rows = rows_of(served, 320)
    log_answers(served, rows, over(28, 320))
    dataset = served.config.first_dataset
    known = sample_rows(dataset, 320, 7)
    labels = [*dataset.target.labels]
    wrong = known[dataset.target.name].map(dict(zip(labels, labels[::-1], strict=True)))
    known.assign(**{dataset.target.name: wrong}).to_csv(served.root / "truth.csv", index=False)
    assert invoke(served, "add-truth", "truth.csv").exit_code == 0
    found = watched.watch(served, Asked(first_model(served), end=NOW, window="1d"))
    assert found.windows[-1].performance is not None
    assert found.windows[-1].performance.verdict == "too few rows"
    assert found.together is found.measured
    assert found.performance is not None
    assert (found.performance.verdict, found.verdict) == ("severe", "severe")
    assert 20 < found.performance.rows < 320  # as many as it takes, the newest ones
    said = re.compile(r"That is of the newest (\d+) windows together, from .* to 2026-03-30")
    spans = [each[1] for each in map(said.match, found.reasons) if each]
    assert spans == [str(found.together.parts)], found.reasons
    # By count, windows may share their moments: `parts` is of those that were taken.
    found = watched.watch(served, Asked(first_model(served), end=NOW, window=20))
    assert found.together is not None
    assert found.together.rows == 20 * found.together.parts
    assert "with truth, in all windows from" in report.text(found)
    assert msgspec.json.decode(findings.as_json(found).encode(), type=Findings) == found


def test_json_has_all_that_was_found(served: Project):
    log_answers(served, rows_of(served, 50), over(2, 50), request="simulated-march-d1")
    done = invoke(served, "monitor", "--until", UNTIL, "--json")
    (found,) = json.loads(done.stdout)
    assert found["model"] == first_model(served)
    assert found["windows"][-1]["simulated"] == 50
    assert msgspec.convert(found, Findings).simulated == 50


def test_a_project_without_any_answer_is_one_line(served: Project):
    done = invoke(served, "monitor")
    assert (done.exit_code, done.output.count("\n")) == (0, 1)
    assert "No answer of" in done.output
    assert "predict-all" in done.output
    assert findings.latest(served, first_model(served)) is None


def test_one_answer_is_too_few_and_has_a_page(served: Project):
    log_answers(served, rows_of(served, 9)[:1], over(1, 1))
    done = invoke(served, "monitor", "--until", UNTIL)
    assert (done.exit_code, done.output.splitlines()[0][:13]) == (0, "too few rows:"), done.output
    assert invoke(served, "monitor", "--until", UNTIL, "--fail-on", "moderate").exit_code == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nosuch"], 1, "there is no model 'nosuch'"),
        (["--version", "99"], 1, "99"),
        (["--since", "soon"], 2, "'soon' is no moment"),
        (["--window", "soon"], 2, "--window: 'soon' is no length of time"),
        (["--window", "0"], 2, "--window: '0' is no length of time, such as 12h, 7d or 2w, nor a"),
        (["--window", "9" * 5000], 2, "... is no length of time, such as 12h"),
        (["--window", "-5"], 2, "--window: '-5' is no length of time"),
        (["--since", "2026-05-01", "--until", "2026-04-01"], 2, "is not before --until"),
    ],
)
def test_what_cannot_be_looked_at_is_one_line(
    served: Project, words: list[str], code: int, said: str
):
    done = invoke(served, "monitor", *words)
    assert (done.exit_code, done.stderr.count("\n")) == (code, 1), done.output
    assert said in done.stderr


def test_a_version_whose_files_are_gone_is_one_line(served: Project):
    shutil.rmtree(served.model_path(served.config.models[0]))
    done = invoke(served, "monitor")
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert "restore its folder" in done.stderr


def test_a_log_that_is_off_is_one_line(served: Project):
    served.edit(lambda document: document["serving"].update(prediction_log="off"))
    done = invoke(served, "monitor")
    assert done.exit_code == 1
    assert "The prediction log is off" in done.stderr


def test_a_schema_that_has_changed_since_is_said(served: Project):
    name = served.config.first_dataset.raw[-1].name

    def drop(document: dict) -> None:
        dataset = document["datasets"][0]
        dataset["features"] = [each for each in dataset["features"] if each["name"] != name]

    log_answers(served, rows_of(served, 40), over(2, 40))
    served.edit(drop)
    done = invoke(served, "monitor", "--until", UNTIL)
    assert done.exit_code == 0, done.output
    assert f"Note: The schema has changed since version 1: model.yaml no longer has {name}." in (
        done.output
    )


def test_another_versions_answers_are_pointed_to(served: Project):
    log_answers(served, rows_of(served, 5), over(1, 5))
    entry = served.config.models[0]
    folder = served.model_path(entry)
    shutil.copytree(folder, folder.with_name("77"))
    text = served.registrations_path.read_text()
    text, count = re.subn(r"version: \S+", "version: '77'", text)
    assert count == 1
    served.registrations_path.write_text(text)
    done = invoke(Project(served.root), "monitor", "--until", UNTIL)
    assert "Version 77 of" in done.output, done.output
    assert f"--version {entry.version}" in done.output


def the_teams_rule(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str) -> None:
    """Have a project's monitoring/severity.py with this text."""
    (folder / "monitoring").mkdir()
    (folder / "monitoring" / "severity.py").write_text(text)
    for name in ("monitoring", "monitoring.severity"):
        monkeypatch.setitem(sys.modules, name, None)  # so that what is imported is taken out again
        sys.modules.pop(name)
    monkeypatch.syspath_prepend(str(folder))


def test_the_teams_own_rule_decides(served: Project, monkeypatch, tmp_path: Path):
    the_teams_rule(
        monkeypatch,
        tmp_path,
        "def severity(finding):\n    return 'mild' if finding['rows'] > 1 else 'none'\n",
    )
    log_answers(served, rows_of(served, 100), over(2, 100))
    found = watched.watch(served, Asked(first_model(served), end=NOW))
    assert found.own_rule
    assert {each.status for each in found.drifts} <= {"moderate", "too few rows"}
    assert found.verdict == "moderate"


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("def severity(finding):\n    return 'awful'\n", "returned 'awful': return none, mild"),
        ("def severity(finding):\n    return ['severe']\n", r"returned \['severe'\]: return none"),
        ("def severity(finding):\n    return None\n", "returned None: return none, mild"),
        ("def severity(finding):\n    raise SystemExit(0)\n", r"severity\.py: SystemExit: 0\.$"),
        ("def severity(finding):\n    return finding['no']\n", r"severity\.py: KeyError: 'no'\.$"),
        ("def severity():\n    return 'none'\n", r"severity\.py: TypeError: "),
        ("def severity(finding)\n", r"severity\.py: SyntaxError: "),
        ("import sys\nsys.exit()\n", r"severity\.py: SystemExit\.$"),
        ("severity = 'none'\n", r"must define severity\(finding\)\.$"),
    ],
)
def test_a_rule_of_the_team_that_fails_is_one_line(monkeypatch, tmp_path: Path, rule, said):
    the_teams_rule(monkeypatch, tmp_path, rule)
    with pytest.raises(ProjectError, match=said) as caught:
        verdicts.judged(large(3, 1))
    assert "\n" not in str(caught.value)


def test_the_headline_is_about_what_the_team_calls_severe(monkeypatch, tmp_path: Path):
    rule = (
        "def severity(finding):\n"
        "    return 'severe' if finding['part'] == 'performance' else 'none'\n"
    )
    the_teams_rule(monkeypatch, tmp_path, rule)
    found = large(10, 2)
    performance = found.windows[-1].performance
    assert performance is not None
    found.windows[-1].performance = msgspec.structs.replace(
        performance, verdict="steady", sentences=["As before: steady."]
    )
    found = verdicts.judged(found)
    assert found.verdict == "severe"
    assert "is worse than it was" in verdicts.headline(found)
    assert found.reasons[:2] == [
        "As before: steady.",
        "By the team's own rule, monitoring/severity.py, that is severe.",
    ]


def test_the_headline_says_that_answers_and_no_columns_have_changed():
    found = large(10, 1)
    found.windows[-1].performance = None
    for each in found.drifts:
        each.part = "output" if each.status == "moderate" else "feature"
        each.status = each.status if each.part == "output" else "steady"
    found.windows[-1].verdict = "moderate"
    assert verdicts.headline(verdicts.judged(found)).endswith(
        "answers otherwise than on its held-out rows."
    )


def test_what_was_found_sends_metrics_to_mlflow(served: Project):
    from seedling.training import mlflow_runs

    log_answers(served, rows_of(served, 60), over(2, 60))
    trainings = invoke(served, "runs", "--json").stdout
    found = watched.watch(served, Asked(first_model(served), end=NOW))
    assert sent_on.send(served, found) == []
    store = mlflow_runs.client(served)
    experiment = store.get_experiment_by_name(f"{served.config.slug}-monitor")
    (run,) = store.search_runs([experiment.experiment_id])
    assert run.data.metrics["rows"] == 60
    assert run.data.tags["model"] == found.model
    assert invoke(served, "runs", "--json").stdout == trainings


def test_the_section_is_optional_and_a_wrong_key_is_one_line(served: Project):
    assert served.config.monitoring == Config.model_fields["monitoring"].default
    with pytest.raises(ProjectError, match=r"monitoring\.drift.*moderate 0.5 is above severe 0.2"):
        served.edit(
            lambda document: document.update(monitoring={"drift": {"moderate": 0.5, "severe": 0.2}})
        )
    with pytest.raises(ProjectError, match="no length of time"):
        served.edit(lambda document: document.update(monitoring={"window": "a week"}))
    with pytest.raises(ProjectError, match="finite number"):
        served.edit(lambda document: document.update(monitoring={"drift": {"severe": inf}}))
    with pytest.raises(ProjectError, match=r"monitoring\.segments: no dataset has a feature 'no'"):
        served.edit(lambda document: document.update(monitoring={"segments": ["no"]}))
    served.edit(lambda document: document.update(monitoring=None))
    served.edit(lambda document: document.update(monitoring={"drift": None, "window": 10**30}))
    assert served.config.monitoring.drift.severe == 0.25
    cut = windows.by_count(10**30, NOW)
    assert [number for number, _ in windows.parts(cut, page(over(1, 4)), 0)] == [0]


def test_a_target_that_has_changed_is_said(served: Project):
    log_answers(served, rows_of(served, 5), over(1, 5))
    name = served.config.first_dataset.target.name

    def rename(document: dict) -> None:
        document["datasets"][0]["target"]["name"] = "other"

    served.edit(rename)
    found = watched.watch(served, Asked(first_model(served), end=NOW))
    assert f"its target was {name}, and is other in model.yaml" in found.remarks[0]


def test_the_last_window_whose_truth_allows_a_verdict_is_the_one_that_is_shown():
    found = large(5, 3)
    thin = found.windows[2].performance
    assert thin is not None
    sure = msgspec.structs.replace(thin, verdict="severe", sentences=["It got worse."])
    found.windows[1].performance = sure
    assert found.performance == sure
    assert verdicts.judged(found).reasons[:2] == [
        "It got worse.",
        "That is of the answers from 2026-03-16 12:00 to 2026-03-23 12:00 UTC: "
        "later truth says less.",
    ]
    found.windows[1].performance = msgspec.structs.replace(thin, rows=0)
    assert found.measured is found.windows[2]


# The page.


class Attributes(HTMLParser):
    """The names of all attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {name for name, _ in attrs}


def test_the_page_needs_nothing_else_and_has_two_hundred_columns():
    text = report.text(large())
    read = Attributes()
    read.feed(text)
    assert not read.found & {"src", "href", "action", "data", "srcset"}
    assert not re.findall(r"url\(|@import|https?://", text)
    assert text.count('scope="row"') > 400
    assert len(text) < 2_000_000
    assert text.index("is sent other data") < text.index("Columns over time")


def test_names_and_values_are_text_and_no_markup():
    text = report.text(large(20, 2, lambda at: f"{HOSTILE}{at}"))
    assert "<img" not in text
    assert "{{ 7*7 }}" in text
    assert "onerror=alert(1)&gt;" in text


def test_a_page_without_rows_says_why():
    found = Findings("A project", "linear", "3", "pets", "adopted", NOW.isoformat())
    found.remarks.append("Nothing is there.")
    assert "Nothing is there." in report.text(found)
