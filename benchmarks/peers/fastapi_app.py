"""FastAPI, pandas and scikit-learn, as one would write it."""

from typing import Any

import pandas as pd
from fastapi import FastAPI
from pydantic import BaseModel
from registered import model

app = FastAPI()


class Question(BaseModel):
    rows: list[dict[str, Any]]


class Answer(BaseModel):
    scores: list[list[float]]


@app.post("/predict")
def predict(question: Question) -> Answer:
    return Answer(scores=model.predict_proba(pd.DataFrame(question.rows)).tolist())
