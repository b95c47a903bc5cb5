"""Yours: demand from its source to local_assets/DataPrep_outputs, by way of DataPrep_inputs.

Run it by an editor's run button, or from the project's folder by
`python src/data_preparation/batchai/batchai_datapreparation.py`. The source stands in model.yaml: a
query of the feature store, a folder, a file, or az://container/path/ with a slash at its end.
"""

from seedling import run_here

INPUTS = "local_assets/DataPrep_inputs"

if __name__ == "__main__":
    run_here(__file__, "create-local-datasets", "--inputs", INPUTS)
