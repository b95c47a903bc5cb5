"""A task of its own: a count, answered with an interval that holds it four times in five."""

from typing import Any

from seedling import ProjectError
from seedling.extending import LeakProbe, Ready, Task, TaskTraining

WIDTH = 1.28  # standard deviations to either side
NUMBERS = {"type": "array", "items": {"type": ["number", "null"]}}

PREDICT = '''"""How the model answers."""

from typing import Any

import pandas as pd


def predict(model: Any, instances: pd.DataFrame) -> dict[str, Any]:
    """The expected counts of n instances, and the interval of each."""
    expected = model.predict(instances).clip(min=0)
    spread = 1.28 * expected**0.5
    low, high = (expected - spread).clip(min=0), expected + spread
    return {"predictions": expected, "low": low, "high": high}
'''


class Count(Task):
    name = "count"
    target_types = ("count",)
    metrics = ("mae", "coverage")
    lower_is_better = frozenset({"mae"})
    by_row = ("predictions", "low", "high")
    shown = (("number", "low"), ("number", "high"))
    predict_source = PREDICT

    @property
    def ready_models(self) -> dict[str, Ready]:
        line = Ready(
            title="A line through the counts.",
            imports="from sklearn.linear_model import LinearRegression",
            estimator="LinearRegression",
            hyperparameters=(("fit_intercept", "bool", "True"),),
        )
        return {"count_line": line}

    @property
    def training(self) -> TaskTraining:
        return CountTraining()

    def check_target(self, target):
        if target.labels:
            raise ValueError("a count has no labels")

    def compiled(self, link, labels):
        def answer(outputs):
            expected = [max(0.0, row[0]) for row in outputs]
            spreads = [WIDTH * value**0.5 for value in expected]
            pairs = list(zip(expected, spreads, strict=True))
            low, high = [max(0.0, n - s) for n, s in pairs], [n + s for n, s in pairs]
            return {"predictions": expected, "low": low, "high": high}

        return answer

    def stand_in(self, dataset, count):
        return {"predictions": [3.0] * count, "low": [1.0] * count, "high": [5.0] * count}

    def answer_schema(self, dataset):
        return dict.fromkeys(self.by_row, NUMBERS)

    def facts(self, target):
        return {"Interval": "four times in five"}


class CountTraining(TaskTraining):
    def suits(self, values) -> bool:
        return str(values.dtype).startswith("int") and values.min() >= 0 and values.nunique() > 20

    def propose_target(self, values, name: str) -> dict[str, Any]:
        if not self.suits(values):
            raise ProjectError(f"The target {name} holds no counts")
        return {"name": name, "type": "count"}

    def values(self, rows, target):
        return rows[target.name].astype("float64")

    def check(self, target):
        return lambda values: (values >= 0) & (values % 1 == 0), "is no count"

    def leak_probe(self, values) -> LeakProbe:
        from sklearn.tree import DecisionTreeRegressor

        return LeakProbe(values.astype("float64"), DecisionTreeRegressor, 0.0)

    def made_up(self, ranks, target):
        return (ranks * 50).round().astype(int)

    def measure(self, truth, answer, dataset) -> dict[str, float]:
        import numpy as np

        low, high = np.asarray(answer["low"]), np.asarray(answer["high"])
        return {
            "mae": float(np.abs(truth - np.asarray(answer["predictions"])).mean()),
            "coverage": float(((truth >= low) & (truth <= high)).mean()),
        }

    def check_answer(self, answer, target) -> None:
        assert all(value >= 0 for value in answer["low"])

    def baseline(self, truth, dataset):
        mean, count = float(truth.mean()), len(truth)
        spread = WIDTH * mean**0.5
        answer = {"predictions": mean, "low": max(0.0, mean - spread), "high": mean + spread}
        return {key: [value] * count for key, value in answer.items()}

    def plots(self, truth, answer, dataset):
        return {"Intervals": lambda axes: axes.scatter(truth, answer["predictions"], s=8)}


TASK = Count()
