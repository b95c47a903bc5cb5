"""What depends on a vertical holds on each: tests of the plumbing marked `every_vertical`."""

import os
import sys
from pathlib import Path

import pytest
import warm
from baking import ROOT, VERTICALS

pytestmark = pytest.mark.full

TESTED_BY_DEFAULT = "finance"
PATIENCE = 1800  # seconds
# Only these have tests for other verticals; loading them all takes ten seconds for each vertical.
FILES = [
    path.relative_to(ROOT).as_posix()
    for path in sorted((ROOT / "tests" / "internal").glob("test_*.py"))
    if "every_vertical" in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("vertical", sorted(VERTICALS.keys() - {TESTED_BY_DEFAULT}))
def test_the_plumbing_holds_on_another_vertical(vertical: str):
    # A run of its own: at its end it removes what its environments have shared.
    outer = {name: value for name, value in os.environ.items() if "PYTEST_XDIST" not in name}
    # It begins with libraries loaded, and its verbs are forks of the same process.
    python = Path(sys.executable)
    own = {"VERTICAL": vertical, warm.LENT: str(warm.of(python).address)}
    words = ["-m", "pytest", *FILES, "-q", "-p", "no:cacheprovider"]
    done = warm.call(python, words, ROOT, outer | own, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
