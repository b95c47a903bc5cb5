PREDICT = '''"""How the model answers."""

from typing import Any

import pandas as pd


def predict(model: Any, instances: pd.DataFrame) -> dict[str, Any]:
    """The answer for n instances.

    Args:
        model: what train_model returned.
        instances: a row each, features as in training.

    Returns:
        predictions (n labels), scores (n x labels, probabilities) and the labels in their order.
    """
    scores = model.predict_proba(instances)
    labels = model.classes_
    return {"predictions": labels[scores.argmax(axis=1)], "scores": scores, "labels": labels}
'''
