"""Says why a Makefile has no such verb: it is of a part that is off, or there is none."""

import re
import sys
from pathlib import Path

verb = sys.argv[1]
for lines in sorted((Path(__file__).parents[1] / "parts").glob("*/lines/Makefile.lines")):
    if re.search(rf"(?m)^{re.escape(verb)}: .*## ", lines.read_text(encoding="utf-8")):
        part = lines.parents[1].name
        sys.exit(f"Error: {verb} is a verb of the part {part}: make add-part PART={part} adds it.")
sys.exit(f"Error: there is no verb {verb}: make help lists them.")
