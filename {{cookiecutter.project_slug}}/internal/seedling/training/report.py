"""The report of a training run: one self-contained HTML page, and a model card in Markdown."""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, select_autoescape
from sklearn import metrics as sk
from sklearn.calibration import CalibrationDisplay
from sklearn.inspection import permutation_importance

from seedling.config import Column, Config, Dataset, Target
from seedling.data.scalars import label_text
from seedling.data.schema import model_frame, target_values
from seedling.registry.model_files import Predictor
from seedling.training.gate import LOWER_IS_BETTER, gate
from seedling.training.metrics import measure

mpl.use("svg")
mpl.rcParams.update({"svg.fonttype": "none", "font.size": 9, "svg.hashsalt": "report"})

import matplotlib.pyplot as plt  # noqa: E402

SAMPLE = 1_000
REPEATS = 3


def write(
    config: Config,
    challenger: Predictor,
    rows: pd.DataFrame,
    truth: pd.Series,
    answer: Mapping[str, Any],
    evaluation: Mapping[str, Any],
    run: Mapping[str, Any],
) -> dict[str, str]:
    """The pages of one evaluation, by file name: `report.html` and `model_card.md`.

    Args:
        config: the project's model.yaml.
        challenger: the model that was trained.
        rows: the n held-out rows.
        truth: their target.
        answer: what the challenger answered for them.
        evaluation: metrics of challenger and champion, as the evaluate step notes them.
        run: what the train step noted.
    """
    dataset = challenger.dataset
    facts = {
        "config": config,
        "dataset": dataset,
        "evaluation": evaluation,
        "run": run,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "verdict": verdict(evaluation),
        "metrics": _metric_rows(evaluation),
        "importance": importance(challenger, rows),
        "columns": data_summary(rows, dataset),
        "plots": PLOTS[dataset.task](truth, answer, dataset),
    }
    templates = Environment(
        loader=PackageLoader("seedling.training"),
        autoescape=select_autoescape(["html.j2"]),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters["number"] = _number
    return {
        name: templates.get_template(f"{name}.j2").render(facts)
        for name in ("report.html", "model_card.md")
    }


def verdict(evaluation: Mapping[str, Any]) -> str:
    """What the gate will say of these numbers."""
    metric, new, old = (evaluation[key] for key in ("metric", "challenger", "champion"))
    better = gate(metric, new, old)
    if old is None:
        reason = evaluation["incomparable_champion"]
        return f"Registered: {reason}." if reason else "Registered: there was no champion."
    numbers = f"{metric} {_number(new[metric])}, champion {_number(old[metric])}"
    return f"Registered: {numbers}." if better else f"Not registered: {numbers}."


def importance(predictor: Predictor, rows: pd.DataFrame) -> list[dict[str, Any]]:
    """How much worse the metric becomes when a feature's values are shuffled, largest first."""
    dataset = predictor.dataset
    sample = rows.sample(min(SAMPLE, len(rows)), random_state=0)
    sign = -1 if dataset.metric in LOWER_IS_BETTER else 1

    def score(_: Any, X: pd.DataFrame, y: pd.Series) -> float:
        return sign * measure(y, predictor.predict(predictor.model, X), dataset)[dataset.metric]

    found = permutation_importance(
        predictor.model,
        model_frame(sample, dataset.features),
        target_values(sample, dataset),
        scoring=score,
        n_repeats=REPEATS,
        random_state=0,
    )
    losses = [
        {"name": name, "mean": mean, "std": std}
        for name, mean, std in zip(
            dataset.feature_names, found["importances_mean"], found["importances_std"], strict=True
        )
    ]
    losses.sort(key=lambda loss: -loss["mean"])
    largest = max((loss["mean"] for loss in losses), default=0) or 1
    return [{**loss, "share": max(0, loss["mean"] / largest)} for loss in losses]


def data_summary(rows: pd.DataFrame, dataset: Dataset) -> list[dict[str, str]]:
    """A line for each column: type, gaps, and its range or its most frequent values."""
    lines = []
    columns: list[Target | Column] = [dataset.target, *dataset.features]
    for column in columns:
        values = rows[column.name]
        if column.type in ("integer", "number"):
            low, middle, high = values.min(), values.median(), values.max()
            shown = f"{_number(low)} to {_number(high)}, median {_number(middle)}"
        else:
            shares = values.map(label_text, na_action="ignore").value_counts(normalize=True).head(3)
            shown = ", ".join(f"{value} {share:.0%}" for value, share in shares.items())
        missing = f"{values.isna().mean():.1%}"
        lines.append({"name": column.name, "type": column.type, "missing": missing, "shown": shown})
    return lines


def _metric_rows(evaluation: Mapping[str, Any]) -> list[dict[str, Any]]:
    champion = evaluation["champion"] or {}
    return [
        {
            "name": name,
            "challenger": value,
            "champion": champion.get(name),
            "gate": name == evaluation["metric"],
            "better": "lower" if name in LOWER_IS_BETTER else "higher",
        }
        for name, value in evaluation["challenger"].items()
    ]


def _number(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) > 1 else f"{value:.4g}"


def _svg(draw: Callable[[Any], object]) -> str:
    """What `draw` draws on a pair of axes, as an <svg> element."""
    figure, axes = plt.subplots(figsize=(4.2, 3.4), layout="constrained")
    draw(axes)
    text = StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None}, transparent=True)
    plt.close(figure)
    return text.getvalue()[text.getvalue().index("<svg") :]


