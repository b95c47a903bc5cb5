"""internal/ as a release: its MANIFEST, its zip and wheel, and an update without a network."""

import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from baking import ROOT, TREE, run

from seedling.errors import ProjectError
from seedling.release import archive, manifest, swap, update
from seedling.requirements import required

Bake = Callable[[dict[str, str]], Path]
HELLO = {"vertical": "hello_world"}
INTERNAL = TREE / "internal"
VERSION = manifest.version_of(INTERNAL)
NEWER = "97.0.0"
EDITED = "internal/seedling/files.py"
GONE = "internal/seedling/gunicorn.py"
NEW = "internal/seedling/brand/new.py"
# Ends the process, as kill -9 does, at the replacement of the file that KILL_AT counts to.
KILLED = """
import os, runpy, sys
left, replace = int(os.environ["KILL_AT"]), os.replace
def replace_or_die(source, target):
    global left
    left -= "internal" in str(target) and not str(target).endswith(".zip")
    if left < 0:
        os._exit(9)
    replace(source, target)
os.replace = replace_or_die
sys.argv = ["seedling", *sys.argv[1:]]
runpy.run_module("seedling", run_name="__main__")
"""


def test_the_manifest_is_current():
    current = (INTERNAL / manifest.NAME).read_text(encoding="utf-8")
    assert current == str(manifest.of_folder(INTERNAL)), "run `python tools/release.py manifest`"


def test_the_version_stands_in_one_place():
    declared = tomllib.loads((INTERNAL / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert declared["version"] == VERSION
    assert seedling(TREE, "--version").stdout == f"Seedling {VERSION}\n"


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="there is no sha256sum here")
def test_the_manifest_can_be_checked_without_python():
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", manifest.NAME], cwd=INTERNAL, check=False
    )
    assert done.returncode == 0


