"""Yours: what your models promise. Change it with them."""

import numpy as np
import pytest

from seedling.testing import Fit, fit, models, sent_to


@pytest.fixture(scope="module", params=models())
def fitted(request: pytest.FixtureRequest) -> Fit:
    """Each model of model.yaml in turn, trained on rows that are drawn from its schema."""
    return fit(request.param)


def test_a_model_learns_and_measures_itself(fitted: Fit) -> None:
    for metrics in (fitted.train_metrics, fitted.test_metrics):
        assert metrics
        assert all(np.isfinite(value) for value in metrics.values()), metrics


def test_a_model_answers_every_row(fitted: Fit) -> None:
    answer = fitted.predict(fitted.X_test)
    assert len(answer["predictions"]) == len(fitted.X_test)
    fitted.check(answer)


def test_a_row_alone_gets_the_answer_that_it_gets_in_a_batch(fitted: Fit) -> None:
    together = fitted.predict(fitted.X_test)["predictions"]
    for at in range(5):
        alone = fitted.predict(fitted.X_test.iloc[[at]])["predictions"]
        if isinstance(alone[0], float):
            assert alone[0] == pytest.approx(together[at])
        else:
            assert alone[0] == together[at]


def test_its_test_instances_are_rows_of_its_dataset(fitted: Fit) -> None:
    for row in sent_to(fitted.name):
        assert set(row) <= set(fitted.dataset.feature_names)
