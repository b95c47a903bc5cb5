"""`python -m seedling VERB`; a recipe of a Makefile says `python -m seedling --make VERB`."""

import sys
from pathlib import Path

from seedling.release.swap import finish

if __name__ == "__main__":
    try:
        finish(Path(__file__).resolve().parents[2])
    except OSError as error:
        sys.exit(f"Error: an update of internal/ was interrupted and cannot go on: {error}.")

    from seedling.cli import make
    from seedling.cli.main import main
    from seedling.masking import mask_output
    from seedling.processes import end_soon, share_cores

    mask_output()
    share_cores()
    end_soon()
    if sys.argv[1:2] == ["--make"]:
        make.start(sys.argv[2:])
    main(prog_name="seedling")
