"""`tune`: the search of hyperparameters on this machine, on folds of the rows not held out."""

import io
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from small import PETS, pets

from seedling import team_code
from seedling.config import Dataset, Project, Split, TrainedModel, questions
from seedling.data import datasets
from seedling.data.sides import of_file
from seedling.fitting import preprocessing
from seedling.scaffold.model_code import train_source
from seedling.scaffold.ready_models import READY
from seedling.testing import first_model, invoke, run_verb, sample_rows
from seedling.training import search_space, show_search
from seedling.training.cross_validation import Plan
from seedling.training.fits import SEED, Fitting, Table
from seedling.training.search_space import Choice, Numbers
from seedling.training.show_search import sentence
from seedling.training.study import Study, Tried
from seedling.training.trials import Trials
from seedling.training.tuning import Found, Limits, Search

SEARCH = {"depth": {"min": 1, "max": 6}, "leaf": {"min": 0.01, "max": 0.4, "log": True}}
NOW = {"depth": 2, "leaf": 0.05, "random_state": 0}


class Tree:
    """A team's train_model, whose calls are noted."""

    def __init__(self, task: str) -> None:
        self.kind = DecisionTreeRegressor if task == "regression" else DecisionTreeClassifier
        self.given: list[pd.DataFrame] = []

    def __call__(
        self,
        X_train: Any,
        y_train: Any,
        X_test: Any,
        y_test: Any,
        *,
        depth: int,
        leaf: float,
        **_: Any,
    ) -> Any:
        if depth == 6:
            raise ValueError("six is too deep")
        pairs = ((X_train, y_train), (X_test, y_test))
        self.given += [X.assign(target=y) for X, y in pairs if X is not None]
        tree = self.kind(max_depth=depth, min_samples_leaf=leaf, random_state=0)
        return make_pipeline(preprocessing(X_train), tree).fit(X_train, y_train), {}, {}


class Watcher:
    """Nobody; or a person who presses Ctrl-C at a fold."""

    def __init__(self, stop_at: int = 0) -> None:
        self.folds, self.stop_at, self.ended = 0, stop_at, list[Tried]()

    def begin(self, present: bool, number: int, folds: int) -> None:
        pass

    def fold(self, values: list[float]) -> None:
        self.folds += 1
        if self.folds == self.stop_at:
            raise KeyboardInterrupt

    def end(self, tried: Tried, is_best: bool) -> None:
        self.ended.append(tried)


def say(project: Project, **entry: Any) -> TrainedModel:
    """Put keys into the first model's entry of model.yaml."""
    project.edit(lambda document: document["training"]["models"][0].update(entry))
    return project.config.training.models[0]


