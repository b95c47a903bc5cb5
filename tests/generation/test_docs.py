"""The documentation names no file or command of the layout before the fixed name `seedling`."""

import re
from pathlib import Path

import pytest
from baking import ROOT

# docs/updating.md and the decisions tell of the old layout.
PAGES = [
    ROOT / "README.md",
    *sorted(path for path in ROOT.glob("docs/*.md") if path.name != "updating.md"),
]
RUN = "seedling|pip|pytest|benchmarks|venv"
GONE = re.compile(rf"(?<![\w/])src/\S*|mlops/\w+\.py|python3? -m (?!(?:{RUN})\b)\S+")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_names_the_old_layout(page: Path):
    assert GONE.findall(page.read_text(encoding="utf-8")) == []


def test_the_old_layout_is_recognised():
    for old in ("`src/income_bracket/`", "mlops/pipeline.py", "python -m income_bracket train"):
        assert GONE.search(old), old
    for new in ("python -m seedling train", "mlops/pipelines/training.yml", "/tmp/src"):  # noqa: S108
        assert not GONE.search(new), new
