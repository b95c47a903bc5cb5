"""The floor: a Flask route that reads what it is sent and answers the same JSON to all of it."""

from flask import Flask, Response, jsonify, request

app = Flask(__name__)


@app.post("/predict")
def predict() -> Response:
    request.get_data()
    return jsonify(scores=[[0.25, 0.75]])
