"""Writes the files of a model or a part: all of them, or none."""

from pathlib import Path

from seedling.errors import ProjectError
from seedling.scaffold import all_models


def write(
    root: Path, texts: dict[Path, str], *, generate: bool, new_folder: Path | None = None
) -> None:
    """Write files in their order, and put back what was there if one cannot be written.

    Args:
        root: the project's folder.
        texts: the text of each file. One that begins with `#!` is made executable.
        generate: models/all/ is generated anew from what is written.
        new_folder: goes again with everything in it.

    Raises:
        ProjectError: models/all/ cannot be generated; nothing is changed.
        OSError: a file cannot be written; nothing is changed.
    """
    before = {path: path.read_bytes() for path in texts if path.exists()}
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
            if text.startswith("#!"):
                path.chmod(0o755)
        if generate:
            all_models.write(root)
    except (OSError, ProjectError):
        for path in texts:
            path.unlink(missing_ok=True)
        for path, content in before.items():
            path.write_bytes(content)
        if new_folder:
            import shutil  # generation does not wait for it

            shutil.rmtree(new_folder, ignore_errors=True)
        raise
