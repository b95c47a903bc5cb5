"""The tests of the plumbing hold on the projects of the other verticals too."""

import os
import subprocess
import sys

import pytest
from baking import ROOT, VERTICALS

pytestmark = pytest.mark.full

TESTED_BY_DEFAULT = "finance"


@pytest.mark.parametrize("vertical", sorted(VERTICALS.keys() - {TESTED_BY_DEFAULT}))
def test_the_plumbing_holds_on_another_vertical(vertical: str):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/internal", "-q", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env=os.environ | {"VERTICAL": vertical},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
