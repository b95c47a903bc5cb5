"""Linear models of many groups: as good as is possible, honest, and not broken by odd groups."""

import os
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils.estimator_checks import check_estimator

from seedling.fitting import GroupedEach, GroupedLinear, preprocessing
from seedling.training.grouped.keys import GroupsError, Keys
from seedling.training.grouped.moments import Moments

POOLINGS = ("empirical_bayes", "levels", "ridge", "none")
WIDTH = 7


def simulated(kind: str, groups: int = 1500) -> tuple[Any, ...]:
    """Return rows to learn from and rows to predict, each with its target, and the noise.

    Groups have lognormal sizes, median 11. Their levels differ more than their slopes.
    """
    draw = np.random.default_rng(3)
    sizes = np.maximum(1, draw.lognormal(np.log(11), 1.2, groups).round()).astype(int)
    spread = np.append(1.0, np.full(WIDTH, 0.1))
    noise = 2.0 if kind == "sizes" else 1.5
    mean = draw.normal(0, 0.3, WIDTH + 1)
    if kind == "sizes":
        b = mean + 4 * spread * draw.normal(size=(groups, WIDTH + 1))
    elif kind == "tails":
        b = mean + 1.6 * spread * draw.standard_t(3, (groups, WIDTH + 1))
    elif kind == "clusters":
        b = draw.normal(0, 1.4, (2, WIDTH + 1))[draw.integers(0, 2, groups)]
    else:
        b = np.tile(mean, (groups, 1))

    def rows(numbers: Any) -> tuple[pd.DataFrame, Any]:
        X = draw.normal(size=(len(numbers), WIDTH))
        y = b[numbers, 0] + (X * b[numbers, 1:]).sum(axis=1) + draw.normal(0, noise, len(numbers))
        return pd.DataFrame(X).add_prefix("x").assign(shop=numbers), y

    numbers = np.repeat(np.arange(groups), sizes)
    return *rows(numbers), *rows(draw.permutation(numbers)), noise


@pytest.mark.parametrize("kind", ["sizes", "tails", "clusters", "identical"])
def test_the_error_is_near_the_least_possible_and_intervals_hold_what_they_say(kind: str) -> None:
    X, y, later, truth, noise = simulated(kind)
    answers = GroupedLinear(["shop"]).fit(X, y).predict_interval(later)
    error = np.sqrt(np.mean((answers.predictions - truth) ** 2))
    assert error < 1.15 * noise
    held = np.mean((answers.low <= truth) & (truth <= answers.high))
    assert 0.93 < held < 0.98


def fallback(X: pd.DataFrame, y: Any, later: pd.DataFrame, key: str) -> tuple[Any, Any]:
    """Return what people do: each group's line, or that of all where it has too few rows; and
    that of all."""
    every = LinearRegression().fit(X.drop(columns=key), y)
    line = every.predict(later.drop(columns=key))
    own = line.copy()
    for value, its in later.groupby(key):
        rows = (X[key] == value).to_numpy()
        if rows.sum() > X.shape[1]:
            model = LinearRegression().fit(X[rows].drop(columns=key), y[rows])
            own[later.index.get_indexer(its.index)] = model.predict(its.drop(columns=key))
    return own, line


def table(name: str) -> tuple[pd.DataFrame, Any]:
    """Return a table as shops have them, with a column `key`, and its target."""
    draw = np.random.default_rng(7)
    if name == "simulated":
        X, y, *_ = simulated("tails", 300)
        return X.rename(columns={"shop": "key"}), y
    count, groups = 3000, {"few groups": 4, "alike": 40, "noisy": 40, "seasons": 150}[name]
    key = np.sort(draw.integers(0, groups, count))
    X = pd.DataFrame({"price": draw.lognormal(1, 0.5, count), "week": draw.integers(0, 52, count)})
    X["warm"] = np.sin(X["week"] / 52 * 2 * np.pi)
    base, slope = draw.lognormal(3, 1, groups), draw.normal(-2, 0.5, groups)
    if name == "alike":
        y = 30 - 2 * X["price"] + draw.normal(0, 5, count)
    else:
        warmth = draw.normal(0, 3, groups)[key] * X["warm"]
        y = base[key] + slope[key] * X["price"] + warmth
        y += draw.normal(0, 0.3 * base[key] if name == "noisy" else 4.0, count)
    return X.assign(key=key), y.to_numpy()


