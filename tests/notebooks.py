"""Notebooks in tests: read, held to be clean, and executed from top to bottom by a kernel."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbclient import NotebookClient

TIMEOUT = 900  # seconds for a cell


def read(path: Path) -> Any:
    """The notebook of a file, which is one by nbformat's rules and carries no trace of a run."""
    notebook = nbformat.read(path, nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3", path
    ids = [cell.id for cell in notebook.cells]
    assert len({*ids}) == len(ids), path
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == [], f"{path}, {cell.id} has outputs"
            assert cell.execution_count is None, f"{path}, {cell.id} was run"
    return notebook


def execute(path: Path, folder: Path, variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Run a notebook in a folder; what each cell has shown, by its id.

    Raises:
        CellExecutionError: a cell has failed.
    """
    notebook = read(path)
    with own_files() as own:
        client = NotebookClient(
            notebook,
            timeout=TIMEOUT,
            kernel_name="python3",
            resources={"metadata": {"path": str(folder)}},
        )
        given = os.environ if variables is None else variables
        client.execute(env={**given, **own})
    return {cell.id: shown(cell) for cell in notebook.cells if cell.cell_type == "code"}


def shown(cell: Any) -> str:
    """The texts of a cell's outputs."""
    texts = [
        one.text if one.output_type == "stream" else one.get("data", {}).get("text/plain", "")
        for one in cell.outputs
    ]
    return "\n".join(texts)


@contextmanager
def own_files() -> Iterator[dict[str, str]]:
    """Variables by which Jupyter keeps its files in a folder that is removed afterwards."""
    with TemporaryDirectory(prefix="jupyter-") as folder:
        names = ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
        yield {name: str(Path(folder) / name.lower()) for name in names}


if __name__ == "__main__":  # in the Python of a project: NOTEBOOK FOLDER
    print(json.dumps(execute(Path(sys.argv[1]), Path(sys.argv[2]))))
