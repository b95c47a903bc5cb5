"""The encoder of the service's JSON: its answers and the lines of the prediction log."""

from typing import Any

import msgspec


def _from_numpy(value: Any) -> Any:
    """Return numpy's numbers and arrays, which serve.py may answer with, as Python's."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


ENCODER = msgspec.json.Encoder(enc_hook=_from_numpy, decimal_format="number")
