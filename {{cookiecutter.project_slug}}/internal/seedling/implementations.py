"""One table of implementations by name, each imported when it is first used.

The rest of the plumbing names an implementation here instead of importing it: Azure's packages,
which only `seedling.azure` imports, libraries that only training has, and all verbs at once.
"""

from pkgutil import resolve_name
from typing import Any

PLACES = {
    "azure ml registry": "seedling.azure.registry:AzureRegistry",
    "azure monitor": "seedling.azure.monitor:start",
    "azure sql token": "seedling.azure.identity:azure_sql_token",
    "blob storage": "seedling.azure.blobs:download",
    "command line": "seedling.cli.main:main",
    "cosmos db": "seedling.azure.cosmos:CosmosStore",
    "mlflow registry": "seedling.registry.local:LocalRegistry",
    "saving an estimator": "seedling.training.saving:save_estimator",
    "shared registry": "seedling.azure.assets:fetch",
    "shared registry's datasets": "seedling.azure.assets:fetch_dataset",
    "training here": "seedling.training.local_run:LocalRun",
    "training on a table": "seedling.containers.train_message:train",
    "training on azure ml": "seedling.azure.training:AzureRun",
    "workspace": "seedling.azure.registry:fetch",
}


def find(name: str) -> Any:
    """Return the implementation that the table has under a name.

    Raises:
        KeyError: the table has no such name.
        ModuleNotFoundError: a package that it imports is not installed.
    """
    return resolve_name(PLACES[name])
