"""Adds, copies and removes models of the project."""
