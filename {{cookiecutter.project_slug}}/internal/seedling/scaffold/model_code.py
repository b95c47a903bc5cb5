"""Writes the train.py of a ready model.

Each argument stands on a line of its own with a comma behind it: a layout that the formatter keeps,
however many there are.
"""

from string import Template
from textwrap import indent

from seedling.scaffold.ready_models import WEIGHTS, Ready
from seedling.wording import listed

TRAIN = Template('''"""$title"""

$imports

$helpers


def train_model(
    X_train: pd.DataFrame,
    y_train: pd.Series,
    X_test: pd.DataFrame | None = None,
    y_test: pd.Series | None = None,
    *,
$arguments
) -> tuple[$returned, dict[str, float], dict[str, float]]:
    """Fit the model, and measure it on the rows that it learned from and on the test rows.

    Args:
        X_train, y_train: n rows of features, and their target.
        X_test, y_test: rows set aside for a look at the result; not the holdout of the gate.
            None in the second fit, which has all rows.
        *: $said, set in model.yaml.

    Returns:
        The fitted model, its metrics on the training rows, its metrics on the test rows.
    """
    model = $model
    model.fit(X_train, y_train)
    train_metrics = $train_metrics
    return model, train_metrics, fit_metrics(model, X_test, y_test)


if __name__ == "__main__":
    train_here(__file__)
''')


def train_source(ready: Ready) -> str:
    """Return the text of a ready model's train.py."""
    if ready.source:
        return ready.source
    fixed = {argument.partition("=")[0]: argument for argument in ready.fixed}
    arguments = {name: f"{name}={name}" for name, _, _ in ready.hyperparameters} | fixed
    estimator = _call(ready.estimator, [*arguments.values()])
    if ready.around:
        estimator = _call(ready.around, [estimator, *ready.around_arguments])
    taken = [f"{name}: {kind}" for name, kind in ready.given]
    taken += [f"{name}: {kind} = {value}" for name, kind, value in ready.hyperparameters]
    said = "hyperparameters"
    if ready.given:
        said = f"{listed([name for name, _ in ready.given])} of the dataset, and hyperparameters"
    if WEIGHTS in (*ready.fixed, *ready.around_arguments):
        taken.append("class_weight: str | dict | None = None")
        said += " and class weights"
    imports = ["import pandas as pd", *sorted(ready.imports.splitlines())]
    if not ready.alone:
        scale = ", scale=True" if ready.scale else ""
        estimator = _call("make_pipeline", [f"preprocessing(X_train{scale})", estimator])
        pipeline = "from sklearn.pipeline import Pipeline, make_pipeline"
        imports[1:] = sorted([*imports[1:], pipeline])
    helpers = sorted(["fit_metrics", "preprocessing", "train_here", *ready.helpers])
    return TRAIN.substitute(
        title=ready.title,
        imports="\n".join(imports),
        helpers=f"from seedling.fitting import {', '.join(helpers)}",
        arguments="\n".join(f"    {argument}," for argument in taken),
        returned=ready.estimator if ready.alone else "Pipeline",
        said=said,
        model=indent(estimator, " " * 4).strip(),
        train_metrics=ready.train_metrics,
    )


def _call(name: str, arguments: list[str]) -> str:
    """Return a call with a line for each argument."""
    lines = "".join(f"{argument},\n" for argument in arguments)
    return f"{name}(\n{indent(lines, '    ')})"
