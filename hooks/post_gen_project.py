# A hook of the template: this line tells seedling_answers.py that it is no answer.
"""Finishes a project with its own code: adds its models and parts, as add-model and add-part do."""

import shutil
import sys
from pathlib import Path

# What is rendered here is JSON, and a literal of Python at once.
# fmt: off
ANSWERS = {{ {
    "models": cookiecutter.__models,
    "parts": cookiecutter.__on,
} | tojson }}
# fmt: on


def main(root: Path) -> None:
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(root / "internal"))
    from seedling.errors import ProjectError
    from seedling.scaffold.finish import finish

    try:
        finish(root, ANSWERS["models"].split(), ANSWERS["parts"].split())
    except ProjectError as error:
        sys.exit(f"error: {error}")
    for cache in [*root.glob("internal/**/__pycache__")]:  # of those who test the plumbing there
        shutil.rmtree(cache)


if __name__ == "__main__":
    main(Path.cwd())
