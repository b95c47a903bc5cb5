"""`python internal/seedling/scaffold MODEL ...` adds ready models, with nothing installed.

In a project that was generated without hooks it does all that they would have done.
"""

import argparse
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]


def main() -> None:
    """Add the models that the command line names to the project that this folder belongs to."""
    parser = argparse.ArgumentParser(
        prog="python internal/seedling/scaffold", description="Add ready models to the project."
    )
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--parts", nargs="*", default=[], metavar="PART", help="add these as well")
    parser.add_argument("--ci-root", default=".", metavar="FOLDER", help="where CI files go")
    options = parser.parse_args()
    sys.path[0] = str(HOME)
    from seedling.errors import ProjectError
    from seedling.scaffold import add_model, add_part, part_files
    from seedling.scaffold.finish import finish, is_finished, refuse_finished

    root = HOME.parent
    try:
        if not is_finished(root):
            finish(root, options.models, options.parts, options.ci_root)
            return
        refuse_finished(root, options.models, options.parts)
        for model in options.models:
            add_model.add(root, model)
        for part in options.parts:
            add_part.add(root, part, part_files.as_generated(root, options.ci_root))
    except ProjectError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
