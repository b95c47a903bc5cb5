"""Yours: the base script of a run on Azure ML, in sections; docs/run-scripts.md describes them.

`python train.py` runs it here as it stands: a smoke check. `run-script show` prints what a job
runs, which is this with every section that is missing here filled in.
"""
# A formatter would write the headers with a space, and then they are none.
# fmt: off

#=====custom imports
from seedling.fitting import rows_of

from models.@model@.train import train_model

#=====set experiment and model name
experiment_name = "@slug@_run"
model_name = "@image@"

#=====import data
X_train, y_train, X_test, y_test, params = rows_of("@model@")

#=====custom training code
model, train_metrics, metrics = train_model(X_train, y_train, X_test, y_test, **params)
print(metrics)
