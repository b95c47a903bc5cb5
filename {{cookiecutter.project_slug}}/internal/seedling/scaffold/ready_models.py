"""The ready models: what add-model writes for each. A model is data; another one is an entry."""

from typing import NamedTuple


class Ready(NamedTuple):
    """The contents of a ready model's train.py, beside the lines that all of them share.

    `hyperparameters` are (name, type, default) in the order of the constructor; their values
    stand in model.yaml, those of `fixed` do not. `search` are (name, YAML): where `tune` looks for
    better ones unless model.yaml says it. A name in both is passed on as `fixed` says. What
    stands `around` the estimator may have arguments of its own. `requirements` are what it is
    trained with; serving needs them only where the model has no compiled form. The compiled form
    of `trees` is run by onnxruntime; what is not `compiled` is served by scikit-learn.
    `served` is what answers beside or instead of these. `given` are (name, type) of what the task
    hands to train_model from the dataset. An estimator that stands `alone` has the preprocessing
    among its arguments, and no pipeline around it. One that the lines shared by all do not fit has
    a `source` of its own, the text of its train.py; `files` are (path, text) of others beside it.
    """

    title: str
    imports: str
    estimator: str
    hyperparameters: tuple[tuple[str, str, str], ...]
    search: tuple[tuple[str, str], ...] = ()
    fixed: tuple[str, ...] = ()
    around: str = ""
    around_arguments: tuple[str, ...] = ()
    scale: bool = False
    helpers: tuple[str, ...] = ()
    train_metrics: str = "fit_metrics(model, X_train, y_train)"
    requirements: tuple[str, ...] = ()
    trees: bool = False
    compiled: bool = True
    given: tuple[tuple[str, str], ...] = ()
    alone: bool = False
    served: tuple[str, ...] = ()
    source: str = ""
    files: tuple[tuple[str, str], ...] = ()


WEIGHTS = "class_weight=class_weight"  # of estimator or wrapper; train_model then takes it
RANDOM_STATE = ("random_state", "int", "20")
TREES = ("onnxruntime>=1.20",)
PLAIN = ("pandas>=2.2,<3", "scikit-learn>=1.6")
TARGET = "from sklearn.compose import TransformedTargetRegressor"
SCALER = "from sklearn.preprocessing import StandardScaler"
COMPILING = ("onnx>=1.17", *TREES)
RATE = ("learning_rate", "{min: 0.01, max: 0.3, log: true}")
FOREST_SEARCH = (
    ("min_samples_leaf", "{min: 1, max: 50, log: true}"),
    ("max_leaf_nodes", "{min: 32, max: 4096, log: true}"),
)
HISTOGRAM_SEARCH = (
    RATE,
    ("max_iter", "{min: 50, max: 600, log: true}"),
    ("max_leaf_nodes", "{min: 4, max: 63, log: true}"),
)
XGBOOST_SEARCH = (
    ("n_estimators", "{min: 50, max: 800, log: true}"),
    RATE,
    ("max_depth", "{min: 2, max: 8}"),
)
CATBOOST_SEARCH = (
    ("iterations", "{min: 50, max: 800, log: true}"),
    RATE,
    ("depth", "{min: 3, max: 8}"),
)
PERCEPTRON_SEARCH = (
    ("hidden_layer_sizes", "{min: 8, max: 128, log: true}"),
    ("alpha", "{min: 0.00001, max: 0.1, log: true}"),
)

