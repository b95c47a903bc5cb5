"""The review of a change before it is merged: its models and its data beside those of before.

Both sides are trained on the same sample of rows, each by its own files, and measured on the same
rows that neither has seen. What the change does to the data is compared column by column, with the
statistics of monitoring.
"""
