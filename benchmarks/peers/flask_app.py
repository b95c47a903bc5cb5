"""Flask, pandas and scikit-learn, as one would write it."""

import pandas as pd
from flask import Flask, Response, jsonify, request
from registered import model

app = Flask(__name__)


@app.post("/predict")
def predict() -> Response:
    rows = pd.DataFrame(request.get_json()["rows"])
    return jsonify(scores=model.predict_proba(rows).tolist())
