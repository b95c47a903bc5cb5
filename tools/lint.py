"""Checks the style and the formatting of the template's own Python."""

import subprocess
import sys

# Each by name: the tree and templates/ hold Jinja marks, and the tests check what comes of them.
PATHS = ["benchmarks", "hooks", "local_extensions.py", "tests", "tools"]
CHECKS = (["check"], ["format", "--check"])

codes = [subprocess.call([sys.executable, "-m", "ruff", *check, *PATHS]) for check in CHECKS]
sys.exit(max(codes))