@pytest.mark.parametrize("name", ["simulated", "few groups", "alike", "noisy", "seasons"])
def test_it_is_never_worse_than_the_better_simple_way(name: str) -> None:
    X, y = table(name)
    held = np.random.default_rng(1).random(len(X)) < 0.3
    later = X[held].reset_index(drop=True)
    errors = [
        np.sqrt(np.mean((found - y[held]) ** 2))
        for found in (
            GroupedLinear(["key"]).fit(X[~held], y[~held]).predict(later),
            *fallback(X[~held], y[~held], later, "key"),
        )
    ]
    assert errors[0] < 1.01 * min(errors[1:])


def test_it_is_an_estimator_of_scikit_learn() -> None:
    for result in check_estimator(GroupedLinear(), on_skip=None, on_fail=None):
        assert result["status"] != "failed", result
    X, y, later, *_ = simulated("sizes", 50)
    model = GroupedLinear(["shop"], preprocessing=preprocessing(X.drop(columns="shop"), scale=True))
    pipeline = make_pipeline(FunctionTransformer(), clone(model))
    expected = model.fit(X, y).predict(later)
    assert pipeline.fit(X, y).predict(later) == pytest.approx(expected)
    assert GroupedLinear(["shop"]).fit(X, y).predict(later) == pytest.approx(expected)


def shops(count: int = 400) -> tuple[pd.DataFrame, Any]:
    draw = np.random.default_rng(0)
    keys = draw.integers(0, 12, count)
    rows = pd.DataFrame(draw.normal(1e3, 1, (count, 3)), columns=["a", "b", "c"])
    rows["town"], rows["shop"] = keys // 4, np.array([f"s{key:02d}" for key in keys])
    return rows, (rows["a"] * keys + draw.normal(0, 1, count)).to_numpy()


@pytest.mark.parametrize(("pooling", "peer"), [("none", LinearRegression()), ("ridge", Ridge())])
def test_each_group_by_itself_is_what_scikit_learn_says(pooling: str, peer: Any) -> None:
    X, y = shops()
    X.loc[X["shop"] == "s03", "b"] = 5.0  # constant
    X.loc[X["shop"] == "s05", "c"] = X["a"] * 2  # collinear
    few = X.index[X["shop"] == "s07"][2:]
    X, y = X.drop(index=few), np.delete(y, few)
    model = GroupedLinear(["town", "shop"], pooling).fit(X, y)
    shown = model.table_()
    for number, shop in enumerate(model.keys_["shop"]):
        rows = (X["shop"] == shop).to_numpy()
        own = X.loc[rows, ["a", "b", "c"]]
        peer.fit(own, y[rows])
        assert model.coef_[number] == pytest.approx(peer.coef_, rel=1e-6, abs=1e-8), shop
        residuals = y[rows] - peer.predict(own)
        expected = np.sqrt(np.mean(residuals**2))
        assert shown["rmse"][number] == pytest.approx(expected, rel=1e-6, abs=1e-8)
    flags = dict(zip(shown["shop"], shown["flag"], strict=True))
    flagged = {shop: flag for shop, flag in flags.items() if flag}
    assert flagged == {"s03": "constant", "s05": "collinear", "s07": "few rows"}
    assert np.isfinite(shown.select_dtypes("number")).all(axis=None)


