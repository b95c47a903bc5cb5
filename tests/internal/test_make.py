"""The Makefiles and the command line: the same verbs, the same options, the same values."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from seedling import testing
from seedling.cli import make_variables, makefile
from seedling.cli.main import SECTIONS, main
from seedling.cli.make import ON, options_of, run, words_of
from seedling.cli.one_model import model as one_model
from seedling.testing import invoke

INTERNAL = Path(makefile.__file__).parents[2]
MAKE_FOLDER = INTERNAL / "make"
HOSTILE = """a b "c" 'd' $(touch x) `touch x` ; touch x & $HOME $$ \\ | > x # * ü --yes"""
RECIPE = re.compile(r"(?m)^([a-z][a-z-]*):.*## (.*)\n\t@(.*)$")
needs_make = pytest.mark.skipif(not shutil.which("make"), reason="there is no make")
# What the recipes run here: the words that a verb is given, a line each.
ECHO = """
import sys
from seedling.cli import make
make.main.main = lambda words, **_: print("\\n".join(words))
make.start(sys.argv[1:])
"""

GROUPS: list[tuple[list[str], click.Group]] = [([], main), (["model", "some"], one_model)]
VERBS = [
    pytest.param([*before, name], verb, id=" ".join([*before, name]))
    for before, group in GROUPS
    for name, verb in group.commands.items()
    if not verb.hidden and not isinstance(verb, click.Group)
]


# The project of these tests has GitHub as its CI system.
TITLES = [section.title for section in SECTIONS if section.part != "azure_devops"]


def test_the_makefile_is_what_the_command_line_declares():
    """If this fails: write `seedling.cli.makefile.text()` to the project's Makefile."""
    assert (testing.root() / "Makefile").read_text(encoding="utf-8") == makefile.text()


def test_every_verb_is_listed_under_one_section():
    listed = [name for section in SECTIONS for name in section.verbs()]
    assert sorted(listed) == sorted(name for name, verb in main.commands.items() if not verb.hidden)
    assert {section.part for section in SECTIONS} == {None, "containers", "azure", "azure_devops"}


def test_help_shows_the_sections(project):
    shown = invoke(project, "--help").output
    headings = re.findall(r"(?m)^(\w[\w ]*):$", shown)
    assert headings == ["Options", *TITLES]
    assert "..." not in shown.replace("[ARGS]...", "")
    assert invoke(project, "help").output == shown
    assert invoke(project, "help", "train").output == invoke(project, "train", "--help").output
    assert invoke(project, "help", "trian").exit_code == 2


