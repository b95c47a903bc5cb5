"""Yours: where the data comes from."""
