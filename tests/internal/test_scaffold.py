"""add-model, remove-model: a model comes and goes without touching another line of the team's."""

import difflib

import pytest

from seedling import tasks
from seedling.config import Project, RegisteredModel, registrations
from seedling.errors import ProjectError
from seedling.files import write_text
from seedling.scaffold import add_model, copy_model, remove_model
from seedling.scaffold.ready_models import READY
from seedling.testing import first_model, invoke
from seedling.training import pipeline
from seedling.training.pipeline import TRAINING

pytestmark = pytest.mark.every_vertical


def ready(project: Project) -> list[str]:
    """The ready models that fit the project's first dataset."""
    return list(tasks.of(project.config.datasets[0]).ready_models)


def absent(project: Project) -> str:
    """A ready model that the project does not have."""
    for name in ready(project):
        if not (project.root / "models" / name).exists():
            return name
    pytest.skip("the project has every ready model")


def test_a_ready_model_only_adds_lines(project: Project) -> None:
    name = absent(project)
    files = [project.config_path, project.root / TRAINING, project.root / "pyproject.toml"]
    before = [path.read_text(encoding="utf-8").splitlines() for path in files]
    add_model.add(project.root, name)
    for path, old in zip(files, before, strict=True):
        changes = difflib.ndiff(old, path.read_text(encoding="utf-8").splitlines())
        assert not [line for line in changes if line.startswith("- ")]
    added = Project(project.root).config.trained_model(name)
    assert added.dataset == project.config.datasets[0].name
    assert name in pipeline.load(project.root / TRAINING).models


def test_a_model_that_is_there_is_not_written_over(project: Project) -> None:
    name = project.config.training.models[0].name
    if name not in ready(project):
        pytest.skip("the project's models are all its own")
    with pytest.raises(ProjectError, match="is there already"):
        add_model.add(project.root, name)


def test_an_unknown_model_is_refused_with_the_known_ones(project: Project) -> None:
    with pytest.raises(ProjectError, match="no ready model 'oracle'; there are"):
        add_model.add(project.root, "oracle")


def texts(project: Project) -> dict[str, bytes]:
    files = (path for path in project.root.rglob("*") if path.is_file())
    kept = (path for path in files if "__pycache__" not in path.parts)
    return {path.relative_to(project.root).as_posix(): path.read_bytes() for path in kept}


def test_what_was_added_can_be_removed_without_a_trace(project: Project) -> None:
    source = project.config.training.models[0].name
    edited = project.config_path.read_text(encoding="utf-8") + "\n# The end, says Ann.\n"
    write_text(project.config_path, edited)
    before = texts(project)
    added = invoke(project, "add-model", "mine", "--from", source)
    assert added.exit_code == 0, added.output
    assert "models/mine/train.py" in texts(project)
    copied = Project(project.root).config.trained_model("mine")
    assert copied.hyperparameters == project.config.training.models[0].hyperparameters
    assert "mine" in pipeline.load(project.root / TRAINING).models
    removed = invoke(project, "remove-model", "mine", "--yes")
    assert removed.exit_code == 0, removed.output
    assert texts(project) == before


@pytest.mark.parametrize("name", sorted({name for models in READY.values() for name in models}))
def test_a_ready_model_leaves_with_what_only_it_required(project: Project, name: str) -> None:
    if (project.root / "models" / name).is_dir():
        pytest.skip("the project has it")
    if name not in ready(project):
        pytest.skip("it is of another task")
    before = texts(project)
    add_model.add(project.root, name)
    remove_model.remove(Project(project.root), name)
    assert texts(project) == before


def test_a_model_that_is_removed_is_not_served_any_more(project: Project) -> None:
    first = project.config.training.models[0].name
    copy_model.copy(project, "mine", first)
    entry = {"version": "1", "sha256": "0" * 64}
    entries = [{**entry, "name": f"d-{m}", "model": m} for m in (first, "mine")]
    shared = [{**each, "name": f"{project.config.slug}-{each['name']}"} for each in entries]
    project.edit(lambda document: document.update(models=shared))
    registered = [RegisteredModel.model_validate(each) for each in entries]
    registrations.write(project.registrations_path, registered)
    remove_model.remove(project, "mine")
    project = Project(project.root)
    for found in (project.model_yaml.models, registrations.read(project.registrations_path)):
        assert [each.model for each in found] == [first]


