"""Drift: what has moved is named with its size, and what has not moved raises no alarm."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from seedling import columns
from seedling.config import Dataset, Split
from seedling.monitoring import expected, spending
from seedling.monitoring.compared import homogeneity, two_shares
from seedling.monitoring.drift import Drift, DriftSettings, drifts, worst
from seedling.monitoring.profiles import Profile, Profiler

SHARED = Path(__file__).parents[3] / "shared" / "data" / "monitoring"  # beside the checkout


def dataset(table: pd.DataFrame) -> Dataset:
    """Describe a table all of whose columns are features."""

    def feature(name: str) -> dict[str, Any]:
        if table[name].dtype == object:
            found = sorted(table[name].dropna().unique())
            return {"name": name, "type": "category", "categories": found}
        return {"name": name, "type": "number"}

    target = {"name": "is_faulty", "type": "category", "labels": ["no", "yes"], "positive": "yes"}
    return Dataset.model_validate(
        {
            "name": "t",
            "source": "t",
            "file_name": "t.parquet",
            "version": "1",
            "task": "classification",
            "metric": "accuracy",
            "target": target,
            "features": [feature(name) for name in table],
        }
    )


def profile(table: pd.DataFrame, described: Dataset, like: Profile | None = None) -> Profile:
    profiler = Profiler(described, like)
    profiler.add(table)
    return profiler.finish()


def found(
    then: pd.DataFrame, now: pd.DataFrame, settings: DriftSettings | None = None
) -> dict[str, Drift]:
    described = dataset(then)
    reference = profile(then, described)
    every = drifts(reference, profile(now, described, reference), settings)
    return {drift.name: drift for drift in every}


def machines(count: int, seed: int, shift: float = 0.0, aged: int = 0) -> pd.DataFrame:
    """Make up a table like that of the monitoring data: two sensors go together."""
    draw = np.random.default_rng(seed)
    front = draw.normal(0, 2, count)
    days = np.minimum(draw.geometric(0.02, count), 120)
    return pd.DataFrame(
        {
            "heat": draw.normal(0.35 * shift, 2, count),
            "speed": draw.standard_t(3, count) + 1.5 * shift,
            "line": draw.choice([f"line_{n}" for n in range(4)], count),
            "days": np.where(draw.random(count) < 0.4 * shift, 120, days),
            "back": front * 0.8 + draw.normal(-2 * shift, 1, count),
            "front": front + 1.5 * shift,
            "operator": draw.choice([f"operator{n}" for n in range(6)], count),
        }
    )


def test_four_of_seven_columns_have_moved_one_harmlessly_and_two_not_at_all() -> None:
    seven = found(machines(20_000, 0), machines(5000, 1, shift=0.5))
    verdicts = {name: drift.status for name, drift in seven.items()}
    assert verdicts == {
        "heat": "moved, harmless",
        "speed": "severe",
        "line": "steady",
        "days": "severe",
        "back": "severe",
        "front": "severe",
        "operator": "steady",
    }
    assert worst(seven.values()) == "severe"


def test_the_table_of_the_monitoring_data_is_judged_rightly() -> None:
    if not SHARED.is_dir():
        pytest.skip(f"there is no {SHARED}; the table above is like it")
    then = pd.read_csv(SHARED / "reference_data.csv")
    now = pd.read_csv(SHARED / "new_data.csv").drop(columns="id")
    for rows in (now, now[::2]):
        verdicts = {name: drift.status for name, drift in found(then, rows).items()}
        severe = {name for name, status in verdicts.items() if status == "severe"}
        assert severe == {
            "speed_deviation",
            "days_since_last_service",
            "sensor_back",
            "sensor_front",
        }
        assert verdicts["assembly_line_num"] == verdicts["operator"] == "steady"
    whole = found(then, now)["heat_deviation"]
    assert whole.status == "moved, harmless"
    assert whole.effect == pytest.approx(0.075, abs=0.01)


def test_numbers_are_compared_as_scipy_does() -> None:
    draw = np.random.default_rng(3)
    then = pd.DataFrame({"a": draw.normal(0, 1, 20_000), "b": draw.poisson(3, 20_000) * 1.5})
    now = pd.DataFrame({"a": draw.normal(0.1, 1.2, 3000), "b": draw.poisson(3.2, 3000) * 1.5})
    both = found(then, now)
    for name, slack in (("a", 0.0011), ("b", 0.0)):
        drift, exact = both[name], stats.ks_2samp(then[name], now[name], method="asymp")
        assert drift.ks_bound is not None
        assert drift.ks_bound <= slack
        assert drift.ks <= exact.statistic + 1e-12 <= drift.ks + drift.ks_bound + 1e-9
        ranks = stats.mannwhitneyu(then[name], now[name], use_continuity=False)
        assert drift.tests["mann_whitney"] == pytest.approx(ranks.pvalue, rel=0.05)  # by bins
        apart = stats.wasserstein_distance(then[name], now[name]) / then[name].std(ddof=0)
        assert drift.wasserstein == pytest.approx(apart, rel=0.01)
    exact = stats.ks_2samp(then["b"], now["b"], method="asymp")
    assert both["b"].tests["ks"] == pytest.approx(exact.pvalue, rel=1e-6)


@pytest.mark.parametrize("step", [0.0, 0.13, -0.4])
def test_numbers_between_the_few_of_the_reference_are_compared_as_scipy_does(step: float) -> None:
    draw = np.random.default_rng(5)
    then = pd.DataFrame({"a": draw.choice(np.arange(29) * 0.25, 4000, p=_sloping(29))})
    now = pd.DataFrame({"a": draw.choice(then["a"], 900) + step})
    now.loc[:99, "a"] += draw.normal(0, 3, 100)
    drift = found(then, now)["a"]
    exact = stats.ks_2samp(then["a"], now["a"], method="asymp")
    assert (drift.ks, drift.ks_bound) == (pytest.approx(exact.statistic), 0)
    assert drift.tests["ks"] == pytest.approx(exact.pvalue, rel=1e-6)
    ranks = stats.mannwhitneyu(then["a"], now["a"], use_continuity=False)
    assert drift.tests["mann_whitney"] == pytest.approx(ranks.pvalue, rel=0.05)
    apart = stats.wasserstein_distance(then["a"], now["a"]) / then["a"].std(ddof=0)
    assert drift.wasserstein == pytest.approx(apart, rel=0.01)


def _sloping(count: int) -> Any:
    weights = np.arange(count, 0, -1)
    return weights / weights.sum()


def test_what_moves_as_time_goes_by_is_no_verdict() -> None:
    draw = np.random.default_rng(6)

    def sales(count: int, first: int, shops: str) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "week": np.sort(draw.integers(first, first + 50, count)).astype("float64"),
                "shop": draw.choice([*shops], count),
                "opened": draw.choice([*"xyz"], count),
                "price": draw.normal(0, 1, count),
            }
        )

    then, now = sales(5000, 0, "abcd"), sales(1000, 50, "abcde")
    described = dataset(then).model_copy(
        update={"split": Split(by="week"), "groups": ["shop"]}  # a task that has groups checks more
    )
    reference = profile(then, described)
    window = profile(now.assign(opened="w"), described, reference)
    by_itself = expected.of(described)
    verdicts = {each.name: each for each in drifts(reference, window, None, by_itself)}
    assert {name: each.status for name, each in verdicts.items()} == {
        "week": "moves with time",
        "shop": "steady",
        "opened": "severe",
        "price": "steady",
    }
    assert verdicts["shop"].new_values == ["e"]
    quiet = drifts(reference, profile(now, described, reference), None, by_itself)
    assert worst(quiet) == "steady"
    mixed = profile(now.assign(shop="a"), described, reference)
    assert worst(drifts(reference, mixed, None, by_itself)) == "severe"


@pytest.mark.parametrize("days", [0, 200])
def test_days_that_are_later_than_all_of_the_reference_are_no_verdict(days: int) -> None:
    days_then = pd.date_range("2024-01-01", periods=300).astype(str).to_numpy()
    later = (pd.date_range("2024-01-01", periods=300) + pd.Timedelta(days + 40, "D")).astype(str)
    then, now = (pd.DataFrame({"day": each}) for each in (days_then, later.to_numpy()))
    plain = dataset(then.astype(str))
    described = plain.model_copy(
        update={"features": [columns.read({"name": "day", "type": "date"})]}
    )
    reference = profile(then, described)
    window = profile(now, described, reference)
    (day,) = drifts(reference, window, None, expected.of(described))
    assert day.status == ("moves with time" if days else "severe")


@pytest.mark.parametrize(
    ("split", "moved", "verdict"),
    [(False, 0.0, "moderate"), (True, 0.0, "moved, harmless"), (True, 2.0, "severe")],
)
def test_answers_are_no_alarm_by_themselves(split: bool, moved: float, verdict: str) -> None:
    draw = np.random.default_rng(8)
    then = pd.DataFrame({"week": np.arange(4000.0), "price": draw.normal(0, 1, 4000)})
    now = pd.DataFrame({"week": np.arange(900.0) * 4, "price": draw.normal(moved, 1, 900)})
    described = dataset(then).model_copy(update={"split": Split(by="week") if split else None})
    profiler = Profiler(described)
    profiler.add(then, pd.DataFrame({"score_yes": draw.normal(0, 1, 4000)}))
    reference = profiler.finish()
    window = Profiler(described, reference)
    window.add(now, pd.DataFrame({"score_yes": draw.normal(1, 1, 900)}))
    found = drifts(reference, window.finish(), None, expected.of(described))
    assert (found[-1].part, found[-1].status, worst(found)) == ("output", verdict, verdict)
    assert found[-1].effect > 0.8


def test_texts_are_compared_as_scipy_does() -> None:
    draw = np.random.default_rng(4)
    then = pd.DataFrame({"a": draw.choice(["x", "y", "z"], 20_000)})
    now = pd.DataFrame({"a": draw.choice(["x", "y", "z"], 2000, p=[0.3, 0.3, 0.4])})
    table = np.array([[sum(side["a"] == text) for text in "xyz"] for side in (then, now)])
    exact = stats.chi2_contingency(table)
    drift = found(then, now)["a"]
    assert drift.chi2 == pytest.approx(exact.statistic)
    ratio = stats.chi2_contingency(table, lambda_="log-likelihood").pvalue
    assert drift.tests["chi2"] == pytest.approx(max(exact.pvalue, ratio))
    assert two_shares(0, 500, 6, 40) == pytest.approx(
        2 * stats.fisher_exact([[0, 500], [6, 34]], alternative="less").pvalue
    )
    assert homogeneity(np.array([5.0]), np.array([7.0]))[1] == 1


@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_the_effect_of_a_normal_shift_is_its_size_whatever_the_scale(shift: float) -> None:
    draw = np.random.default_rng(5)
    then, now = draw.normal(0, 1, 20_000), draw.normal(shift, 1, 5000)
    sizes = found(
        pd.DataFrame(
            {"plain": then, "heavy": np.sinh(3 * then), "side": np.where(then > 0, "p", "n")}
        ),
        pd.DataFrame(
            {"plain": now, "heavy": np.sinh(3 * now), "side": np.where(now > 0, "p", "n")}
        ),
    )
    assert sizes["plain"].effect == pytest.approx(shift, abs=0.04)
    assert sizes["heavy"].effect == pytest.approx(shift, abs=0.04)
    # Of two halves, one has 62 % after a shift of 0.3: 0.24 by Cohen's measure.
    assert sizes["side"].effect == pytest.approx(0.8 * shift, abs=0.05)


def test_a_real_but_tiny_shift_of_many_rows_is_harmless() -> None:
    draw = np.random.default_rng(6)
    then, now = draw.normal(0, 1, 300_000), draw.normal(0.02, 1, 300_000)
    drift = found(pd.DataFrame({"a": then}), pd.DataFrame({"a": now}))["a"]
    assert drift.adjusted_p < 1e-6
    assert drift.status == "moved, harmless"


def test_few_rows_are_never_called_steady() -> None:
    then = machines(5000, 0)
    for count in (0, 5, 30):
        few = found(then, machines(count, 1))
        assert {drift.status for drift in few.values()} == {"too few rows"}, count
        assert worst(few.values()) == "too few rows"
    assert found(then, machines(40, 1, shift=2))["front"].status == "severe"


def test_gaps_and_new_texts_are_named() -> None:
    then, now = machines(5000, 0), machines(2000, 1)
    now.loc[:300, "heat"] = np.nan
    now.loc[:200, "line"] = "line_9"
    found_now = found(then, now)
    heat, line = found_now["heat"], found_now["line"]
    assert heat.status == "severe"
    assert (heat.missing_then, heat.missing_now) == (0, pytest.approx(0.15, abs=0.001))
    assert heat.wasserstein < 0.1
    assert line.status == "severe"
    assert line.new_values == ["line_9"]
    assert line.new_share == pytest.approx(0.1, abs=0.001)
    nothing = found(then, now.assign(heat=np.nan))["heat"]
    assert nothing.status == "severe"
    assert nothing.ks is None


def test_a_column_of_one_value_may_change_too() -> None:
    then, now = pd.DataFrame({"a": [1.0] * 500}), pd.DataFrame({"a": [1.0] * 100})
    assert found(then, now)["a"].status == "steady"
    moved = found(then, now + 1)["a"]
    assert moved.status == "severe"
    assert moved.wasserstein is None


def test_texts_that_are_mostly_their_own_do_not_move_by_being_new() -> None:
    draw = np.random.default_rng(7)

    def names(count: int) -> pd.DataFrame:
        return pd.DataFrame({"a": [f"n{n}" for n in draw.zipf(1.3, count)]})

    quiet = [found(names(3000), names(1000))["a"] for _ in range(20)]
    assert sum(drift.status != "steady" for drift in quiet) <= 2
    assert max(drift.new_share for drift in quiet) > 0.1


def test_words_of_texts_move() -> None:
    column = columns.read({"name": "a", "type": "text"})
    described = dataset(pd.DataFrame({"b": [1.0]})).model_copy(update={"features": [column]})
    then = pd.DataFrame({"a": [f"all is well with part {n % 9}" for n in range(2000)]})
    now = pd.DataFrame({"a": [f"all is lost with part {n % 9}" for n in range(500)]})
    reference = profile(then, described)
    (steady,) = drifts(reference, profile(then[:500], described, reference))
    (moved,) = drifts(reference, profile(now, described, reference))
    assert (steady.status, moved.status) == ("steady", "severe")


def test_the_error_of_a_year_of_looks_is_that_of_one() -> None:
    daily = spending.alpha_by_time(0.05, timedelta(days=1))
    assert 365 * daily == pytest.approx(0.05)
    assert spending.alpha_by_time(0.05, timedelta(days=900)) == 0.05
    assert sum(spending.alpha_by_look(0.05, look) for look in range(1, 5000)) < 0.05


def test_windows_of_the_reference_itself_raise_no_alarm_beyond_the_stated_share() -> None:
    draw = np.random.default_rng(8)
    then = machines(20_000, 0)
    described = dataset(then)
    reference = profile(then, described)
    for count, windows in ((50, 80), (300, 60)):
        alarms = 0
        for seed in draw.integers(0, 1 << 30, windows):
            window = profile(machines(count, int(seed)), described, reference)
            alarms += worst(drifts(reference, window)) in ("moved, harmless", "moderate", "severe")
        assert alarms <= stats.binom(windows, 0.05).ppf(0.999)
