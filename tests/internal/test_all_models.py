"""models/all/ and the models' own .s2i/environment: generated, current, and read as s2i reads."""

import shutil
from pathlib import Path

import pytest

from seedling.cli import make
from seedling.config import Project
from seedling.containers import images, s2i
from seedling.errors import ProjectError
from seedling.files import write_text
from seedling.requirements import required
from seedling.scaffold import (
    all_models,
    copy_model,
    model_dirs,
    model_requirements,
    remove_model,
)
from seedling.testing import first_model, invoke, root

pytestmark = pytest.mark.every_vertical


def test_what_is_generated_is_current() -> None:
    """If this fails: `make generate-all`, and look at what it changes."""
    all_models.refuse_stale(root())


def test_the_models_images_know_what_pyproject_requires() -> None:
    project = Project(root())
    for model in project.config.training.models:
        for kind, groups in (("train", ["train"]), ("predict", ["serve", "plain"])):
            path = root() / "models" / model.name / f"requirements_{kind}.txt"
            declared = required(project.root, groups)
            assert set(model_requirements.read(path)) <= set(declared), path


def test_a_second_model_gets_its_route_and_loses_it(project: Project) -> None:
    first = first_model(project)
    before = model_dirs.models(project.root)
    copy_model.copy(project, "second", first)
    assert model_dirs.models(project.root) == [*before, "second"]
    home = project.root / "models" / "all"
    route = s2i.Route("second/predict", "models.all.predict", "second_predict")
    assert route in s2i.routes(home)
    text = (home / "predict.py").read_text(encoding="utf-8")
    assert "from models.second.entry import predict as second_predict\n" in text
    own = s2i.environment(project.root / "models" / "second")
    assert own["TRAIN_MODULE"] == "models.second.entry"
    assert own["SERVED_MODELS"] == "second"
    assert 'Train("second")' in (project.root / "models/second/entry.py").read_text("utf-8")
    remove_model.remove(Project(project.root), "second")
    assert model_dirs.models(project.root) == before
    all_models.refuse_stale(project.root)


def test_what_is_not_current_is_refused_and_generated_again(project: Project) -> None:
    path = project.root / "models" / first_model(project) / s2i.FILE
    text = path.read_text(encoding="utf-8").replace("/predict:", "/forecast:", 1)
    write_text(path, text)
    with pytest.raises(ProjectError, match="run generate-all"):
        all_models.refuse_stale(project.root)
    assert invoke(project, "generate-all").exit_code == 0
    all_models.refuse_stale(project.root)
    routes = [entry.route for entry in s2i.routes(project.root / "models" / "all")]
    assert {entry.route for entry in s2i.routes(path.parents[1])} <= set(routes)


def test_two_models_cannot_have_one_route(project: Project) -> None:
    first = first_model(project)
    copy_model.copy(project, "second", first)
    route = s2i.routes(project.root / "models" / first)[0].route
    own = f"ROUTES={route}:models.second.entry:predict\n"
    write_text(project.root / "models" / "second" / s2i.FILE, own)
    result = invoke(project, "generate-all")
    assert result.exit_code == 1
    assert f"{first} and second both have the route {route}" in result.stderr


@pytest.mark.parametrize(
    "routes",
    [
        *("", ",", "a", "a:b", "a:b:c:d", "a::c"),
        *("a:b:1c", "a:b c:d", "a:b-c:d"),
    ],
)
def test_routes_that_cannot_be_are_named(tmp_path: Path, routes: str) -> None:
    write_text(tmp_path / s2i.FILE, f"ROUTES={routes}\n")
    with pytest.raises(ProjectError, match="ROUTES is route:module:function"):
        s2i.routes(tmp_path)


def test_a_route_stands_once(tmp_path: Path) -> None:
    write_text(tmp_path / s2i.FILE, "ROUTES=a:b:c,a:b:d\n")
    with pytest.raises(ProjectError, match="ROUTES has a twice"):
        s2i.routes(tmp_path)


