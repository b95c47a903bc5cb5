"""An answer is refused in one line with nothing left behind, or stands in the files as typed."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from baking import PROMPTS, ROOT, call, configuration, generate
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seedling_answers import as_slug, asset_name, quoted, slug_problem

REFUSED = {
    "an unknown vertical": "vertical=zoo",
    "an unknown model": "models=logistic_regression, svm",
    "a model of another task": "models=linear_regression",
    "no model": "models= , ",
    "an unknown ci": "ci=jenkins",
    "a keyword": "project_slug=class",
    "a path": "project_slug=../income",
    "an absolute path": "project_slug=/income",
    "a slug with a blank": "project_slug=in come",
    "a slug that starts with a digit": "project_slug=30_days",
    "a slug with a line end": "project_slug=income\n",
    "a device of Windows": "project_slug=con",
    "a slug of 61 letters": f"project_slug={'a' * 61}",
    "a slug with an accent": "project_slug=été",
    "no slug": "project_slug=",
    "no name": "project_name=",
    "a blank name": "project_name=  ",
    "a name of two lines": "project_name=Income\nbracket",
    "a name of 61 letters": f"project_name={'a' * 61}",
    "a description of 201 letters": f"description={'a' * 201}",
    "a long refused answer": f"ci={'jenkins' * 50}",
    "a refused answer of two lines": "ci=github\nnone",
    "a refused answer with jinja marks": "vertical={{ cookiecutter }}",
}
QUESTIONS = len([name for name in PROMPTS if not name.startswith("_")])
PROMPTED = {
    "vertical": ["zoo"],
    "project_name": ["finance", "x" * 61],
    "project_slug": ["finance", "Income", "import"],
    "models": ["finance", "", "", "", "", "svm"],
    "parts": ["finance", "", "", "", "", "", "kubernetes"],
    "ci": ["finance", "", "", "", "", "", "", "jenkins"],
}
MARKS = ["{{", "}}", "{%", "%}", "{#", "#}", "${", '"', "'", "\\", "\\n", "#", ": ", "- ", "../"]
LOOKALIKES = ["yes", "null", "1e3", "~", "0x1F", "2020-01-01", "[1]", "{a: 1}", "&a", "*a", "!!x"]
WORDS = ["{{ cookiecutter }}", "{% raw %}", "{{ 7 * 7 }}", '"""', "🌱", "é", " ", "\n", "\t"]
PIECES = st.lists(st.sampled_from(MARKS + LOOKALIKES + WORDS), min_size=1, max_size=5).map("".join)
ANSWERS = PIECES | st.text(min_size=1, max_size=70)


@pytest.mark.parametrize("answer", REFUSED.values(), ids=REFUSED.keys())
def test_a_wrong_answer_is_refused_in_one_line(answer: str, tmp_path: Path):
    refused = cookiecutter(tmp_path, "--no-input", "vertical=finance", answer)
    assert refused.returncode != 0
    assert refused.stdout.startswith(f"error: {answer.split('=')[0]}: ")
    assert refused.stdout.count("\n") == 1
    assert not left_in(tmp_path)


@pytest.mark.parametrize("prompt", PROMPTED)
def test_a_wrong_answer_is_refused_at_its_prompt(prompt: str, tmp_path: Path):
    refused = cookiecutter(tmp_path, typed="\n".join([*PROMPTED[prompt], ""]))
    assert refused.returncode != 0
    assert refused.stdout.count(f"error: {prompt}: ") == 1
    assert f"[{len(PROMPTED[prompt])}/{QUESTIONS}]" in refused.stdout
    assert f"[{len(PROMPTED[prompt]) + 1}/{QUESTIONS}]" not in refused.stdout
    assert "Traceback" not in refused.stdout
    assert not left_in(tmp_path)


def test_an_existing_folder_is_refused_and_left_alone(tmp_path: Path):
    theirs = tmp_path / "projects" / "income_bracket" / "thesis.txt"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("mine")
    refused = cookiecutter(tmp_path, "--no-input", "vertical=finance")
    assert refused.returncode != 0
    assert refused.stdout.count("\n") == 1
    assert "already exists" in refused.stdout
    assert [path.name for path in theirs.parent.iterdir()] == ["thesis.txt"]


