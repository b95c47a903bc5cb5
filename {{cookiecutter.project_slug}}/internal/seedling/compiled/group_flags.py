"""Names the flags of groups of rows, for what needs no more of a compiled form.

It imports nothing: the hook of the template loads the tasks with cookiecutter's libraries alone.
"""

# What a flag says of a row's group; the number of a flag is its place here.
FLAGS = ("", "new", "few rows", "constant", "collinear")
