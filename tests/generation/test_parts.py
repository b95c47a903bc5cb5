"""Parts: what a project without one shows, and what add-part puts there."""

import itertools
import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from baking import call, generate, run, texts

from seedling import settings
from seedling.cli import makefile
from seedling.config import Project
from seedling.scaffold import add_part, part_files

SMALL = {"vertical": "finance", "parts": "none", "ci": "none"}
NAMES = ("containers", "azure", "github", "azure_devops")
# What a project without a part does not speak of, but in constraints.txt, which pins everything,
# and where its linter names the modules of the plumbing, which are all there.
AZURE = re.compile(r"azure|cosmos|\bentra\b|(?<![a-z])aml(?![a-z])|app service", re.IGNORECASE)
CONTAINERS = re.compile(r"docker|podman|s2i|container|make build|entry\.py", re.IGNORECASE)
CI = re.compile(r"github|azure.?devops|\.pipelines", re.IGNORECASE)


def own(project: Path) -> dict[str, str]:
    """The texts of what is not the plumbing's."""
    return {path: text for path, text in texts(project).items() if not path.startswith("internal/")}


def mentions(project: Path, words: re.Pattern[str]) -> list[str]:
    return [
        f"{path}: {line}"
        for path, text in own(project).items()
        if path != "constraints.txt"
        for line in (path, *text.splitlines())
        if words.search(line) and not line.startswith('"seedling.')
    ]


def seedling(project: Path, *words: str) -> str:
    """What a verb of this checkout prints in the project."""
    return run(["python", "-m", "seedling", *words], project)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project without any part. Leave it as it is."""
    return generate(tmp_path_factory.mktemp("small") / "in", SMALL)


@pytest.mark.parametrize("vertical", ["finance", "retail"])
def test_a_project_has_as_many_files_as_its_parts_ask_for(vertical: str, tmp_path: Path) -> None:
    whole = generate(tmp_path / "whole", {"vertical": vertical})
    assert len(own(whole)) <= 126
    least = generate(tmp_path / "least", {"vertical": vertical, "parts": "none"})
    assert len(own(least)) <= 54


def test_a_project_without_parts_does_not_speak_of_them(small: Path) -> None:
    for words in (AZURE, CONTAINERS, CI):
        assert mentions(small, words) == []


def test_a_project_with_one_part_does_not_speak_of_the_other(tmp_path: Path) -> None:
    boxed = generate(tmp_path / "boxed", SMALL | {"parts": "containers"})
    assert mentions(boxed, AZURE) == []
    cloud = generate(tmp_path / "cloud", SMALL | {"parts": "azure"})
    assert mentions(cloud, re.compile(r"docker run|podman|s2i|`make build|build-predict")) == []


def added(small: Path, folder: Path, parts: Iterable[str]) -> dict[str, str]:
    """The texts of a copy of a project with these parts added, one after the other."""
    project = Path(shutil.copytree(small, folder, ignore=shutil.ignore_patterns("internal")))
    for part in parts:
        add_part.add(project, part, part_files.of_project(Project(project).config))
    return own(project)


@pytest.mark.parametrize("ci", ["github", "azure_devops"])
@pytest.mark.parametrize("vertical", ["finance", "hello_world"])
def test_parts_added_in_any_order_make_the_project_that_begins_with_them(
    vertical: str, ci: str, tmp_path: Path
):
    answers = SMALL | {"vertical": vertical}
    least = generate(tmp_path / "least", answers)
    whole = own(generate(tmp_path / "whole", answers | {"parts": "all", "ci": ci}))
    for number, order in enumerate(itertools.permutations(["containers", "azure", ci])):
        assert added(least, tmp_path / str(number), order) == whole, order


@pytest.mark.parametrize("parts", [[], ["containers"], ["azure"], ["containers", "azure"]])
def test_makefile_and_settings_are_those_that_the_code_declares(parts: list[str], tmp_path: Path):
    """If this fails: write `text()` to the tree's Makefile, `section_text` to internal/parts/."""
    project = generate(tmp_path / "in", SMALL | {"parts": ", ".join(parts)})
    assert (project / "Makefile").read_text(encoding="utf-8") == makefile.text(parts)
    assert (project / ".env.example").read_text(encoding="utf-8") == settings.env_example(parts)
    page = project / "docs" / "settings.md"
    assert page.is_file() == ("containers" in parts)
    assert not page.is_file() or page.read_text(encoding="utf-8") == settings.page(parts)


