"""An answer is refused in one line with nothing left behind, or stands in the files as typed."""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from baking import PROMPTS, ROOT, call, configuration, generate
from cookiecutter.generate import generate_context
from cookiecutter.prompt import prompt_for_config
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
CONTEXT = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
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


OURS = [value for value in CONTEXT.values() if isinstance(value, str) and "{" in value]
HOOK = "# A hook of the template {{ 7 * 7 }}"
HOSTILE = ANSWERS | st.sampled_from([*OURS, HOOK, "{{x.project_slug}}", "{{ [].__class__ }}"])
NOT_TEXT = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.lists(st.text(max_size=3), max_size=2)
    | st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2)
    | st.dates()
)
QUESTIONED = [name for name in CONTEXT if not name.startswith("_")]
FIT = {
    "vertical": st.sampled_from(["finance", "healthcare", " hello_world "]),
    "project_slug": st.sampled_from(["income", "_1", "Com10"]),
    "models": st.sampled_from(["random_forest", "xgboost,random_forest", "xgboost, xgboost"]),
    "parts": st.sampled_from(["all", "none", "azure", "azure, containers"]),
    "ci": st.sampled_from(["github", "azure_devops", "none"]),
}
SETS = st.fixed_dictionaries(
    {},
    optional={
        name: st.one_of([FIT.get(name, HOSTILE)] * 3 + [HOSTILE, NOT_TEXT]) for name in QUESTIONED
    },
)


@settings(max_examples=200, deadline=None)
@given(answers=SETS, in_file=st.sets(st.sampled_from(QUESTIONED)))
@example(answers={"ci": False, "parts": False}, in_file={"ci"})
@example(answers=dict.fromkeys(QUESTIONED), in_file=set())
def test_of_any_set_of_answers_each_stands_as_given_or_one_line_refuses_it(
    answers: dict[str, Any], in_file: set[str]
):
    try:
        context = asked(answers, in_file)
    except SystemExit as refusal:
        line = str(refusal)
        assert re.match(rf"error: ({'|'.join(QUESTIONED)}): ", line)
        assert line.isprintable()
        return
    for name, answer in answers.items():
        if isinstance(answer, str):
            assert context[name] == answer
    for name in ("name", "description", "organisation"):
        answer = answers.get({"name": "project_name"}.get(name, name), "")
        if isinstance(answer, str) and answer:
            assert context[f"__{name}"] == answer.strip()
    assert slug_problem(context["__slug"]) == ""
    assert context["__vertical"] in CONTEXT["_catalog"]
    assert context["_catalog"] == CONTEXT["_catalog"]


@pytest.mark.parametrize("name", QUESTIONED)
@pytest.mark.parametrize("text", [*OURS, HOOK])
def test_an_answer_that_is_a_template_of_our_own_is_not_rendered(name: str, text: str):
    try:
        kept = asked({name: text}, set())[name]
    except SystemExit as refusal:  # too long for its question, or no such model
        kept = text if str(refusal).startswith(f"error: {name}: ") else str(refusal)
    assert kept == text


def test_what_is_no_question_cannot_be_answered():
    context = asked({"__slug": "../up", "__name": "{{ 1 / 0 }}", "_catalog": {}}, set())
    assert (context["__slug"], context["__name"]) == ("hello_world", "Hello world")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"ci": None}, "error: ci: None is no text: put it in quotes, or leave it out."),
        ({"vertical": True}, "error: vertical: True is no text"),
        ({"description": {"a": "b"}}, "error: description: {'a': 'b'} is no text"),
        ({"organisation": ["a", "b"]}, "error: organisation: ['a', 'b'] is no text"),
        (
            {"organisation": date(2024, 1, 1)},
            "error: organisation: datetime.date(2024, 1, 1) is",
        ),
    ],
)
def test_an_answer_that_is_no_text_is_one_line(given: dict[str, Any], said: str, tmp_path: Path):
    refused = generated_or_refused(tmp_path / "projects", given)
    assert str(refused).startswith(said)
    assert not left_in(tmp_path)


def test_in_yaml_no_is_none_and_a_year_is_a_name(tmp_path: Path):
    """As in `default_context` of ~/.cookiecutterrc, or through the Python API."""
    rc = tmp_path / "rc.yaml"
    rc.write_text("default_context: {ci: no, parts: no, project_name: 2020, models: [xgboost]}\n")
    folder = tmp_path / "projects"
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "--config-file", rc]
    done = call([*command, "--output-dir", folder, ROOT], ROOT)
    assert done.returncode == 0, done.stdout
    project = folder / "project_2020"
    model = yaml.safe_load((project / "model.yaml").read_text(encoding="utf-8"))
    assert [model["name"], *os.listdir(project / "models")].count("2020") == 1
    assert not (project / ".github").exists()
    assert (project / "models" / "xgboost").is_dir()


DEVICES = [
    "con",
    "PRN",
    "Aux",
    "NUL",
    *(f"{kind}{n}" for kind in ("com", "LPT") for n in range(10)),
]


@pytest.mark.parametrize(
    "name", [*DEVICES, "com\u00b9", "LPT\u00b2", "com\u00b3", "CONIN$", "conout$"]
)
def test_no_project_is_called_like_a_device_of_windows(name: str):
    assert slug_problem(name)
    assert slug_problem(as_slug(name)) == ""


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


def asked(answers: dict[str, Any], in_file: set[str]) -> dict[str, Any]:
    """What cookiecutter's questions come to, without a project.

    Args:
        answers: of the command line, or of the Python API.
        in_file: the names of those that ~/.cookiecutterrc gives instead.
    """
    extra_context = {name: text for name, text in answers.items() if name not in in_file}
    config_dict = {"default_context": {name: answers[name] for name in in_file & {*answers}}}
    file = ROOT / "cookiecutter.json"
    context = generate_context(file, config_dict["default_context"], extra_context)
    return prompt_for_config(context, no_input=True)


def generated_or_refused(folder: Path, answers: dict[str, Any]) -> Path | str:
    """The project, or the line that refused an answer."""
    try:
        return generate(folder, answers)
    except SystemExit as refusal:
        return str(refusal)


def left_in(folder: Path) -> list[str]:
    """What stands in the output folder."""
    return sorted(path.name for path in folder.glob("projects/*"))
