"""The sums of a large table's parts, as one of several machines computes them."""

from pathlib import Path

from seedling import team_code
from seedling.config import Project
from seedling.errors import ProjectError
from seedling.files import sha256
from seedling.release.manifest import running_version
from seedling.training import batches, learning, prepared_rows, sums
from seedling.training.fits import Fitting, Table


class PartSums:
    """Writes the sums of parts, all in the units of one model that has seen the rows in memory.

    Each machine makes that model anew, as the train step does: from the same rows, by the same
    train_model with the same seed.

    Args:
        project: the project of the model.
        name: the model's folder below models/.
        training: what the prepare step has written.
        folder: the folder for the files of sums.
        seed: of the fit.

    Raises:
        ProjectError: the table is in memory as a whole, or the model does not learn from sums.
    """

    def __init__(
        self, project: Project, name: str, training: Path, folder: Path, seed: int
    ) -> None:
        settings = project.config.trained_model(name)
        known = prepared_rows.read(training, project.config.dataset(settings.dataset))
        if known.others is None:
            raise ProjectError(f"The rows of {known.dataset.name} were not written in parts.")
        arguments = settings.arguments(known.dataset.target)
        fitting = Fitting(team_code.train_model(name), arguments, seed, known.dataset)
        first = fitting.first(*learning.first_of(known.table, True)[0].parts(known.table))
        if not sums.takes(first.model):
            raise ProjectError(
                f"{type(first.model).__name__}, which train_model of models/{name}/train.py "
                "returns, does not learn from sums: return GroupedLinear, or train with "
                "JOB=command."
            )
        self.others, self.folder = known.others, folder
        self.model = batches.begun(first, known.table)
        self.identity = " ".join(
            [
                running_version(),
                name,
                str(seed),
                sha256(project.root / "models" / name),
                sha256(project.config_path),
                sha256(known.path),
            ]
        )

    def write(self, path: Path) -> str:
        """Write the sums of a part; return what was done, in a line.

        Args:
            path: a file of the training rows. One that is no part is left as it is.
        """
        if path.parent.name != self.others.folder.name:
            return f"{path.name} is no part"
        target = sums.place(self.folder, path, self.identity)
        again = "again " if target.exists() else ""
        count = 0
        whole = None
        for rows in self.others.frames_of(path):
            part = Table.of(rows, self.others.dataset)
            found = self.model.sums_of(part.X, part.y)
            whole = found if whole is None else whole.merged(found)
            count += len(rows)
        if whole is None:
            raise ProjectError(f"{path.name} has no rows.")
        whole.to_file(target)
        return f"{path.name}: {again}summed up {count:,} rows"
