"""The things that the metric of a trial depends on, as texts to compare."""

import pandas as pd

from seedling import team_code
from seedling.config import Project, TrainedModel
from seedling.files import sha256
from seedling.tasks import measuring
from seedling.training import search_space
from seedling.training.cross_validation import Plan
from seedling.training.fits import Table

CODE = ("*.py", "*.cfg")  # a learner's own configuration is as good as code


def texts(project: Project, entry: TrainedModel, table: Table, plan: Plan) -> dict[str, str]:
    """Return a text for each thing that a trial's metric depends on, beside the values tried."""
    dataset = table.dataset
    home = project.root / "models" / entry.name
    code = sorted(path for kind in CODE for path in home.rglob(kind))
    own = sha256(project.root / measuring.OWN) if team_code.metric(dataset.metric) else ""
    given = {
        name: value for name, value in entry.hyperparameters.items() if name not in entry.search
    }
    return {
        "rows": _digest(table.rows),
        "features": _digest(table.X),
        "target": dataset.target.model_dump_json(exclude={"description"}),
        "metric": f"{dataset.metric} {own}",
        "folds": f"{plan.folds} {plan.repeats} {dataset.entity_key} {dataset.split}",
        "search": search_space.text(entry),
        "other hyperparameters": f"{given} {entry.class_weight}",
        f"code in models/{entry.name}": " ".join(sha256(path) for path in code),
    }


def _digest(table: pd.DataFrame) -> str:
    hashes = pd.util.hash_pandas_object(table, index=False)
    return f"{[*map(str, table.columns)]} {len(table)} {hashes.sum()}"