def test_every_function_has_a_name_of_its_own_in_the_service_of_all(project: Project) -> None:
    first = first_model(project)
    copy_model.copy(project, "Second2", first)
    entries = ["a/p:models.Second2.entry:predict", "b/p:models.Second2.other:predict"]
    write_text(project.root / "models/Second2" / s2i.FILE, f"ROUTES={','.join(entries)}\nMINE=1\n")
    all_models.write(project.root)
    home = project.root / "models" / "all"
    names = {entry.route: entry.function for entry in s2i.routes(home)}
    assert (names["a/p"], names["b/p"]) == ("second2_predict", "second2_predict_2")
    text = (home / "predict.py").read_text(encoding="utf-8")
    assert "from models.Second2.other import predict as second2_predict_2\n" in text
    assert s2i.environment(home)["MINE"] == "1"


def test_a_copy_is_no_longer_its_source(project: Project) -> None:
    first = first_model(project)
    home = project.root / "models" / first
    write_text(
        home / "entry.py",
        "from seedling import Predict, Train\n\n"
        f"train = Train('{first}')\npredict = Predict('{first}')\n",
    )
    write_text(home / "train.py", f"from models.{first}.features import columns\n")
    routes = f"other/forecast:models.{first}.entry:predict"
    text = (home / s2i.FILE).read_text(encoding="utf-8")
    write_text(home / s2i.FILE, f"ROUTES={routes}\n" + text.partition("\nSERVED")[2])
    makefile = (home / "Makefile").read_text(encoding="utf-8")
    write_text(home / "Makefile", makefile + "\nours:\n\techo ours\n")
    copy_model.copy(project, "second", first)
    copied = project.root / "models" / "second"
    assert "Predict('second')" in (copied / "entry.py").read_text(encoding="utf-8")
    assert "from models.second.features" in (copied / "train.py").read_text(encoding="utf-8")
    assert s2i.routes(copied) == [("second/forecast", "models.second.entry", "predict")]
    makefile = (copied / "Makefile").read_text(encoding="utf-8")
    assert "MODEL := second\n" in makefile
    assert "\nours:\n" in makefile


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        ("MODEL_DIRS += a # slow\nMODEL_DIRS += b \n", "MODEL_DIRS += a # slow\n"),
        ("MODEL_DIRS := a b\n", "MODEL_DIRS := a\n"),
        ("MODEL_DIRS = a \\\n    b\n", "MODEL_DIRS = a \\\n\n"),
    ],
)
def test_model_dirs_are_read_as_make_reads_them(tmp_path: Path, lines: str, left: str) -> None:
    for name in "ab":
        (tmp_path / "models" / name).mkdir(parents=True)
    write_text(tmp_path / "models/all/Makefile", f"{lines}MODEL_NAME :=\n")
    assert model_dirs.models(tmp_path) == ["a", "b"]
    assert model_dirs.with_model(tmp_path, "c") == f"{lines}MODEL_DIRS += c\nMODEL_NAME :=\n"
    assert model_dirs.without_model(tmp_path, "b") == f"{left}MODEL_NAME :=\n"


def test_an_environment_file_is_read_as_s2i_reads_it(tmp_path: Path) -> None:
    lines = ["# A = comment", "A=2", " B = a=b ", "no equals", "", 'C="quoted"', "D=$HOME", "=x"]
    write_text(tmp_path / s2i.FILE, "\n".join(lines))
    found = s2i.environment(tmp_path)
    assert found == {"A": "2", "B": "a=b", "C": '"quoted"', "D": "$HOME"}


def test_an_environment_file_that_sets_a_variable_twice_is_told_in_one_line(tmp_path: Path) -> None:
    write_text(tmp_path / s2i.FILE, "ROUTES=a:b:c\n# more\nA=1\nROUTES=d:e:f\n")
    with pytest.raises(ProjectError, match="lines 1 and 4 both set ROUTES: keep one"):
        s2i.environment(tmp_path)


