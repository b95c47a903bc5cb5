    "support_vector_machine": Ready(
        title="Support vector machine: the widest margin between classes; for thousands of rows.",
        imports=(
            "from sklearn.calibration import CalibratedClassifierCV\nfrom sklearn.svm import SVC"
        ),
        estimator="SVC",
        hyperparameters=(("C", "float", "1.0"),),
        around="CalibratedClassifierCV",
        around_arguments=("ensemble=False",),
        scale=True,
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
        fixed=("early_stopping=True",),
        scale=True,
    ),
