"""The ready models of the task, and the text of their predict.py."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seedling.scaffold.ready_models import Ready

GROUPS = ("groups", "list[str]")

PREDICT = '''"""Answers rows by the trained model."""

from typing import Any

import pandas as pd


def predict(model: Any, instances: pd.DataFrame) -> dict[str, Any]:
    """Answer n instances.

    Args:
        model: what train_model returned.
        instances: a row each, features as in training.

    Returns:
        predictions (n numbers, in the target's unit), low and high (the interval that holds 95 of
        100 such rows) and flags (n texts: what to know of the row's group, `new` for a group that
        training never saw).
    """
    return model.predict_interval(instances)._asdict()


if __name__ == "__main__":
    from seedling import predict_here

    predict_here(__file__)
'''


def ready_models() -> "Mapping[str, Ready]":
    """Return the ready models by name."""
    from seedling.scaffold.ready_models import Ready

    linear = Ready(
        title="Grouped linear regression: a line for each group, drawn to what all have in common.",
        imports="",
        estimator="GroupedLinear",
        hyperparameters=(("pooling", "str", '"empirical_bayes"'), ("alpha", "float", "1.0")),
        search=(("pooling", "[none, ridge, empirical_bayes, levels]"),),
        fixed=(
            "groups=groups",
            # Not scaled: a coefficient is what one unit of its feature is worth.
            "preprocessing=preprocessing(X_train.drop(columns=groups))",
        ),
        given=(GROUPS,),
        alone=True,
        helpers=("GroupedLinear",),
        served=("numpy>=2",),
    )
    return {"grouped_linear_regression": linear}
