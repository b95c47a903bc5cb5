"""A project in a folder of a larger repository: where its CI system looks for files, and filters.

GitHub reads workflows at the root of a repository only. So the CI files of such a project stand
there, under names that begin with its slug; each names the project's folder. What a project of its
own has in their place is the same text without these names: see `words`.
"""

import re
from pathlib import Path, PurePosixPath

from seedling.errors import ProjectError

GITHUB, AZURE_DEVOPS = "github", "azure_devops"
# The file that each system's part has always; by it an earlier placing is found again.
FIRST = {GITHUB: PurePosixPath(".github/workflows"), AZURE_DEVOPS: PurePosixPath(".pipelines")}
CI = "ci.yml"
# The folders of CI files, with the number of names before the one that gets the slug.
FOLDERS = {".github": 2, ".pipelines": 1}
TEMPLATES = [".pipelines", "templates"]
SHARED = PurePosixPath(".github/dependabot.yml")  # of all projects: there can be one only
# Names in part files that stand alone on a line, which goes where they are empty.
LINES = ("at", "defaults", "filter", "into", "paths", "there")
PLAIN = re.compile(r"[A-Za-z0-9._/-]+")  # a path that YAML and every shell take as it is


def words(slug: str, path: str) -> dict[str, str]:
    """Return what stands for each `@name@` that is about the project's place.

    Args:
        slug: the project's.
        path: its folder from the repository's root; empty where that is its own.
    """
    if not path:
        names = ("in", "of", "under", "named", "category", "mark", "ci_path")
        return dict.fromkeys([*names, *LINES], "")
    ours = f".github/workflows/{slug}-*", f".github/actions/{slug}-*/**"
    theirs = f".pipelines/{slug}-*", f".pipelines/templates/{slug}"
    return {
        "in": f"{path}/",
        "of": f"{slug}-",
        "under": f"{slug}/",
        "named": f"{slug} ",
        "category": slug,
        "mark": f" {slug}",
        "ci_path": path,
        "at": f"working-directory: {path}",
        "into": f"path: {path}",
        "there": f"workingDirectory: {path}",
        "defaults": f"defaults: {{run: {{working-directory: {path}}}}}",
        "paths": _listed(f"{path}/**", *ours),
        "filter": f"paths: {{include: {_flow(path, *theirs)}}}",
    }


def place(root: Path, relative: Path, slug: str, path: str) -> Path:
    """Return where a file of a part stands: CI files at the repository's root, named by the slug.

    Args:
        root: the project's folder.
        relative: the file, as a project of its own has it.
        slug: the project's.
        path: as `words` has it.
    """
    parts = [*relative.parts]
    if not path or parts[0] not in FOLDERS:
        return root / relative
    number = FOLDERS[parts[0]]
    if parts[:2] == TEMPLATES:
        parts.insert(2, slug)
    elif len(parts) > number:
        parts[number] = f"{slug}-{parts[number]}"
    return above(root, path).joinpath(*parts)


def above(root: Path, path: str) -> Path:
    """Return the repository's root, by the project's folder and its path from there."""
    return root.parents[len(PurePosixPath(path).parts) - 1] if path else root


def path_of(root: Path, slug: str, asked: str | None = None, part: str = "") -> str:
    """Return a project's folder as seen from where its CI files are, or are to be.

    Args:
        root: the project's folder.
        slug: the project's.
        asked: the root of the repository from there, such as `..`; unless given, where CI files of
            this project are, else the root of the git repository.
        part: the CI system whose files are looked for; either unless given.

    Returns:
        A path with slashes; empty where the project's folder is the root.

    Raises:
        ProjectError: the folder that was asked for is not above the project, or a name on the way
            has characters that CI files cannot hold.
    """
    root = root.resolve()
    found = (root / asked).resolve() if asked else _placed(root, slug, part) or top(root)
    if not root.is_relative_to(found):
        raise ProjectError(
            f"CI_ROOT={asked}: the root of the repository is this folder or one above it: write "
            "`.`, `..` or `../..`."
        )
    if found == root:
        return ""
    path = root.relative_to(found).as_posix()
    if not PLAIN.fullmatch(path):
        raise ProjectError(
            f"CI files cannot name the folder {path!r}: rename it, with letters, digits and ._- "
            "only."
        )
    return path


def top(root: Path) -> Path:
    """Return the root of the git repository that a folder is in; itself where there is none."""
    root = root.resolve()
    return next((each for each in (root, *root.parents) if (each / ".git").exists()), root)


def refuse_anothers(root: Path, slug: str, path: str) -> None:
    """Refuse to place CI files where another project of the same slug has its own.

    Raises:
        ProjectError: it has.
    """
    for folder in FIRST.values() if path else ():
        file = above(root, path) / folder / f"{slug}-{CI}"
        text = file.read_text(encoding="utf-8") if file.is_file() else path
        if not re.search(rf"(?<![\w./-]){re.escape(path)}(?![\w.-])", text):
            raise ProjectError(
                f"{folder / file.name} is that of another project with the slug {slug}: give one "
                "of the two another slug."
            )


def remark(root: Path, part: str, slug: str) -> str:
    """Return the words about a part's CI files that the system does not see.

    Args:
        root: the project's folder.
        part: the part that was added.
        slug: the project's.

    Returns:
        One line; empty for another part, and where the files are where they are read.
    """
    there = top(root)
    if part not in FIRST or there == root.resolve() or _placed(root.resolve(), slug, part) == there:
        return ""
    here = root.resolve().relative_to(there)
    up = "/".join([".."] * len(here.parts))
    reads = "GitHub reads workflows" if part == GITHUB else "Azure Pipelines checks out and starts"
    return (
        f"{reads} at the root of a repository, and this project is its folder {here.as_posix()}/: "
        f"make add-part PART={part} CI_ROOT={up} puts its CI files there."
    )


def _placed(root: Path, slug: str, part: str) -> Path | None:
    """Return the folder where this project's CI files are; None if it has none yet."""
    for folder in [FIRST[part]] if part in FIRST else FIRST.values():
        if (root / folder / CI).is_file():
            return root
        for each in root.parents:
            if (each / folder / f"{slug}-{CI}").is_file():
                return each
    return None


def _listed(*patterns: str) -> str:
    return f"paths: {_flow(*patterns)}"


def _flow(*patterns: str) -> str:
    """Return patterns as a sequence of YAML on one line."""
    return "[" + ", ".join(f'"{each}"' for each in patterns) + "]"
