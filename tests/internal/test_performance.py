"""Performance from truth and without it: verdicts only where the rows allow one."""

from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from small import PETS

from seedling import tasks
from seedling.config import Dataset
from seedling.monitoring import performance
from seedling.monitoring.performance import Estimate, Performance
from seedling.monitoring.structs import Profile
from seedling.tasks import measuring
from seedling.tasks.classification import reliability
from seedling.tasks.evidence import Interval, Then, read_then

SALES = Dataset.model_validate(
    {
        "name": "sales",
        "source": "sales.csv",
        "file_name": "sales.parquet",
        "version": "1",
        "task": "grouped_regression",
        "metric": "rmse",
        "entity_key": ["day"],
        "groups": ["place", "product"],
        "target": {"name": "sold", "type": "number"},
        "features": [
            {"name": "place", "type": "category", "categories": ["north", "south"]},
            {"name": "product", "type": "integer"},
            {"name": "price", "type": "number"},
        ],
    }
)
PRICES = Dataset.model_validate(
    SALES.model_dump(exclude_unset=True) | {"task": "regression", "groups": []}
)
KINDS = Dataset.model_validate(
    PETS.model_dump(exclude_unset=True)
    | {"target": {"name": "adopted", "type": "category", "labels": ["a", "b", "c"]}}
)


def pets(count: int, seed: int, over: float = 1.0, rare: float = 0.0) -> pd.DataFrame:
    """Logged rows of PETS with truth, as `truth.joined` has them.

    Args:
        count: the number of rows.
        seed: of the draw.
        over: what the logits are multiplied by for the score: above 1 it is over-confident.
        rare: what they are reduced by before: how rare `yes` is.
    """
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 1.2, count) - rare
    happened = generator.random(count) < expit(logits)
    score = expit(over * (logits + rare) - rare / over)
    return pd.DataFrame(
        {
            "age": generator.integers(0, 20, count),
            "weight": generator.normal(5, 1, count),
            "kind": generator.choice(["cat", "dog"], count),
            "tame": generator.random(count) < 0.5,
            "prediction": np.where(score > 0.5, "yes", "no"),
            "score_no": 1 - score,
            "score_yes": score,
            "adopted": np.where(happened, "yes", "no"),
        }
    )


def sales(count: int, seed: int, width: float = 1.0) -> pd.DataFrame:
    """Logged rows of SALES with truth; `width` is what right intervals are multiplied by."""
    generator = np.random.default_rng(seed)
    said = generator.normal(20, 5, count)
    spread = generator.choice([1.0, 2.0, 4.0], count)
    return pd.DataFrame(
        {
            "place": generator.choice(["north", "south"], count),
            "product": generator.integers(0, 5, count),
            "price": generator.normal(3, 1, count),
            "prediction": said,
            "low": said - 1.96 * spread * width,
            "high": said + 1.96 * spread * width,
            "flags": "",
            "sold": said + spread * generator.normal(0, 1, count),
        }
    )


def profile(dataset: Dataset, rows: pd.DataFrame) -> Profile:
    """The profile of a version that has these held-out rows."""
    training = tasks.of(dataset).training
    truth, answer = training.values(rows, dataset.target), training.answered(rows, dataset)
    text = training.reference(truth, answer, rows, dataset)
    return Profile(len(rows), {}, performance=msgspec.Raw(text))


def measured(dataset: Dataset, rows: pd.DataFrame, then: pd.DataFrame | None = None) -> Performance:
    return performance.measured(dataset, rows, None if then is None else profile(dataset, then))


def estimated(dataset: Dataset, rows: pd.DataFrame, then: pd.DataFrame, **more: Any) -> Estimate:
    return performance.estimated(dataset, rows, profile(dataset, then), **more)


@pytest.mark.parametrize(
    ("dataset", "rows"),
    [(PETS, pets(400, 1)), (SALES, sales(400, 1)), (PRICES, sales(400, 1))],
    ids=["classes", "groups", "numbers"],
)
def test_each_metric_is_that_of_the_report_and_within_its_interval(
    dataset: Dataset, rows: pd.DataFrame
) -> None:
    training = tasks.of(dataset).training
    truth, answer = training.values(rows, dataset.target), training.answered(rows, dataset)
    plain = measuring.measure(truth, answer, dataset, rows)
    found = measured(dataset, rows).metrics
    assert found.keys() == plain.keys()
    for name, each in found.items():
        assert each.value == pytest.approx(plain[name]), name
        assert each.low <= each.value <= each.high
        assert each.low < each.high


