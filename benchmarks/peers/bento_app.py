"""BentoML, pandas and scikit-learn, as its guide writes it."""

import os
from typing import Any

import bentoml
import pandas as pd


@bentoml.service(workers=int(os.environ["WEB_CONCURRENCY"]))
class Scorer:
    def __init__(self) -> None:
        from registered import model

        self.model = model

    @bentoml.api
    def predict(self, rows: list[dict[str, Any]]) -> dict[str, list[list[float]]]:
        return {"scores": self.model.predict_proba(pd.DataFrame(rows)).tolist()}
