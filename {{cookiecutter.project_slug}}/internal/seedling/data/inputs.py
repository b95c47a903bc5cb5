"""A copy of what a dataset's source yields, as it is before anything is prepared."""

from pathlib import Path

from seedling.config import Dataset, Project, expand
from seedling.data import blobs
from seedling.data.datasets import read_source, write_parquet
from seedling.files import copy, replacing


def keep(project: Project, dataset: Dataset, folder: Path) -> Path:
    """Keep what a dataset's source yields in a folder, under the dataset's name; return its path.

    A file, a folder or a blob is copied as it is, the rows of a query or a table of a database
    become a Parquet file. A source that stands in the folder already stays where it is.

    Raises:
        ProjectError: the source is missing, or cannot be read.
    """
    source = expand(dataset.source, "the dataset's source")
    if not blobs.is_file(source):
        place = folder / f"{dataset.name}.parquet"
        rows = read_source(project, source).rows
        with replacing(place) as aside:
            write_parquet(rows, aside, dataset)
        return place
    found = blobs.file_of(project.root, source)
    if not found.exists() or found.resolve().is_relative_to(folder.resolve()):
        return found
    place = folder / f"{dataset.name}{''.join(found.suffixes)}"
    copy(found, place)
    return place
