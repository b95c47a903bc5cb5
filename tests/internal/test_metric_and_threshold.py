"""A dataset's metric, class weights and threshold: what a team states decides everywhere."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk
from small import PETS, pets

from seedling import team_code
from seedling.compiled import compiling, forms
from seedling.config import Dataset, Project
from seedling.containers.images import HOME
from seedling.data.held_out import HeldOut
from seedling.errors import ProjectError
from seedling.registry import model_files
from seedling.registry.model_files import Predictor
from seedling.scaffold import parts
from seedling.scaffold.model_code import train_source
from seedling.scaffold.ready_models import CLASSIFIERS
from seedling.serving import unnamed
from seedling.tasks import measuring
from seedling.tasks.classification import TASK, choose_threshold
from seedling.tasks.label_encoded import LabelEncoded
from seedling.testing import invoke
from seedling.training import cross_validation, saving
from seedling.training.first_rows import FirstRows
from seedling.training.fits import Fit, Table, refuse_weights
from seedling.training.gate import gate
from seedling.training.learning import Learned, decided
from seedling.training.notes import CrossValidated, Refit

TRUTH = pd.Series(["no", "yes", "yes", "no", "no", "yes"])
CHANCES = [0.1, 0.9, 0.4, 0.45, 0.2, 0.6]
ANSWER = {
    "predictions": ["yes" if chance > 0.5 else "no" for chance in CHANCES],
    "scores": [[1 - chance, chance] for chance in CHANCES],
    "labels": ["no", "yes"],
}
WEIGHTLESS = {"multi_layer_perceptron", "support_vector_machine"}
OWN = """
from sklearn.metrics import fbeta_score, make_scorer

def cost(truth, answer) -> float:
    return float((truth.to_numpy() != answer["predictions"]).mean() * 10 + len(answer["labels"]))

cost.greater_is_better = False

def gain(truth, answer):
    return 1.0

half_recall = make_scorer(fbeta_score, beta=0.5, pos_label="yes")
"""


def by(metric: str, **target: Any) -> Dataset:
    entry = PETS.model_dump()
    return Dataset.model_validate(entry | {"metric": metric, "target": entry["target"] | target})


def number(metric: str) -> Dataset:
    entry = PETS.model_dump() | {"task": "regression", "metric": metric}
    features = [each for each in entry["features"] if each["name"] != "age"]
    return Dataset.model_validate(
        entry | {"target": {"name": "age", "type": "integer"}, "features": features}
    )


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A project whose metrics.py has metrics of the team's."""
    (tmp_path / "metrics.py").write_text(OWN, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield
    sys.modules.pop("metrics", None)


def test_a_scorer_of_scikit_learn_is_measured_as_it_measures() -> None:
    positive = (TRUTH == "yes").astype(int)
    expected = {
        "average_precision": sk.average_precision_score(positive, CHANCES),
        "balanced_accuracy": sk.balanced_accuracy_score(TRUTH, ANSWER["predictions"]),
        "f1_macro": sk.f1_score(TRUTH, ANSWER["predictions"], average="macro"),
        "neg_brier_score": -sk.brier_score_loss(positive, CHANCES),
    }
    for name, value in expected.items():
        found = measuring.measure(TRUTH, ANSWER, by(name))
        assert found[name] == pytest.approx(value), name
        assert {"roc_auc", "accuracy"} <= found.keys()
    numbers, guess = pd.Series([1.0, 2.0, 4.0]), {"predictions": [1.0, 1.0, 5.0]}
    found = measuring.measure(numbers, guess, number("neg_mean_absolute_percentage_error"))
    assert found["neg_mean_absolute_percentage_error"] == pytest.approx(-0.25)


def test_the_positive_label_is_the_one_that_model_yaml_names() -> None:
    found = measuring.measure(TRUTH, ANSWER, by("average_precision", positive="no"))
    expected = sk.average_precision_score(TRUTH == "no", [1 - chance for chance in CHANCES])
    assert found["average_precision"] == pytest.approx(expected)


def test_labels_that_are_more_than_two_are_scored_too() -> None:
    labels = ["no", "yes", "later"]
    answer = {
        "predictions": ["later", "yes", "no"],
        "scores": [[0.2, 0.1, 0.7], [0.1, 0.8, 0.1], [0.6, 0.2, 0.2]],
        "labels": labels,
    }
    dataset = by("roc_auc_ovr_weighted", labels=labels)
    truth = pd.Series(["later", "yes", "no"])
    assert measuring.measure(truth, answer, dataset)["roc_auc_ovr_weighted"] == 1
    measuring.refuse_unknown(dataset)
    with pytest.raises(ProjectError, match=r"jaccard.*Target is multiclass.*does not fit"):
        measuring.refuse_unknown(by("jaccard", labels=labels))


@pytest.mark.parametrize("name", ["neg_log_loss", "average_precision", "neg_max_error"])
def test_a_scorer_is_better_the_higher_it_is(name: str) -> None:
    dataset = number(name) if name == "neg_max_error" else by(name)
    measuring.refuse_unknown(dataset)
    assert gate(dataset, {name: -0.2}, {name: -0.3})
    assert not gate(dataset, {name: -0.3}, {name: -0.2})


def test_a_metric_of_the_team_decides_in_its_own_direction(own: None) -> None:
    dataset = by("cost")
    measuring.refuse_unknown(dataset)
    assert measuring.measure(TRUTH, ANSWER, dataset)["cost"] == pytest.approx(10 / 6 + 2)
    assert measuring.lower_is_better(dataset) >= {"cost", "log_loss"}
    assert gate(dataset, {"cost": 2.0}, {"cost": 3.0})
    assert not gate(dataset, {"cost": 3.0}, {"cost": 2.0})
    scored = measuring.measure(TRUTH, ANSWER, by("half_recall"))["half_recall"]
    expected = sk.fbeta_score(TRUTH, ANSWER["predictions"], beta=0.5, pos_label="yes")
    assert scored == pytest.approx(expected)
    with pytest.raises(ProjectError, match=r"gain\.greater_is_better = False, or True"):
        measuring.refuse_unknown(by("gain"))
    with pytest.raises(ProjectError, match=r"did you mean cost\?"):
        measuring.refuse_unknown(by("costs"))


def test_the_service_knows_the_direction_without_metrics_py(project: Project) -> None:
    dataset = by("cost")
    config = project.config.model_copy(update={"datasets": [dataset]})
    champions = {
        name: unnamed.Champion(dataset, {"cost": cost}, ["cost"])
        for name, cost in {"dear": 9.0, "cheap": 2.0}.items()
    }
    assert unnamed.choose(config, champions).model == "cheap"


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("averge_precision", "did you mean average_precision"),
        ("neg_root_mean_squared_error", "it does not fit this target of classification"),
        ("adjusted_rand_score", "is none of roc_auc"),
    ],
)
def test_a_metric_that_cannot_be_is_one_line_before_training(
    project: Project, metric: str, words: str
) -> None:
    text = project.config_path.read_text(encoding="utf-8")
    own = project.config.datasets[0].metric
    project.write(text.replace(f"metric: {own}", f"metric: {metric}"))
    with pytest.raises(ProjectError) as error:
        measuring.refuse_unknown(by(metric))
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    if metric == "averge_precision":
        assert invoke(project, "create-local-datasets").exit_code == 0
        result = invoke(project, "validate-datasets")
        assert result.exit_code == 1
        assert "metric 'averge_precision'" in result.output


