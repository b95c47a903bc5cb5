"""Prints the verbs of a Makefile, from lines `##@ Section` and `verb: ... ## what it does`."""

import re
import sys
from pathlib import Path

for name in sys.argv[1:]:
    for heading, verb, about in re.findall(
        r"(?m)^(?:##@ (.*)|([a-z][a-z-]*):.*## (.*))$", Path(name).read_text(encoding="utf-8")
    ):
        print(f"\n{heading}:" if heading else f"  {verb:28}{about}")