def test_nothing_that_a_project_requires_is_called_seedling(bake: Bake):
    project = bake(HELLO)
    groups = tomllib.loads((INTERNAL / "pyproject.toml").read_text())["project"]
    lines = required(project, list(groups["optional-dependencies"]))
    lines += (project / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert len(lines) > 100
    assert not [line for line in lines if re.match(r"(?i)seedling\b", line)]
    for path in (project / "Dockerfile", *(project / "s2i").rglob("*")):
        if path.is_file():
            assert not re.search(r"install[^\n]*seedling", path.read_text(encoding="utf-8"))


# What differs


def test_a_fresh_project_has_the_version_as_it_is(project: Path):
    assert manifest.differences(project / "internal") == []
    done = seedling(project, "check-internal")
    assert (done.returncode, done.stdout) == (0, f"internal/ is Seedling {VERSION}, unedited.\n")


def test_a_project_names_what_differs_and_ci_fails_by_it(project: Path):
    edit(project)
    (project / GONE).unlink()
    (project / "internal/seedling/extra.py").write_text("")
    told = [
        f"internal/seedling/extra.py is not part of Seedling {VERSION}",
        f"internal/seedling/files.py differs from Seedling {VERSION}",
        f"internal/seedling/gunicorn.py of Seedling {VERSION} is missing",
    ]
    done = seedling(project, "check-internal")
    assert (done.returncode, done.stdout.splitlines()) == (1, told)
    doctor = seedling(project, "doctor")
    assert doctor.returncode == 0, doctor.stdout
    assert [f"note   internal: {line}" for line in told] == [
        line for line in doctor.stdout.splitlines() if " internal:" in line
    ]


def test_caches_and_line_ends_are_no_differences(project: Path):
    (project / "internal/seedling/__pycache__").mkdir(exist_ok=True)
    (project / "internal/seedling/__pycache__/gate.cpython-311.pyc").write_bytes(b"\0")
    (project / "internal/.ruff_cache").mkdir()
    (project / "internal/.ruff_cache/CACHEDIR.TAG").write_text("")
    for path in (project / EDITED, project / "internal/pyproject.toml"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert manifest.differences(project / "internal") == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [(None, "is missing"), ("", "line 1 is not"), (f"# Seedling {VERSION}\nx\n", "line 2 is not")],
)
def test_a_lost_manifest_is_one_line(project: Path, text: str | None, fault: str):
    path = project / "internal" / manifest.NAME
    path.unlink() if text is None else path.write_text(text)
    done = seedling(project, "check-internal")
    assert done.returncode == 1
    assert fault in done.stdout
    assert done.stdout.count("\n") == 1
    assert seedling(project, "doctor").returncode == 0


# The zip


def test_two_builds_are_the_same_bytes(project: Path, tmp_path: Path):
    first = release("zip", project, tmp_path / "first")
    for path in project.rglob("*"):
        os.utime(path, (1, 1))
    (project / EDITED).chmod(stat.S_IRUSR | stat.S_IWUSR | stat.S_IXUSR)
    second = release("zip", project, tmp_path / "second")
    assert first.name == second.name == f"seedling-internal-{VERSION}.zip"
    assert first.read_bytes() == second.read_bytes()


def test_a_stale_manifest_is_not_released(project: Path, tmp_path: Path):
    edit(project)
    with pytest.raises(AssertionError, match=r"is not current: run `python tools/release\.py"):
        release("zip", project, tmp_path)


# Updates


def test_an_older_project_becomes_the_newer_one(project: Path, newer: Path):
    done = seedling(project, "update-internal", str(newer))
    assert done.returncode == 0, done.stdout
    assert f"internal/ is Seedling {NEWER}; it was {VERSION}." in done.stdout
    assert "Next: init" in done.stdout
    assert_newer(project)
    assert (project / "constraints.txt").read_text().endswith("# of the newer\n")
    assert not (project / swap.READY).exists()


def test_where_no_dependency_changed_no_init_is_asked_for(project: Path, tmp_path: Path):
    same = tmp_path / "same.zip"
    shutil.copy(release("zip", project, tmp_path / "out"), same)
    done = seedling(project, "update-internal", "--force", str(same))
    assert done.returncode == 0, done.stdout
    assert "Next: test. The dependencies are the same." in done.stdout


def test_where_only_the_version_differs_init_is_asked_for_by_that(project: Path, tmp_path: Path):
    later = Path(shutil.copytree(project, tmp_path / "later"))
    declared = later / "internal/pyproject.toml"
    text = declared.read_text()
    declared.write_text(text.replace(f'version = "{VERSION}"', f'version = "{NEWER}"', 1))
    release("manifest", later, later)
    zipped = release("zip", later, tmp_path / "out")
    done = seedling(project, "update-internal", str(zipped))
    assert done.returncode == 0, done.stdout
    assert "init, since it installs the new version; the dependencies are the same" in done.stdout


def test_edits_are_named_asked_about_and_kept(project: Path, newer: Path):
    before = edit(project)
    asked = seedling(project, "update-internal", str(newer), input="n\n")
    assert asked.returncode == 1
    assert f"{EDITED} differs from Seedling {VERSION}" in asked.stdout
    assert (project / EDITED).read_text() == before
    done = seedling(project, "update-internal", str(newer), "--yes")
    assert done.returncode == 0, done.stdout
    kept = project / f"local_assets/internal-{VERSION}-edited" / EDITED.removeprefix("internal/")
    assert kept.read_text() == before
    assert_newer(project)


def test_each_update_keeps_its_edits_in_a_folder_of_its_own(project: Path, tmp_path: Path):
    same = tmp_path / "same.zip"
    shutil.copy(release("zip", project, tmp_path / "out"), same)
    edits = []
    for words in ("# first\n", "# second\n", "# third\n"):
        edits.append((project / EDITED).read_text() + words)
        (project / EDITED).write_text(edits[-1])
        done = seedling(project, "update-internal", "--force", "--yes", str(same))
        assert done.returncode == 0, done.stdout
    folders = [f"local_assets/internal-{VERSION}-edited{end}" for end in ("", "-2", "-3")]
    file = EDITED.removeprefix("internal/")
    assert [(project / folder / file).read_text() for folder in folders] == edits
    assert f"is kept in {folders[-1]}." in done.stdout


def test_pins_of_the_team_stay(project: Path, newer: Path):
    path = project / "constraints.txt"
    path.write_text(path.read_text() + "# locked here\n")
    done = seedling(project, "update-internal", str(newer))
    assert "so it is kept" in done.stdout, done.stdout
    assert path.read_text().endswith("# locked here\n")
    theirs = project / f"local_assets/constraints-{NEWER}.txt"
    assert theirs.read_text().endswith("# of the newer\n")
    assert_newer(project)


@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_a_killed_update_goes_on_with_the_next_verb(project: Path, newer: Path, at: int):
    killed = seedling(project, "update-internal", str(newer), code=KILLED, KILL_AT=str(at))
    assert killed.returncode == 9, killed.stdout
    assert manifest.read(project / "internal").version == VERSION
    done = seedling(project, "check-internal")
    assert (done.returncode, done.stdout) == (0, f"internal/ is Seedling {NEWER}, unedited.\n")
    assert_newer(project)
    assert not (project / swap.READY).exists()


def test_an_interrupted_update_that_cannot_go_on_is_one_line(project: Path, newer: Path):
    (project / "local_assets").mkdir()
    (project / swap.READY).write_bytes(b"hello")
    done = seedling(project, "check-internal")
    assert done.returncode == 1
    assert re.fullmatch(r"Error: .* is damaged: delete it, and run .* again\.\n", done.stdout)
    (project / swap.READY).unlink()
    assert seedling(project, "update-internal", str(newer)).returncode == 0


def test_a_file_that_cannot_be_replaced_leaves_all_as_it_was(
    project: Path, newer: Path, monkeypatch: pytest.MonkeyPatch
):
    before = manifest.of_folder(project / "internal")
    replace = os.replace

    def refuse_pyproject(source: Path, target: Path) -> None:
        if target == project / "internal/pyproject.toml" and b"97.0.0" in source.read_bytes():
            raise PermissionError(13, "Permission denied", str(target))
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse_pyproject)
    with pytest.raises(ProjectError, match=r"Permission denied\. internal/ is as it was"):
        update.carry_out(update.plan(project, newer), print)
    assert manifest.of_folder(project / "internal") == before
    assert manifest.differences(project / "internal") == []
    assert not (project / swap.READY).exists()