def test_every_prompt_can_be_answered_by_return(tmp_path: Path):
    assert cookiecutter(tmp_path, typed="\n" * QUESTIONS).returncode == 0
    assert left_in(tmp_path) == ["hello_world"]


@settings(max_examples=60, deadline=None)
@given(name=ANSWERS, description=ANSWERS, organisation=ANSWERS)
@example(name='Say "hi"', description="C:\\new\\table", organisation="O'Reilly")
@example(name="{{ cookiecutter }}", description="{% raw %}", organisation="{# none #}")
@example(name="{{ 1 / 0 }}", description="}} %} #}", organisation="{{ '{' }}")
@example(name="yes", description="null", organisation="~")
@example(name="1e3", description="0x1F", organisation="2020-01-01")
@example(name="../../etc", description="a: b # c", organisation="- a")
@example(name="🌱 Été 2020", description="日本語 & <b>", organisation="\u202eabc")
@example(name="a" * 60, description="b" * 200, organisation="c" * 60)
@example(name="a\nb", description="c", organisation="d")
@example(name=" padded ", description="\tpadded\n", organisation="\u00a0padded")
@example(name='"""', description='\\"""', organisation="'''")
@example(name="$project ${HOME}", description="`id` $(id)", organisation="%s %(a)s {0}")
def test_a_hostile_answer_is_data(
    tmp_path_factory: pytest.TempPathFactory, name: str, description: str, organisation: str
):
    folder = tmp_path_factory.mktemp("hostile")
    answers = {"project_name": name, "description": description, "organisation": organisation}
    project = generated_or_refused(folder / "projects", answers)
    if isinstance(project, str):
        assert project.startswith("error: ")
        assert project.isprintable()
        assert not left_in(folder)
        return
    model = yaml.safe_load((project / "model.yaml").read_text(encoding="utf-8"))
    package = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    readme = (project / "README.md").read_text(encoding="utf-8")
    assert model["name"] == name.strip()
    assert model["description"] == package["description"] == description.strip()
    assert model["organisation"] == package["authors"][0]["name"] == organisation.strip()
    assert readme.split("\n")[0] == f"# {name.strip()}"
    assert project.name == as_slug(name)
    assert package["name"] == f"{asset_name(project.name)}-project"
    assert left_in(folder) == [project.name]


@given(st.text())
@example("30-day readmission")
@example("pandas")
@example("Été 🌱")
@example("class")
@example("x" * 500)
def test_any_name_makes_a_valid_slug(name: str):
    assert slug_problem(as_slug(name)) == ""


@given(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,59}", fullmatch=True))
@example("_")
@example("_1")
@example("Income__Bracket_")
@example("_" + "1" * 59)
def test_any_slug_makes_a_name_that_images_and_azure_take(slug: str):
    name = asset_name(slug)
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)
    assert len(name) <= 60
    assert asset_name(name) == name


@given(st.text(st.characters(exclude_categories=["Cs"])))
@example("\\u0041 \\x41 \\")
@example("\u0085\u2028\ufeff\ufffe\U000e0001")
def test_yaml_toml_and_python_read_a_quoted_text_alike(text: str):
    assert yaml.safe_load(quoted(text)) == text
    assert tomllib.loads(f"text = {quoted(text)}")["text"] == text
    assert ast.literal_eval(quoted(text)) == text


def cookiecutter(folder: Path, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """The real command line, with `folder`/projects as its output folder."""
    command = [sys.executable, "-m", "cookiecutter", "--config-file", configuration(folder)]
    return call([*command, "--output-dir", folder / "projects", ROOT, *words], ROOT, input=typed)


def generated_or_refused(folder: Path, answers: dict[str, str]) -> Path | str:
    """The project, or the line that refused an answer."""
    try:
        return generate(folder, answers)
    except SystemExit as refusal:
        return str(refusal)


def left_in(folder: Path) -> list[str]:
    """What stands in the output folder."""
    return sorted(path.name for path in folder.glob("projects/*"))