@pytest.mark.parametrize(
    ("threshold", "words"),
    [
        (1.5, "1.5 is no number between 0 and 1"),
        ("half", "'half' is no number"),
        ({"recall": 0.9, "precision": 0.8}, "one of recall, precision, cost"),
        ({"recall": 2}, "less than or equal to 1"),
    ],
)
def test_a_threshold_that_cannot_be_is_refused(threshold: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        by("roc_auc", threshold=threshold)


def test_a_threshold_is_for_two_labels_only() -> None:
    with pytest.raises(ValueError, match="between two labels, and there are 3"):
        by("roc_auc", threshold=0.3, labels=["a", "b", "c"])
    entry = number("rmse").model_dump()
    with pytest.raises(ValueError, match="regression has no probabilities"):
        Dataset.model_validate(entry | {"target": entry["target"] | {"threshold": 0.3}})


def many(count: int = 400) -> tuple[pd.Series, dict[str, Any], Any]:
    generator = np.random.default_rng(1)
    truth = generator.random(count) < 0.2
    chances = np.clip(0.2 + 0.25 * truth + generator.normal(0, 0.15, count), 0, 1)
    answer = {
        "predictions": np.where(chances > 0.5, "yes", "no"),
        "scores": np.column_stack([1 - chances, chances]),
        "labels": np.array(["no", "yes"]),
    }
    return pd.Series(np.where(truth, "yes", "no")), answer, chances


@pytest.mark.parametrize(
    "wanted",
    [
        {"recall": 0.9},
        {"precision": 0.8},
        {"cost": {"false_positive": 1, "false_negative": 10}},
    ],
    ids=["recall", "precision", "cost"],
)
def test_a_threshold_does_what_it_is_chosen_for_and_not_more(wanted: dict[str, Any]) -> None:
    truth, answer, chances = many()
    dataset = by("f1", threshold=wanted)
    target, words = choose_threshold.decide(truth, answer, dataset.target)
    assert isinstance(target.threshold, float)
    assert f"yes from a probability of {target.threshold:.4g}" in words

    def at(threshold: float) -> dict[str, float]:
        said, true = chances >= threshold, (truth == "yes").to_numpy()
        hits, alarms = int((said & true).sum()), int(said.sum())
        return {
            "recall": hits / true.sum(),
            "precision": hits / max(1, alarms),
            "cost": alarms - hits + 10 * (true.sum() - hits),
        }

    tried = [at(chance) for chance in np.unique(chances)]
    found = at(target.threshold)
    if "cost" in wanted:
        assert found["cost"] == min(each["cost"] for each in tried)
    else:
        ((name, least),) = wanted.items()
        other = "precision" if name == "recall" else "recall"
        enough = [each for each in tried if each[name] >= least]
        assert found[name] >= least
        assert name == "recall" or found[other] == max(each[other] for each in enough)
        higher = chances[chances > target.threshold].min() + 1e-9
        assert name == "precision" or at(higher)[name] < least


def test_a_precision_out_of_reach_is_told_with_the_most() -> None:
    truth = pd.Series(["no", "yes"] * 10)
    same = {"scores": [[0.5, 0.5]] * 20, "labels": ["no", "yes"], "predictions": ["no"] * 20}
    with pytest.raises(ProjectError, match=r"precision of 0\.9 .* the most is 0\.5: ask for less"):
        choose_threshold.decide(truth, same, by("f1", threshold={"precision": 0.9}).target)


def trained(name: str, weights: Any = None) -> tuple[Any, pd.DataFrame]:
    """A fitted ready classifier, by the train.py that add-model writes, and its rows."""
    space: dict[str, Any] = {"__name__": "written"}
    exec(train_source(CLASSIFIERS[name]), space)  # noqa: S102
    rows = pets(200)
    generator = np.random.default_rng(0)
    chance = 0.1 + 0.3 * (rows["age"] > 6)
    rows["adopted"] = np.where(generator.random(len(rows)) < chance, "yes", "no")
    X = rows[PETS.feature_names].astype({"age": float, "tame": float})
    small = {"n_estimators": 20} if "n_estimators" in space["train_model"].__kwdefaults__ else {}
    given = {} if weights is None else {"class_weight": weights}
    model, _, _ = space["train_model"](X, rows["adopted"], **small, **given)
    return model, rows


def predict(model: Any, instances: pd.DataFrame) -> dict[str, Any]:
    scores = model.predict_proba(instances)
    labels = model.classes_
    return {"predictions": labels[scores.argmax(axis=1)], "scores": scores, "labels": labels}


@pytest.mark.parametrize("name", ["logistic_regression", "random_forest"])
def test_compiled_and_plain_decide_alike_on_both_sides_of_the_threshold(
    name: str, tmp_path: Path
) -> None:
    model, rows = trained(name)
    plain = Predictor(name, "1", PETS, HeldOut(0.2), model, predict)
    chances = np.asarray(plain.answer(rows)["scores"])[:, 1]
    exact = float(np.sort(chances)[150])  # a score that rows have: rounding must not part them
    dataset = by("f1", threshold=exact)
    plain = Predictor(name, "1", dataset, HeldOut(0.2), model, predict)
    source = tmp_path / "predict.py"
    source.write_text("", encoding="utf-8")
    folder = tmp_path / "model"
    saving.save(plain, rows, folder)
    assert not compiling.add(folder, plain, source, rows).refused
    form = forms.load(folder, source)
    said = list(plain.answer(rows)["predictions"])
    assert form.answer(compiling.values(rows, dataset))["predictions"] == said
    assert said == ["yes" if chance >= exact - 1e-6 else "no" for chance in chances]
    assert said != list(predict(model, model_frame(rows))["predictions"])
    read, _ = model_files.read_schema(folder)
    assert read.target.threshold == exact


def model_frame(rows: pd.DataFrame) -> pd.DataFrame:
    from seedling.data.schema import model_frame

    return model_frame(rows, PETS.features)


@pytest.mark.parametrize("name", sorted(CLASSIFIERS.keys() - WEIGHTLESS))
def test_weights_move_the_answers_of_every_ready_classifier_that_takes_them(name: str) -> None:
    pytest.importorskip({"xgboost": "xgboost", "catboost": "catboost"}.get(name, "sklearn"))
    model, rows = trained(name)
    heavy, _ = trained(name, {"no": 1.0, "yes": 20.0})
    X = model_frame(rows)
    one, other = (np.asarray(each.predict_proba(X))[:, 1].mean() for each in (model, heavy))
    assert other > one + 0.1


@pytest.mark.parametrize("name", sorted(WEIGHTLESS))
def test_a_ready_classifier_without_weights_refuses_them(name: str) -> None:
    space: dict[str, Any] = {"__name__": "written"}
    exec(train_source(CLASSIFIERS[name]), space)  # noqa: S102
    with pytest.raises(ProjectError, match="takes no class_weight"):
        refuse_weights(name, space["train_model"])


def test_balanced_weights_reach_a_classifier_behind_labels_as_numbers() -> None:
    class Noted:
        def fit(self, X: Any, y: Any, sample_weight: Any = None) -> None:
            self.weights = sample_weight

    inner = Noted()
    LabelEncoded(inner, "balanced").fit([[0]] * 4, ["a", "b", "b", "b"])
    assert list(inner.weights) == pytest.approx([2, 2 / 3, 2 / 3, 2 / 3])


def test_a_train_model_without_weights_refuses_them() -> None:
    with pytest.raises(ProjectError, match=r"models/net/train\.py: train_model takes no class_we"):
        refuse_weights("net", lambda X, y, X_test, y_test: None)
    refuse_weights("net", lambda X, y, *, class_weight=None: None)
    refuse_weights("net", lambda X, y, **others: None)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ("class_weight: heavy", "class_weight is balanced, or a number above 0 by label"),
        ("class_weight: {nobody: 3}", "class_weight: 'nobody' is none of the labels"),
        ("class_weight: balanced", ""),
    ],
)
def test_class_weights_are_those_of_labels(project: Project, weights: str, words: str) -> None:
    if not project.config.datasets[0].target.labels:
        pytest.skip("this vertical predicts numbers")
    text = project.config_path.read_text(encoding="utf-8")
    changed = text.replace(
        "\n      hyperparameters:", f"\n      {weights}\n      hyperparameters:", 1
    )
    assert changed != text
    if words:
        with pytest.raises(ProjectError, match=words):
            project.write(changed)
    else:
        project.write(changed)
        first = project.config.training.models[0]
        target = project.config.dataset(first.dataset).target
        assert first.arguments(target)["class_weight"] == "balanced"