def test_help_needs_neither_pandas_nor_the_configuration():
    heavy = ["pandas", "numpy", "mlflow", "pydantic", "flask", "sklearn", "sqlalchemy", "azure"]
    script = (
        "import sys; from seedling.cli.main import main\n"
        "main(['--help'], standalone_mode=False)\n"
        f"sys.exit(', '.join(sys.modules.keys() & {heavy!r}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stderr.strip() == ""


def test_train_and_train_all_are_one_thing():
    assert main.commands["train"].params == main.commands["train-all"].params
    assert main.commands["train-all"].get_short_help_str() == "The same as train."


@pytest.mark.parametrize("parts", [(), ("containers",), ("azure",), ("containers", "azure")])
def test_a_makefile_has_the_verbs_of_its_parts(parts):
    expected = [
        name
        for section in SECTIONS
        if section.part is None or section.part in parts
        for name in section.verbs()
        if name != "model"
    ]
    assert [name for name, _, _ in RECIPE.findall(makefile.text(parts))] == expected


def test_the_recipes_of_a_models_folder_name_every_option_of_its_verbs():
    recipes = RECIPE.findall((MAKE_FOLDER / "model.mk").read_text(encoding="utf-8"))
    for name, about, recipe in recipes[1:]:
        assert recipe == f"$(VERB) {name}"
        assert re.findall(r"[A-Z_]+=1?", about) == options_of(one_model.commands[name])
    assert {name for name, _, _ in recipes} == {"help", *one_model.commands}


def test_the_recipes_of_all_models_name_every_option_of_their_verbs():
    for name, about, recipe in RECIPE.findall((MAKE_FOLDER / "all.mk").read_text("utf-8"))[1:]:
        words = recipe.split()[1:]
        group = one_model if words[0] == "model" else main
        assert re.findall(r"[A-Z_]+=1?", about) == options_of(group.commands[words[-1]]), name


@pytest.mark.parametrize(("names", "verb"), VERBS)
def test_every_option_reaches_its_verb(names, verb):
    values = {}
    for name in options_of(verb):
        values[name.partition("=")[0]] = "1" if name.endswith("1") else HOSTILE
    words = words_of(names, values, {}, [])
    parsed, _, _ = verb.make_parser(click.Context(verb)).parse_args(words[len(names) :])
    assert len(parsed) == len(verb.params)
    for parameter in verb.params:
        value = parsed[parameter.name]
        if isinstance(parameter, click.Option) and parameter.is_flag:
            assert value is True or value == parameter.flag_value
        elif parameter.nargs != -1:
            assert value == ([HOSTILE] if parameter.multiple else HOSTILE)


def test_a_list_has_commas_and_an_empty_value_is_none():
    given = {"FROM": "table.csv", "TARGET": "", "KEY": "a, b,c", "YES": "0"}
    assert words_of(["create-local-datasets"], given, {}, []) == [
        *("create-local-datasets", "--from=table.csv"),
        *("--key=a", "--key=b", "--key=c"),
    ]


def test_arguments_keep_their_order_and_what_looks_like_an_option():
    given = {"OUTPUT": "--out.csv", "INPUT": "-in.csv", "MODEL": "m"}
    expected = ["batch-score", "--model=m", "--", "-in.csv", "--out.csv"]
    assert words_of(["batch-score"], given, {}, []) == expected
    given = {"TAGS": """stage=ready "why=it is good" """, "BUILD_ID": "1"}
    expected = ["tag-model", "--build-id=1", "--", "stage=ready", "why=it is good"]
    assert words_of(["tag-model"], given, {}, []) == expected


@pytest.mark.parametrize(
    ("names", "given", "message"),
    [
        (["train"], {"MODLE": "a"}, "train has no option MODLE=. Its options: MODEL= SMOKE=1"),
        (["stop"], {"PORT": "1"}, "stop has no option PORT=. Its options: none"),
        (["add-dataset"], {}, "add-dataset needs FROM=."),
        (["batch-score"], {"OUTPUT": "x"}, "batch-score needs INPUT=."),
        (["test"], {"ARGUMENTS": "-q 'unclosed"}, "ARGUMENTS=-q 'unclosed: No closing quotation."),
        (["lint"], {"FIX": "please"}, "FIX=please: say FIX=1, or leave it out."),
    ],
)
def test_what_does_not_fit_is_one_line(names, given, message):
    with pytest.raises(click.UsageError) as raised:
        words_of(names, given, {}, [])
    assert raised.value.message == message


def test_names_of_another_goal_and_settings_are_passed_over():
    environ = {"MAKEFLAGS": " -- PORT=1 MODEL=a LOG_LEVEL=debug PYTHON=python3.12"}
    environ["MAKECMDGOALS"] = "train predict-all"
    assert run(["train"], environ) == ["train", "--model=a"]
    assert environ == {"LOG_LEVEL": "debug"}
    environ = {"MAKEFLAGS": " -- MODEL=a PROT=1", "MAKECMDGOALS": "train predict-all"}
    with pytest.raises(click.UsageError, match="PROT="):
        run(["train"], environ)


def test_a_name_of_a_models_makefile_gives_way_to_the_command_line():
    names = ["model", "some", "train"]
    environ = {"MAKE_DEFAULT_MODEL_NAME": "some", "MAKE_DEFAULT_PORT": "1", "MAKEFLAGS": ""}
    assert run(names, dict(environ)) == [*names, "--model-name=some"]
    environ["MAKEFLAGS"] = "k -j2 -- MODEL_NAME=other"
    assert run(names, dict(environ)) == [*names, "--model-name=other"]


@pytest.mark.parametrize("value", ON)
def test_help_is_an_option_too(value):
    assert run(["train"], {"MAKEFLAGS": f" -- HELP={value}"}) == ["train", "--help"]


@pytest.mark.parametrize("makeflags", ["", "k", "k -j2 --no-print-directory", "--jobs=2"])
def test_switches_of_make_are_no_variables(makeflags):
    assert make_variables.given(makeflags) == {}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose verbs print their words; its environment is as new as can be."""
    folder = tmp_path_factory.mktemp("make") / "a project"
    for name in ("models/xgboost", "models/all", "internal"):
        (folder / name).mkdir(parents=True)
    shutil.copytree(MAKE_FOLDER, folder / "internal" / "make")
    shutil.copytree(INTERNAL / "seedling" / "cli", folder / "internal" / "seedling" / "cli")
    for name in ("init.py", "__init__.py"):
        shutil.copy(INTERNAL / "seedling" / name, folder / "internal" / "seedling" / name)
    for name in ("pyproject.toml", "internal/pyproject.toml", "constraints.txt"):
        (folder / name).touch()
    (folder / "Makefile").write_text(makefile.text(), encoding="utf-8")
    names = "MODEL := xgboost\nMODEL_NAME := xgboost\nDATASET_NAME := data/t.csv\n"
    names += "CONTAINER_NAME := p-xgboost\n"
    (folder / "models/xgboost/Makefile").write_text(
        names + "include ../../internal/make/model.mk\n", encoding="utf-8"
    )
    (folder / "models/all/Makefile").write_text(
        "MODEL_DIRS += a # one\nMODEL_DIRS += b\nMODEL_NAME :=\nCONTAINER_NAME := p-all\n"
        "include ../../internal/make/all.mk\n",
        encoding="utf-8",
    )
    (folder / "echo.py").write_text(ECHO, encoding="utf-8")
    run_mk = folder / "internal/make/run.mk"
    python = f"'{sys.executable}' $(ROOT)/echo.py"
    text = re.sub(r"(?m)^RUN := .*$", lambda _: f"RUN := {python}", run_mk.read_text("utf-8"))
    run_mk.write_text(text, encoding="utf-8")
    (folder / ".venv").mkdir()
    (folder / ".venv" / ".installed").touch()
    return folder


def make(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    environment["PYTHONPATH"] = str(INTERNAL)
    command = ["make", "--no-print-directory", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def lines(folder: Path, *words: str) -> list[str]:
    done = make(folder, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@needs_make
@pytest.mark.parametrize("value", [HOSTILE, "$(shell touch x)", "a\tb", "-x", "=", "a=b -- c"])
def test_neither_make_nor_a_shell_evaluates_a_value(folder, value):
    before = sorted(folder.iterdir())
    expected = ["create-local-datasets", f"--from={value}", "--key=k", "--yes"]
    assert lines(folder, "create-local-datasets", f"FROM={value}", "KEY=k", "YES=1") == expected
    expected = ["model", "xgboost", "train-local", f"--model-name={value}"]
    found = lines(folder / "models/xgboost", "train-local", f"MODEL_NAME={value}")
    assert found == [*expected, "--dataset-name=data/t.csv"]
    assert sorted(folder.iterdir()) == before
    assert not (folder / "models/xgboost/x").exists()


@needs_make
def test_a_model_on_the_command_line_of_its_own_makefile_is_refused(folder):
    done = make(folder / "models/xgboost", "stop", "MODEL=;touch x")
    assert done.returncode == 2
    assert "has no option MODEL=" in done.stderr
    assert not (folder / "models/xgboost/x").exists()


@needs_make
def test_all_models_are_trained_by_the_names_of_their_makefile(folder):
    expected = ["train-all", "--model=a", "--model=b"]
    assert lines(folder / "models/all", "train-all") == expected
    found = lines(folder / "models/all", "build-predict", "predict-all", "PORT=1", "DETACH=1")
    assert found == [
        *("model", "all", "build-predict", "--container-name=p-all"),
        *("model", "all", "predict", "--port=1", "--detach", "--container-name=p-all"),
    ]


@needs_make
def test_an_exit_code_reaches_make(folder):
    done = make(folder, "train", "MODLE=a")
    assert done.returncode == 2
    first, second = done.stderr.splitlines()
    assert first == "Error: train has no option MODLE=. Its options: MODEL= SMOKE=1"
    assert "Error" in second


@needs_make
def test_init_knows_its_one_option(folder):
    done = make(folder, "init", "GROPUS=serve")
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == (
        "Error: init has no option GROPUS=. Its options: GROUPS= WHEELHOUSE="
    )


@needs_make
def test_make_help_lists_the_verbs_of_each_makefile(folder):
    shown = lines(folder)
    assert [line[:-1] for line in shown if re.fullmatch(r"\w[\w ]*:", line)] == TITLES
    assert any(line.split()[0] == "train" for line in shown if line.startswith("  "))
    assert "predict-local" in " ".join(lines(folder / "models/xgboost"))
    assert "generate" in " ".join(lines(folder / "models/all"))
