"""One way of fitting each group: `contestants.py NAME TINY FILE ANSWER`, in an environment
of its own.

TINY, which is fitted first so that importing does not count, and FILE are Parquet with `group`,
x0 ... and y; ANSWER gets an array, a row a group, sorted by key: the coefficients without the
intercept.
"""

import json
import resource
import sys
import time

import numpy as np


def features(columns):
    return [name for name in columns if name not in ("group", "y")]


def loop(path):
    import pandas as pd
    from sklearn.linear_model import LinearRegression

    rows = pd.read_parquet(path)
    names = features(rows)
    return [LinearRegression().fit(its[names], its["y"]).coef_ for _, its in rows.groupby("group")]


def processes(path):
    import pandas as pd
    from joblib import Parallel, delayed
    from joblib.externals.loky import get_reusable_executor
    from sklearn.linear_model import LinearRegression

    rows = pd.read_parquet(path)
    names = features(rows)

    def fitted(some):
        return [LinearRegression().fit(X, y).coef_ for X, y in some]

    parts = [(its[names].to_numpy(), its["y"].to_numpy()) for _, its in rows.groupby("group")]
    size = len(parts) // 8 + 1
    jobs = (delayed(fitted)(parts[at : at + size]) for at in range(0, len(parts), size))
    found = Parallel(n_jobs=2)(jobs)
    get_reusable_executor().shutdown(wait=True)  # only then is what they took known
    return [each for some in found for each in some]


def sklego(path):
    import pandas as pd
    from sklearn.linear_model import LinearRegression
    from sklego.meta import HierarchicalRegressor

    rows = pd.read_parquet(path)
    model = HierarchicalRegressor(LinearRegression(), groups=["group"])
    model.fit(rows.drop(columns="y"), rows["y"])
    kept = sorted((key[-1], each) for key, each in model.estimators_.items() if key != (1,))
    return [each.coef_ for key, each in kept]


def polars(path):
    import polars as pl
    import polars_ds as pds

    rows = pl.read_parquet(path)
    names = features(rows.columns)
    found = rows.group_by("group").agg(
        pds.lin_reg(*names, target="y", add_bias=True).alias("coefficients")
    )
    found = found.sort("group")["coefficients"].to_list()
    return [np.full(len(names), np.nan) if each is None else each[:-1] for each in found]


def duckdb(path):
    import duckdb

    connection = duckdb.connect(config={"memory_limit": "500MB"})
    connection.read_parquet(path).create_view("learned")
    names = features(row[0] for row in connection.execute("describe learned").fetchall())
    all_names = [*names, "y"]
    pairs = [(a, b) for at, a in enumerate(all_names) for b in all_names[: at + 1]]
    sums = ", ".join(f"covar_pop({a}, {b})" for a, b in pairs)
    query = f'select "group", {sums} from learned group by 1 order by 1'  # noqa: S608
    found = connection.execute(query)
    columns = list(found.fetchnumpy().values())[1:]
    width = len(all_names)
    products = np.empty((len(columns[0]), width, width))
    rows, places = np.tril_indices(width)
    products[:, rows, places] = products[:, places, rows] = np.stack(columns, axis=1)
    return np.linalg.solve(products[:, :-1, :-1], products[:, :-1, -1:])[:, :, 0]


def ours(path, pooling="none"):
    import pyarrow.parquet as pq

    from seedling.training.grouped.linear import GroupedLinear
    from seedling.training.grouped.moments import Moments

    names = features(pq.read_schema(path).names)
    moments = Moments.of_parquet(path, ["group"], names, "y")
    return GroupedLinear(["group"], pooling).fit_moments(moments).coef_


def pooled(path):
    return ours(path, "empirical_bayes")


def taken():
    """Return the seconds of CPU of this process and of those that have ended."""
    used = [resource.getrusage(which) for which in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


if __name__ == "__main__":
    name, tiny, path, answer = sys.argv[1:]
    way = {**globals()}[name]
    way(tiny)  # imports what it needs
    started, before = time.perf_counter(), taken()
    found = np.asarray(way(path), dtype=float)
    seconds, cpu = time.perf_counter() - started, taken() - before
    np.save(answer, found)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(json.dumps({"seconds": seconds, "cpu": cpu, "mb": memory}))
