"""A linear regression for each group: scikit-learn's numbers, or words."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from seedling.errors import ProjectError
from seedling.training import grouped_regression

BY, FEATURES = ["location", "product_id"], ["price", "visits"]


def sales(count: int = 600, groups: int = 20) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    rows = pd.DataFrame(
        {
            "location": generator.integers(0, 4, count).astype(str),
            "product_id": generator.integers(0, groups // 4, count),
            "price": generator.normal(1_000, 1, count),
            "visits": generator.integers(0, 50, count),
        }
    )
    slope = rows["product_id"] - 2
    return rows.assign(sold=slope * rows["price"] + rows["visits"] + generator.normal(0, 3, count))


def test_each_group_is_fitted_as_scikit_learn_would() -> None:
    rows = sales()
    fitted = grouped_regression.fit(rows, BY, FEATURES, "sold")
    assert fitted.problems == []
    assert len(fitted.coefficients) == 20
    assert fitted.rmse["rows"].sum() == len(rows)
    for (key, its), line, error in zip(
        rows.groupby(BY),
        fitted.coefficients.itertuples(index=False),
        fitted.rmse["rmse"],
        strict=True,
    ):
        model = LinearRegression().fit(its[FEATURES], its["sold"])
        assert (line.location, line.product_id) == key
        assert [line.price, line.visits] == pytest.approx(model.coef_, rel=1e-8)
        assert line.intercept == pytest.approx(model.intercept_, rel=1e-8)
        residuals = its["sold"] - model.predict(its[FEATURES])
        assert error == pytest.approx(np.sqrt((residuals**2).mean()), rel=1e-8)


def test_a_group_that_has_no_line_is_told_in_words() -> None:
    one = sales(40).assign(product_id=0, location="a")
    flat = one.assign(location="b", price=7.1)
    copied = one.assign(location="c", visits=one["price"] * 2)
    few = one.assign(location="d").head(3)
    gaps = one.assign(location="e", price=np.nan)
    nowhere = one.assign(location=None)
    rows = pd.concat([one, flat, copied, few, gaps, nowhere])
    fitted = grouped_regression.fit(rows, BY, FEATURES, "sold")
    assert fitted.coefficients["location"].tolist() == ["a"]
    assert fitted.rmse["location"].tolist() == ["a"]
    assert fitted.coefficients.notna().all(axis=None)
    assert fitted.problems == [
        "location b, product_id 0: price does not vary.",
        "location c, product_id 0: one of its features follows from the others.",
        "location d, product_id 0: 3 complete rows, and 4 are needed.",
        "location e, product_id 0: no complete row.",
        "40 rows in no group: location, product_id is missing there.",
    ]
    with pytest.raises(ProjectError, match="No row has all of"):
        grouped_regression.fit(gaps, BY, FEATURES, "sold")


@pytest.mark.parametrize("count", [1, 3, 16, 100])
def test_parts_one_after_the_other_give_what_all_rows_give(count: int) -> None:
    rows = pd.concat([sales(), sales(3).assign(location="9", product_id=9)])
    whole = grouped_regression.complete(rows, BY, FEATURES, "sold")
    fitted = grouped_regression.fit(rows, BY, FEATURES, "sold")
    parts = list(grouped_regression.parts(whole, BY, count))
    assert len(parts) == min(count, 21) or count == 16
    found = [grouped_regression.fit(part, BY, FEATURES, "sold") for part in parts]
    for name in ("coefficients", "rmse"):
        together = pd.concat([getattr(one, name) for one in found], ignore_index=True)
        pd.testing.assert_frame_equal(together, getattr(fitted, name), check_exact=True)
    assert [problem for one in found for problem in one.problems] == fitted.problems
