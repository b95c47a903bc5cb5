"""`python -m seedling VERB`; a recipe of a Makefile says `python -m seedling --make VERB`.

A verb that starts another says `python -m seedling --attended VERB`.
"""

import sys
from pathlib import Path

from seedling.release.swap import finish

if __name__ == "__main__":
    try:
        finish(Path(__file__).resolve().parents[2])
    except OSError as error:
        sys.exit(f"Error: an update of internal/ was interrupted and cannot go on: {error}.")
    try:
        from seedling.processes import (
            attended,
            end_soon,
            interrupted,
            quiet_tracker,
            share_cores,
        )
    except KeyboardInterrupt:
        sys.exit(130)

    words = sys.argv[1:]
    is_attended = words[:1] == [attended.OPTION]
    with interrupted.one_line(quiet=is_attended):
        from seedling.masking import mask_output

        mask_output()
        share_cores()
        quiet_tracker()
        end_soon()
        if is_attended:
            attended.by_pipe()
            words = words[1:]
        if words[:1] == ["--make"]:
            attended.by_make()
            from seedling.cli import make

            make.start(words[1:])

        from seedling.cli.main import main

        main(words, prog_name="seedling")