def test_three_labels_are_measured_too_and_each_has_a_curve() -> None:
    generator = np.random.default_rng(3)
    chances = generator.dirichlet([2, 2, 1], 1_500)
    drawn = (generator.random(1_500)[:, None] > chances.cumsum(axis=1)).sum(axis=1)
    rows = pets(1_500, 3).drop(columns=["score_no", "score_yes"])
    rows[["score_a", "score_b", "score_c"]] = chances
    rows["prediction"] = np.array(["a", "b", "c"])[chances.argmax(axis=1)]
    rows["adopted"] = np.array(["a", "b", "c"])[drawn]
    training = tasks.of(KINDS).training
    truth, answer = training.values(rows, KINDS.target), training.answered(rows, KINDS)
    plain = training.measure(truth, answer, KINDS)
    found = measured(KINDS, rows[700:], rows[:700])
    assert found.calibration is not None
    assert not found.calibration.off
    guess = estimated(KINDS, rows[700:], rows[:700])
    for name, value in plain.items():
        assert guess.metrics[name].low <= value <= guess.metrics[name].high, name


def test_a_metric_of_the_teams_own_gets_an_interval_by_drawing_rows() -> None:
    dataset = PETS.model_copy(update={"metric": "balanced_accuracy"})
    found = measured(dataset, pets(300, 1))
    each = found.metrics["balanced_accuracy"]
    assert each.low < each.value < each.high
    assert found.metrics["accuracy"].value is not None


@pytest.mark.parametrize(("rows", "most"), [(60, 0.12), (400, 0.1)])
def test_intervals_hold_what_is_true_as_often_as_they_say(rows: int, most: float) -> None:
    """docs/monitoring.md has the table of all metrics, by `benchmarks.performance`."""
    training = tasks.of(PETS).training

    def metrics(table: pd.DataFrame) -> dict[str, Interval]:
        truth, answer = training.values(table, PETS.target), training.answered(table, PETS)
        return training.intervals(truth, answer, table, PETS, 0.95)

    true = metrics(pets(60_000, 0))
    missed = dict.fromkeys(("roc_auc", "accuracy", "brier"), 0)
    for seed in range(1, 101):
        found = metrics(pets(rows, seed))
        for name in missed:
            missed[name] += not found[name].low <= true[name].value <= found[name].high
    assert max(missed.values()) / 100 <= most, missed


def test_an_error_that_few_rows_make_has_a_wider_interval() -> None:
    """Heavy tails: a spread that is estimated from 100 rows held the RMSE 88 times of 100."""
    training, held = tasks.of(PRICES).training, 0
    for seed in range(300):
        chance = np.random.default_rng(seed)
        errors = pd.Series(chance.choice([1.0, 2.0, 4.0], 100) * chance.standard_t(5, 100))
        rows = pd.DataFrame({"place": "north"}, index=errors.index)
        answer = {"predictions": np.zeros(100)}
        found = training.intervals(errors, answer, rows, PRICES, 0.95)["rmse"]
        assert found.low is not None
        assert found.high is not None
        held += found.low <= np.sqrt(7 * 5 / 3) <= found.high
    assert held / 300 >= 0.91


def test_scores_that_promise_too_much_are_called_over_confident() -> None:
    held = measured(PETS, pets(2_000, 1)).calibration
    assert held is not None
    assert not held.off
    assert sum(each.rows for each in held.bins) == 2_000
    off = measured(PETS, pets(2_000, 1, over=3)).calibration
    assert off is not None
    assert off.off
    assert off.over_confident
    under = measured(PETS, pets(2_000, 1, over=0.4)).calibration
    assert under is not None
    assert under.off
    assert not under.over_confident


def test_calibrated_scores_are_called_off_as_seldom_as_said() -> None:
    alarms = 0
    for seed in range(200):
        generator = np.random.default_rng([1, seed])
        scores = expit(generator.normal(-2, 1.2, 150))
        found = reliability.compared(scores, generator.random(150) < scores, "scores")
        alarms += found.p < 0.05
    assert alarms / 200 <= 0.08


def test_truth_with_few_positives_is_too_thin_for_a_verdict() -> None:
    """The table of predictions beside this repository has these properties: see tests/full."""
    rows = pets(1_000, 5, over=1.6, rare=4.2)
    positives = int((rows["adopted"] == "yes").sum())
    assert 15 <= positives <= 35
    for then in (None, pets(4_000, 6, rare=4.2)):
        found = measured(PETS, rows, then)
        assert found.verdict == "too few rows"
        first = found.sentences[0]
        assert first.startswith("Truth is too thin for a verdict: roc_auc 0.")
        assert f"of 1,000 rows, {positives} of them yes" in first
    assert found.metrics["accuracy"].value > 0.9


