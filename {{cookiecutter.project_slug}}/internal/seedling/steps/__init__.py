"""The steps of the training pipeline: command-line scripts that are given every path."""