def test_the_prior_is_the_one_of_most_likelihood() -> None:
    draw = np.random.default_rng(2)
    keys = np.repeat(np.arange(40), 6)
    x = draw.normal(size=240)
    b = [1.0, 0.5] + draw.normal(size=(40, 2)) @ np.array([[0.8, 0.3], [0, 0.5]])
    y = b[keys, 0] + b[keys, 1] * x + draw.normal(0, 0.7, 240)
    rows = pd.DataFrame({"x": x, "key": keys})
    model = GroupedLinear(["key"], max_iter=3000, tol=1e-9).fit(rows, y)

    def covariances(parameters: Any) -> tuple[Any, Any]:
        root = np.array([[parameters[0], 0], [parameters[1], parameters[2]]])
        return root @ root.T, np.exp(parameters[3])

    def unlikely(parameters: Any) -> float:
        T, noise = covariances(parameters)
        information, told, total = np.zeros((2, 2)), np.zeros(2), 0.0
        for key in range(40):
            Z, its = np.column_stack([np.ones(6), x[keys == key]]), y[keys == key]
            S = Z @ T @ Z.T + noise * np.eye(6)
            solved = np.linalg.solve(S, np.column_stack([Z, its]))
            information += Z.T @ solved[:, :2]
            told += Z.T @ solved[:, 2]
            total += np.linalg.slogdet(S)[1] + its @ solved[:, 2]
        total += np.linalg.slogdet(information)[1] - told @ np.linalg.solve(information, told)
        alike = np.linalg.slogdet(T)[1] * 2  # 40 / 20 groups that do not differ, see pooling
        return (total + alike) / 2

    start = [0.8, 0.2, 0.5, -0.7]
    T, noise = covariances(minimize(unlikely, start, method="Nelder-Mead", tol=1e-4).x)
    assert model.prior_sigma2_ == pytest.approx(noise, rel=0.05)
    J = model._jacobian()
    assert J @ model._solved.prior.covariance @ J.T == pytest.approx(T, rel=0.05, abs=0.03)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_batches_one_after_the_other_are_all_rows_at_once(pooling: str) -> None:
    X, y = shops()
    groups = ["town", "shop"]
    whole = GroupedLinear(groups, pooling).fit(X, y)
    parts = GroupedLinear(groups, pooling)
    for rows in (slice(0, 7), slice(7, 150), slice(150, 400)):
        parts.partial_fit(X[rows], y[rows])
    assert parts.keys_.equals(whole.keys_)
    assert parts.predict(X) == pytest.approx(whole.predict(X), rel=1e-8, abs=1e-6)
    assert parts.rmse_ == pytest.approx(whole.rmse_, rel=1e-6)
    assert (parts.partial_fit(X, y).table_()["rows"] == 2 * whole.table_()["rows"]).all()


def test_sums_of_parquet_files_are_those_of_the_rows(tmp_path: Path) -> None:
    X, y = shops()
    features = ["a", "b", "c"]
    whole = Moments.of(X[["town", "shop"]], X[features], y)
    rows = X.assign(sold=y)
    rows.to_parquet(tmp_path / "one.parquet")
    rows.to_parquet(tmp_path / "many", partition_cols=["town", "shop"])
    whole.to_file(tmp_path / "kept.parquet")
    found = [
        Moments.of_parquet(tmp_path / "one.parquet", ["town", "shop"], features, "sold"),
        Moments.of_parquet(tmp_path / "many", ["town", "shop"], features, "sold", threads=1),
        Moments.from_file(tmp_path / "kept.parquet"),
    ]
    for one in found:
        assert one.keys.frame().equals(whole.keys.frame())
        assert one.products == pytest.approx(whole.products, rel=1e-9)
    model = GroupedLinear(["town", "shop"]).fit_moments(found[0])
    expected = GroupedLinear(["town", "shop"]).fit(X, y).predict(X)
    assert model.predict(X[["town", "shop", *features]]) == pytest.approx(expected, rel=1e-8)
    with pytest.raises(GroupsError, match="There is no column d; there are a, b"):
        Moments.of_parquet(tmp_path / "one.parquet", ["town"], ["d"], "sold")
    with pytest.raises(GroupsError, match="shop holds no numbers"):
        Moments.of_parquet(tmp_path / "one.parquet", ["town"], ["shop"], "sold")


ODD = {
    "one row a group": lambda X, y: (X.assign(shop=range(len(X))), y),
    "one group": lambda X, y: (X.assign(shop="a"), y),
    "one row": lambda X, y: (X[:1], y[:1]),
    "constant everywhere": lambda X, y: (X.assign(b=7.0), y),
    "collinear everywhere": lambda X, y: (X.assign(b=X["a"] - X["c"]), y),
    "scales": lambda X, y: (X.assign(a=X["a"] * 1e-9, b=X["b"] * 1e9), y),
    "constant target": lambda X, y: (X, np.full(len(X), 3.0)),
    "offsets": lambda X, y: (X.assign(a=X["a"] + 1e9), y + 1e9),
    "an exact line": lambda X, y: (X, X["a"].to_numpy() * 2 + 1),
    "float keys": lambda X, y: (X.assign(shop=X["shop"].str[1:].astype(float) / 2), y),
    "categories": lambda X, y: (X.assign(shop=X["shop"].astype("category")), y),
    "dates": lambda X, y: (X.assign(shop=pd.Timestamp("2026-01-01")), y),
}


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("kind", ODD)
def test_odd_groups_break_nothing(kind: str, pooling: str) -> None:
    X, y = ODD[kind](*shops())
    X = X[["town", "shop", "a", "b", "c"]]
    model = GroupedLinear(["town", "shop"], pooling).fit(X, y)
    new = X.assign(town=-1)
    for rows in (X, new):
        answers = model.predict_interval(rows)
        for values in answers[:3]:
            assert np.isfinite(values).all()
        assert (answers.low <= answers.high).all()
    assert set(answers.flags) == {"new"}
    assert np.isfinite(model.table_().select_dtypes("number")).all(axis=None)
    if kind not in ("one row a group", "one row", "one group", "dates"):
        error = np.sqrt(np.mean((model.predict(X) - y) ** 2))
        assert error <= (3 if pooling != "ridge" else 60)
    if kind == "an exact line" and pooling != "ridge":
        assert model.predict(X) == pytest.approx(y, rel=1e-6)


