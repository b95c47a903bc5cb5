"""The files of a part, and the lines that it inserts into files that are there already.

They stand in internal/parts/: a folder for each part, and one for each pair of parts that have
something together (`azure+github`). In such a folder, `files/` has whole files, and `lines/` has
lines for files of the same path, each in a file with `.lines` behind its name: see `inserted`.
Lines are only ever inserted, so that a team's own edits stay. In both, `@slug@` and so on stand for
the facts of the project; those of `in_repository.words` for its place in a larger repository.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from seedling import settings
from seedling.scaffold import (
    in_repository,
    model_dirs,
    model_folder,
    model_requirements,
    model_yaml,
    parts,
)

if TYPE_CHECKING:
    from seedling.config import Config

HOME = Path(__file__).resolve().parents[2] / "parts"


class Facts(NamedTuple):
    """The facts about a project that the files of a part contain.

    `tables` has the file of the dataset that each model learns from, by the model's name;
    `datasets` is the folder of the first one's; `path` is the project's folder from the root of its
    repository, empty where that is its own.
    """

    slug: str
    dataset: str
    tables: dict[str, str]
    datasets: str
    path: str = ""

    def values(self) -> dict[str, str]:
        """Return what stands for each `@name@` in a part's files."""
        model = next(iter(self.tables))
        site = model_folder.image_name(self.slug)
        return {
            "slug": self.slug,
            "dataset": self.dataset,
            "model": model,
            "table": self.tables[model],
            "image": model_folder.image_name(self.slug, model),
            "site": site,
            "suffix": f"{re.sub('[^a-z0-9]', '', self.slug.lower())[:12]:a<3}",
            "service": f"{site[:20].rstrip('-')}-service",
            "datasets": self.datasets,
            "flavour": "spacy" if "spacy" in model.split("_") else "sklearn",
            **in_repository.words(self.slug, self.path),
        }

    def place(self, root: Path, relative: Path) -> Path:
        """Return where a file of a part stands, whose place is relative to the project's folder."""
        return in_repository.place(root, relative, self.slug, self.path)


def as_generated(root: Path, ci_root: str | None = None) -> Facts:
    """Read the facts from a model.yaml as the template wrote it, without edits.

    Args:
        root: the project's folder.
        ci_root: as `in_repository.path_of` has it.
    """
    settings = (root / parts.FILE).read_text(encoding="utf-8")
    dataset = model_yaml.first_dataset(settings)
    tables = dict.fromkeys(model_yaml.models(settings), dataset.file_name)
    slug, folder = model_yaml.slug(settings), model_yaml.datasets(settings)
    path = in_repository.path_of(root, slug, ci_root)
    return Facts(slug, dataset.name, tables, folder, path)


def of_project(config: "Config", path: str = "") -> Facts:
    """Collect the facts from a project's configuration; `path` is as in Facts."""
    tables = {
        model.name: config.dataset(model.dataset).file_name for model in config.training.models
    }
    first = config.named_datasets[0]
    return Facts(config.slug, first.name, tables, first.local_directory_path, path)


def folders(part: str, present: list[str]) -> list[Path]:
    """Return the folders of internal/parts/ that a part adds beside others."""
    known = {*present, part}
    needs = {folder: set(folder.name.split("+")) for folder in sorted(HOME.iterdir())}
    return [folder for folder, needed in needs.items() if part in needed and needed <= known]


def sources(root: Path, folders: list[Path], facts: Facts) -> dict[Path, Path]:
    """Return the file of internal/parts/ for each whole file of the project."""
    return {
        facts.place(root, _relative(path, home, facts)): path
        for home, path in _each(folders, "files")
    }


def whole(
    root: Path, sources: dict[Path, Path], folders: list[Path], facts: Facts
) -> dict[Path, str]:
    """Return the texts of the whole files, with the lines that pairs of parts have for them."""
    found = {}
    for path, source in sources.items():
        relative = _relative(source, _home(source), facts)
        is_another = facts.path and relative.as_posix() == str(in_repository.SHARED)
        if is_another and path.is_file():
            text = path.read_text(encoding="utf-8")
        else:
            text = _filled(source, facts)
        found[path] = _joined(relative, text, folders, facts)
    return found


def edited(
    root: Path, sources: dict[Path, Path], folders: list[Path], facts: Facts
) -> dict[Path, str]:
    """Return the new texts of the project's files that get lines; not of those that are gone."""
    found = _each(folders, "lines")
    names = {path.relative_to(home).with_suffix(""): None for home, path in found}
    paths = {facts.place(root, name): name for name in names}
    return {
        path: _joined(name, path.read_text(encoding="utf-8"), folders, facts)
        for path, name in paths.items()
        if path not in sources and path.is_file()
    }


