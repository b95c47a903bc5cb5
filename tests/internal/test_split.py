"""The holdout: the same entities in every run, and never one on both sides."""

import pandas as pd
import pytest
from pydantic import ValidationError
from small import PETS, pets

from seedling import tasks
from seedling.config import Dataset, Split
from seedling.data import held_out as held_out_rule
from seedling.data.held_out import HeldOut
from seedling.data.schema import model_frame, target_values
from seedling.data.split import HOLDOUT, folds, hold_out, is_held_out, split
from seedling.errors import ProjectError
from seedling.registry.model_files import Predictor
from seedling.serving.inputs import Reader
from seedling.training import champions

WEIGHTS = Dataset.model_validate(
    PETS.model_dump()
    | {
        "task": "regression",
        "metric": "rmse",
        "target": {"name": "weight", "type": "number"},
        "features": [{"name": "age", "type": "integer"}],
    }
)
NAMELESS = PETS.model_copy(update={"entity_key": []})
BY_TIME = PETS.model_copy(update={"split": Split(by="id")})
OLD = {10, 19, 27, 28, 29, 35, 36, 37}  # of the first 40, before classes had their share


def nameless() -> pd.DataFrame:
    """Rows without a key, all different."""
    return pets().drop(columns="id").assign(weight=[number / 7 for number in range(60)])


def held_out(rows: pd.DataFrame) -> set[int]:
    return set(split(rows, PETS, 0.3, HOLDOUT)[1]["id"])


def test_every_row_is_on_one_side() -> None:
    training, holdout = split(pets(), PETS, 0.3, HOLDOUT)
    assert sorted([*training["id"], *holdout["id"]]) == sorted(pets()["id"])
    assert 0.1 < len(holdout) / 60 < 0.5


def test_hardly_an_entity_changes_sides_as_the_table_grows() -> None:
    small, large = held_out(pets(1000)), held_out(pets(1100))
    assert len(small ^ {number for number in large if number <= 1000}) <= 10


def test_each_class_has_its_share_however_rare_it_is() -> None:
    rows = pets(2000).assign(
        adopted=["yes" if number % 200 == 0 else "no" for number in range(2000)]
    )
    training, holdout = split(rows, PETS, 0.2, HOLDOUT)
    assert holdout["adopted"].value_counts().to_dict() == {"no": 398, "yes": 2}
    _, test = split(training, PETS, 0.2, "test")
    assert (test["adopted"] == "yes").sum() == 2


def test_numbers_to_predict_have_the_same_spread_on_both_sides() -> None:
    rows = pets(500).assign(weight=[float(number**2) for number in range(500)])
    training, holdout = split(rows, WEIGHTS, 0.2, HOLDOUT)
    assert len(holdout) == 100
    for part in (0.1, 0.5, 0.9):
        assert (holdout["weight"] < 250_000 * part**2).mean() == pytest.approx(part, abs=0.05)
    assert 0 < training["weight"].median() < 250_000


@pytest.mark.parametrize("labels", [["no"], ["yes"], ["no", "yes"]], ids="-".join)
def test_rows_of_one_entity_stay_together(labels: list[str]) -> None:
    rows = pd.concat([pets(), pets().assign(adopted=(labels * 60)[:60])], ignore_index=True)
    training, holdout = split(rows, PETS, 0.3, HOLDOUT)
    assert not {*training["id"]} & {*holdout["id"]}
    assert len(holdout) == 2 * len({*holdout["id"]})
    for learned, measured in folds(rows, PETS, 5, "fold"):
        assert not {*rows["id"].iloc[learned]} & {*rows["id"].iloc[measured]}


def test_without_a_key_a_gap_or_a_feature_left_out_moves_no_other_row() -> None:
    before = split(nameless(), NAMELESS, 0.3, HOLDOUT)[1].index
    rows = nameless()
    rows.loc[0, "age"] = None
    fewer = NAMELESS.model_copy(update={"features": NAMELESS.features[1:]})
    after = split(rows, fewer, 0.3, HOLDOUT)[1].index
    assert len({*before} ^ {*after}) <= 2