def test_digits_survive_large_offsets_and_exact_lines() -> None:
    X, y = shops()
    X, y = X.assign(a=X["a"] + 1e9), y * 1e-3 + 1e6
    parts = GroupedLinear(["shop"], "none").partial_fit(X.drop(columns="town"), y)
    for shop, error in zip(parts.keys_["shop"], parts.rmse_, strict=True):
        rows = (X["shop"] == shop).to_numpy()
        Z = X.loc[rows, ["a", "b", "c"]] - X.loc[rows, ["a", "b", "c"]].mean()
        its = y[rows] - y[rows].mean()
        residuals = its - Z @ np.linalg.lstsq(Z, its, rcond=None)[0]
        assert error == pytest.approx(np.sqrt(np.mean(residuals**2)), rel=1e-6)


def test_a_key_is_the_value_that_it_holds() -> None:
    X, y = shops()
    model = GroupedLinear(["town", "shop"]).fit(X, y)
    expected = model.predict(X)
    for column in (X["shop"].astype("category"), X["shop"].astype("string")):
        assert (model.predict(X.assign(shop=column)) == expected).all()
    assert (model.predict(X.assign(town=X["town"].astype(float))) == expected).all()
    absent = model.predict_interval(X.assign(shop=None))
    assert set(absent.flags) == {"new"}
    assert (absent.high - absent.low > (lambda a: a.high - a.low)(model.predict_interval(X))).all()
    keys, numbers = Keys.of(X[["town", "shop"]])
    assert keys.frame().iloc[numbers].reset_index(drop=True).equals(X[["town", "shop"]])


def test_what_is_wrong_with_rows_is_said_in_words() -> None:
    X, y = shops()
    model = GroupedLinear(["shop"])
    X = X.drop(columns="town")
    faults = {
        "shop is missing in 2 rows, first in row 6: fill it": X.assign(
            shop=X["shop"].where(~X.index.isin([5, 8]))
        ),
        "b is NaN or infinite .inf. in 1 row, first in row 3": X.assign(
            b=X["b"].where(X.index != 2)
        ),
        "c holds no numbers .object.: give `preprocessing`": X.assign(c="red"),
        "X has no column shop, which makes groups": X.drop(columns="shop"),
    }
    for words, rows in faults.items():
        with pytest.raises(GroupsError, match=words):
            model.fit(rows, y)
    with pytest.raises(GroupsError, match="the target is NaN or infinite"):
        model.fit(X, np.where(X.index == 1, np.inf, y))
    with pytest.raises(GroupsError, match="squares overflow"), np.errstate(all="ignore"):
        model.fit(X, y * 1e200)
    with pytest.raises(GroupsError, match="shop held texts before, and holds numbers now"):
        model.fit(X, y).predict(X.assign(shop=3))
    with pytest.raises(GroupsError, match="pooling 'some' is none of"):
        GroupedLinear(["shop"], pooling="some").fit(X, y)