def with_settings(root: Path, part: str, present: list[str]) -> dict[Path, str]:
    """Return the files that list settings, those of a part included; not those that are gone."""
    edited: dict[Path, str] = {}
    if part not in settings.PARTS:
        return edited
    for name, text_of in {
        ".env.example": settings.env_example,
        "docs/settings.md": settings.page,
    }.items():
        path = root / name
        if path.is_file():
            before, after = text_of(present), text_of([*present, part])
            text = path.read_text(encoding="utf-8")
            edited[path] = after if text == before else _with_new_lines(text, before, after)
    return edited


def of_models(root: Path, facts: Facts) -> dict[Path, str]:
    """Return the container files of every model, and of models/all/ what is not generated."""
    found: dict[Path, str] = {}
    for model, table in facts.tables.items():
        folder = root / "models" / model
        required = model_requirements.of_images(model_requirements.used_in([folder]))
        texts = model_folder.texts(model, _title(folder), table, facts.slug)
        found |= {folder / name: text for name, text in {**texts, **required}.items()}
    home = root / "models" / model_dirs.ALL
    together = model_folder.all_texts(list(facts.tables), facts.slug)
    return found | {home / name: text for name, text in together.items()}


def inserted(text: str, lines: str) -> str:
    """Return a text with the blocks of a file of `lines/` inserted.

    A block begins with a line that says where it goes: `@@ top`, `@@ end`, or `@@ after: START` and
    `@@ before: START` of the first line that begins so. Where there is no such line, the block goes
    to the end. A block whose lines are all there already is left out.
    """
    for where, block in _blocks(lines):
        if {*block.split("\n")} <= {*text.split("\n"), ""}:
            continue
        kind, _, start = where.partition(": ")
        if text and not text.endswith("\n"):
            text += "\n"
        found = f"\n{text}".find(f"\n{start}") if start else -1
        at = 0 if kind == "top" else len(text)
        if found >= 0:
            at = text.index("\n", found) + 1 if kind == "after" else found
        text = text[:at] + block + text[at:]
    return text


def _with_new_lines(text: str, before: str, after: str) -> str:
    """Return an edited text with the lines that `after` has and `before` has not.

    They go before the line that follows them in `after`, or the next that the text still has.
    """
    from difflib import SequenceMatcher  # generation edits nothing, and does not wait for it

    lines = text.splitlines()
    old, new = before.splitlines(), after.splitlines()
    changes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    for kind, first, _, start, end in reversed(changes):
        if kind == "insert" and not {*new[start:end]} <= {*lines, ""}:
            following = [lines.index(line) for line in old[first:] if line and line in lines]
            at = following[0] if following else len(lines)
            lines[at:at] = new[start:end]
    return "".join(f"{line}\n" for line in lines)


def _blocks(lines: str) -> Iterator[tuple[str, str]]:
    """Yield (where, block) for each block of a file of `lines/`."""
    _, *found = re.split(r"(?m)^@@ (.*)\n", lines)
    yield from zip(found[::2], found[1::2], strict=True)


def _each(folders: list[Path], kind: str) -> Iterator[tuple[Path, Path]]:
    """Yield (home, file) for each file below `files/` or `lines/` of these folders."""
    for folder in folders:
        home = folder / kind
        yield from ((home, path) for path in sorted(home.rglob("*")) if path.is_file())


def _home(source: Path) -> Path:
    """Return the folder `files` that a part's file is in."""
    return HOME / source.relative_to(HOME).parts[0] / "files"


def _relative(source: Path, home: Path, facts: Facts) -> Path:
    """Return the place of a part's file in a project of its own."""
    return Path(_with(str(source.relative_to(home)), facts))


def _joined(relative: Path, text: str, folders: list[Path], facts: Facts) -> str:
    """Return a file's text with the lines that these folders have for it."""
    for folder in folders:
        lines = folder / "lines" / f"{relative}.lines"
        if lines.is_file():
            text = inserted(text, _filled(lines, facts))
    return text


def _filled(source: Path, facts: Facts) -> str:
    """Return the text of a part's file with the project's facts."""
    return _with(source.read_text(encoding="utf-8"), facts)


def _with(text: str, facts: Facts) -> str:
    """Return a text with the project's facts."""
    for name, value in facts.values().items():
        if not value and name in in_repository.LINES and "@" in text:
            text = re.sub(rf"(?m)^[ \t]*@{name}@\n", "", text)
        text = text.replace(f"@{name}@", value)
    return text


def _title(folder: Path) -> str:
    """Return the docstring of a model's folder, or its name where there is none."""
    path = folder / "__init__.py"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    docstring = ast.get_docstring(ast.parse(text), clean=False)  # which would import inspect
    return (docstring or "").strip() or f"{folder.name}."
