{% set kind = "Classifier" if cookiecutter.__task == "classification" else "Regressor" %}
"""The ready models: what add-model writes for each. A model is data; another one is an entry."""

from typing import NamedTuple


class Ready(NamedTuple):
    """What a ready model's train.py consists of, beside what all of them share.

    `hyperparameters` are (name, type, default) in the order of the constructor; their values
    stand in model.yaml, those of `fixed` do not. What stands `around` the estimator may have
    arguments of its own. `requirements` are what it is trained with; serving needs them only
    where the model has no compiled form. The compiled form of `trees` is run by onnxruntime;
    what is not `compiled` is served by scikit-learn.
    """

    title: str
    imports: str
    estimator: str
    hyperparameters: tuple[tuple[str, str, str], ...]
    fixed: tuple[str, ...] = ()
    around: str = ""
    around_arguments: tuple[str, ...] = ()
    scale: bool = False
    helpers: tuple[str, ...] = ()
    train_metrics: str = "fit_metrics(model, X_train, y_train)"
    requirements: tuple[str, ...] = ()
    trees: bool = False
    compiled: bool = True


RANDOM_STATE = ("random_state", "int", "20")
TREES = ("onnxruntime>=1.20",)
PLAIN = ("pandas>=2.2,<3", "scikit-learn>=1.6")
{% if kind == "Regressor" %}
TARGET = "from sklearn.compose import TransformedTargetRegressor"
SCALER = "from sklearn.preprocessing import StandardScaler"
{% endif %}
COMPILING = ("onnx>=1.17", *TREES)

READY = {
{% include cookiecutter.__task ~ "/ready_linear.py" %}
    "random_forest": Ready(
        title="Random forest: many deep trees on random parts of the data, averaged.",
        imports="from sklearn.ensemble import RandomForest{{ kind }}",
        estimator="RandomForest{{ kind }}",
        hyperparameters=(
            ("n_estimators", "int", "200"),
            ("min_samples_leaf", "int", "3"),
            RANDOM_STATE,
        ),
        trees=True,
    ),
    "gradient_boosting": Ready(
        title="Gradient boosting on histograms: trees that each mend what those before missed.",
        imports="from sklearn.ensemble import HistGradientBoosting{{ kind }}",
        estimator="HistGradientBoosting{{ kind }}",
        hyperparameters=(
            ("learning_rate", "float", "0.1"),
            ("max_iter", "int", "150"),
            ("max_leaf_nodes", "int", "15"),
            RANDOM_STATE,
        ),
        trees=True,
    ),
    "xgboost": Ready(
        title="XGBoost: regularised gradient boosting.",
        imports="from xgboost import XGB{{ kind }}",
        estimator="XGB{{ kind }}",
        hyperparameters=(
            ("n_estimators", "int", "200"),
            ("learning_rate", "float", "0.1"),
            ("max_depth", "int", "4"),
            RANDOM_STATE,
        ),
{% if kind == "Classifier" %}
        around="LabelEncoded",
        helpers=("LabelEncoded",),
{% endif %}
        requirements=(
            "xgboost-cpu>=3.2,<4; sys_platform != 'darwin'",
            "xgboost>=3.2,<4; sys_platform == 'darwin'",
        ),
        trees=True,
    ),
    "catboost": Ready(
        title="CatBoost: gradient boosting whose trees ask the same question on each level.",
        imports="from catboost import CatBoost{{ kind }}",
        estimator="CatBoost{{ kind }}",
        hyperparameters=(
            ("iterations", "int", "200"),
            ("learning_rate", "float", "0.1"),
            ("depth", "int", "6"),
            ("random_seed", "int", "20"),
        ),
        fixed=("verbose=False", "allow_writing_files=False"),
{% if kind == "Classifier" %}
        around="LabelEncoded",
        helpers=("LabelEncoded",),
{% endif %}
        requirements=("catboost>=1.2.8",),
        trees=True,
    ),
{% include cookiecutter.__task ~ "/ready_support_vector.py" %}
    "multi_layer_perceptron": Ready(
        title="Multi-layer perceptron: a small neural network.",
{% if kind == "Classifier" %}
        imports="from sklearn.neural_network import MLPClassifier",
{% else %}
        imports=f"{TARGET}\nfrom sklearn.neural_network import MLPRegressor\n{SCALER}",
{% endif %}
        estimator="MLP{{ kind }}",
        hyperparameters=(
            ("hidden_layer_sizes", "int", "32"),
            ("alpha", "float", "0.001"),
            ("max_iter", "int", "500"),
            RANDOM_STATE,
        ),
        fixed=("early_stopping=True",),
{% if kind == "Regressor" %}
        around="TransformedTargetRegressor",
        around_arguments=("transformer=StandardScaler()",),
{% endif %}
        scale=True,
        compiled=False,
    ),
}

# What the models of the sample data are tried with.
DATASET = "{{ cookiecutter._catalog[cookiecutter.__vertical].dataset }}"
INSTANCES = """{% include cookiecutter.__vertical ~ "/instances.json" %}"""

{% include cookiecutter.__task ~ "/ready_predict.py" %}