CLASSIFIERS = {
    "logistic_regression": Ready(
        title="Logistic regression: linear in the log-odds, easy to explain.",
        imports="from sklearn.linear_model import LogisticRegression",
        estimator="LogisticRegression",
        hyperparameters=(("C", "float", "1.0"), ("max_iter", "int", "1000")),
        search=(("C", "{min: 0.001, max: 100, log: true}"),),
        fixed=(WEIGHTS,),
        scale=True,
    ),
    "random_forest": Ready(
        title="Random forest: many deep trees on random parts of the data, averaged.",
        imports="from sklearn.ensemble import RandomForestClassifier",
        estimator="RandomForestClassifier",
        hyperparameters=(
            ("n_estimators", "int", "200"),
            ("min_samples_leaf", "int", "3"),
            ("max_leaf_nodes", "int", "4096"),
            ("max_samples", "int", "200000"),
            RANDOM_STATE,
        ),
        search=FOREST_SEARCH,
        fixed=("max_samples=min(max_samples, len(X_train))", WEIGHTS),
        trees=True,
    ),
    "gradient_boosting": Ready(
        title="Gradient boosting on histograms: trees that each mend what those before missed.",
        imports="from sklearn.ensemble import HistGradientBoostingClassifier",
        estimator="HistGradientBoostingClassifier",
        hyperparameters=(
            ("learning_rate", "float", "0.1"),
            ("max_iter", "int", "100"),
            ("max_leaf_nodes", "int", "31"),
            RANDOM_STATE,
        ),
        search=HISTOGRAM_SEARCH,
        around="LabelEncoded",  # by itself it takes weights by a label's place only
        around_arguments=(WEIGHTS,),
        helpers=("LabelEncoded",),
        trees=True,
    ),
    "xgboost": Ready(
        title="XGBoost: regularised gradient boosting.",
        imports="from xgboost import XGBClassifier",
        estimator="XGBClassifier",
        hyperparameters=(
            ("n_estimators", "int", "200"),
            ("learning_rate", "float", "0.1"),
            ("max_depth", "int", "4"),
            RANDOM_STATE,
        ),
        search=XGBOOST_SEARCH,
        around="LabelEncoded",
        around_arguments=(WEIGHTS,),
        helpers=("LabelEncoded",),
        requirements=(
            "xgboost-cpu>=3.2,<4; sys_platform != 'darwin'",
            "xgboost>=3.2,<4; sys_platform == 'darwin'",
        ),
        trees=True,
    ),
    "catboost": Ready(
        title="CatBoost: gradient boosting whose trees ask the same question on each level.",
        imports="from catboost import CatBoostClassifier",
        estimator="CatBoostClassifier",
        hyperparameters=(
            ("iterations", "int", "200"),
            ("learning_rate", "float", "0.1"),
            ("depth", "int", "6"),
            ("random_seed", "int", "20"),
        ),
        search=CATBOOST_SEARCH,
        fixed=("verbose=False", "allow_writing_files=False"),
        around="LabelEncoded",
        around_arguments=(WEIGHTS,),
        helpers=("LabelEncoded",),
        requirements=("catboost>=1.2.8",),
        trees=True,
    ),
    "support_vector_machine": Ready(
        title="Support vector machine: the widest margin between classes; for thousands of rows.",
        imports=(
            "from sklearn.calibration import CalibratedClassifierCV\nfrom sklearn.svm import SVC"
        ),
        estimator="SVC",
        hyperparameters=(("C", "float", "1.0"),),
        search=(("C", "{min: 0.1, max: 100, log: true}"),),
        around="CalibratedClassifierCV",
        around_arguments=("ensemble=False", "cv=min(5, y_train.value_counts().min())"),
        scale=True,
        compiled=False,
    ),
    "multi_layer_perceptron": Ready(
        title="Multi-layer perceptron: a small neural network.",
        imports="from sklearn.neural_network import MLPClassifier",
        estimator="MLPClassifier",
        hyperparameters=(
            ("hidden_layer_sizes", "int", "32"),
            ("alpha", "float", "0.001"),
            ("max_iter", "int", "500"),
            RANDOM_STATE,
        ),
        search=PERCEPTRON_SEARCH,
        fixed=("early_stopping=len(X_train) >= 500",),
        scale=True,
        compiled=False,
    ),
}

