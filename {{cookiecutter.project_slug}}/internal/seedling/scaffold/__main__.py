"""`python internal/seedling/scaffold MODEL ...` adds ready models, with nothing installed."""

import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]


def main(models: list[str]) -> None:
    """Add these models to the project that this folder belongs to."""
    sys.path[0] = str(HOME)
    from seedling.errors import ProjectError
    from seedling.scaffold import add

    try:
        for model in models:
            add.add(HOME.parent, model)
    except ProjectError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