def test_folds_choose_the_threshold_on_rows_that_their_fits_have_not_seen() -> None:
    rows = pets(60)
    dataset = by("f1", threshold={"recall": 0.9})
    truth = rows["adopted"]
    parts = [
        cross_validation.Part(repeat, truth[place::2], answer_of(some), 0.25, some)
        for repeat in range(2)
        for place in range(2)
        for some in [rows[place::2]]
    ]
    pooled, answer = cross_validation.pooled(parts, dataset)
    assert len(pooled) == len(answer["scores"]) == 60
    chosen, words = cross_validation.with_threshold(dataset, pooled, answer)
    assert "60 rows" in words
    found = cross_validation._measured(parts, 60, chosen, cross_validation.Plan(2, 2))
    assert found.metrics["recall"].mean >= 0.85


def answer_of(rows: pd.DataFrame) -> dict[str, Any]:
    chances = (rows["age"] / 20).tolist()
    scores = [[1 - chance, chance] for chance in chances]
    return {"predictions": ["no"] * len(rows), "scores": scores, "labels": ["no", "yes"]}


def test_the_page_and_openapi_say_from_which_probability() -> None:
    dataset = by("f1", threshold=0.3)
    assert TASK.facts(dataset.target)["Decision"] == "yes from a probability of 0.3"
    assert "yes from a probability of 0.3" in str(TASK.answer_schema(dataset))
    assert "Decision" not in TASK.facts(PETS.target)


