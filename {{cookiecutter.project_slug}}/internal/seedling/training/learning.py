"""The fits of one model: a first one with a look at rows set aside, folds, one on all rows."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from seedling.config import Dataset, Training
from seedling.tasks import measuring
from seedling.training import batches, cross_validation, first_rows
from seedling.training.batches import OtherRows
from seedling.training.cross_validation import Predict
from seedling.training.first_rows import FirstRows
from seedling.training.fits import Fit, Fitting, Table, refitted
from seedling.training.notes import CrossValidated, Refit


class Learned(NamedTuple):
    """The fits of one model.

    Attributes:
        first: the fit with a look at rows set aside.
        kept: the fit whose model is kept.
        rows: those of the first fit.
        validated, refit: how the others went.
        table: the rows in memory; `rows` are places in it.
        warnings: what a person should know of it.
    """

    first: Fit
    kept: Fit
    rows: FirstRows
    validated: CrossValidated
    refit: Refit
    table: Table
    warnings: Sequence[str] = ()

    @property
    def row_count(self) -> int:
        """Return the number of rows that the kept model has learned from."""
        return self.refit.rows or len(self.rows.train)


def learn(
    fitting: Fitting,
    predict: Predict,
    table: Table,
    settings: Training,
    once: bool,
    others: OtherRows | None = None,
) -> Learned:
    """Fit, cross-validate and fit again on all rows.

    Args:
        fitting: calls train_model.
        predict: the team's, of (model, features).
        table: the rows that are not held out.
        settings: of model.yaml.
        once: leave out all but the first fit.
        others: rows that are not held out either, where not all fit into memory.
    """
    wanted = settings.refit and not once
    rows, whole = first_of(table, wanted)
    first = fitting.first(*rows.parts(table))
    if once:
        return Learned(first, first, rows, CrossValidated(), Refit(), table)
    if others and wanted and not batches.takes(first.model):
        warning = others.warning(first.model)
        print(f"Warning: {warning}.", flush=True)  # the last words of a step that is killed
        whole_table = others.joined(table)
        return learn(fitting, predict, whole_table, settings, once)._replace(warnings=[warning])
    validated = cross_validation.validated(fitting, first, predict, table, settings.folds)
    if others and wanted:
        kept, refit = batches.fitted(first, table, others)
        refit = msgspec.structs.replace(refit, drawn=len(rows.train))
        return Learned(first, kept, rows, validated, refit, table)
    kept, refit = refitted(fitting, first, table.X, table.y, wanted)
    if rows.drawn and refit.refused:  # the model that is kept has not learned from some rows only
        rows = whole
        first = kept = fitting.first(*rows.parts(table))
    elif rows.drawn:
        refit = msgspec.structs.replace(refit, drawn=len(rows.train))
    return Learned(first, kept, rows, validated, refit, table)


def first_of(table: Table, refit: bool) -> tuple[FirstRows, FirstRows]:
    """Return the rows of the first fit, and all rows that it might learn from.

    Args:
        table: the rows in memory.
        refit: whether a fit on all rows follows; then some are enough for the first.
    """
    whole = first_rows.of(table)
    return (first_rows.drawn(whole, table) if refit else whole), whole


def decided(
    dataset: Dataset, learned: Learned, predict: Predict
) -> tuple[Dataset, str, dict[str, Any]]:
    """Return the dataset with its threshold as a number, the sentence about it, and test metrics.

    The number was chosen on the folds, or is on the test rows, which the first fit has not seen.
    The dataset's metric is always among the metrics: a sweep compares by it.
    """
    validated, first, test = learned.validated, learned.first, learned.rows.test
    decision, metrics = validated.decision, dict(first.test_metrics)
    if dataset.target.threshold is None and dataset.metric in metrics:
        return dataset, decision, metrics
    X_test, y_test = learned.table.part(test)
    answer = predict(first.model, X_test)
    if decision:
        target = dataset.target.model_copy(update={"threshold": validated.threshold})
        dataset = dataset.model_copy(update={"target": target})
    elif dataset.target.threshold is not None:
        dataset, decision = cross_validation.with_threshold(dataset, y_test, answer)
    rows = learned.table.rows.iloc[test]
    measured = measuring.measure(y_test, measuring.decided(answer, dataset), dataset, rows)
    return dataset, decision, metrics | {dataset.metric: measured[dataset.metric]}
