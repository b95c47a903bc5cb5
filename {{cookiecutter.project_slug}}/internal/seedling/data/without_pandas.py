"""Arrow without pandas, which takes a third of a second to import."""

import sys
from typing import Any


class _Absent:
    """Says of pandas that it is not installed."""

    def find_spec(self, name: str, *_: Any) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


def settle() -> None:
    """Keep the first array of Arrow from importing pandas, as it does where pandas is installed.

    Arrow asks once whether pandas is there, to know its series from other sequences. `to_pandas`
    still works afterwards; a series is read as any sequence is. Where pandas is imported already,
    nothing changes.
    """
    import pyarrow as pa

    if "pandas" in sys.modules:
        return
    absent: Any = _Absent()
    sys.meta_path.insert(0, absent)
    try:
        pa.array([])
    finally:
        sys.meta_path.remove(absent)