def test_versions_are_compared_as_numbers(project: Path, newer: Path, tmp_path: Path):
    older = release("zip", project, tmp_path / "older")
    assert seedling(project, "update-internal", str(newer)).returncode == 0
    for file, words in [(older, f"older than {NEWER}"), (newer, "the version that is here")]:
        with pytest.raises(ProjectError, match=f"{words}.*--force"):
            update.plan(project, file)
    assert update.plan(project, older, force=True).release.version == VERSION
    assert update._number("0.10.0") > update._number("0.9.1")


# What is refused


def refused() -> Iterator[tuple[str, str, Callable[[dict[str, bytes]], None]]]:
    """Yield (name, words of the refusal, what is done to the zip's files)."""

    def add(name: str, content: bytes = b"") -> Callable[[dict[str, bytes]], None]:
        return lambda files: files.update({name: content})

    yield "above", "would write '../evil.py'", add("../evil.py")
    yield "within", "would write", add("internal/../../evil.py")
    yield "absolute", "would write '/evil.py'", add("/evil.py")
    yield "drive", "would write", add("internal/C:/evil.py")
    yield "backslash", "would write", add("internal/..\\evil.py")
    yield "of the team", "would write 'model.yaml'", add("model.yaml")
    yield "unlisted", "is not in its MANIFEST", add("internal/seedling/evil.py")
    yield "changed", "is not as its MANIFEST says", add(EDITED, b"evil")
    yield "twice", "twice", add(EDITED.upper().replace("INTERNAL", "internal"))
    yield "incomplete", f"{EDITED} is missing", lambda files: files.pop(EDITED) and None
    yield "no manifest", "has no internal/MANIFEST", lambda files: files.pop(swap.LAST) and None
    yield "odd manifest", "line 1 is not", add(swap.LAST, b"hello")
    yield "bomb", "too large", add("internal/zeros", bytes(archive.MAX_BYTES))


@pytest.mark.parametrize(
    ("words", "change"), [pytest.param(*rest, id=name) for name, *rest in refused()]
)
def test_a_zip_that_is_no_release_is_refused(
    project: Path,
    newer: Path,
    tmp_path: Path,
    words: str,
    change: Callable[[dict[str, bytes]], None],
):
    with zipfile.ZipFile(newer) as released:
        files = {name: released.read(name) for name in released.namelist()}
    change(files)
    changed = tmp_path / "changed.zip"
    with zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in files.items():
            target.writestr(name, content)
    with pytest.raises(ProjectError, match=re.escape(words)) as raised:
        update.plan(project, changed)
    assert "\n" not in str(raised.value)


