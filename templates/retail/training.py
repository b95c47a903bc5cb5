"""Yours: from DataPrep_outputs to a registered model, which holds a line for each group.

Run it by an editor's run button, or from the project's folder by
`python src/training/batchai/batchai_training.py`. It leaves coefficient.csv and rmse.csv, a row a
group, in local_assets/Training_Output.
"""

from seedling import run_here

if __name__ == "__main__":
    run_here(__file__, "train")
