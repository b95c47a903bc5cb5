"""`python -m seedling VERB`."""

from pathlib import Path

from seedling.release.swap import finish

if __name__ == "__main__":
    finish(Path(__file__).resolve().parents[2])  # an update of internal/ that was interrupted

    from seedling.cli.main import main
    from seedling.processes import end_soon

    end_soon()
    main(prog_name="seedling")
