"""Outputs that a job names become assets once it has ended well."""

from azureml.documents import Document, Documents
from azureml.runs import Run
from azureml.workspace import WORKSPACE


def register(documents: Documents, run: Run, declared: Document) -> None:
    """Keep a version of each named output: data, or a model where its type says so.

    Args:
        declared: the outputs as they were submitted.
    """
    for name, output in declared.items():
        if not output.get("assetName"):
            continue
        type_ = run.outputs[name].type
        is_model = type_.endswith("_model")
        key = f"workspaces/{WORKSPACE}/{'models' if is_model else 'data'}/{output['assetName']}"
        container = documents.find(key)
        following = container["properties"]["nextVersion"] if container else "1"
        version = output.get("assetVersion") or following
        uri = {("modelUri" if is_model else "dataUri"): run.outputs[name].uri}
        kind = {("modelType" if is_model else "dataType"): type_, "jobName": run.id}
        documents.put(f"{key}/versions/{version}", {"properties": uri | kind})