@pytest.fixture
def tree(project: Project, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """The project's first model is a small tree, and has folds of 320 rows."""
    say(project, hyperparameters=NOW, search=SEARCH)
    project.edit(lambda document: document["training"].update(folds=3))
    dataset = project.config.datasets[0]
    datasets.save(project, dataset, sample_rows(dataset))
    found = Tree(dataset.task)
    monkeypatch.setattr(team_code, "train_model", lambda _: found)
    return found


def search(project: Project, trials: int, watcher: Watcher | None = None) -> Any:
    found = Search(project, first_model(project))
    return found.run(Limits(trials, None), watcher or Watcher())


def met(tried: list[Tried]) -> list[Any]:
    return [each._replace(seconds=0) for each in tried]


def test_a_search_that_was_ended_finds_what_it_would_have_found(
    project: Project, tree: Tree
) -> None:
    folds = Search(project, first_model(project)).folds
    ended = search(project, 7, Watcher(stop_at=4 * folds - 1))
    assert ended.stopped == "person"
    assert len(ended.tried) < 7
    resumed = search(project, 7)
    assert met(resumed.tried)[: len(ended.tried)] == met(ended.tried)
    (project.assets / "tune.db").rename(project.assets / "other.db")
    at_once = search(project, 7)
    assert met(at_once.tried) == met(resumed.tried)
    assert len(at_once.tried) == 7
    assert at_once.better is None or at_once.better == at_once.ranking[0]
    done = Watcher()
    assert met(search(project, 7, done).tried) == met(at_once.tried)
    assert done.ended == []


def test_no_row_that_the_gate_holds_out_is_ever_seen(project: Project, tree: Tree) -> None:
    search(project, 2)
    dataset = project.config.datasets[0]
    path = project.dataset_path(dataset)
    sides = of_file(path, project.root, dataset, project.config.training.holdout)

    def rows(tables: list[pd.DataFrame]) -> set[tuple[Any, ...]]:
        return {tuple(map(str, row)) for each in tables for row in each.to_numpy()}

    def of(side: pd.DataFrame) -> set[tuple[Any, ...]]:
        table = Table.of(side, sides.dataset)
        return rows([table.X.assign(target=table.y)])

    held_out, learned = of(sides.holdout), of(sides.training)
    assert rows(tree.given) <= learned
    assert held_out - learned
    assert not rows(tree.given) & (held_out - learned)


def test_values_that_fail_are_noted_and_the_search_goes_on(project: Project, tree: Tree) -> None:
    say(project, search={"depth": [6, 1, 3]})
    found = search(project, 20)
    assert sorted(each.values["depth"] for each in found.tried) == [1, 3, 6]
    (failed,) = [each for each in found.tried if each.fault]
    assert failed.fault == "ValueError: six is too deep."
    assert [each.values for each in found.ranking] != []


@pytest.mark.parametrize("lower", [False, True])
def test_a_hopeless_trial_is_given_up_before_its_last_fold(tmp_path: Path, lower: bool) -> None:
    good, bad = (0.1, 0.9) if lower else (0.9, 0.1)
    study = Study(tmp_path / "tune.db", "a", {}, {"x": Choice([*range(7)])}, lower)
    for _ in range(5):
        trial = study.next()
        assert trial
        assert not any(trial.is_hopeless([good] * count) for count in (1, 2, 3, 4))
        trial.finish(Tried(trial.values, [good] * 5))
    trial = study.next()
    assert trial
    assert not trial.is_hopeless([bad])
    assert trial.is_hopeless([bad, bad])
    trial.finish(Tried(trial.values, [bad, bad], pruned=True))
    assert len(study.tried()) == 6
    assert [len(each.folds) for each in study.ranking()] == [5] * 5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda project: say(project, search={"depth": [1, 2]}),
            ["search", "other hyperparameters"],
        ),
        (lambda project: say(project, hyperparameters=NOW | {"random_state": 3}), ["other hyper"]),
        (lambda project: resample(project), ["rows", "features"]),
        (lambda project: lengthen(project), ["code in models/"]),
    ],
    ids=["search", "arguments", "table", "code"],
)
def test_what_changed_begins_anew_and_is_named(
    project: Project, tree: Tree, change: Callable[[Project], Any], words: list[str]
) -> None:
    assert len(search(project, 1).tried) == 1
    assert Search(project, first_model(project)).study.changed == []
    change(project)
    study = Search(project, first_model(project)).study
    assert study.tried() == []
    for word in words:
        assert any(each.startswith(word) for each in study.changed), study.changed


def resample(project: Project) -> None:
    dataset = project.config.datasets[0]
    datasets.save(project, dataset, sample_rows(dataset, seed=1))


def lengthen(project: Project) -> None:
    path = project.root / "models" / first_model(project) / "train.py"
    path.write_text(path.read_text(encoding="utf-8") + "\n# once more\n", encoding="utf-8")


def test_the_best_values_found_do_not_begin_anew(project: Project, tree: Tree) -> None:
    found = search(project, 3)
    best = found.ranking[0]
    say(project, hyperparameters=NOW | best.values)
    again = search(project, 3)
    assert met(again.tried) == met(found.tried)
    assert again.present == best
    assert again.better is None


class Noted:
    """A train_model that stops early at 7 rounds if it has test rows."""

    def __init__(self, needs_test: bool) -> None:
        self.needs_test, self.calls = needs_test, list[tuple[list[int], bool, int]]()

    def __call__(self, X_train: Any, y_train: Any, X_test: Any, y_test: Any, *, rounds: int) -> Any:
        if self.needs_test:
            X_test.head()
        self.calls.append((list(X_train.index), X_test is not None, rounds))
        return 0.5, {}, {} if X_test is None else {"rounds": 7}


def guess(seen: list[list[int]]) -> Callable[[Any, pd.DataFrame], Mapping[str, Any]]:
    def predict(model: Any, X: pd.DataFrame) -> Mapping[str, Any]:
        seen.append(list(X.index))
        scores = [[0.5 - age / 1000, 0.5 + age / 1000] for age in X["age"]]
        return {"predictions": ["yes"] * len(X), "scores": scores, "labels": ["no", "yes"]}

    return predict