def test_levels_answer_a_new_group_with_its_parent() -> None:
    draw = np.random.default_rng(5)
    town, shop = np.repeat(np.arange(30), 60), np.tile(np.repeat(np.arange(10), 6), 30)
    base = draw.normal(0, 5, 30)[town] + draw.normal(0, 1, 300)[town * 10 + shop]
    rows = pd.DataFrame({"town": town, "shop": shop, "x": draw.normal(size=1800)})
    y = base + rows["x"] + draw.normal(size=1800)
    new = rows.assign(shop=99)
    widths, errors = [], []
    for pooling in ("levels", "empirical_bayes"):
        answers = GroupedLinear(["town", "shop"], pooling).fit(rows, y).predict_interval(new)
        widths.append((answers.high - answers.low).mean())
        errors.append(np.sqrt(np.mean((answers.predictions - y) ** 2)))
    assert errors[0] < 0.5 * errors[1]
    assert widths[0] < 0.5 * widths[1]
    keys, means, covariances = GroupedLinear(["town", "shop"], "levels").fit(rows, y).parents_()
    assert (len(keys), means.shape, covariances.shape) == (30, (30, 2), (30, 2, 2))


def test_groups_are_fitted_in_processes_side_by_side() -> None:
    X, y = shops()
    X = X.drop(columns="town")
    model = GroupedEach(Where(), ["shop"], n_jobs=2, folds=0).fit(X, y)
    places = {each.process_ for each in model.estimators_.values()}
    assert os.getpid() not in places
    assert model.fallback_.process_ == os.getpid()
    alone = GroupedEach(Where(), ["shop"], n_jobs=1, folds=0).fit(X, y)
    assert {each.process_ for each in alone.estimators_.values()} == {os.getpid()}
    assert (model.predict(X) == alone.predict(X)).all()


class Where(LinearRegression):
    """A line that knows in which process it was fitted."""

    def fit(self, X: Any, y: Any) -> "Where":
        self.process_ = os.getpid()
        super().fit(X, y)
        return self


def test_any_estimator_can_be_fitted_to_each_group() -> None:
    X, y = shops()
    X = X.drop(columns="town")
    X, y = pd.concat([X, X[:3].assign(shop="few")]), np.append(y, y[:3])
    model = GroupedEach(DecisionTreeRegressor(random_state=0), ["shop"], LinearRegression())
    expected = clone(model).fit(X, y).predict(X)
    with joblib.parallel_backend("threading"):
        assert (clone(model).set_params(n_jobs=2).fit(X, y).predict(X) == expected).all()
    model.fit(X, y)
    own = (X["shop"] == "s04").to_numpy()
    alone = DecisionTreeRegressor(random_state=0).fit(X[own][["a", "b", "c"]], y[own])
    assert (model.predict(X[own]) == alone.predict(X[own][["a", "b", "c"]])).all()
    odd = pd.concat([X[-1:], X[:1].assign(shop="later"), X[:1]])
    assert model.flags(odd).tolist() == ["few rows", "new", ""]
    every = LinearRegression().fit(X[["a", "b", "c"]], y)
    assert model.predict(odd)[:2] == pytest.approx(every.predict(odd[["a", "b", "c"]])[:2])


def test_the_interval_of_any_estimator_holds_what_it_says() -> None:
    X, y = shops(1200)
    y = y + 40 * np.asarray(X["town"])
    test = np.arange(len(y)) % 3 == 0
    new = (X["shop"] == "s07").to_numpy()
    learned = ~test & ~new
    model = GroupedEach(LinearRegression(), ["town", "shop"]).fit(X[learned], y[learned])
    answer = model.predict_interval(X[test & ~new])
    within = (answer.low <= y[test & ~new]) & (y[test & ~new] <= answer.high)
    assert 0.92 < within.mean() < 0.99
    assert (answer.predictions == model.predict(X[test & ~new])).all()
    later = model.predict_interval(X[new])
    assert {*later.flags} == {"new"}
    assert ((later.low <= y[new]) & (y[new] <= later.high)).mean() > 0.9
    few = clone(model).set_params(fewest=2).fit(*(each[learned][:30] for each in (X, y)))
    assert np.isfinite(few.predict_interval(X)[:3]).all()
    with pytest.raises(GroupsError, match="need folds"):
        clone(model).set_params(folds=0).fit(X, y).predict_interval(X)


def test_the_penalty_of_ridge_is_in_the_features_own_units() -> None:
    """As of scikit-learn's Ridge: the same feature in cents has a hundredth of its weight."""
    X, y = shops()
    cents = X.assign(a=100 * X["a"])
    few, one, many = (
        GroupedLinear(["town", "shop"], "ridge", alpha=alpha).fit(rows, y).coef_[:, 0]
        for rows, alpha in ((X, 0.0), (cents, 10.0), (X, 10.0))
    )
    assert np.abs(100 * one - few).max() < 0.1 * np.abs(many - few).max()
