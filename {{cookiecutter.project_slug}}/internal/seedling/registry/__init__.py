"""Registered models and the files of a version."""
