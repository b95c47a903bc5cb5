"""Batch scoring: every row of any number of files scored exactly once, on every core."""