def trials(trainer: Noted, dataset: Dataset, rows: pd.DataFrame) -> tuple[Trials, list[list[int]]]:
    seen: list[list[int]] = []
    table = Table.of(rows, dataset)
    fitting = Fitting(trainer, {"rounds": 100}, SEED)
    return Trials(fitting, guess(seen), table, Plan(3, 1)), seen


@pytest.mark.parametrize("needs_test", [False, True])
def test_a_train_model_is_called_as_training_calls_it(needs_test: bool) -> None:
    trainer = Noted(needs_test)
    found, _ = trials(trainer, PETS, pets())
    trainer.calls.clear()
    assert [len(values) for values in found.values({"rounds": 50})] == [1, 2, 3]
    called = [(has_test, rounds) for _, has_test, rounds in trainer.calls]
    handed_over = [(True, 50), *[(False, 7)] * 3]  # how long: found with test rows, then without
    assert called == ([(True, 50)] * 3 if needs_test else handed_over)


def test_folds_keep_keys_together_and_the_future_apart() -> None:
    rows = pets(90).assign(id=[number // 3 for number in range(90)], day=range(90))
    for split in (None, Split(by="day")):
        trainer, dataset = Noted(False), PETS.model_copy(update={"split": split})
        found, seen = trials(trainer, dataset, rows)
        trainer.calls.clear()
        assert list(found.values({"rounds": 7}))
        learned = [each for each, has_test, _ in trainer.calls if not has_test]
        for before, after in zip(learned, seen, strict=True):
            assert not {*before} & {*after}
            if split:
                assert max(before) < min(after)
            else:
                assert not {*rows["id"].loc[before]} & {*rows["id"].loc[after]}


def test_a_threshold_is_chosen_on_the_folds_as_in_training() -> None:
    target = PETS.target.model_dump() | {"threshold": {"recall": 0.9}}
    dataset = Dataset.model_validate(PETS.model_dump() | {"target": target, "metric": "recall"})
    found, _ = trials(Noted(False), dataset, pets())
    values = list(found.values({"rounds": 7}))[-1]
    assert sum(values) / 3 == pytest.approx(0.9, abs=0.07)


def test_ranges_are_what_a_sweep_on_azure_ml_reads() -> None:
    search = {
        "depth": {"min": 1, "max": 100, "log": True},
        "leaf": {"min": 0, "max": 0.5},
        "kind": ["gini", 2, True],
    }
    hyperparameters = {"depth": 4, "leaf": 0.1, "kind": "gini"}
    entry = TrainedModel(name="a", dataset="b", hyperparameters=hyperparameters, search=search)
    assert search_space.of(entry) == {
        "depth": Numbers(1, 100, log=True, whole=True),
        "leaf": Numbers(0, 0.5, log=False, whole=False),
        "kind": Choice(["gini", 2, True]),
    }
    assert search_space.fitting(entry, "depth", 37.0) == 37
    assert isinstance(search_space.fitting(entry, "depth", 37.0), int)
    assert search_space.fitting(entry, "leaf", 0.0) == 0.0


@pytest.mark.parametrize("task", READY)
def test_each_ready_model_has_a_search_that_fits_its_own_arguments(task: str) -> None:
    entry = {"task": task, "name": "a", "metric": "m", "source": "a.csv", "version": "1"}
    target = {"name": "y", "type": "number"} if task == "regression" else PETS.target
    table = {**entry, "file_name": "a.csv", "target": target, "features": PETS.features}
    dataset = Dataset.model_validate(table)
    for name, ready in READY[task].items():
        values = {each: 1 for each, _, _ in ready.hyperparameters}
        model = TrainedModel(name="own", dataset="a", hyperparameters=values)
        proposal = search_space.proposal(model, dataset, train_source(ready))
        assert proposal or name == "linear_regression"
        assert len(proposal) == len(ready.search)
        TrainedModel(name="own", dataset="a", hyperparameters=values, search=proposal)
    other = TrainedModel(name="xgboost", dataset="a", hyperparameters={"max_depth": 3})
    assert search_space.proposal(other, dataset, "model = Mine()") == {}


def test_a_model_without_search_is_refused_with_an_example(project: Project, tree: Tree) -> None:
    project.edit(lambda document: document["training"]["models"][0].pop("search"))
    path = project.root / "models" / first_model(project) / "train.py"
    path.write_text("def train_model(): ...\n", encoding="utf-8")
    result = invoke(project, "tune", "--model", first_model(project))
    assert result.exit_code == 1
    example = "search: {depth: [1, 2, 4], leaf: {min: 0.005, max: 0.5, log: true}}."
    assert result.stderr.endswith(f"say in `search` what to try, such as {example}\n")


def test_the_best_is_written_once_a_person_agrees(project: Project, tree: Tree) -> None:
    say(
        project,
        hyperparameters=NOW | {"depth": 1, "leaf": 0.5},
        search={"depth": [1, 4], "leaf": [0.02]},
    )
    before = project.config_path.read_text(encoding="utf-8")
    words = ("tune", "--model", first_model(project))
    declined = invoke(project, *words, answers="n\n")
    assert declined.exit_code == 0, declined.output
    assert "Nothing was written" in declined.output
    assert project.config_path.read_text(encoding="utf-8") == before
    agreed = invoke(project, *words, "--yes")
    assert "Goes on after 2 trials." in agreed.output
    after = project.config_path.read_text(encoding="utf-8")
    differing = [
        pair
        for pair in zip(before.splitlines(), after.splitlines(), strict=True)
        if len({*pair}) > 1
    ]
    assert differing
    assert all("depth: " in now or "leaf: " in now for _, now in differing)
    assert "random_state: 0" in after


def test_a_gain_on_few_folds_is_named_as_such() -> None:
    now, few, most = (
        Tried({"x": at}, folds)
        for at, folds in enumerate(([0.5, 0.5, 0.5], [0.49, 0.49, 0.6], [0.51, 0.51, 0.5]))
    )
    pruned = Tried({"x": 3}, [0.1], pruned=True)
    words = sentence(Found(now, [few, pruned], [few], few, ""), "roc", lower=False)
    assert words.startswith("2 trials (1 given up early): roc 0.526667 instead of 0.5, better on 1")
    assert words.endswith("1 of 3 folds: that may be chance.")
    words = sentence(Found(now, [most], [most], most, ""), "roc", lower=False)
    assert words.endswith("better on 2 of 3 folds.")
    words = sentence(Found(now, [few], [few], None, ""), "cost", lower=True)
    assert words == "1 trial: none is better than model.yaml, cost 0.5000."


def test_ctrl_c_ends_it_in_one_line(
    project: Project, tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    from seedling.training.show_search import Bar

    folds = iter(range(1000))

    def fold(bar: Bar, values: list[float]) -> None:
        if next(folds) > 10:
            raise KeyboardInterrupt

    monkeypatch.setattr(Bar, "fold", fold)
    result = invoke(project, "tune", "--model", first_model(project), "--trials", "9")
    assert result.exit_code == 130
    assert re.search(r"^Stopped after [1-8] of 9: the same command goes on", result.output, re.M)
    assert result.stderr == ""


def test_a_ready_model_is_searched_by_what_is_usual(project: Project, tmp_path: Path) -> None:
    dataset = project.config.datasets[0]
    datasets.save(project, dataset, sample_rows(dataset, 200))
    result = run_verb(project, "tune", "--model", first_model(project), "--trials", "2", "--yes")
    if dataset.task == "regression":  # a linear regression
        assert result.returncode == 1
        assert "search: {fit_intercept: [true, false]}" in result.stderr
        return
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(
        r"^\+ +\w+: \{min: [\d.]+, max: [\d.]+, log: true\}$", result.stdout, re.MULTILINE
    )
    assert "2 trials" in result.stdout
    assert result.stderr == ""


def test_a_log_shows_from_the_first_second_how_far_a_search_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(show_search, "EVERY", 0.01)
    found = list[str]()

    def until(words: str) -> None:
        end = time.monotonic() + 5
        while words not in "".join(found):
            assert time.monotonic() < end, found
            time.sleep(0.005)
            found.append(capsys.readouterr().out)

    with show_search.Bar("rmse", Limits(3, None), 0, None) as bar:
        until("preparing; 0 s so far")
        bar.begin(True, 0, 4)
        until("as model.yaml has it, 0 of 4 folds;")
        bar.fold([1.0])
        until("as model.yaml has it, 1 of 4 folds; ")
        bar.end(Tried({"depth": 1}, [1.0] * 4), False)
        bar.begin(False, 1, 4)
        until("trial 1, 0 of 4 folds, best rmse 1")


def test_what_follows_an_answer_from_a_pipe_begins_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert questions.confirm("Write this?", default=True) is False
    assert capsys.readouterr().out == "Write this? [Y/n]: \n"
    with pytest.raises(click.Abort):
        questions.confirm("Write this?")
    assert capsys.readouterr().out.endswith("\n")
