"""Adds a part to the project: at generation, and by the verb add-part ever after."""

import os
from pathlib import Path

from seedling.errors import ProjectError
from seedling.scaffold import in_repository, part_files, parts, write_files
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
    in_repository.refuse_anothers(root, facts.slug, facts.path)
    texts, edited = _brought(root, part, present, facts)
    if not overwrite:
        _refuse_others(root, texts, facts)
    write_files.write(root, {**texts, **edited}, generate=part == parts.CONTAINERS)
    return sorted(_shown(root, path) for path in (*texts, *edited))


def move(root: Path, part: str, before: part_files.Facts, after: part_files.Facts) -> list[str]:
    """Place the CI files of a part that is on at another root of the repository.

    Args:
        root: the project's folder.
        part: of a CI system.
        before, after: the facts with the old place and the new one.

    Returns:
        The paths of the new files, relative to `root`.

    Raises:
        ProjectError: a file is not as the part has written it, or another is in the new place.
            Then nothing is changed.
    """
    in_repository.refuse_anothers(root, after.slug, after.path)
    present = parts.on((root / parts.FILE).read_text(encoding="utf-8"))
    folders = part_files.folders(part, present)

    def texts(facts: part_files.Facts) -> dict[Path, str]:
        sources = part_files.sources(root, folders, facts)
        found = part_files.whole(root, sources, folders, facts)
        return {path: text for path, text in found.items() if _is_of_ci(path, root, facts)}

    old, new = texts(before), texts(after)
    for path, text in old.items():
        if path.is_file() and path.read_text(encoding="utf-8") != text:
            raise ProjectError(
                f"{_shown(root, path)} is edited: move it by hand, or take your edits back first."
            )
    _refuse_others(root, {path: new[path] for path in new.keys() - old.keys()}, after)
    write_files.write(root, new, generate=False)
    for path in old.keys() - new.keys():
        path.unlink(missing_ok=True)
        for folder in path.parents:
            if folder == root or not folder.is_dir() or any(folder.iterdir()):
                break
            folder.rmdir()
    return sorted(_shown(root, path) for path in new)


def _is_of_ci(path: Path, root: Path, facts: part_files.Facts) -> bool:
    top = in_repository.above(root, facts.path)
    return path.relative_to(top).parts[0] in in_repository.FOLDERS


def _shown(root: Path, path: Path) -> str:
    return Path(os.path.relpath(path, root)).as_posix()


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


def _refuse_others(root: Path, texts: dict[Path, str], facts: part_files.Facts) -> None:
    """Refuse to write over files that are there and say something else; one is of all projects."""
    shared = in_repository.above(root, facts.path) / in_repository.SHARED if facts.path else None
    for path, text in texts.items():
        if path == shared:
            continue
        if path.exists() and (path.is_dir() or path.read_text(encoding="utf-8") != text):
            where = _shown(root, path)
            raise ProjectError(f"{where} is there already, and is yours: move it away first.")
