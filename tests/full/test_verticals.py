"""What depends on a vertical holds on each: tests of the plumbing marked `every_vertical`."""

import os
import subprocess
import sys

import pytest
from baking import ROOT, VERTICALS

pytestmark = pytest.mark.full

TESTED_BY_DEFAULT = "finance"
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
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *FILES, "-q", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env=outer | {"VERTICAL": vertical},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
