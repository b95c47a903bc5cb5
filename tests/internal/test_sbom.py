"""The list of an image's parts: what is installed there, and its models, as CycloneDX 1.6."""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from seedling.config import Project, RegisteredModel
from seedling.containers import sbom

# Stands for docker: the image is this machine, which runs what stands behind its name.
ENGINE = """
import subprocess, sys
assert sys.argv[1:6] == ["run", "--rm", "--network", "none", "--entrypoint"], sys.argv
sys.exit(subprocess.call([sys.executable, *sys.argv[8:]]))
"""


def test_the_list_has_what_is_installed_and_the_models(project: Project, tmp_path: Path) -> None:
    (tmp_path / "engine.py").write_text(ENGINE)
    model = RegisteredModel(name="income", model="income", version="3", sha256="ab" * 32)
    engine = [sys.executable, str(tmp_path / "engine.py")]
    path = sbom.write(project, engine, "registry:5000/team/income:3", [model])
    assert path == project.assets / "sbom" / "registry_5000_team_income_3.cdx.json"
    text = path.read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    found = json.loads(text)
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.6")
    assert found["metadata"]["component"]["name"] == "registry:5000/team/income:3"
    parts = {each["name"]: each for each in found["components"]}
    flask = parts["flask"] if "flask" in parts else parts["Flask"]
    assert flask["version"] == version("flask")
    assert flask["purl"] == f"pkg:pypi/flask@{version('flask')}"
    assert "BSD-3-Clause" in json.dumps(flask["licenses"])
    assert parts["income"]["type"] == "machine-learning-model"
    assert parts["income"]["hashes"] == [{"alg": "SHA-256", "content": "ab" * 32}]


def test_an_image_that_does_not_run_is_one_line(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = [sys.executable, "-c", "import sys; sys.exit('no such image')"]
    assert sbom.write(project, engine, "income", []) is None
    assert "income does not say what is in it: no such image\n" in capsys.readouterr().out


def test_without_the_library_a_line_says_what_to_install(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "cyclonedx.output.json", None)
    assert sbom.write(project, ["no engine is asked"], "income", []) is None
    assert "init with the group `sbom`" in capsys.readouterr().out
