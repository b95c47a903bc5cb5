"""Move a project from before 0.2.0 to `seedling`: `python internal/seedling/carry_over.py NAME`.

Before 0.2.0 the plumbing stood in src/NAME/ and was imported by the project's own name, NAME.
This script edits the files that `cruft update` does not: models that were added later, and the
team's own files. Run it after the update. The standard library is enough.
"""

import argparse
import ast
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

# The modules from before 0.2.0: for each, its public names and what they are called now.
PUBLIC = {
    "config": {name: name for name in ("Config", "Dataset", "Project", "RegisteredModel")},
    "datasets": {"load": "load_dataset"},
    "entry": {"Predict": "Predict", "Train": "Train"},
    "errors": {name: name for name in ("InputError", "NotFound", "ProjectError", "Unavailable")},
    "feature_store": {"first_row": "first_row"},
    "scoring.models": {"ServedModel": "ServedModel"},
    "training": {
        name: name
        for name in (
            "LabelEncoded",
            "coefficients",
            "fit_metrics",
            "five_fold_rmse",
            "preprocessing",
        )
    },
    "validation": {"validate": "validate_dataset"},
    "values": {"as_json": "as_json", "example": "example_row"},
}
# Where the names of a module are now, unless in `seedling` itself.
PLACES = {"training": "seedling.fitting"}
TEXTS = {".md", ".mk", ".sh", ".toml", ".yaml", ".yml"}
NOT_THE_TEAMS = {"internal", "local_assets", "venv"}
LONGEST_LINE = 100

ALIAS = '''"""Models that were registered before name this module in their files.

Delete this folder as soon as each of them has been trained again.
"""

from seedling.fitting import LabelEncoded

__all__ = ["LabelEncoded"]
'''


def main() -> int:
    """Edit the project around this folder; return 1 if a line is left to edit by hand, else 0."""
    parser = argparse.ArgumentParser(description="Carry a project of before 0.2.0 over.")
    parser.add_argument(
        "name", help="the name that the plumbing was imported by: its folder in src/"
    )
    name, root = parser.parse_args().name, Path(__file__).resolve().parents[2]
    if not name.isidentifier():
        parser.error(f"{name!r} is not a valid name of a Python package")
    for path in carry_over(root, name):
        print(f"changed {path.relative_to(root).as_posix()}")
    left = list(left_to_do(root, name))
    for line in left:
        print(f"to do   {line}")
    return 1 if left else 0


def carry_over(root: Path, name: str) -> list[Path]:
    """Edit the team's files, and write the alias module that older registered models import.

    Args:
        root: the project's folder.
        name: the package that the plumbing was.

    Returns:
        The files that have changed.
    """
    changed = [path for path in _files(root) if _rewrite(path, _carried_over(path, name))]
    settings = root / "model.yaml"
    if _rewrite(settings, with_slug(settings.read_text(encoding="utf-8"), name)):
        changed.append(settings)
    for folder in ("src", "mlops", "tests"):
        _remove_caches(root / folder)
    alias = root / name / "training.py"
    if not alias.exists():
        alias.parent.mkdir(exist_ok=True)
        alias.write_text(ALIAS, encoding="utf-8", newline="\n")
        changed.append(alias)
    return changed


def left_to_do(root: Path, name: str) -> Iterator[str]:
    """Yield each import of the old plumbing that has no public name: file, line and statement."""
    old = re.compile(rf"\s*(from|import) ({name}|mlops)\b")
    for path in _files(root):
        if path.suffix == ".py":
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
                if old.match(line):
                    where = path.relative_to(root).as_posix()
                    yield f"{where}:{number}: {line.strip()}: seedling has no such public name"


def with_slug(settings: str, name: str) -> str:
    """Return model.yaml's text with a line for the slug, below the project's name."""
    if re.search(r"(?m)^slug:", settings):
        return settings
    return re.sub(r"(?m)^(name:.*\n)", rf'\g<1>slug: "{name}"\n', settings, count=1)


def with_imports(source: str, name: str) -> str:
    """Return a Python file's text with its imports of the old plumbing from the new.

    An import stays as it is where one of its names is not public, and so does a faulty file.
    """
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except SyntaxError:
        return source
    lines = source.splitlines(keepends=True)
    for node in sorted(nodes, key=lambda node: -getattr(node, "lineno", 0)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{name}."):
            module = (node.module or "").removeprefix(f"{name}.")
            names = _public(node, module)
            if names:
                start = f"{' ' * node.col_offset}from {PLACES.get(module, 'seedling')} import"
                lines[node.lineno - 1 : node.end_lineno] = [_statement(start, names)]
    return "".join(lines)


def _public(node: ast.ImportFrom, module: str) -> list[str]:
    """Return an import's names as `seedling` spells them; empty unless it has all of them."""
    known = PUBLIC.get(module, {})
    if not all(alias.name in known for alias in node.names):
        return []
    found = [(known[alias.name], alias.asname or alias.name) for alias in node.names]
    return [new if new == used else f"{new} as {used}" for new, used in sorted(found)]


def _statement(start: str, names: list[str]) -> str:
    """Return an import of these names; over several lines where one has no room.

    Args:
        start: what stands before them, with its indentation: `from seedling import`.
        names: those imported, some with ` as ...` behind.
    """
    line = f"{start} {', '.join(names)}\n"
    if len(line) <= LONGEST_LINE + 1:
        return line
    indent = " " * (len(start) - len(start.lstrip()))
    inside = "".join(f"{indent}    {name},\n" for name in names)
    return f"{start} (\n{inside}{indent})\n"


def _carried_over(path: Path, name: str) -> str:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return with_imports(text, name)
    for old, new in (
        (rf"python -m {name}\b", "python -m seedling"),
        (rf"\bsrc/{name}/init\.py", "internal/seedling/init.py"),
        (r"\bmlops/(model|all)\.mk", r"internal/make/\1.mk"),
    ):
        text = re.sub(old, new, text)
    return text


def _files(root: Path) -> Iterator[Path]:
    """Yield the project's text files that may name the plumbing."""
    for folder in sorted(root.iterdir()):
        if folder.is_dir() and folder.name not in NOT_THE_TEAMS and folder.name[0] != ".":
            yield from (path for path in sorted(folder.rglob("*")) if _is_text(path))
    yield from (path for path in sorted(root.iterdir()) if _is_text(path))
    yield from (path for ci in (".github", ".pipelines") for path in (root / ci).rglob("*.yml"))


def _is_text(path: Path) -> bool:
    is_ours = path.suffix in TEXTS or path.suffix == ".py" or path.name == "Makefile"
    return path.is_file() and is_ours


def _remove_caches(folder: Path) -> None:
    """Remove the __pycache__ folders below a folder, and the folders that are empty then."""
    for cache in [*folder.rglob("__pycache__")]:
        shutil.rmtree(cache)
    for path in sorted([folder, *folder.rglob("*")], reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def _rewrite(path: Path, text: str) -> bool:
    """Write a file unless it has this text already."""
    if path.read_text(encoding="utf-8") == text:
        return False
    path.write_text(text, encoding="utf-8", newline="\n")
    return True


if __name__ == "__main__":
    sys.exit(main())