def test_a_verb_of_a_part_that_is_off_says_how_to_add_it(small: Path, tmp_path: Path):
    for verb, part in {"build": "containers", "deploy-online": "azure"}.items():
        done = call(["python", "-m", "seedling", verb], small)
        assert done.returncode == 1
        assert done.stdout == (
            f"Error: {verb} is a verb of the part {part}, which this project does not have: "
            f"add-part {part} (make add-part PART={part}) adds it.\n"
        )
        first, _ = call(["make", verb], small).stdout.splitlines()
        assert first == (
            f"Error: {verb} is a verb of the part {part}: make add-part PART={part} adds it."
        )
    shown = seedling(small, "--help")
    assert "Containers:" not in shown
    assert "Azure:" not in shown
    first, _ = call(["make", "nonsense"], small).stdout.splitlines()
    assert first == "Error: there is no verb nonsense: make help lists them."


def test_one_part_added_makes_the_project_that_begins_with_it(small: Path, tmp_path: Path):
    for part in ("containers", "azure"):
        whole = own(generate(tmp_path / part, SMALL | {"parts": part}))
        assert added(small, tmp_path / f"added-{part}", [part]) == whole


def test_all_parts_with_both_ci_systems_are_the_same_in_any_order(small: Path, tmp_path: Path):
    first, *others = [
        added(small, tmp_path / str(number), order)
        for number, order in enumerate(itertools.permutations(NAMES))
    ]
    assert all(other == first for other in others)


@pytest.mark.parametrize("ci", ["github", "azure_devops"])
def test_the_lines_of_a_part_have_a_place(ci: str, bake: Callable[[dict[str, str]], Path]):
    """Lines for a file that is called otherwise by now would be left out, or go to its end."""
    project = bake({"vertical": "finance", "parts": "all", "ci": ci})
    present = {"containers", "azure", ci}
    homes = [home for home in part_files.HOME.iterdir() if {*home.name.split("+")} <= present]
    for home in homes:
        for path in sorted((home / "lines").rglob("*.lines")):
            target = project / path.relative_to(home / "lines").with_suffix("")
            text = "\n" + target.read_text(encoding="utf-8")
            places = re.findall(r"(?m)^@@ \w+: (.*)$", path.read_text(encoding="utf-8"))
            assert [start for start in places if f"\n{start}" not in text] == [], path


def test_a_model_added_meanwhile_has_the_files_of_the_part(small: Path, tmp_path: Path):
    """A ready one; and a copy, whose code says what its images need."""
    later = Path(shutil.copytree(small, tmp_path / "later"))
    seedling(later, "add-model", "catboost")
    seedling(later, "add-model", "mine", "--from", "xgboost")
    said = seedling(later, "add-part", "containers")
    assert said.startswith("Added containers")
    begun = generate(tmp_path / "begun", SMALL | {"parts": "containers"})
    seedling(begun, "add-model", "catboost")
    seedling(begun, "add-model", "mine", "--from", "xgboost")
    assert own(later) == own(begun)


def test_the_lines_of_a_team_stay(small: Path, tmp_path: Path):
    """Also where a part looks for its places: what it cannot place goes to the end."""
    project = Path(shutil.copytree(small, tmp_path / "edited"))
    for path, text in own(project).items():
        if path.endswith((".md", ".yml", ".yaml", ".example", ".toml")):
            mark = "<!-- ours -->" if path.endswith(".md") else "# ours"
            edited = [f"{line}\n" for line in text.splitlines() if "Serving" not in line]
            edited.insert(len(edited), f"{mark}\n")
            edited.insert(0, f"{mark}\n")
            (project / path).write_text("".join(edited), encoding="utf-8", newline="\n")
    (project / "docs" / "serving.md").unlink()
    before = own(project)
    for part in NAMES:
        add_part.add(project, part, part_files.of_project(Project(project).config))
    after = own(project)
    every = f"parts: [{', '.join(NAMES)}]"
    before["model.yaml"] = before["model.yaml"].replace("parts: []", every)
    for path, text in before.items():
        left = iter(after[path].splitlines())
        assert [line for line in text.splitlines() if line not in left] == [], path
    assert "docs/serving.md" not in after


