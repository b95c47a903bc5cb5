"""Compare each challenger of a model with its champion, from the prediction log and truth.

A shadow has answered the same rows as the champion: their losses are compared pair by pair, which
takes several times fewer rows than two groups of entities do.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
from msgspec import structs

from seedling import tasks
from seedling.config import Dataset, Project, RegisteredModel
from seedling.data.distinct import label_texts
from seedling.lifecycle import comparison, comparison_page, sequence
from seedling.lifecycle.comparison import PAIRED, SPLIT, Comparison
from seedling.lifecycle.course import Differs, course
from seedling.lifecycle.sequence import Differences
from seedling.monitoring.logged import Page, logged, stem
from seedling.monitoring.truth import Truth, truth_of
from seedling.registry import audit, traffic

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
ROW = ["id", "row"]  # of a prediction: the id that a caller was given, and the place in its request
# Columns of a table of rows with truth.
LOSSES = [*ROW, "time", "loss", "entity", "simulated", "learned"]


def compare(project: Project, model: str) -> list[Comparison]:
    """Compare the champion of a model with each version beside it, and keep what was found.

    Raises:
        ProjectError: nothing is registered, or the prediction log is off or does not answer.
    """
    champion = traffic.champion_of(project, model)
    entries = [entry for entry in project.config.models if entry.model == model]
    beside = [entry for entry in entries if not entry.is_champion]
    found = [_compared(project, champion, entry, len(beside)) for entry in beside]
    if found:
        comparison_page.write(project, model, found)
        comparison.write(project, model, found)
    return found


def _compared(
    project: Project, champion: RegisteredModel, entry: RegisteredModel, beside: int
) -> Comparison:
    """Compare one version with the champion; `beside` is the number of those that are compared."""
    dataset = project.config.dataset(project.config.trained_model(entry.model).dataset)
    settings, now = project.config.monitoring.compare, datetime.now(UTC)
    since, truth = _since(project, champion, entry), truth_of(project, dataset)

    def read(version: str, role: str) -> tuple[pd.DataFrame, int]:
        pages = logged(project, entry.model, since, now + timedelta(1), version=version, role=role)
        return _losses(pages, truth, dataset)

    parts: list[pd.DataFrame]
    differs: Differs
    ours, _ = read(champion.version, "served")
    theirs, without_truth = read(entry.version, "shadow" if entry.shadow else "served")
    if entry.shadow:
        both = ours.merge(theirs, on=ROW, suffixes=("_ours", ""))
        parts, differs = [both], _paired
        means = both["loss_ours"].mean(), both["loss"].mean()
        counts = len(both), len(both), int(both["simulated"].sum())
    else:
        parts, differs = [ours, theirs], _split
        means = ours["loss"].mean(), theirs["loss"].mean()
        simulated = int(ours["simulated"].sum() + theirs["simulated"].sum())
        counts = len(ours) + len(theirs), len(theirs), simulated
    made = Comparison(
        model=entry.model,
        champion=champion.version,
        challenger=entry.version,
        way=PAIRED if entry.shadow else SPLIT,
        made=now.isoformat(timespec="seconds"),
        since=since.isoformat(timespec="seconds"),
        loss=tasks.of(dataset).training.loss_name(dataset),
        rows=counts[0],
        challenger_rows=counts[1],
        alpha=settings.alpha / beside,
        without_truth=without_truth,
        simulated=counts[2],
        learned=sum(int(part["learned"].sum()) for part in parts),
    )
    differences = differs(*parts)
    if differences is None:
        return made
    # A margin is a share of the champion's loss, which has another unit in each task.
    margin = settings.margin * abs(float(means[0]))
    judged = sequence.judge(differences, margin, made.alpha)
    changes = {
        "verdict": judged.verdict,
        "champion_loss": float(means[0]),
        "challenger_loss": float(means[1]),
        "difference": differences.mean,
        "margin": margin,
        "needed": judged.needed,
        "course": course(parts, differs, made.alpha),
    }
    if np.isfinite(judged.low):
        changes |= {"low": judged.low, "high": judged.high}
    return structs.replace(made, **changes)


def _since(project: Project, champion: RegisteredModel, entry: RegisteredModel) -> datetime:
    """Return since when both versions have had their roles, as the audit says; else the beginning.

    A share that was changed begins anew: groups of entities are comparable in the same days only.
    """
    found = BEGINNING
    role = audit.role_of(entry)
    for line in reversed(audit.entries(project, entry.model)):
        if line.champion != champion.version or line.roles.get(entry.version) != role:
            break
        found = datetime.fromisoformat(line.time)
    return found


def _losses(pages: Iterable[Page], truth: Truth, dataset: Dataset) -> tuple[pd.DataFrame, int]:
    """Return a table of the losses of logged rows with truth, and the number of rows without."""
    needed = {*dataset.entity_key, *(name for on in truth.tables for name in on)}
    slim = [Page(one.records, one.sent[_those(one, needed)], one.answers) for one in pages]
    if not slim:
        return pd.DataFrame(columns=LOSSES), 0
    page = Page(*(pd.concat(tables, ignore_index=True) for tables in zip(*slim, strict=True)))
    joined = truth.join(page)
    training = tasks.of(dataset).training
    known = training.values(joined.rows, dataset.target)
    answer = training.answered(joined.rows, dataset)
    losses = training.losses(known, answer, dataset) if len(joined.rows) else np.empty(0)
    keys = [label_texts(joined.rows[name]).fillna("") for name in dataset.entity_key]
    found = pd.DataFrame(
        {
            "id": joined.records["id"].map(stem),
            "row": joined.records["row"].astype("int64"),
            "time": joined.records["time"],
            "loss": np.asarray(losses, dtype="float64"),
            "entity": pd.util.hash_pandas_object(pd.concat(keys, axis=1), index=False)
            if keys
            else joined.records.index,
            "simulated": joined.records["simulated"].astype(bool),
            "learned": joined.records["learned"].astype(bool),
        }
    )
    return found[np.isfinite(found["loss"])], joined.without_truth


def _those(page: Page, names: set[str]) -> list[str]:
    return [name for name in page.sent if name in names]


def _paired(both: pd.DataFrame) -> Differences | None:
    """Return the differences of n rows that both versions answered; None for fewer than two."""
    if len(both) < 2:
        return None
    found = (both["loss"] - both["loss_ours"]).to_numpy()
    sd = spread(found, both["entity"])
    return Differences(len(found), float(found.mean()), sd, int((found != 0).sum()))


def _split(ours: pd.DataFrame, theirs: pd.DataFrame) -> Differences | None:
    """Return the difference of two groups' losses, as one number for each row of both.

    It is the influence of a row on the difference of the means (section 4 of the paper that
    `sequence` names): its mean is that difference, and its standard deviation that of a row.
    """
    if min(len(ours), len(theirs)) < 2:
        return None
    rows = len(ours) + len(theirs)
    one, other = theirs["loss"].to_numpy(), ours["loss"].to_numpy()
    difference = float(one.mean() - other.mean())
    influence = np.concatenate(
        [
            difference + (one - one.mean()) * rows / len(one),
            difference - (other - other.mean()) * rows / len(other),
        ]
    )
    entities = pd.concat([theirs["entity"], ours["entity"]], ignore_index=True)
    fewer = min(len(one), len(other))
    return Differences(rows, difference, spread(influence, entities), fewer)


def spread(values: "np.ndarray[tuple[int], np.dtype[np.float64]]", entities: pd.Series) -> float:
    """Return the standard deviation of one of n values, larger where an entity's are alike.

    Rows of one entity then count for less: the square of it over n is the variance of the mean.
    """
    plain = float(values.std(ddof=1))
    centred = pd.Series(values - values.mean())
    sums = centred.groupby(entities.to_numpy(), sort=False).sum()
    clustered = float(np.sqrt((sums**2).sum() / len(values)))
    return max(plain, clustered)
