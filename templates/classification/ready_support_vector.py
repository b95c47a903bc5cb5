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
        compiled=False,
    ),
