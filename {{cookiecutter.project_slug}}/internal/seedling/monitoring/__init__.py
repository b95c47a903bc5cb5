"""The rows and answers of a registered model, compared with those that it learned from."""