def test_a_damaged_zip_is_refused_and_changes_nothing(project: Path, newer: Path, tmp_path: Path):
    before, content = manifest.of_folder(project / "internal"), newer.read_bytes()
    middle = len(content) // 2
    broken = content[:middle] + bytes(64) + content[middle + 64 :]
    for damaged in (b"", b"hello", content[:-100], content[:middle], broken):
        file = tmp_path / "damaged.zip"
        file.write_bytes(damaged)
        done = seedling(project, "update-internal", str(file))
        assert done.returncode == 1
        assert re.fullmatch(r"Error: .*damaged.zip is damaged, .*\n", done.stdout), done.stdout
    for missing in ("missing.zip", "models"):
        assert seedling(project, "update-internal", missing).stdout.startswith("Error: ")
    assert manifest.of_folder(project / "internal") == before


# The wheel


def test_the_wheel_is_the_same_bytes_and_runs_by_itself(project: Path, tmp_path: Path):
    first = release("wheel", project, tmp_path / "first")
    second = release("wheel", project, tmp_path / "second")
    assert first.read_bytes() == second.read_bytes()
    python = tmp_path / "venv" / "bin" / "python"
    run(["uv", "venv", "--quiet", "--python", sys.executable, tmp_path / "venv"], tmp_path)
    pinned = ["--constraint", project / "constraints.txt", str(first)]
    run(["uv", "pip", "install", "--quiet", "--python", python, *pinned], tmp_path)
    said = run([python, "-m", "seedling", "--version"], tmp_path)
    assert said == f"Seedling {VERSION}\n"
    assert "train" in run([python, "-m", "seedling", "--help"], tmp_path)


@pytest.fixture
def project(bake: Bake, tmp_path: Path) -> Path:
    """A generated project, to be changed."""
    copy = tmp_path / "project"
    shutil.copytree(bake(HELLO), copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


@pytest.fixture(scope="module")
def newer(bake: Bake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip of a later version: a file changed, one new, one gone, another dependency."""
    copy = tmp_path_factory.mktemp("newer") / "project"
    shutil.copytree(bake(HELLO), copy)
    text = (copy / "internal/pyproject.toml").read_text()
    (copy / "internal/pyproject.toml").write_text(
        text.replace(f'version = "{VERSION}"', f'version = "{NEWER}"', 1)
    )
    (copy / EDITED).write_text((copy / EDITED).read_text() + "# newer\n")
    (copy / NEW).parent.mkdir()
    (copy / NEW).write_text("")
    (copy / GONE).unlink()
    constraints = copy / "constraints.txt"
    constraints.write_text(constraints.read_text() + "# of the newer\n")
    release("manifest", copy, copy)
    return release("zip", copy, copy.parent)


def assert_newer(project: Path) -> None:
    assert manifest.differences(project / "internal") == []
    assert manifest.read(project / "internal").version == NEWER
    assert (project / EDITED).read_text().endswith("# newer\n")
    assert (project / NEW).is_file()
    assert not (project / GONE).exists()
    left = [path for path in (project / "internal").rglob("*.new")]
    assert left == []
    assert seedling(project, "--version").stdout == f"Seedling {NEWER}\n"


def edit(project: Path) -> str:
    """Edit a file of internal/ as a team might; returns its text."""
    path = project / EDITED
    path.write_text(path.read_text() + "# edited here\n")
    return path.read_text()


def release(what: str, project: Path, output: Path) -> Path:
    """Run tools/release.py; returns the file that it names."""
    command = [sys.executable, ROOT / "tools" / "release.py", what]
    return Path(run([*command, "--project", project, "--output", output], ROOT).strip())


def seedling(
    project: Path, *words: str, input: str = "", code: str = "", **settings: str
) -> subprocess.CompletedProcess[str]:
    """`python -m seedling ...` of the project's own internal/, or code that runs it."""
    return subprocess.run(
        [sys.executable, *(["-c", code] if code else ["-m", "seedling"]), *words],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(project / "internal"), "PYTHONUTF8": "1"} | settings,
        input=input,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
