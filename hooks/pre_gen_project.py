# A hook of the template: this line tells seedling_answers.py that it is no answer.
"""Refuses, before a file is written, what only all answers together can tell.

Each answer was checked when it was given (seedling_answers.py). Answers that are replayed were not,
and no single answer knows the output folder. Any Python 3 can run this file. It imports only what
Python has loaded before it: its own folder, the system's for temporary files, comes first.
"""

import os
import sys

# What is rendered here is JSON, and a literal of Python at once.
# fmt: off
ANSWERS = {{ {
    "vertical": cookiecutter.__vertical,
    "task": cookiecutter.__task,
    "models": cookiecutter.__models,
    "known_models": cookiecutter._models,
} | tojson }}
# fmt: on
# What finishes the project (internal/seedling/scaffold) needs this one.
OLDEST_PYTHON = (3, 11)
# Windows takes 259 characters, if nobody has told it to take more.
WINDOWS_PATH = 259
# The longest that a generated project has below its folder; tests/generation/ compares.
LONGEST_PATH = 88


def main():
    """End with a line for each problem and exit code 1; cookiecutter then removes the folder."""
    found = problems(ANSWERS, os.getcwd(), sys.version_info[:2], os.name == "nt")
    if found:
        sys.exit("\n".join("error: " + problem for problem in found))


def problems(answers, folder, python, windows):
    """List what is wrong with these answers in this folder, a sentence each.

    Args:
        answers: vertical, its task, the chosen models in one text, the known models by task.
        folder: the project's, empty as yet.
        python: (major, minor) of the Python that runs the hooks.
        windows: whether the folder's path has Windows' limit.
    """
    return [
        *python_too_old(python),
        *models_of_another_task(answers),
        *(path_too_long(folder) if windows else []),
    ]


def python_too_old(python):
    if python >= OLDEST_PYTHON:
        return []
    found, wanted = ("{}.{}".format(*version) for version in (python, OLDEST_PYTHON))
    return [f"Python {found} is too old: run cookiecutter with Python {wanted} or newer."]


def models_of_another_task(answers):
    fitting = answers["known_models"].get(answers["task"], [])
    models = answers["models"].split()
    if not models:
        return ["models: name at least one of " + ", ".join(fitting) + "."]
    return [
        "models: {} does not fit {}, whose task is {}; there are {}.".format(
            ascii(model), answers["vertical"], answers["task"], ", ".join(fitting)
        )
        for model in models
        if model not in fitting
    ]


def path_too_long(folder):
    spare = WINDOWS_PATH - LONGEST_PATH - len(os.sep)
    if len(folder) <= spare:
        return []
    return [
        f"{folder} has {len(folder)} characters, and Windows has room for {spare}: choose an "
        "output folder nearer to the drive, or a shorter slug."
    ]


if __name__ == "__main__":
    main()
