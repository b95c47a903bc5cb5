"""The life of registered versions: audit, comparison, promotion, rollback, lineage, retraining."""