def _classification_plots(
    truth: pd.Series, answer: Mapping[str, Any], dataset: Dataset
) -> dict[str, str]:
    labels = [label_text(label) for label in answer["labels"]]
    scores = np.asarray(answer["scores"], dtype="float64")
    true, predicted = truth.map(label_text), [label_text(value) for value in answer["predictions"]]
    two = len(labels) == 2
    shown = [label_text(dataset.target.positive_label)] if two else labels[:8]

    def confusion(axes: Any) -> None:
        sk.ConfusionMatrixDisplay.from_predictions(
            true, predicted, labels=labels, ax=axes, cmap="Blues", colorbar=False
        )

    def roc(axes: Any) -> None:
        for label in shown:
            score = scores[:, labels.index(label)]
            sk.RocCurveDisplay.from_predictions(true == label, score, name=label, ax=axes)
        axes.plot([0, 1], [0, 1], ":", color="gray")

    def calibration(axes: Any) -> None:
        for label in shown:
            score = np.clip(scores[:, labels.index(label)], 0, 1)
            CalibrationDisplay.from_predictions(
                true == label, score, n_bins=10, strategy="quantile", name=label, ax=axes
            )

    return {
        "Confusion matrix": _svg(confusion),
        "ROC curve": _svg(roc),
        "Calibration": _svg(calibration),
    }


def _regression_plots(
    truth: pd.Series, answer: Mapping[str, Any], dataset: Dataset
) -> dict[str, str]:
    predicted = np.asarray(answer["predictions"], dtype="float64")

    def display(kind: str) -> Callable[[Any], object]:
        return lambda axes: sk.PredictionErrorDisplay.from_predictions(
            truth, predicted, kind=kind, ax=axes, scatter_kwargs={"s": 8, "alpha": 0.5}
        )

    def histogram(axes: Any) -> None:
        axes.hist(truth - predicted, bins=min(40, max(5, round(math.sqrt(len(truth))))))
        axes.set_xlabel(f"residual of {dataset.target.name}")
        axes.set_ylabel("rows")

    return {
        "Actual against predicted": _svg(display("actual_vs_predicted")),
        "Residuals": _svg(display("residual_vs_predicted")),
        "Distribution of residuals": _svg(histogram),
    }


PLOTS: dict[str, Callable[..., dict[str, str]]] = {
    "classification": _classification_plots,
    "regression": _regression_plots,
}
