"""Compares what the service looks up with what models need, before a caller finds out."""

from seedling.config import Dataset, Project

QUERY = "serve/feature_inference_query.sql"


def lacking(project: Project, dataset: Dataset) -> list[str] | None:
    """List the features that the inference query does not yield for a dataset.

    Returns:
        Their names; None where the query is not asked for this dataset's entities, or the feature
        store does not respond.
    """
    path = project.root / QUERY
    if not path.is_file() or not dataset.source.endswith(".sql"):
        return None
    # SQLAlchemy is imported where it is needed: validation of a file does without it.
    from sqlalchemy import text

    from seedling.data import feature_store
    from seedling.data.feature_store import FeatureStoreUnavailable

    if feature_store.is_missing_sqlite(project):
        return None
    sql = path.read_text(encoding="utf-8")
    asked_by = text(sql).compile().params
    if not asked_by or not {*asked_by} <= {*dataset.entity_key}:
        return None
    try:  # for a key that no entity has: the columns are enough
        engine = feature_store.connect(project, read_only=True)
        found = feature_store.query(engine, sql, dict.fromkeys(asked_by))
    except FeatureStoreUnavailable:
        return None
    return [each.name for each in dataset.raw if each.name not in found.columns]
