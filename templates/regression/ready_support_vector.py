    "support_vector_machine": Ready(
        title="Support vector machine: smooth, and deaf to small errors; for thousands of rows.",
        imports=f"{TARGET}\n{SCALER}\nfrom sklearn.svm import SVR",
        estimator="SVR",
        hyperparameters=(("C", "float", "1.0"), ("epsilon", "float", "0.1")),
        around="TransformedTargetRegressor",
        around_arguments=("transformer=StandardScaler()",),
        scale=True,
    ),
