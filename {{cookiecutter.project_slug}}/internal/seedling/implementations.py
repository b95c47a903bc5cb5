"""One table of implementations by name, each imported when it is first used.

The rest of the plumbing names an implementation here instead of importing it: Azure's packages,
which only `seedling.azure` imports, libraries that only training has, and all verbs at once.
"""

from pkgutil import resolve_name
from typing import Any

PLACES = {
    "azure credential": "seedling.azure.identity:credential",
    "azure ml registry": "seedling.azure.registry:AzureRegistry",
    "azure monitor": "seedling.azure.monitor:start",
    "azure monitor metrics": "seedling.azure.monitor_metrics:send",
    "azure service principal": "seedling.azure.identity:service_principal",
    "azure sql token": "seedling.azure.identity:azure_sql_token",
    "azure workspace": "seedling.azure.workspace:open_as",
    "azure things": "seedling.azure.clean_up:found",
    "azure things, removed": "seedling.azure.clean_up:remove",
    "blob storage": "seedling.azure.blobs:download",
    "command line": "seedling.cli.main:main",
    "cosmos db": "seedling.azure.cosmos:CosmosStore",
    "datasets on azure ml": "seedling.azure.refresh:publish",
    "mlflow registry": "seedling.registry.local:LocalRegistry",
    "place of the workspace": "seedling.azure.workspace:find",
    "run of a script on azure ml": "seedling.azure.ml_run:MlRun",
    "saving an estimator": "seedling.training.saving:save_estimator",
    "shared registry": "seedling.azure.assets:fetch",
    "shared registry's datasets": "seedling.azure.assets:fetch_dataset",
    "training again on azure ml": "seedling.azure.retraining:train_again",
    "training here": "seedling.training.local_run:LocalRun",
    "training on a table": "seedling.containers.train_message:train",
    "training on azure ml": "seedling.azure.training:AzureRun",
    "truth of the workspace": "seedling.azure.data:fetch_truth",
    "workspace": "seedling.azure.registry:fetch",
}


def find(name: str) -> Any:
    """Return the implementation that the table has under a name.

    Raises:
        KeyError: the table has no such name.
        ModuleNotFoundError: a package that it imports is not installed.
    """
    return resolve_name(PLACES[name])
