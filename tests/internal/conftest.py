"""The plumbing is tested where it stands, on a project that is generated once for each process.

VERTICAL names another than finance.
"""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

from baking import generate

from seedling import testing
from seedling.testing import own_environment, project, trained  # noqa: F401 - fixtures

FOLDER = Path(tempfile.mkdtemp(prefix="seedling-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)

testing.HOME = generate(FOLDER, {"vertical": os.environ.get("VERTICAL") or "finance"})
sys.path.insert(0, str(testing.HOME))  # for its models, serve and dataset_creation
