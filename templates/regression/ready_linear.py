    "linear_regression": Ready(
        title="Linear regression: its coefficients say what one unit of a feature is worth.",
        imports="from sklearn.linear_model import LinearRegression",
        estimator="LinearRegression",
        hyperparameters=(("fit_intercept", "bool", "True"),),
        helpers=("coefficients", "five_fold_rmse"),
        train_metrics="five_fold_rmse(model, X_train, y_train) | coefficients(model)",
    ),