@pytest.mark.parametrize(
    "name", ["class", "2nd", "a-b", "../up", "all", "Con", "a b", "x" * 65, "", "é", "{x}"]
)
def test_a_name_that_cannot_be_used_changes_nothing(project: Project, name: str) -> None:
    before = texts(project)
    result = invoke(project, "add-model", "--from", first_model(project), "--", name)
    assert (result.exit_code, result.stderr.count("cannot be a model's name")) == (1, 1)
    assert texts(project) == before


def test_wrong_requests_are_one_line_and_change_nothing(project: Project) -> None:
    first, before = first_model(project), texts(project)
    for words, expected in (
        (["add-model", first, "--from", first], "is there already"),
        (["add-model", "new", "--from", "nobody"], "nobody"),
        (["add-model", "new", "--dataset", "nothing"], "nothing"),
        (["add-model", "new", "--from", first, "--dataset", "nothing"], "nothing"),
        (["remove-model", "nobody", "--yes"], "trains no model 'nobody'"),
    ):
        result = invoke(project, *words)
        assert result.exit_code == 1
        assert result.stderr.startswith("Error: ")
        assert expected in result.stderr
    assert texts(project) == before


def test_the_last_model_stays(project: Project) -> None:
    while len(project.config.training.models) > 1:
        remove_model.remove(project, project.config.training.models[-1].name)
        project = Project(project.root)
    with pytest.raises(ProjectError, match="the only model"):
        remove_model.remove(project, first_model(project))


def test_steps_stand_among_the_jobs_whatever_follows_them(project: Project) -> None:
    path = project.root / TRAINING
    write_text(path, path.read_text(encoding="utf-8") + "\ntags:\n  owner: Ann\n")
    copy_model.copy(project, "mine", first_model(project))
    assert "mine" in pipeline.load(path).models


def test_what_cannot_be_added_changes_nothing(project: Project) -> None:
    path = project.root / "models" / first_model(project) / ".s2i" / "environment"
    write_text(path, "ROUTES=\n")
    before = texts(project)
    for words in ([absent(project)], ["mine", "--from", first_model(project)]):
        result = invoke(project, "add-model", *words)
        assert result.exit_code == 1
        assert result.stderr.startswith("Error: ")
        assert texts(project) == before


def test_requirements_of_another_model_stay(project: Project) -> None:
    name = absent(project)
    add_model.add(project.root, name)
    first = project.root / "models" / first_model(project) / "requirements_train.txt"
    own = project.root / "models" / name / "requirements_train.txt"
    write_text(first, own.read_text(encoding="utf-8"))
    after = (project.root / "pyproject.toml").read_text(encoding="utf-8")
    remove_model.remove(Project(project.root), name)
    left = (project.root / "pyproject.toml").read_text(encoding="utf-8")
    group = after.partition("\ntrain = [")[2].partition("\n]")[0]
    assert left.partition("\ntrain = [")[2].partition("\n]")[0] == group


def test_the_ready_models_of_a_dataset_are_listed(project: Project) -> None:
    dataset = project.config.datasets[0]
    every = invoke(project, "add-model")
    assert every.stdout.count("For ") == len(tasks.names()) > 1
    own = invoke(project, "add-model", "--dataset", dataset.name)
    assert (own.exit_code, own.stdout.count("For ")) == (0, 1)
    assert own.stdout.startswith(f"For {dataset.task}:")
    unknown = invoke(project, "add-model", "--dataset", "nope")
    assert (unknown.exit_code, unknown.stdout) == (1, "")
    assert dataset.name in unknown.stderr
    nameless = invoke(project, "add-model", "--from", first_model(project))
    assert (nameless.exit_code, "Give MODEL" in nameless.stderr) == (2, True)
