"""Adds a part to the project: at generation, and by the verb add-part ever after."""

from pathlib import Path

from seedling.errors import ProjectError
from seedling.scaffold import part_files, parts, write_files
from seedling.settings import page as settings_page


def add(root: Path, part: str, facts: part_files.Facts, *, overwrite: bool = False) -> list[str]:
    """Write the files and insert the lines of a part, and list it in model.yaml.

    Args:
        root: the project's folder.
        part: a name of parts.PARTS.
        facts: what the files say of the project.
        overwrite: a file in the place of one of the part's is replaced.

    Returns:
        The paths of the files that are new or have new lines, relative to `root`.

    Raises:
        ProjectError: there is no such part, it is on, or another file is in the place of one of
            its files. Then nothing is changed.
    """
    present = parts.on((root / parts.FILE).read_text(encoding="utf-8"))
    parts.refuse(part, present)
    texts, edited = _brought(root, part, present, facts)
    if not overwrite:
        _refuse_others(root, texts)
    write_files.write(root, {**texts, **edited}, generate=part == parts.CONTAINERS)
    return sorted(path.relative_to(root).as_posix() for path in (*texts, *edited))


def _brought(
    root: Path, part: str, present: list[str], facts: part_files.Facts
) -> tuple[dict[Path, str], dict[Path, str]]:
    """Return the texts of a part's own files, and of the files that get lines of it."""
    settings = root / parts.FILE
    folders = part_files.folders(part, present)
    sources = part_files.sources(root, folders, facts)
    texts = part_files.whole(root, sources, folders, facts)
    if part == parts.CONTAINERS:
        texts |= part_files.of_models(root, facts)
        texts[root / "docs" / "settings.md"] = settings_page([*present, part])
    edited = part_files.edited(root, sources, folders, facts)
    edited |= part_files.with_settings(root, part, present)
    text = edited.pop(settings, None) or settings.read_text(encoding="utf-8")
    edited[settings] = parts.with_part(text, part)  # the last to be written
    return texts, edited


def _refuse_others(root: Path, texts: dict[Path, str]) -> None:
    """Refuse to write over files that are there and say something else."""
    for path, text in texts.items():
        if path.exists() and (path.is_dir() or path.read_text(encoding="utf-8") != text):
            where = path.relative_to(root).as_posix()
            raise ProjectError(f"{where} is there already, and is yours: move it away first.")
