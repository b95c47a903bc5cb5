"""`python -m seedling VERB`; a recipe of a Makefile says `python -m seedling --make VERB`."""

import sys
from pathlib import Path

from seedling.release.swap import finish

if __name__ == "__main__":
    finish(Path(__file__).resolve().parents[2])  # an update of internal/ that was interrupted

    from seedling.cli import make
    from seedling.cli.main import main
    from seedling.processes import end_soon

    end_soon()
    if sys.argv[1:2] == ["--make"]:
        make.start(sys.argv[2:])
    main(prog_name="seedling")
