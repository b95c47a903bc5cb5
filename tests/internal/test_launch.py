"""What an editor's debugger is offered: .vscode/launch.json."""

import json
import subprocess
import sys
from importlib.util import find_spec

from seedling import testing
from seedling.cli.main import main
from seedling.data import datasets
from seedling.testing import first_model, sample_rows


def configurations() -> list[dict]:
    path = testing.root() / ".vscode" / "launch.json"
    return json.loads(path.read_text(encoding="utf-8"))["configurations"]


def test_each_configuration_names_a_module_and_a_verb():
    for each in configurations():
        assert find_spec(each["module"]), each["name"]
        if each["module"] == "seedling":
            verb, *options = each["args"]
            main.commands[verb].make_context(verb, [*options])


def test_the_steps_run_one_after_the_other(project):
    for dataset in project.config.datasets:
        datasets.save(project, dataset, sample_rows(dataset))
    steps = [each for each in configurations() if each["module"].startswith("seedling.steps")]
    assert len(steps) == 4
    for each in steps:
        words = [
            word.replace("${fileDirnameBasename}", first_model(project)) for word in each["args"]
        ]
        command = [sys.executable, "-m", each["module"], *words]
        done = subprocess.run(command, cwd=project.root, capture_output=True, text=True)
        assert done.returncode == 0, f"{each['name']}:\n{done.stdout}{done.stderr}"
    folder = project.root / "local_assets" / "steps" / "registration" / first_model(project)
    assert any(folder.iterdir())
