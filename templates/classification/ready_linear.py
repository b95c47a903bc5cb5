    "logistic_regression": Ready(
        title="Logistic regression: linear in the log-odds, easy to explain.",
        imports="from sklearn.linear_model import LogisticRegression",
        estimator="LogisticRegression",
        hyperparameters=(("C", "float", "1.0"), ("max_iter", "int", "1000")),
        scale=True,
    ),
