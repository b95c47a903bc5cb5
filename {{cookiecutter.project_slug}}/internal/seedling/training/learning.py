"""The fits of one model: a first one with a look at rows set aside, folds, one on all rows."""

from typing import NamedTuple

import msgspec

from seedling.config import Training
from seedling.training import cross_validation, first_rows
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
    """

    first: Fit
    kept: Fit
    rows: FirstRows
    validated: CrossValidated
    refit: Refit

    @property
    def row_count(self) -> int:
        """Return the number of rows that the kept model has learned from."""
        return self.refit.rows or len(self.rows.train)


def learn(
    fitting: Fitting, predict: Predict, table: Table, settings: Training, once: bool
) -> Learned:
    """Fit, cross-validate and fit again on all rows.

    Args:
        fitting: calls train_model.
        predict: the team's, of (model, features).
        table: the rows that are not held out.
        settings: of model.yaml.
        once: leave out all but the first fit.
    """
    whole = first_rows.of(table)
    wanted = settings.refit and not once
    rows = first_rows.drawn(whole, table) if wanted else whole
    first = fitting.first(*rows.parts(table))
    if once:
        return Learned(first, first, rows, CrossValidated(), Refit())
    validated = cross_validation.validated(fitting, first, predict, table, settings.folds)
    kept, refit = refitted(fitting, first, table.X, table.y, wanted)
    if rows.drawn and refit.refused:  # the model that is kept has not learned from some rows only
        rows = whole
        first = kept = fitting.first(*rows.parts(table))
    elif rows.drawn:
        refit = msgspec.structs.replace(refit, drawn=len(rows.train))
    return Learned(first, kept, rows, validated, refit)