@pytest.mark.filterwarnings("ignore:A single label was found:UserWarning")  # among drawn rows
@pytest.mark.parametrize(
    ("dataset", "rows", "then"),
    [
        (PETS, pets(7, 1), pets(4_000, 2)),
        (PETS, pets(400, 1), pets(4_000, 2)),
        (PETS.model_copy(update={"metric": "accuracy"}), pets(7, 1), pets(4_000, 2)),
        (PETS.model_copy(update={"metric": "balanced_accuracy"}), pets(7, 1), pets(4_000, 2)),
        (SALES, sales(7, 1), sales(400, 2)),
        (PRICES, sales(7, 1), sales(400, 2)),
    ],
    ids=["area", "two positives", "share", "own", "groups", "numbers"],
)
def test_a_few_rows_that_are_all_right_by_chance_are_no_better_version(
    dataset: Dataset, rows: pd.DataFrame, then: pd.DataFrame
) -> None:
    if "adopted" in rows:  # the two with the highest scores, and no other
        rows["adopted"] = np.where(rows["score_yes"].rank(ascending=False) <= 2, "yes", "no")
        rows["prediction"] = rows["adopted"]
    else:
        rows["prediction"] = rows["sold"]
    found = measured(dataset, rows, then)
    assert found.verdict == "too few rows"
    assert found.worse_by is None
    assert found.sentences[0].startswith("Truth is too thin for a verdict: ")
    for name, each in found.metrics.items():
        assert each.half is None or each.high > each.low, name


def test_scores_that_rank_all_rows_rightly_have_an_interval_with_a_width() -> None:
    """Of m positives, each with a negative of its own: 0.025 ** (1 / m) might rank them so."""
    rows = pets(400, 1)
    rows["adopted"] = np.where(rows["score_yes"].rank(ascending=False) <= 20, "yes", "no")
    area = measured(PETS, rows).metrics["roc_auc"]
    assert (area.value, area.high) == (1.0, 1.0)
    assert area.low == pytest.approx(0.025 ** (1 / 20))


def test_each_size_of_a_change_has_its_verdict() -> None:
    then = pets(20_000, 1)
    noise = np.random.default_rng(2)

    def changed(share: float, count: int = 40_000) -> Performance:
        """A share of the rows get the truth of a coin."""
        rows = pets(count, 3)
        coin = noise.random(count) < share
        rows.loc[coin, "adopted"] = noise.choice(["no", "yes"], int(coin.sum()))
        return measured(PETS, rows, then)

    assert changed(0.0).verdict == "steady"
    assert changed(0.03).verdict == "moved, harmless"
    assert changed(0.12).verdict == "moderate"
    found = changed(0.4)
    assert found.verdict == "severe"
    assert "worse by 0." in found.sentences[0]
    assert found.worse_by.low > 0.05
    assert changed(0.0, count=300).verdict == "too few rows"
    assert measured(PETS, pets(20_000, 4)).verdict == "nothing to compare with"


def test_a_look_among_many_needs_more_to_alarm() -> None:
    then, rows = pets(20_000, 1), pets(1_000, 3)
    coin = np.random.default_rng(2).random(1_000) < 0.17
    rows.loc[coin, "adopted"] = np.random.default_rng(4).choice(["no", "yes"], int(coin.sum()))
    once = performance.measured(PETS, rows, profile(PETS, then))
    assert once.worse_by.low > 0
    daily = performance.measured(PETS, rows, profile(PETS, then), alpha=0.05 / 365)
    assert once.verdict in ("moderate", "severe")
    assert daily.verdict == "too few rows"
    assert once.metrics == daily.metrics


def test_an_error_is_compared_by_its_share() -> None:
    rows = sales(20_000, 2)
    rows["sold"] = rows["prediction"] + 1.1 * (rows["sold"] - rows["prediction"])
    found = measured(SALES, rows, sales(20_000, 1))
    assert found.verdict == "severe"  # a tenth is above severe, 0.05
    assert found.worse_by.value / found.scale == pytest.approx(0.1, abs=0.02)


