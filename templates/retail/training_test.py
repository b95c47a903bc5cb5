"""Yours: what training reads has rows of every group.

`python -m unittest test.training.batchai.batchai_training_test`, or an editor's run button.
"""

import unittest

from seedling import load_dataset
from seedling.testing import prepared_here


class TestTraining(unittest.TestCase):
    def test_training_dataloading(self) -> None:
        with prepared_here(__file__) as project:
            dataset = project.config.datasets[0]
            rows = load_dataset(project, dataset)
        wanted = {*dataset.feature_names, dataset.target.name}
        assert wanted <= set(rows.columns)
        assert rows[[*dataset.groups, dataset.target.name]].notna().all(axis=None)
        assert len(rows.groupby(dataset.groups)) > 1


if __name__ == "__main__":
    unittest.main()
