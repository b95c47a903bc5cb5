"""`python -m <package> VERB`."""

from .cli import main
from .processes import end_soon

if __name__ == "__main__":
    end_soon()
    main()
