"""Steps that need not run twice: one command with the same code and inputs has the same outputs.

A test that trains the same model in several jobs has its steps of these names run in the first one.
"""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

CHANGES_NOTHING = (".md",)  # endings of files of the code


class KnownSteps:
    """
    Attributes:
        names: how the names of steps begin that are run once; none unless a test says so.
        replayed: the names of those that were not run again, in order.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: tuple[str, ...] = ()
        self.replayed: list[str] = []

    def place(self, name: str, command: str, mounts: Path, code: Path) -> Path | None:
        """Where the outputs of such a step are kept; None for one that is always run."""
        if not name.startswith(self.names or ("\0",)):
            return None
        found = hashlib.sha256(command.replace(str(mounts), "").encode())
        for path in _files(mounts, code):
            top = mounts if path.is_relative_to(mounts) else code
            found.update(path.relative_to(top).as_posix().encode() + path.read_bytes())
        return self.folder / found.hexdigest()

    def replay(self, name: str, place: Path, mounts: Path) -> bool:
        """Lay a known step's outputs where it would have written them; whether there are any."""
        if not place.is_dir():
            return False
        shutil.copytree(place, mounts, dirs_exist_ok=True)
        self.replayed.append(name)
        return True

    def keep(self, place: Path, outputs: Iterator[Path]) -> None:
        """Copy what a step has written."""
        place.mkdir(parents=True, exist_ok=True)
        for path in outputs:
            if path.is_dir():
                shutil.copytree(path, place / path.name, dirs_exist_ok=True)
            elif path.exists():
                shutil.copy(path, place)


def _files(mounts: Path, code: Path) -> Iterator[Path]:
    for folder in (*sorted(mounts.glob("INPUT_*")), code):
        for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
            if path.is_file() and path.suffix not in CHANGES_NOTHING:
                yield path
