PREDICT = '''"""How the model answers."""

from typing import Any

import pandas as pd


def predict(model: Any, instances: pd.DataFrame) -> dict[str, Any]:
    """The answer for n instances.

    Args:
        model: what train_model returned.
        instances: a row each, features as in training.

    Returns:
        predictions (n numbers, in the target's unit).
    """
    return {"predictions": model.predict(instances)}
'''
