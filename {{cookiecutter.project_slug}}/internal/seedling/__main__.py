"""`python -m seedling VERB`."""

from seedling.cli.main import main
from seedling.processes import end_soon

if __name__ == "__main__":
    end_soon()
    main(prog_name="seedling")