REGRESSORS = {
    "linear_regression": Ready(
        title="Linear regression: its coefficients say what one unit of a feature is worth.",
        imports="from sklearn.linear_model import LinearRegression",
        estimator="LinearRegression",
        hyperparameters=(("fit_intercept", "bool", "True"),),
        helpers=("coefficients", "five_fold_rmse"),
        train_metrics="five_fold_rmse(model, X_train, y_train) | coefficients(model)",
    ),
    "random_forest": Ready(
        title="Random forest: many deep trees on random parts of the data, averaged.",
        imports="from sklearn.ensemble import RandomForestRegressor",
        estimator="RandomForestRegressor",
        hyperparameters=(
            ("n_estimators", "int", "200"),
            ("min_samples_leaf", "int", "3"),
            ("max_leaf_nodes", "int", "4096"),
            ("max_samples", "int", "200000"),
            RANDOM_STATE,
        ),
        search=FOREST_SEARCH,
        fixed=("max_samples=min(max_samples, len(X_train))",),
        trees=True,
    ),
    "gradient_boosting": Ready(
        title="Gradient boosting on histograms: trees that each mend what those before missed.",
        imports="from sklearn.ensemble import HistGradientBoostingRegressor",
        estimator="HistGradientBoostingRegressor",
        hyperparameters=(
            ("learning_rate", "float", "0.1"),
            ("max_iter", "int", "100"),
            ("max_leaf_nodes", "int", "31"),
            RANDOM_STATE,
        ),
        search=HISTOGRAM_SEARCH,
        trees=True,
    ),
    "xgboost": Ready(
        title="XGBoost: regularised gradient boosting.",
        imports="from xgboost import XGBRegressor",
        estimator="XGBRegressor",
        hyperparameters=(
            ("n_estimators", "int", "200"),
            ("learning_rate", "float", "0.1"),
            ("max_depth", "int", "4"),
            RANDOM_STATE,
        ),
        search=XGBOOST_SEARCH,
        requirements=(
            "xgboost-cpu>=3.2,<4; sys_platform != 'darwin'",
            "xgboost>=3.2,<4; sys_platform == 'darwin'",
        ),
        trees=True,
    ),
    "catboost": Ready(
        title="CatBoost: gradient boosting whose trees ask the same question on each level.",
        imports="from catboost import CatBoostRegressor",
        estimator="CatBoostRegressor",
        hyperparameters=(
            ("iterations", "int", "200"),
            ("learning_rate", "float", "0.1"),
            ("depth", "int", "6"),
            ("random_seed", "int", "20"),
        ),
        search=CATBOOST_SEARCH,
        fixed=("verbose=False", "allow_writing_files=False"),
        requirements=("catboost>=1.2.8",),
        trees=True,
    ),
    "support_vector_machine": Ready(
        title="Support vector machine: smooth, and deaf to small errors; for thousands of rows.",
        imports=f"{TARGET}\n{SCALER}\nfrom sklearn.svm import SVR",
        estimator="SVR",
        hyperparameters=(("C", "float", "1.0"), ("epsilon", "float", "0.1")),
        search=(
            ("C", "{min: 0.1, max: 100, log: true}"),
            ("epsilon", "{min: 0.01, max: 0.5, log: true}"),
        ),
        around="TransformedTargetRegressor",
        around_arguments=("transformer=StandardScaler()",),
        scale=True,
        compiled=False,
    ),
    "multi_layer_perceptron": Ready(
        title="Multi-layer perceptron: a small neural network.",
        imports=f"{TARGET}\nfrom sklearn.neural_network import MLPRegressor\n{SCALER}",
        estimator="MLPRegressor",
        hyperparameters=(
            ("hidden_layer_sizes", "int", "32"),
            ("alpha", "float", "0.001"),
            ("max_iter", "int", "500"),
            RANDOM_STATE,
        ),
        search=PERCEPTRON_SEARCH,
        fixed=("early_stopping=len(X_train) >= 500",),
        around="TransformedTargetRegressor",
        around_arguments=("transformer=StandardScaler()",),
        scale=True,
        compiled=False,
    ),
}

# Those that fit a task, by its name.
READY = {"classification": CLASSIFIERS, "regression": REGRESSORS}

PREDICT = {
    "classification": '''"""Answers rows by the trained model."""

from typing import Any

import pandas as pd


def predict(model: Any, instances: pd.DataFrame) -> dict[str, Any]:
    """Answer n instances.

    Args:
        model: what train_model returned.
        instances: a row each, features as in training.

    Returns:
        predictions (n labels), scores (n x labels, probabilities) and the labels in their order.
    """
    scores = model.predict_proba(instances)
    labels = model.classes_
    return {"predictions": labels[scores.argmax(axis=1)], "scores": scores, "labels": labels}


if __name__ == "__main__":
    from seedling import predict_here

    predict_here(__file__)
''',
    "regression": '''"""Answers rows by the trained model."""

from typing import Any

import pandas as pd


def predict(model: Any, instances: pd.DataFrame) -> dict[str, Any]:
    """Answer n instances.

    Args:
        model: what train_model returned.
        instances: a row each, features as in training.

    Returns:
        predictions (n numbers, in the target's unit).
    """
    return {"predictions": model.predict(instances)}


if __name__ == "__main__":
    from seedling import predict_here

    predict_here(__file__)
''',
}
