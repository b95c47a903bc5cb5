"""The documentation names no file or command of the layout before the fixed name `seedling`."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from baking import ROOT, TREE, VERTICALS

# docs/updating.md and the decisions tell of the old layout.
PAGES = [
    ROOT / "README.md",
    *sorted(path for path in ROOT.glob("docs/*.md") if path.name != "updating.md"),
]
RUN = "seedling|pip|pytest|benchmarks|venv|unittest"
OURS = "data_preparation/|training/"  # of the scripts of retail
GONE = re.compile(rf"(?<![\w/])src/(?!{OURS})\S*|mlops/\w+\.py|python3? -m (?!(?:{RUN})\b)\S+")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_names_the_old_layout(page: Path):
    assert GONE.findall(page.read_text(encoding="utf-8")) == []


def test_the_old_layout_is_recognised():
    for old in ("`src/income_bracket/`", "mlops/pipeline.py", "python -m income_bracket train"):
        assert GONE.search(old), old
    for new in ("python -m seedling train", "mlops/pipelines/training.yml", "/tmp/src"):  # noqa: S108
        assert not GONE.search(new), new


@pytest.mark.parametrize("page", ["curl.txt", "invocations.txt"])
@pytest.mark.parametrize("vertical", VERTICALS)
def test_the_rows_that_pages_send_have_all_that_is_required(vertical: str, page: str):
    folder = ROOT / "templates" / vertical
    body = json.loads((folder / page).read_text(encoding="utf-8").split("-d '")[1].strip(" '\n"))
    (row,) = body.get("payload", {}).get("instances") or body["dataframe_records"]
    schema = (folder / "datasets.yaml").read_text(encoding="utf-8")
    (dataset,) = yaml.safe_load(schema.partition("datasets:")[2] or schema)
    features = {one["name"]: one.get("nullable", False) for one in dataset["features"]}
    assert {name for name, nullable in features.items() if not nullable} <= row.keys()
    assert row.keys() <= features.keys()


def test_every_decision_is_in_the_list():
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"\]\((\d{4}-.*?\.md)\)", (folder / "README.md").read_text("utf-8"))
    assert listed == sorted(path.name for path in folder.glob("[0-9]*.md"))


def broken(root: Path) -> list[str]:
    """List the links of a folder's pages that lead to no file or heading of it."""
    found = []
    pages = [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("models/*/*.md")]
    for page in pages:
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", text):
            name, _, heading = target.partition("#")
            path = page.parent / name if name else page
            if not path.exists() or (heading and heading not in headings(path)):
                found.append(f"{page.relative_to(root)}: {target}")
    return found


def headings(page: Path) -> set[str]:
    """Read the headings of a page as they are linked to."""
    lines = re.findall(r"(?m)^#+ (.+)$", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in lines}


def test_no_link_of_the_template_is_broken():
    assert broken(ROOT) == []


@pytest.mark.parametrize(
    ("parts", "ci"), [("none", "none"), ("all", "github"), ("all", "azure_devops")]
)
def test_no_link_of_a_project_is_broken(
    parts: str, ci: str, bake: Callable[[dict[str, str]], Path]
):
    assert broken(bake({"vertical": "finance", "parts": parts, "ci": ci})) == []


def test_the_page_on_architecture_names_every_package():
    rooms = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split("```")[1]
    packages = {path.parent.name for path in (TREE / "internal" / "seedling").glob("*/__init__.py")}
    assert {name for name in packages if f" {name}/" not in rooms} == set()
