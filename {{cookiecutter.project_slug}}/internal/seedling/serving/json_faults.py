"""Say what is wrong with a body that is no JSON."""

import json
import re
from typing import Any

COMPRESSED = b"\x1f\x8b"  # how gzip begins


class _NoNumber(ValueError):
    """A constant that JavaScript has, and JSON has not."""


def fault(body: bytes, error: Exception) -> str:
    """Return the sentence about a body that msgspec did not read.

    Args:
        body: the bytes of the request's body.
        error: what msgspec raised.
    """
    if body.startswith(COMPRESSED):
        return "The body is compressed: send it as it is, without Content-Encoding."
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as undecoded:
        return f"The body is not UTF-8 text: byte {undecoded.start + 1:,} cannot be read."
    try:
        json.loads(text, parse_constant=_constant)
    except _NoNumber as constant:
        return f"The body is not valid JSON: {constant} is no number; a missing value is null."
    except (ValueError, RecursionError):
        pass
    else:
        if re.search(r"\\u[dD][89a-fA-F]", text):  # Python's reader lets it through
            return (
                "The body is not valid JSON: a text holds half of a character, "
                "one of \\ud800 to \\udfff without its other half."
            )
    reason = str(error).partition(" (")[0].partition(" - at ")[0]
    return f"The body is not valid JSON: {reason}."


def _constant(name: str) -> Any:
    if name != "NaN":  # which the service takes for a missing value
        raise _NoNumber(name)
