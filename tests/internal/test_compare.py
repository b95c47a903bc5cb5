"""Compare says which version is better, by truth; promote and retire act on what it says."""

import json
import math
import re
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from seedling.config import Project
from seedling.data import instances
from seedling.home import page
from seedling.lifecycle import comparison, comparison_page, sequence
from seedling.lifecycle.comparison import Comparison
from seedling.lifecycle.course import course
from seedling.lifecycle.sequence import BETTER, EQUAL, NOT_YET, WORSE, Differences, judge
from seedling.monitoring import truth
from seedling.registry import audit
from seedling.serving.sql_store import SqlStore
from seedling.serving.stores import Record
from seedling.testing import first_model, invoke

LOG = "sqlite:///local_assets/predictions.db"
PER_REQUEST = 50  # rows
GOOD, POOR = 0.8, 0.55  # the score that a version gives the label which came true


@pytest.fixture
def shadowed(two_versions: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose second version is a shadow of the first."""
    monkeypatch.setenv("PREDICTION_LOG", LOG)
    model = first_model(two_versions)
    assert invoke(two_versions, "traffic", model, "--version", "2", "--shadow").exit_code == 0
    return two_versions


def log(
    project: Project, version: str, role: str, scores: dict[int, float], request: str = ""
) -> None:
    """Log answers of a version by the number of the row: a score for the label that came true."""
    model = first_model(project)
    dataset = project.config.dataset(project.config.trained_model(model).dataset)
    usual, labels = (
        instances.read(project, model)["payload"]["instances"][0],
        [*dataset.target.labels],
    )
    records = []
    numbers = sorted(scores)
    for start in range(0, len(numbers), PER_REQUEST):
        rows = numbers[start : start + PER_REQUEST]
        true = [outcome(at) for at in rows]
        pairs = [
            [scores[at] if k == one else 1 - scores[at] for k in range(2)]
            for at, one in zip(rows, true, strict=True)
        ]
        outputs = {
            "predictions": [labels[int(np.argmax(pair))] for pair in pairs],
            "scores": pairs,
            "labels": labels,
        }
        shadow = f"-shadow-{version}" if role == "shadow" else ""
        inputs = [dict.fromkeys(dataset.entity_key, at) for at in rows]
        id = f"{numbers[start]:032x}{shadow}"
        texts = (json.dumps(each) for each in (inputs, [usual] * len(rows), outputs))
        records.append(
            Record(id, request, datetime.now(UTC), "/predict", model, version, role, *texts)
        )
    SqlStore(LOG, project.root).add(records)


def outcome(at: int) -> int:
    return at * 7 % 3 % 2


def add_truth(project: Project, numbers: range) -> None:
    dataset = project.config.first_dataset
    keys = pd.DataFrame({name: [str(at) for at in numbers] for name in dataset.entity_key})
    values = pd.Series([[*dataset.target.labels][outcome(at)] for at in numbers])
    truth.keep(project, dataset, dataset.entity_key, keys, values)


def both(project: Project, count: int, champion: float, shadow: float, request: str = "") -> None:
    """Log `count` rows with truth: the mean scores of both for what came true, with some noise."""
    generator = np.random.default_rng(0)
    noise = generator.uniform(-0.2, 0.2, (2, count))
    log(project, "1", "served", {at: champion + noise[0, at] for at in range(count)}, request)
    log(project, "2", "shadow", {at: shadow + noise[1, at] for at in range(count)}, request)
    add_truth(project, range(count))


def roles(project: Project) -> dict[str, Any]:
    project = Project(project.root)
    return {entry.version: audit.role_of(entry) for entry in project.config.models}


def test_a_better_shadow_is_promoted_on_the_evidence(shadowed: Project) -> None:
    model = first_model(shadowed)
    both(shadowed, 200, POOR, GOOD)
    said = invoke(shadowed, "compare").stdout
    assert f"Version 2 of {model} is better than version 1" in said
    assert "on 200 rows that both answered" in said
    done = invoke(shadowed, "promote", model)
    assert done.exit_code == 0, done.output
    assert roles(shadowed) == {"2": "champion"}
    line = audit.entries(shadowed)[-1]
    assert (line.action, line.from_version, line.to_version) == ("promote", "1", "2")
    assert line.why.startswith(f"Version 2 of {model} is better")
    assert (line.evidence["verdict"], line.evidence["rows"]) == (BETTER, 200)
    assert line.evidence["high"] < 0


@pytest.mark.parametrize(("champion", "shadow"), [(POOR, GOOD), (GOOD, POOR)])
def test_rows_that_both_have_learned_from_promote_nothing_and_stop_nothing(
    shadowed: Project, champion: float, shadow: float
) -> None:
    """A version that has learned its rows by heart wins on them, and on no others."""
    model = first_model(shadowed)
    both(shadowed, 200, champion, shadow, "simulated-20260301-120000-000-learned-d01")
    said = invoke(shadowed, "compare").stdout
    assert "200 of these are of months drawn from rows that versions learned from" in said
    assert "harmful" not in said
    refused = invoke(shadowed, "promote", model, "--version", "2")
    assert refused.exit_code == 1
    assert "no evidence. To promote it all the same, give --why." in refused.output
    done = invoke(shadowed, "promote", model, "--version", "2", "--why", "A trial.")
    assert done.exit_code == 0, done.output
    assert audit.entries(shadowed)[-1].evidence["learned"] == 200


def test_the_page_of_compare_has_the_verdict_first_and_the_home_page_links_to_it(
    shadowed: Project,
) -> None:
    model = first_model(shadowed)
    both(shadowed, 240, GOOD, POOR)
    said = invoke(shadowed, "compare", model).stdout
    path = comparison.folder_of(shadowed, model) / comparison_page.PAGE
    assert said.splitlines()[-1] == str(path)
    text = path.read_text(encoding="utf-8")
    assert not re.findall(r"src=|href=|url\(|@import|https?://|<script", text)
    (found,) = comparison.latest(shadowed, model)
    assert found.course[-1].rows == 240
    assert (found.course[-1].low, found.course[-1].high) == (found.low, found.high)
    order = [
        text.index(words)
        for words in (
            '<span class="pill severe">harmful</span>',
            f"Harmful, stop it now: version 2 of {model} is worse than version 1.",
            f"make retire MODEL={model} VERSION=2",
            "<svg",
            "<h2>Evidence</h2>",
        )
    ]
    assert order == sorted(order)
    assert (
        page.write(shadowed)
        .read_text(encoding="utf-8")
        .count(f'href="compare/{model}/report.html"')
        >= 2
    )


def test_the_course_of_a_comparison_has_a_step_a_day_and_narrows() -> None:
    generator = np.random.default_rng(1)
    times = pd.date_range("2026-01-01", periods=36 * 72, freq="20min", tz="UTC")
    both = pd.DataFrame({"time": times, "value": generator.normal(0.1, 1, len(times))})

    def differs(table: pd.DataFrame) -> Differences:
        return Differences(len(table), table["value"].mean(), table["value"].std(), len(table))

    found = course([both], differs, 0.05)
    assert [step.rows for step in found[:2]] == [144, 216]  # from 100 rows on
    assert [step.time[:10] for step in found[:2]] == ["2026-01-02", "2026-01-03"]
    assert (len(found), found[-1].rows) == (35, len(times))
    widths = [step.high - step.low for step in found]
    assert widths[0] > 2 * widths[-1]
    of_an_hour = course([both.assign(time=times[0])], differs, 0.05)
    assert [step.rows for step in of_an_hour] == [len(times)]


def test_of_several_challengers_the_harmful_one_comes_first_on_the_page() -> None:
    usual = {"way": "paired", "made": "2026-11-02T10:20:30+00:00", "since": "2026-10-02T00:00:00Z"}
    hostile = Comparison("<b>m</b>", "1", "2", verdict=BETTER, loss="<i>loss</i>", **usual)
    harmful = Comparison("<b>m</b>", "1", "3", verdict=WORSE, low=0.5, margin=0.1, **usual)
    text = comparison_page.text("<u>p</u>", [hostile, harmful])
    assert text.index('pill severe">harmful') < text.index('pill steady">better')
    assert not re.findall(r"<b>|<i>|<u>", text)


def test_a_harmful_shadow_is_refused_and_retired(shadowed: Project) -> None:
    model = first_model(shadowed)
    both(shadowed, 200, GOOD, POOR)
    assert "Harmful, stop it now" in invoke(shadowed, "compare", model).stdout
    refused = invoke(shadowed, "promote", model, "--version", "2")
    assert (refused.exit_code, "Harmful" in refused.stderr) == (1, True)
    refused = invoke(shadowed, "promote", model, "--why", "a trial")
    assert (refused.exit_code, "No reason makes it" in refused.stderr) == (1, True)
    done = invoke(shadowed, "retire", model)
    assert done.exit_code == 0, done.output
    assert roles(shadowed) == {"1": "champion"}
    line = audit.entries(shadowed)[-1]
    assert (line.action, line.evidence["verdict"]) == ("retire", WORSE)


def test_the_same_answers_are_equal_and_few_rows_are_not_enough(shadowed: Project) -> None:
    model = first_model(shadowed)
    both(shadowed, 60, POOR, GOOD)
    refused = invoke(shadowed, "promote", model, "--version", "2")
    assert refused.exit_code == 1
    assert "Not yet" in refused.stderr
    assert "--why" in refused.stderr
    (found,) = comparison.latest(shadowed, model)
    assert (found.verdict, found.rows, found.needed) == (NOT_YET, 60, sequence.FEWEST - 60)
    log(shadowed, "1", "served", dict.fromkeys(range(100, 250), GOOD))
    log(shadowed, "2", "shadow", dict.fromkeys(range(100, 250), GOOD))
    path = truth.folder_of(shadowed, shadowed.config.first_dataset)
    for file in path.glob("*"):
        file.unlink()
    add_truth(shadowed, range(100, 250))
    said = json.loads(invoke(shadowed, "compare", "--json").stdout)
    assert (said[0]["verdict"], said[0]["rows"], said[0]["without_truth"]) == (EQUAL, 150, 60)
    done = invoke(shadowed, "promote", model, "--version", "2", "--why", "It is cheaper.")
    assert done.exit_code == 0, done.output
    line = audit.entries(shadowed)[-1]
    assert line.why.startswith(f"It is cheaper. Version 2 of {model} is equal to version 1")
    assert line.evidence["verdict"] == EQUAL


def test_a_reason_alone_is_enough_for_the_only_challenger(shadowed: Project) -> None:
    model = first_model(shadowed)
    assert invoke(shadowed, "promote", model).exit_code == 1
    done = invoke(shadowed, "promote", model, "--why", "It is cheaper.")
    assert done.exit_code == 0, done.output
    assert roles(shadowed) == {"2": "champion"}


def test_a_share_of_the_entities_is_compared_by_groups(
    two_versions: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREDICTION_LOG", LOG)
    model = first_model(two_versions)
    invoke(two_versions, "traffic", model, "--version", "2", "--share", "0.25")
    noise = np.random.default_rng(0).uniform(-0.2, 0.2, 400)
    log(two_versions, "1", "served", {at: POOR + noise[at] for at in range(300)})
    log(two_versions, "2", "served", {at: GOOD + noise[at] for at in range(300, 400)})
    add_truth(two_versions, range(400))
    said = invoke(two_versions, "compare", model).stdout
    assert "Version 2" in said
    assert "is better" in said
    assert "on 100 rows of its own against 300" in said


def test_what_was_logged_before_the_roles_were_given_does_not_count(shadowed: Project) -> None:
    model = first_model(shadowed)
    both(shadowed, 200, GOOD, POOR)
    invoke(shadowed, "traffic", model, "--version", "2", "--remove")
    invoke(shadowed, "traffic", model, "--version", "2", "--shadow")
    assert "No row that both can be measured on" in invoke(shadowed, "compare").stdout


def test_without_a_challenger_compare_says_how_to_have_one(two_versions: Project) -> None:
    done = invoke(two_versions, "compare")
    assert (done.exit_code, "--shadow lets one answer" in done.stdout) == (0, True)
    refused = invoke(two_versions, "promote", first_model(two_versions), "--version", "2")
    assert (refused.exit_code, "Nothing was compared" in refused.stderr) == (1, True)


def test_two_versions_that_hardly_ever_differ_are_not_judged_by_those_few_rows() -> None:
    rare = Differences(rows=10_000, mean=-0.0019, sd=0.02, other=19)
    assert judge(rare, 0.0, 0.05).verdict == NOT_YET
    assert judge(rare._replace(other=20), 0.0, 0.05).verdict == BETTER


def test_the_rows_still_needed_are_those_that_it_takes() -> None:
    found = Differences(rows=400, mean=0.1, sd=1.0, other=400)
    needed = judge(found, 0.0, 0.05).needed
    assert needed is not None
    assert judge(found._replace(rows=400 + needed), 0.0, 0.05).verdict == WORSE
    assert judge(found._replace(rows=399 + needed), 0.0, 0.05).verdict == NOT_YET
    assert judge(found._replace(mean=0.0), 0.0, 0.05).needed is None


def test_the_half_widths_are_those_of_the_paper() -> None:
    """At 500 rows, where rho squared is (5.99 + log 6.99) / 500, and far from there."""
    rho = math.sqrt((-2 * math.log(0.05) + math.log(-2 * math.log(0.05) + 1)) / 500)
    for rows in (100, 500, 100_000):
        spread = rows * rho**2 + 1
        expected = math.sqrt(2 * spread / (rows * rho) ** 2 * math.log(math.sqrt(spread) / 0.05))
        assert sequence.half_width(rows, 1.0, 0.05) == pytest.approx(expected)
    assert sequence.half_width(500, 1.0, 0.05) < 1.55 * 1.96 / math.sqrt(500)


@pytest.mark.parametrize("sd", [0.2, 0.1])
def test_a_difference_is_found_by_few_more_rows_than_a_fixed_test_takes(sd: float) -> None:
    """The goal is 1.3 times the rows of a test of 5 % that finds it 4 of 5 times."""
    rows = np.arange(20, 4_000, 20)
    means = np.random.default_rng(2).normal(sd, 1, (250, rows[-1])).cumsum(axis=1)[:, rows - 1]
    widths = np.array([sequence.half_width(count, 1.0, 0.05) for count in rows])
    decided = (means / rows > widths) & (rows >= sequence.FEWEST)
    first = rows[decided.argmax(axis=1)]
    assert decided.any(axis=1).all()
    assert np.median(first) <= 1.3 * ((1.96 + 0.8416) / sd) ** 2


def test_daily_looks_of_a_year_seldom_find_what_is_not_there() -> None:
    """250 years; `python -m benchmarks.compare` simulates 2,000 of each kind."""
    rows = np.arange(20, 20 * 366, 20)
    draws = np.random.default_rng(1).exponential(1.0, (250, rows[-1])) - 1
    sums, squares = draws.cumsum(axis=1)[:, rows - 1], (draws**2).cumsum(axis=1)[:, rows - 1]
    means = sums / rows
    widths = np.array([sequence.half_width(count, 1.0, 0.05) for count in rows])
    sds = np.sqrt(squares / rows - means**2)
    wrong = (np.abs(means) > widths * sds)[:, rows >= sequence.FEWEST].any(axis=1)
    usual = (np.abs(means) > 1.96 * sds / np.sqrt(rows))[:, rows >= sequence.FEWEST].any(axis=1)
    assert wrong.mean() <= 0.05 + 0.03
    assert usual.mean() > 0.3