def test_export_is_told_in_one_line(tmp_path: Path) -> None:
    write_text(tmp_path / s2i.FILE, "export N=1\n")
    with pytest.raises(ProjectError, match="line 1: 'export N' names no variable"):
        s2i.environment(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "a/p:m.n:f,b:m:g",
        "a/p:m.n:f,b:m:g,",
        " /a/p : m.n : f , b:m:g ",
        "a/p:m.n:f,\n  b:m:g",
        "/a/p/:m.n:f,\n# ours\n/b:m:g,\n",
    ],
)
def test_the_service_and_the_images_read_routes_alike(tmp_path: Path, text: str) -> None:
    write_text(tmp_path / s2i.FILE, f"A=1\nROUTES={text}\nB=2\n")
    wanted = [("a/p", "m.n", "f"), ("b", "m", "g")]
    assert s2i.routes(tmp_path) == wanted
    given = s2i.environment(tmp_path)
    assert (given["A"], given["B"]) == ("1", "2")
    assert s2i.parsed(given["ROUTES"]) == wanted  # as the service is given them
    assert s2i.parsed(text.replace("# ours\n", "")) == wanted  # of .env, in quotes


def test_a_copy_and_an_image_take_routes_over_lines(project: Project, tmp_path: Path) -> None:
    first = first_model(project)
    module = f"models.{first}.entry"
    text = f"ROUTES=a/p:{module}:predict,\n  b/q:{module}:predict\nSERVED_MODELS={first}\n"
    write_text(project.root / "models" / first / s2i.FILE, text)
    copy_model.copy(project, "second", first)
    copied = (project.root / "models/second" / s2i.FILE).read_text(encoding="utf-8")
    routes = "second/p:models.second.entry:predict,second/q:models.second.entry:predict"
    assert copied == f"ROUTES={routes}\nSERVED_MODELS=second\n"
    shutil.copytree(root() / "internal", project.root / "internal")
    images.stage_source(project, first, "predict", tmp_path / "source")
    staged = (tmp_path / "source" / s2i.FILE).read_text(encoding="utf-8")
    assert staged == f"ROUTES=a/p:{module}:predict,b/q:{module}:predict\nSERVED_MODELS={first}\n"


def test_model_dirs_on_makes_command_line_change_every_verb_of_all(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For once: nothing in models/all/ changes, and what is generated is not stale."""
    first = first_model(project)
    copy_model.copy(project, "second", first)
    copy_model.copy(project, "third", first)
    files = [path for path in (project.root / "models/all").rglob("*") if path.is_file()]
    before = {path: path.read_bytes() for path in files}
    made = {"MAKEFLAGS": r" -- MODEL_DIRS=second\ third", "MAKE_DEFAULT_MODEL": f"{first},second"}
    assert make.run(["train-all"], made) == ["train-all", "--model=second", "--model=third"]
    monkeypatch.setenv("MODEL_DIRS", made["MODEL_DIRS"])
    shutil.copytree(root() / "internal", project.root / "internal")
    project = Project(project.root)
    assert images.members(project, "all") == ["second", "third"]  # of build-predict and test-all
    all_models.refuse_stale(project.root)
    images.stage_source(project, "all", "predict", tmp_path / "source")
    served = {"all", "second", "third", "__init__.py"}
    assert {path.name for path in (tmp_path / "source" / "models").iterdir()} == served
    variables = all_models.variables(project.root)  # of predict-all's container
    assert s2i.environment(tmp_path / "source") == variables
    assert variables["SERVED_MODELS"] == "second,third"
    assert first not in (tmp_path / "source/models/all/predict.py").read_text(encoding="utf-8")
    assert {path: path.read_bytes() for path in before} == before
    monkeypatch.setenv("MODEL_DIRS", "fourth")
    with pytest.raises(ProjectError, match=r"^MODEL_DIRS: there is no models/fourth/\.$"):
        model_dirs.models(project.root)
