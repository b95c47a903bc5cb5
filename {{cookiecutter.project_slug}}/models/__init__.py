"""Yours: a folder for each model, with its train.py and its predict.py."""
