"""Yours: the registered model answers rows of a group that it knows, and of one that is new.

`python -m unittest test.inference.batchai.batchai_inference_test`, or an editor's run button.
"""

import unittest

import pandas as pd

from seedling import load_dataset, load_model
from seedling.testing import trained_here


class BatchaiInferencingTest(unittest.TestCase):
    def test_batchinference(self) -> None:
        with trained_here(__file__) as project:
            model = load_model(project=project)
            rows = load_dataset(project, project.config.datasets[0])
            known = rows.groupby(model.dataset.groups).tail(1)
            new = known.head(1).assign(location="Newtown")
            answers = model.predict(pd.concat([known, new]))
        assert len(answers) == len(known) + 1
        assert (answers["low"] < answers["prediction"]).all()
        assert (answers["prediction"] < answers["high"]).all()
        assert answers["flags"].iloc[-1] == "new"


if __name__ == "__main__":
    unittest.main()
