# A hook of the template: this line tells seedling_answers.py that it is no answer.
"""Finishes a project with its own code: adds its models and parts, as add-model and add-part do."""

import os
import sys

# What is rendered here is JSON, and a literal of Python at once.
# fmt: off
ANSWERS = {{ {
    "models": cookiecutter.__models,
    "parts": cookiecutter.__on,
    "ci_root": cookiecutter.__ci_root,
} | tojson }}
# fmt: on


def main(root):
    """Add what was answered to the project in this folder; end with a line where that fails."""
    sys.dont_write_bytecode = True
    sys.path.insert(0, os.path.join(root, "internal"))
    from pathlib import Path

    from seedling.errors import ProjectError
    from seedling.scaffold.finish import finish

    try:
        words = (ANSWERS["models"].split(), ANSWERS["parts"].split())
        finish(Path(root), *words, ANSWERS["ci_root"])
    except ProjectError as error:
        sys.exit(f"error: {error}")
    remove_caches(Path(root, "internal", "seedling"))


def remove_caches(folder):
    """Remove what Python left in the template's plumbing when it was tested there."""
    caches = [*folder.glob("**/__pycache__")]
    if caches:
        import shutil  # takes longer than the search

        for cache in caches:
            shutil.rmtree(cache)


if __name__ == "__main__":
    # Python puts a script's folder first, and that of this one is the system's for temporary files:
    # it would import a tasks.py or a pathlib.py that anybody has written there.
    if not sys.flags.safe_path:
        del sys.path[0]
    main(os.getcwd())
