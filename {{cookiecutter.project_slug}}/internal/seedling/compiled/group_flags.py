"""Names the flags of groups of rows: what the answer to a row says of its group.

This module imports nothing. The template's hook imports the tasks, which need the flags, where
msgspec is not installed; `grouped` imports it.
"""

# What a flag says of a row's group; the number of a flag is its place here.
FLAGS = ("", "new", "few rows", "constant", "collinear")