@pytest.mark.parametrize("wanted", [{"recall": 0.9}, 0.3], ids=["chosen", "fixed"])
def test_without_folds_the_rows_set_aside_choose_and_a_sweep_compares_by_them(wanted: Any) -> None:
    rows, dataset = pets(60), by("f1", threshold=wanted)
    fit = Fit(None, {}, {"f1": 0.0}, 0.1)
    first = FirstRows(np.array([]), np.arange(len(rows)))
    table = Table(rows, rows, rows["adopted"], dataset)
    learned = Learned(fit, fit, first, CrossValidated(), Refit(), table)
    found, words, metrics = decided(dataset, learned, lambda model, X: answer_of(X))
    assert isinstance(found.target.threshold, float)
    assert words.startswith("Predicts yes from a probability of")
    answer = measuring.decided(answer_of(rows), found)
    assert metrics == {"f1": measuring.measure(rows["adopted"], answer, found)["f1"]}
    assert metrics["f1"] > 0


def test_metrics_py_goes_wherever_the_steps_run(tmp_path: Path) -> None:
    (tmp_path / "metrics.py").write_text(OWN, encoding="utf-8")
    assert "metrics.py" in team_code.brought(tmp_path)
    allowed = HOME / parts.CONTAINERS / "files" / ".dockerignore"
    assert "!metrics.py" in allowed.read_text(encoding="utf-8").splitlines()