def test_only_the_parts_that_got_worse_are_named() -> None:
    then, rows = pets(8_000, 1), pets(8_000, 2)
    assert [each for each in measured(PETS, rows, then).segments if each.worse] == []
    worse = rows["kind"] == "dog"
    rows.loc[worse, "adopted"] = np.random.default_rng(3).choice(["no", "yes"], int(worse.sum()))
    found = measured(PETS, rows, then)
    first, *_ = [each for each in found.segments if each.worse]
    assert (first.column, first.part) == ("kind", "dog")
    assert "cat" not in [each.part for each in found.segments if each.worse]
    assert "kind dog (" in found.sentences[-1]
    shown = performance.measured(PETS, rows, profile(PETS, then), columns=["kind", "age"])
    parts = {(each.column, each.part): each.metric for each in shown.segments if each.metric}
    assert {("kind", "dog"), ("kind", "cat")} <= {*parts}
    assert sum(column == "age" for column, _ in parts) == 4
    assert parts["kind", "dog"].high < parts["kind", "cat"].low


def test_groups_that_got_worse_are_named() -> None:
    then, rows = sales(6_000, 1), sales(6_000, 2)
    worse = (rows["place"] == "north") & (rows["product"] == 3)
    rows.loc[worse, "sold"] += 5
    found = measured(SALES, rows, then)
    named = [each.part for each in found.segments if each.column == "place, product"]
    assert named == ["place north, product 3"]


@pytest.mark.parametrize(
    ("width", "word"), [(1.0, "made to hold 0.95."), (0.6, "too narrow."), (2.0, "too wide.")]
)
def test_intervals_that_hold_too_few_rows_are_called_narrow(width: float, word: str) -> None:
    found = measured(SALES, sales(3_000, 1, width))
    assert found.coverage is not None
    assert found.coverage.wanted == 0.95
    (sentence,) = [each for each in found.sentences if "within their intervals" in each]
    assert sentence.endswith(word)


@pytest.mark.parametrize("over", [1.0, 3.0])
def test_an_estimate_without_truth_holds_what_comes_true(over: float) -> None:
    """Over-confident scores are estimated as well, since held-out rows calibrate them."""
    then, missed, asked = pets(4_000, 1, over), 0, 0
    reference = profile(PETS, then)
    for seed in range(2, 12):
        rows = pets(1_000, seed, over)
        guess = performance.estimated(PETS, rows.drop(columns="adopted"), reference).metrics
        real = measured(PETS, rows).metrics
        for name, each in guess.items():
            asked += 1
            missed += not each.low <= real[name].value <= each.high
    assert asked == 10 * len(real)
    assert missed / asked <= 0.1


def test_an_estimate_follows_rows_that_are_harder() -> None:
    rows = pets(20_000, 2)
    unsure = rows[(rows["score_yes"] - 0.5).abs() < 0.2].reset_index(drop=True)
    guess = estimated(PETS, unsure, pets(4_000, 1)).metrics["accuracy"]
    real = measured(PETS, unsure).metrics["accuracy"].value
    assert guess.low <= real <= guess.high
    assert guess.high < measured(PETS, rows).metrics["accuracy"].value


def test_an_estimate_is_refused_where_scores_cannot_be_relied_on() -> None:
    rows = pets(1_000, 2)
    none = performance.estimated(PETS, rows, None)
    assert "has no profile of its held-out answers" in none.sentences[0]
    few = estimated(PETS, rows, pets(500, 1, rare=4.2))
    assert "held-out rows tell yes from the others, and 30 are needed" in few.refused
    wild = pets(4_000, 1)
    middle = wild["score_yes"].between(0.3, 0.7)
    wild.loc[middle, "adopted"] = np.where(wild["score_yes"] < 0.5, "yes", "no")[middle]
    assert "cannot be calibrated" in estimated(PETS, rows, wild).refused
    assert estimated(PETS, rows, pets(4_000, 1)).refused == ""


def test_truth_that_contradicts_an_estimate_ends_it() -> None:
    then, rows = pets(4_000, 1), pets(2_000, 2)
    assert estimated(PETS, rows, then, joined=pets(500, 3)).metrics
    drifted = pets(500, 3)
    drifted["adopted"] = np.where(
        np.random.default_rng(1).random(500) < expit(logit(drifted["score_yes"]) - 1.5), "yes", "no"
    )
    refused = estimated(PETS, rows, then, joined=drifted)
    assert "do not mean what they meant on held-out rows: by them" in refused.refused
    assert refused.metrics == {}