def test_a_file_of_the_team_in_the_place_of_a_part_refuses_it(small: Path, tmp_path: Path):
    project = Path(shutil.copytree(small, tmp_path / "taken"))
    (project / "Dockerfile").write_text("FROM scratch\n", encoding="utf-8")
    before = texts(project)
    assert refused(project, "containers") == (
        "Error: Dockerfile is there already, and is yours: move it away first.\n"
    )
    assert texts(project) == before


def test_a_part_that_was_half_added_is_added(small: Path, tmp_path: Path):
    """model.yaml is written last, so that a second try finds everything else as it is to be."""
    project = Path(shutil.copytree(small, tmp_path / "half"))
    before = (project / "model.yaml").read_bytes()
    whole = added(small, tmp_path / "whole", ["azure"])
    add_part.add(project, "azure", part_files.of_project(Project(project).config))
    (project / "model.yaml").write_bytes(before)
    add_part.add(project, "azure", part_files.of_project(Project(project).config))
    assert own(project) == whole


def test_a_part_is_named_once_and_rightly(small: Path, tmp_path: Path):
    project = Path(shutil.copytree(small, tmp_path / "on"))
    seedling(project, "add-part", "azure")
    assert refused(project, "azure") == (
        "Error: The part azure is on: model.yaml lists it under parts.\n"
    )
    assert refused(project, "kubernetes") == (
        "Error: There is no part 'kubernetes'; add-part takes containers, github, azure_devops.\n"
    )
    listed = seedling(project, "add-part").splitlines()
    assert [line.split()[:2] for line in listed] == [
        [("on" if name == "azure" else "off"), name] for name in NAMES
    ]


def test_a_list_of_lines_and_a_missing_list_are_understood(small: Path, tmp_path: Path):
    project = Path(shutil.copytree(small, tmp_path / "lines"))
    path = project / "model.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("parts: []", "parts:\n  - azure # ours\n"), encoding="utf-8")
    add_part.add(project, "github", part_files.of_project(Project(project).config))
    assert Project(project).config.parts == ["azure", "github"]
    path.write_text(text.replace("parts: []\n", ""), encoding="utf-8")
    assert Project(project).config.parts == ["containers", "azure"]
    add_part.add(project, "azure_devops", part_files.of_project(Project(project).config))
    assert Project(project).config.parts == ["containers", "azure", "azure_devops"]


def test_an_unknown_part_in_model_yaml_is_one_line(small: Path, tmp_path: Path):
    project = Path(shutil.copytree(small, tmp_path / "unknown"))
    path = project / "model.yaml"
    text = path.read_text(encoding="utf-8").replace("parts: []", "parts: [cloud]")
    path.write_text(text, encoding="utf-8")
    done = call(["python", "-m", "seedling", "validate-datasets"], project)
    assert done.returncode == 1
    assert re.fullmatch(r"Error: model.yaml, line \d+, parts\S*: .*'containers'.*\n", done.stdout)


def test_the_answers_name_parts(tmp_path: Path):
    for number, (answer, parts) in enumerate(
        {
            "all": ["containers", "azure"],
            " azure , containers": ["containers", "azure"],
            "azure": ["azure"],
            "": [],
            "none": [],
        }.items()
    ):
        project = generate(tmp_path / str(number), SMALL | {"parts": answer})
        assert Project(project).config.parts == parts


def refused(project: Path, part: str) -> str:
    """The one line that add-part ends with."""
    done = call(["python", "-m", "seedling", "add-part", part], project)
    assert done.returncode == 1
    return done.stdout


@pytest.mark.parametrize("ci", ["github", "azure_devops", "none"])
def test_git_keeps_every_file_of_a_project(bake, ci: str, tmp_path: Path):
    """A fresh clone has them all: CI compares them with what `internal/` was released with."""
    project = bake({"vertical": "hello_world", "ci": ci})
    git = ["git", f"--git-dir={tmp_path}", f"--work-tree={project}"]
    run([*git, "init", "--quiet"], project)
    listed = run([*git, "ls-files", "--others", "--ignored", "--exclude-standard"], project)
    ignored = [path for path in listed.splitlines() if "__pycache__" not in path]
    assert ignored == []
