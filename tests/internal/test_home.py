"""The page of the project's life: when it is written anew, what it shows, and to whom."""

import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path

import pytest
from test_runs import log
from watching import copied

from seedling.config import Project
from seedling.files import write_json, write_text
from seedling.home import chart, page, watched
from seedling.lifecycle import comparison
from seedling.lifecycle.comparison import Comparison
from seedling.lifecycle.sequence import BETTER, EQUAL, NOT_YET, WORSE
from seedling.monitoring import findings
from seedling.registry.audit import Entry
from seedling.serving.app import create_app
from seedling.testing import copy_project, first_model, invoke
from seedling.training.listed import Listed

HOSTILE = """<script>alert(1)</script> "q" 'a' & </style> {{ 7 * 7 }} é 🐱"""
HEAVY = ("mlflow", "numpy", "pandas", "pyarrow", "scipy", "sklearn", "sqlalchemy")


class Read(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def shown(project: Project) -> Read:
    path = project.root / page.REPORTS / page.PAGE
    return Read(path.read_text(encoding="utf-8"))


def rename(project: Project, name: str) -> None:
    project.edit(lambda document: document.update(name=name))


@pytest.fixture(scope="module")
def trained_twice(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a registered run and one that the gate refused, and what it learned from."""
    project = copy_project(tmp_path_factory.mktemp("home") / "project")
    log(project, 0.5, version="1")
    log(project, 0.4, "b" * 64)
    os.environ.pop("MLFLOW_TRACKING_URI", None)  # mlflow has set it
    return project


@pytest.fixture
def project(trained_twice: Project, tmp_path: Path) -> Project:
    copied = copy_project(tmp_path / "project")
    source = trained_twice.assets / "mlflow.db"
    copied.assets.mkdir()
    (copied.assets / "mlflow.db").write_bytes(source.read_bytes())
    return copied


def test_an_empty_project_says_what_to_type_first(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    result = invoke(project, "home", "--no-open")
    assert result.exit_code == 0, result.output
    assert result.stdout.strip().endswith("local_assets/reports/index.html")
    found = shown(project)
    assert "Nothing is here yet" in found.text
    assert "make create-local-datasets" in found.text
    assert found.all("svg") == []


def test_a_verb_that_changes_something_writes_the_page_anew_and_no_other_does(
    project: Project,
) -> None:
    assert invoke(project, "runs").exit_code == 0
    path = project.root / page.REPORTS / page.PAGE
    first = path.stat().st_mtime_ns
    assert "0.5000" in shown(project).text
    assert invoke(project, "runs").exit_code == 0
    assert path.stat().st_mtime_ns == first
    rename(project, "Another name")
    assert invoke(project, "runs").exit_code == 0
    assert "Another name" in shown(project).text


def test_a_project_without_anything_made_gets_no_page_of_itself(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    assert invoke(project, "runs").exit_code == 0
    assert not project.assets.exists()


def test_a_page_that_cannot_be_written_is_no_error_of_the_verb(project: Project) -> None:
    assert invoke(project, "home", "--no-open").exit_code == 0
    (project.assets / "mlflow.db").write_bytes(b"no database" * 100)
    before = shown(project).text
    result = invoke(project, "traffic")
    assert (result.exit_code, result.stderr) == (0, "")
    assert shown(project).text == before
    assert invoke(project, "home", "--no-open").exit_code == 1


def test_every_text_of_the_project_is_only_text_on_the_page(project: Project) -> None:
    """Names, reasons, and what MLflow has noted."""
    project.edit(
        lambda document: document.update(
            name=HOSTILE, description=HOSTILE * 2, organisation=HOSTILE
        )
    )
    with closing(sqlite3.connect(project.assets / "mlflow.db")) as store, store:
        store.execute("UPDATE params SET value = ? WHERE key = 'model'", [HOSTILE])
        store.execute("UPDATE tags SET value = ? WHERE key = 'dataset_sha256'", [HOSTILE])
    from seedling.registry import audit

    entry = Entry("2026-11-01T10:00:00+00:00", HOSTILE, HOSTILE, HOSTILE, why=HOSTILE)
    audit.append(audit.path_of(project), entry)
    assert invoke(project, "home", "--no-open").exit_code == 0
    found = shown(project)
    assert len(found.all("script")) == len(found.all("style")) == 1
    assert found.text.count(HOSTILE) > 4
    for _, attributes in found.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        address = attributes.get("href") or attributes.get("src") or ""
        assert not re.match(r"[a-z]+:(?!,)|/", address), address
    assert "49" not in found.text.replace("{{ 7 * 7 }}", "")[:400]


def test_a_light_verb_loads_no_heavy_library_for_the_page(project: Project) -> None:
    script = (
        "import sys; from pathlib import Path; from seedling.home import page; "
        "page.refresh(Path.cwd()); print(*sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], cwd=project.root, capture_output=True, text=True, check=True
    )
    assert (project.root / page.REPORTS / page.PAGE).is_file()
    assert {*HEAVY} & {*found.stdout.split()} == set()


def test_five_hundred_runs_stay_small_and_quick(project: Project) -> None:
    with closing(sqlite3.connect(project.assets / "mlflow.db")) as store, store:
        (run,) = store.execute("SELECT run_uuid FROM params LIMIT 1").fetchone()
        for number in range(500):
            for table in ("runs", "params", "latest_metrics", "tags"):
                names = [row[1] for row in store.execute(f"PRAGMA table_info({table})")]
                values = ", ".join("?" if name == "run_uuid" else name for name in names)
                store.execute(
                    f"INSERT INTO {table} SELECT {values} FROM {table} WHERE run_uuid = ?",  # noqa: S608
                    [f"{number:032}", run],
                )
    assert project.config
    begun = time.process_time()
    path = page.write(project)
    assert time.process_time() - begun < 1  # 0.2 s on a machine with nothing else to do
    assert path.stat().st_size < 400_000
    found = shown(project)
    assert len(found.all("circle")) == 502
    assert "482 earlier runs" in found.text


def run(number: int, value: float, version: str = "", model: str = "tree") -> Listed:
    return Listed(
        number,
        f"r{number}",
        model,
        "pets",
        version,
        "",
        "FINISHED",
        float(number),
        "error",
        value,
        None,
        {"holdout_error": value},
        {},
        {},
        [],
        {},
        refused=not version,
    )


def levels(drawn: chart.Chart) -> list[float]:
    """The heights at which the champion's line runs from left to right, from the top."""
    flat = [stroke for stroke in drawn.strokes if stroke.begin[1] == stroke.end[1]]
    return [stroke.begin[1] for stroke in flat]


def test_the_line_of_a_champion_follows_registrations_and_rollbacks() -> None:
    runs = [run(1, 3.0, "1"), run(2, 4.0), run(3, 2.0, "2"), run(4, 2.5)]
    drawn = chart.drawn("pets", "error", True, runs)
    assert drawn
    heights = {dot.run: dot.at[1] for dot in drawn.dots}
    assert levels(drawn) == [heights[1], heights[3]]
    assert heights[2] < heights[1] < heights[4] < heights[3]  # of an error the least is lowest
    assert [dot.kind for dot in drawn.dots] == ["registered", "refused", "registered", "refused"]
    back = chart.drawn("pets", "error", True, runs, [chart.Change("tree", "1", 3.5)])
    assert back
    assert levels(back) == [heights[1], heights[3], heights[1]]
    assert back.strokes[-1].end[0] == 100
    assert back.series[0].champion == 3.0


@pytest.mark.parametrize("values", [[1.0], [2.0, 2.0], [0.0, 0.0, 0.0], [1e-12, 3e9], [-5.0, -4.0]])
def test_any_values_have_places_and_ticks(values: list[float]) -> None:
    runs = [run(at, value, str(at)) for at, value in enumerate(values, 1)]
    drawn = chart.drawn("pets", "error", False, runs)
    assert drawn
    places = [place for dot in drawn.dots for place in dot.at]
    assert all(0 <= place <= 100 for place in [*places, *(tick.top for tick in drawn.ticks)])
    assert 2 <= len(drawn.ticks) <= 8


def test_one_run_far_away_does_not_press_the_others_into_a_line() -> None:
    runs = [run(at, 1 + at / 100) for at in range(1, 40)] + [run(40, 900.0)]
    drawn = chart.drawn("pets", "error", False, runs)
    assert drawn
    heights = [dot.at[1] for dot in drawn.dots]
    assert max(heights) - min(heights[:-1]) > 30
    assert [dot.beyond for dot in drawn.dots].index(True) == 39


def test_a_version_answers_since_its_role_began() -> None:
    entries = [
        Entry("2026-01-01T00:00:00+00:00", "a", "register", "m", roles={"1": "champion"}),
        Entry("2026-01-02T00:00:00+00:00", "a", "share", "m", roles={"1": "champion", "2": 0.1}),
        Entry("2026-01-03T00:00:00+00:00", "a", "share", "m", roles={"1": "champion", "2": 0.2}),
    ]
    found = watched.since(entries)
    days = {version: page.day(when) for (_, version), when in found.items()}
    assert days == {"1": "2026-01-01", "2": "2026-01-03"}


def test_the_last_verdict_of_monitor_is_shown_with_its_report(project: Project) -> None:
    model = first_model(project)
    assert invoke(project, "runs").exit_code == 0
    found = findings.Findings(
        *("p", model, "7", "d", "t"),
        made="2026-11-02T10:20:30+00:00",
        verdict="severe",
        reasons=["It moved."],
    )
    folder = findings.new_folder(project, found)
    write_text(folder / "report.html", "a report")
    findings.note_latest(project, found)
    assert invoke(project, "runs").exit_code == 0
    read = shown(project)
    for words in ("severe", "version 7", "2026-11-02 10:20", "It moved."):
        assert words in read.text
    page = f"monitor/{model}/{folder.name}/report.html"
    assert [each["href"] for each in read.all("a")].count(page) >= 1
    assert {*watched.TONES} == {*findings.VERDICTS}


def test_the_last_word_of_compare_is_that_about_which_most_is_known(project: Project) -> None:
    model = first_model(project)
    made = {"way": "paired", "made": "2026-11-02T10:20:30+00:00", "since": ""}
    sure = Comparison(model, "1", "2", verdict="worse", low=0.5, margin=0.1, **made)
    comparison.write(project, model, [Comparison(model, "1", "3", **made), sure])
    assert invoke(project, "runs").exit_code == 0
    read = shown(project)
    assert "worse: stop it" in read.text
    assert f"{model}, version 2, 2026-11-02 10:20" in " ".join(read.text.split())
    assert {*watched.COMPARED} == {BETTER, WORSE, EQUAL, NOT_YET}


def test_what_the_page_links_to_without_a_script_is_what_the_service_shows(
    trained: Project, tmp_path: Path
) -> None:
    project = copied(trained, tmp_path)
    text = page.write(project).read_text(encoding="utf-8")
    client = create_app(project, environment="app-dev").test_client()
    links = re.findall(r'href="([^"#][^"]*)"', text)
    addresses = {link for link in links if not link.startswith("data:")}
    assert any(address.endswith("/report.html") for address in addresses)
    for address in addresses:
        assert client.get(f"/project/{address}").status_code == 200, address
    files = re.findall(r'<span data-file="([^"]+)"', text)  # words, unless the file itself is open
    assert {Path(file).name for file in files} >= {"model_card.md"}
    assert all((project.root / page.REPORTS / file).is_file() for file in files)


def test_the_service_shows_the_page_to_those_who_may_ask(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = create_app(project, environment="app-dev").test_client()
    missing = client.get("/project")
    assert missing.status_code == 404
    assert "make home" in missing.get_json()["error"]
    assert 'href="project"' not in client.get("/", headers={"Accept": "text/html"}).text
    assert invoke(project, "home", "--no-open").exit_code == 0
    folder = project.root / page.REPORTS
    write_text(folder / "monitor" / "m" / "t" / "report.html", "a report")
    write_json(folder / "monitor" / "m" / "t" / "findings.json", {})
    assert 'href="project"' in client.get("/", headers={"Accept": "text/html"}).text
    assert client.get("/project").headers["Location"] == "project/"
    found = client.get("/project/")
    assert found.status_code == 200
    assert "connect-src" not in found.headers["Content-Security-Policy"]
    assert found.headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    assert client.get("/project/monitor/m/t/report.html").text == "a report"
    for path in (
        *("monitor/m/t/findings.json", ".index.json", "none.html", "../mlflow.db"),
        *("..%2f..%2fmodel.yaml", "../../serve/x.html"),
    ):
        assert client.get(f"/project/{path}").status_code == 404, path
    monkeypatch.setenv("API_KEY", "a-key-of-twenty-chars")
    keyed = create_app(project, environment="app-dev").test_client()
    for path in ("/project", "/project/", "/project/monitor/m/t/report.html"):
        assert keyed.get(path).status_code == 401
        headers = {"X-API-Key": "a-key-of-twenty-chars"}
        assert keyed.get(path, headers=headers).status_code in (200, 302)
    answer = client.post("/project/predict", json={})
    assert json.loads(answer.text)["payload"]["success"] is False  # of a model of that name