def test_errors_are_estimated_from_the_widths_of_intervals() -> None:
    rows = sales(1_000, 2)
    wide = rows[rows["high"] - rows["low"] > 5].reset_index(drop=True)
    for width in (1.0, 0.5):
        reference = profile(SALES, sales(3_000, 1, width))
        narrow = wide.assign(
            low=wide["prediction"] - width * (wide["prediction"] - wide["low"]),
            high=wide["prediction"] + width * (wide["high"] - wide["prediction"]),
        )
        guess = performance.estimated(SALES, narrow, reference).metrics
        real = measured(SALES, wide).metrics
        assert {*guess} == {"rmse", "mae"}
        for name, each in guess.items():
            assert each.low <= real[name].value <= each.high
    off = sales(1_000, 3)
    off["sold"] = off["prediction"] + 2 * (off["sold"] - off["prediction"])
    refused = performance.estimated(SALES, rows, profile(SALES, sales(3_000, 1)), joined=off)
    assert "are 2 times what the intervals promised" in refused.refused


def prices(count: int, seed: int, centre: float = 20.0, times: float = 1.0) -> pd.DataFrame:
    """Logged rows without intervals, whose errors grow with what is predicted."""
    generator = np.random.default_rng(seed)
    rows = sales(count, seed).drop(columns=["low", "high", "flags"])
    rows["prediction"] = generator.normal(centre, 4, count)
    errors = generator.normal(0, 1, count) * np.abs(rows["prediction"]) / 10
    return rows.assign(sold=rows["prediction"] + times * errors)


def test_numbers_without_intervals_are_estimated_from_held_out_errors_by_what_was_predicted() -> (
    None
):
    reference = profile(PRICES, prices(3_000, 1))
    held = dict.fromkeys(("rmse", "mae"), 0)
    for seed in range(100):
        later = prices(500, 100 + seed, centre=22)  # larger numbers, whose errors are larger
        guess = performance.estimated(PRICES, later, reference, moved=[]).metrics
        real = measured(PRICES, later).metrics
        for name, each in guess.items():
            held[name] += each.low <= real[name].value <= each.high
        assert (
            guess["rmse"].value > performance.read_then(reference.performance).metrics["rmse"].value
        )
    assert min(held.values()) >= 88, held


def test_numbers_are_not_estimated_where_held_out_errors_say_nothing_of_them() -> None:
    reference, later = profile(PRICES, prices(3_000, 1)), prices(500, 2)

    def refused(rows: pd.DataFrame = later, **more: Any) -> str:
        return performance.estimated(PRICES, rows, reference, **more).refused

    assert "look at drift" in refused()
    assert "where price, place has moved, only truth says" in refused(moved=["price", "place"])
    assert "beyond all that held-out rows" in refused(prices(500, 3, centre=60), moved=[])
    assert "others than those expected" in refused(moved=[], joined=prices(300, 4, times=2.5))
    assert refused(moved=[], joined=prices(300, 4)) == ""
    few = performance.estimated(PRICES, later, profile(PRICES, prices(150, 1)), moved=[])
    assert "fewer than 200 held-out rows" in few.refused
    odd = prices(2_000, 5)
    heavy = np.random.default_rng(0).standard_t(1.1, 2_000)
    odd["sold"] = odd["prediction"] + heavy  # a few errors are all of the mean
    assert (
        "one half" in performance.estimated(PRICES, later, profile(PRICES, odd), moved=[]).refused
    )


def test_rows_that_allow_no_measure_are_one_sentence() -> None:
    nothing = measured(PETS, pets(5, 1)[:0])
    assert nothing.sentences == [
        "Truth is too thin for a verdict: no answer of this window has its truth yet."
    ]
    alike = pets(50, 1).assign(adopted="no")
    assert "none of these rows is yes" in measured(PETS, alike).sentences[0]
    unknown = pets(50, 1)
    unknown.loc[:2, "adopted"] = "maybe"
    assert measured(PETS, unknown).sentences[-1].startswith("3 rows left out, whose truth")


def test_a_profile_of_before_has_no_performance() -> None:
    assert read_then(Profile(0, {}).performance) == Then()
    assert measured(PETS, pets(800, 1)).then == {}


def test_losses_are_those_of_the_deciding_metric() -> None:
    rows, training = pets(500, 1), tasks.of(PETS).training
    truth, answer = training.values(rows, PETS.target), training.answered(rows, PETS)
    plain = training.measure(truth, answer, PETS)
    means = {}
    for metric in ("accuracy", "log_loss", "roc_auc"):
        dataset = PETS.model_copy(update={"metric": metric})
        means[training.loss_name(dataset)] = training.losses(truth, answer, dataset).mean()
    assert means["share of wrong answers"] == pytest.approx(1 - plain["accuracy"])
    assert means["log loss"] == pytest.approx(plain["log_loss"])
    assert means["squared error of the scores"] == pytest.approx(2 * plain["brier"])