def test_equal_rows_without_a_key_stay_together_unless_most_are_equal() -> None:
    rows = nameless()
    twins = pd.concat([rows, rows.head(20)], ignore_index=True)
    training, holdout = split(twins, NAMELESS, 0.3, HOLDOUT)
    assert not {*training["weight"]} & {*holdout["weight"]}
    coarse = pd.concat([nameless().assign(weight=1.0)] * 5, ignore_index=True)
    training, holdout, rule = hold_out(coarse, NAMELESS, 0.2)
    assert len(holdout) == 60
    assert is_held_out(coarse, NAMELESS, rule).sum() == 60


def champion(dataset: Dataset, rule: HeldOut) -> Predictor:
    return Predictor("cats", "1", dataset, rule, None, lambda model, rows: {})


@pytest.mark.parametrize("kind", ["key", "no key", "time"])
def test_a_champion_is_measured_only_on_rows_that_it_has_not_learned(kind: str) -> None:
    dataset = {"key": PETS, "no key": NAMELESS, "time": BY_TIME}[kind]
    before = pets(400).assign(weight=[number / 7 for number in range(400)])
    now = pets(600).assign(weight=[number / 7 for number in range(600)])
    learned, _, rule = hold_out(before, dataset, 0.2)
    _, holdout = split(now, dataset, 0.4, HOLDOUT)
    unseen = champions.unseen(champion(dataset, rule), holdout)
    assert not {*unseen["id"]} & {*learned["id"]}
    assert len(unseen) >= (len(holdout) if kind == "time" else 100)


def test_a_champion_has_not_seen_the_holdout_of_its_own_table() -> None:
    for dataset in (PETS, NAMELESS, BY_TIME):
        rows = pets(300).assign(weight=[number / 7 for number in range(300)])
        _, holdout, rule = hold_out(rows, dataset, 0.2)
        assert len(champions.unseen(champion(dataset, rule), holdout)) == len(holdout)


def test_a_champion_of_an_older_version_has_its_old_holdout() -> None:
    rule = held_out_rule.read({"holdout": 0.2})
    ids = {*pets(40)["id"][is_held_out(pets(40), PETS, rule)]}
    assert ids == OLD


def test_by_time_the_last_rows_are_held_out_those_of_one_time_together() -> None:
    rows = pets(100).assign(day=[f"2024-{1 + number // 10:02}-01" for number in range(100)])
    by_day = PETS.model_copy(update={"split": Split(by="day", holdout="last 25%")})
    training, holdout = split(rows.sample(frac=1, random_state=0), by_day, 0.25, HOLDOUT)
    assert training["day"].max() < holdout["day"].min()
    assert len(holdout) in (20, 30)
    for learned, measured in folds(rows, by_day, 5, "fold"):
        assert rows["day"].iloc[learned].max() < rows["day"].iloc[measured].min()


def test_days_are_read_as_their_feature_has_them() -> None:
    days = [f"{1 + number // 10:02}/{2 - number // 50:02}/2024" for number in range(100)]
    day = {"name": "day", "type": "date", "day_first": True}
    by_day = Dataset.model_validate(PETS.model_dump() | {"split": {"by": "day"}, "features": [day]})
    _, holdout = split(pets(100).assign(day=days), by_day, 0.5, HOLDOUT)
    assert {text[3:] for text in holdout["day"]} == {"02/2024"}


def test_a_value_that_is_no_time_is_named() -> None:
    rows = pets().assign(day="2024-01-01")
    rows.loc[7, "day"] = "soon"
    by_day = PETS.model_copy(update={"split": Split(by="day")})
    with pytest.raises(ProjectError, match=r"day has 1 value that is no time \(row 8\)"):
        split(rows, by_day, 0.2, HOLDOUT)


