"""The page of the project's life in a real browser: by pointer, by keys, on small screens."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from baking import generate
from chromium import Watched
from playwright.sync_api import Browser, Page, expect

from seedling.config import Project
from seedling.files import write_text
from seedling.home import page as home

pytestmark = pytest.mark.full

HOSTILE = '<img src=x onerror=alert(1)> it\'s "x" & </script> 🐱'
RUNS = 500
REPORTED = RUNS - 3  # the run that has a report: of the model of the last one
# What is read of MLflow's file, which takes seconds to make: test_home.py reads a real one.
TABLES = """
CREATE TABLE experiments (experiment_id INTEGER, name TEXT);
CREATE TABLE runs (run_uuid TEXT, status TEXT, start_time INTEGER, lifecycle_stage TEXT,
                   experiment_id INTEGER);
CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);
CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);
CREATE TABLE latest_metrics (key TEXT, value REAL, run_uuid TEXT);
"""
MODELS = ("logistic_regression", "random_forest", "xgboost")


def note_runs(project: Project) -> None:
    """Note runs as MLflow has them, each third one registered; one lies far away."""
    project.assets.mkdir()
    with closing(sqlite3.connect(project.assets / "mlflow.db")) as store, store:
        store.executescript(TABLES)
        store.execute("INSERT INTO experiments VALUES (1, ?)", [project.config.slug])
        for number in range(1, RUNS + 1):
            run, begun = f"{number:032}", 1_790_000_000_000 + number * 3_600_000
            store.execute("INSERT INTO runs VALUES (?, 'FINISHED', ?, 'active', 1)", [run, begun])
            parameters = {"model": MODELS[number % 3], "dataset": "income", "remark": HOSTILE}
            tags = {
                "registered_version": str(number) if number % 9 < 3 else "none",
                "dataset_sha256": "a" * 64 if number < 300 else "b" * 64,
                "dataset_rows": "6000",
                "pipeline_run": f"at-{number}",
            }
            value = 0.1 if number == 77 else 0.7 + 0.0003 * number + 0.01 * (number % 7) / 7
            metrics = {"holdout_roc_auc": value}
            noted = {"params": parameters, "tags": tags, "latest_metrics": metrics}
            for table, pairs in noted.items():
                rows = [(key, each, run) for key, each in pairs.items()]
                store.executemany(f"INSERT INTO {table} VALUES (?, ?, ?)", rows)  # noqa: S608
    folder = project.assets / "reports" / f"at-{REPORTED}" / MODELS[REPORTED % 3]
    write_text(folder / "report.html", "<!doctype html><title>The report</title>")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    answers = {"vertical": "finance", "description": HOSTILE, "project_name": "A life"}
    project = Project(generate(tmp_path_factory.mktemp("life"), answers))
    note_runs(project)
    return home.write(project)


@pytest.fixture
def page(browser: Browser, path: Path) -> Iterator[Page]:
    """The page, whose test fails if it asked for anything or complained of anything."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    watched = Watched(context.new_page())
    watched.page.set_default_timeout(15_000)
    watched.page.goto(path.as_uri())
    yield watched.page
    context.close()
    assert watched.complaints == []
    assert {url.rpartition("/")[2] for url in watched.asked} <= {"index.html", "report.html"}


def test_the_runs_are_followed_by_keys(page: Page) -> None:
    readout = page.locator(".readout")
    page.locator(".plot").focus()
    page.keyboard.press("End")
    expect(readout).to_contain_text(f"run {RUNS}")
    page.keyboard.press("ArrowLeft")
    expect(readout).to_contain_text(f"run {RUNS - 1}")
    expect(page.locator("circle.chosen")).to_have_count(1)
    page.keyboard.press("Home")
    expect(readout).to_contain_text("run 1")
    page.keyboard.press("ArrowLeft")
    expect(readout).to_contain_text("run 1")


def test_one_model_is_looked_at_alone_and_its_report_opened(page: Page) -> None:
    model = MODELS[REPORTED % 3]
    button = page.locator(f"button[data-series={model}]")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    assert page.locator("circle.faded").count() == RUNS - len(range(REPORTED % 3, RUNS + 1, 3))
    page.locator(".plot").focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".readout")).to_contain_text(f"run {REPORTED}")
    with page.expect_navigation(url="**/report.html"):
        page.keyboard.press("Enter")


def test_the_pointer_shows_the_nearest_run(page: Page) -> None:
    dot = page.locator("circle[data-run='250']")
    box = dot.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator(".readout")).to_contain_text("run 250")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_is_wider_than_the_screen(
    browser: Browser, path: Path, width: int, scheme: str
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = context.new_page()
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(14, 19, 24)"
    assert dark is (scheme == "dark")
    dots = page.evaluate(
        "[...document.querySelectorAll('circle')].map(each => each.getBoundingClientRect())"
        ".every(box => Math.abs(box.width - box.height) < 0.1 && box.right <= innerWidth)"
    )
    assert dots
    context.close()
