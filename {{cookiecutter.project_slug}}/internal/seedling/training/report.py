"""The report of a training run: one self-contained HTML page, and a model card in Markdown."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd

from seedling import columns, tasks
from seedling.columns.protocol import Column
from seedling.config import Config, Dataset, Target
from seedling.data.scalars import short
from seedling.registry.model_files import Predictor
from seedling.tasks import measuring, train_metrics
from seedling.templating import templates
from seedling.training import importance, outcomes
from seedling.training.gate import gate
from seedling.training.notes import Evaluation, Interval, TrainingRun

mpl.use("svg")
mpl.rcParams.update({"svg.fonttype": "none", "font.size": 9, "svg.hashsalt": "report"})

import matplotlib.pyplot as plt  # noqa: E402

SMOKE = (
    "Not registered: a smoke check, which fitted once to see that everything runs. None of these "
    "numbers is a result."
)
MOST_PLOTTED = 20_000  # rows; more take seconds to draw, and look the same


def write(
    config: Config,
    challenger: Predictor,
    rows: pd.DataFrame,
    truth: pd.Series,
    answer: Mapping[str, Any],
    evaluation: Evaluation,
    run: TrainingRun,
) -> dict[str, str]:
    """Return the pages of one evaluation, by file name: `report.html` and `model_card.md`.

    Args:
        config: the project's model.yaml.
        challenger: the model that was trained.
        rows: the n held-out rows.
        truth: their target.
        answer: the challenger's answer for them.
        evaluation: the evaluate step's note, with the metrics of challenger and champion.
        run: the train step's note.
    """
    dataset = challenger.dataset
    task = tasks.of(dataset)
    shown = _plotted(truth, answer, task.by_row)
    facts = {
        "config": config,
        "dataset": dataset,
        "evaluation": evaluation,
        "run": run,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "verdict": SMOKE if run.smoke else verdict(dataset, evaluation),
        "compared": outcomes.compared(
            evaluation.holdout_rows, evaluation.held_out_rows, evaluation.champion is not None
        ),
        "fits": outcomes.fits(
            dataset.metric,
            run.learned_rows,
            run.refit,
            run.cross_validated,
            evaluation.compiled,
        ),
        "metrics": _metric_rows(dataset, evaluation, run),
        "importance": importance.of(challenger, rows),
        "columns": data_summary(rows, dataset),
        "plots": {
            title: _svg(draw) for title, draw in task.training.plots(*shown, dataset).items()
        },
        "plotted": len(shown[0]),
        "setbacks": outcomes.setbacks(evaluation.setbacks, evaluation.champion_version),
        "sections": [
            section._replace(
                plots={title: _svg(draw) for title, draw in section.plots.items()},  # type: ignore[misc]
            )
            for section in task.training.sections(challenger.model, truth, answer, rows, dataset)
        ],
        "holdout_file": outcomes.HOLDOUT_FILE,
        "most_in_training": train_metrics.MOST_ROWS,
    }
    found = templates(Path(__file__).parent, {"number": short})
    return {
        name: found.get_template(f"{name}.j2").render(facts)
        for name in ("report.html", "model_card.md")
    }


def verdict(dataset: Dataset, evaluation: Evaluation) -> str:
    """Return the gate's decision as a sentence, with both metrics."""
    metric, new, old = evaluation.metric, evaluation.challenger, evaluation.champion
    better = gate(dataset, new, old)
    if old is None:
        reason = evaluation.incomparable_champion
        return f"Registered: {reason}." if reason else "Registered: there was no champion."
    numbers = f"{metric} {short(new[metric])}, champion {short(old[metric])}"
    return f"Registered: {numbers}." if better else f"Not registered: {numbers}."


def _plotted(
    truth: pd.Series, answer: Mapping[str, Any], by_row: Sequence[str]
) -> tuple[pd.Series, dict[str, Any]]:
    """Return target and answer of the rows that are plotted: some, where there are many."""
    if len(truth) <= MOST_PLOTTED:
        return truth, dict(answer)
    places = np.sort(np.random.default_rng(0).choice(len(truth), MOST_PLOTTED, replace=False))
    return truth.iloc[places], {
        key: np.asarray(found)[places] if key in by_row else found for key, found in answer.items()
    }


def data_summary(rows: pd.DataFrame, dataset: Dataset) -> list[dict[str, str]]:
    """Return a line for each column: type, gaps, and its range or its most frequent values."""
    lines = []
    described: list[Target | Column] = [dataset.target, *dataset.features]
    for column in described:
        values = rows[column.name]
        shown = (columns.find(column.type) or Column).summary(values)
        missing = f"{values.isna().mean():.1%}"
        lines.append({"name": column.name, "type": column.type, "missing": missing, "shown": shown})
    return lines


def _metric_rows(
    dataset: Dataset, evaluation: Evaluation, run: TrainingRun
) -> list[dict[str, Any]]:
    champion, lower = evaluation.champion or {}, measuring.lower_is_better(dataset)
    return [
        {
            "name": name,
            "challenger": value,
            "champion": champion.get(name),
            "baseline": evaluation.baseline.get(name),
            "validated": _interval(run.cross_validated.metrics.get(name)),
            "gate": name == evaluation.metric,
            "better": "lower" if name in lower else "higher",
        }
        for name, value in evaluation.challenger.items()
    ]


def _interval(found: Interval | None) -> str:
    return f"{found.mean:.4g} ± {found.half:.2g}" if found else "-"


def _svg(draw: Callable[[Any], object]) -> str:
    """Return the drawing that `draw` makes on a pair of axes, as an <svg> element."""
    figure, axes = plt.subplots(figsize=(4.2, 3.4), layout="constrained")
    draw(axes)
    text = StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None}, transparent=True)
    plt.close(figure)
    return text.getvalue()[text.getvalue().index("<svg") :]