@pytest.mark.parametrize("text", ["first 20%", "last 0%", "last 120%", "20%"])
def test_only_a_last_share_can_be_held_out_by_time(text: str) -> None:
    with pytest.raises(ValidationError):
        Split(by="day", holdout=text)


def test_another_description_is_no_other_target() -> None:
    described = PETS.target.model_copy(update={"description": "found a home"})
    task = tasks.of(PETS)
    assert task.meaning(described) == task.meaning(PETS.target)


def test_a_side_without_one_of_the_labels_is_refused() -> None:
    rows = pets().assign(adopted="no")
    with pytest.raises(ProjectError, match="no training row has adopted = yes"):
        split(rows, PETS, 0.3, HOLDOUT)


def test_a_row_looks_the_same_alone_and_in_a_batch() -> None:
    rows = pets().astype({"kind": object})
    rows.loc[0, ["kind", "weight"]] = None
    alone = model_frame(rows.head(1), PETS.features)
    batch = model_frame(rows, PETS.features).head(1)
    pd.testing.assert_frame_equal(alone, batch)


def test_labels_survive_a_change_of_type() -> None:
    numbered = PETS.model_copy(update={"target": PETS.target.model_copy(update={"labels": [1, 2]})})
    rows = pd.DataFrame({"adopted": [1.0, 2.0, None]})
    assert target_values(rows, numbered).tolist()[:2] == [1, 2]


def test_rows_with_a_mark_are_held_out_beside_the_usual_share_of_the_others() -> None:
    marked = PETS.model_copy(update={"split": Split(held_out="unusual")})
    marks = ["old"] * 5 + [None, ""] * 10 + [None] * 35
    rows = pets().assign(unusual=marks)
    training, holdout, rule = hold_out(rows, marked, 0.3)
    assert {1, 2, 3, 4, 5} <= {*holdout["id"]}
    assert 12 <= len(holdout) - 5 <= 20
    assert training["unusual"].fillna("").eq("").all()
    later = rows.assign(unusual=[None] * 59 + ["new"])
    assert is_held_out(later, marked, rule)[-1]
    assert not is_held_out(training, marked, rule).any()
    (part, *_) = folds(training, marked, 3, "fold")
    assert len(part[0]) + len(part[1]) == len(training)


def test_rows_with_a_mark_have_no_say_in_the_time_from_which_others_are_held_out() -> None:
    both = PETS.model_copy(update={"split": Split(by="id", held_out="unusual")})
    rows = pets().assign(unusual=["new" if number >= 40 else "" for number in range(60)])
    _, holdout, rule = hold_out(rows, both, 0.25)
    assert {*holdout["id"]} == {*range(31, 61)}
    assert (rule.by, rule.marked) == ("id", "unusual")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "by: name a column of times, or under held_out one that marks rows"),
        ({"held_out": "a", "holdout": "last 20%"}, "there are no last rows without `by`"),
    ],
)
def test_a_split_by_nothing_is_refused(given: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Split.model_validate(given)


def test_a_mark_that_a_model_learns_from_is_refused() -> None:
    with pytest.raises(ValidationError, match="split: held_out: kind is the key, the target or"):
        Dataset.model_validate(PETS.model_dump() | {"split": {"held_out": "kind"}})


def test_a_table_without_the_marks_is_one_line() -> None:
    marked = PETS.model_copy(update={"split": Split(held_out="unusual")})
    with pytest.raises(ProjectError, match="pets, split: the table has no column 'unusual'"):
        hold_out(pets(), marked, 0.3)


def test_a_row_as_the_table_has_it_may_be_sent_with_its_mark() -> None:
    marked = PETS.model_copy(update={"split": Split(by="seen", held_out="unusual")})
    assert marked.let_through == ["seen", "unusual"]
    assert PETS.let_through == []
    row = {"age": 3, "weight": 4.0, "kind": "cat", "tame": True}
    one, other = Reader(marked), Reader(PETS)
    sent = one.values(one.instances([{**row, "id": 1, "seen": 3, "unusual": "old"}]))
    assert sent == other.values(other.instances([{**row, "id": 1}]))
