"""Names of metrics and parameters as MLflow takes them: escaped, bounded, and read back.

A name may hold what the data hold, such as a category `R&D` or a column of 300 letters.
"""

import re
from collections.abc import Mapping
from hashlib import sha256

LONGEST = 250  # characters of a name, for MLflow
FULL = "name_of_"  # begins the tag that has a name which is cut, by its hash
REFUSED = re.compile(r"[^\w.\- ]|-(?=x)")  # also / and :, which are paths to MLflow and Windows
_escaped = re.compile(r"-x([0-9a-f]{1,6})-")
_cut = re.compile(r"-x-([0-9a-f]{16})$")


def escaped(name: str) -> str:
    """Return a name as MLflow takes it: a character that it refuses is `-xHEX-`, `&` is `-x26-`.

    One that is too long is cut, and ends with a hash of the whole, which `tags` explains.
    """
    key = REFUSED.sub(lambda match: f"-x{ord(match[0]):x}-", name)
    if len(key) <= LONGEST:
        return key
    end = f"-x-{_digest(name)}"
    return re.sub(r"-x[0-9a-f]*$", "", key[: LONGEST - len(end)]) + end


def tags(names: Mapping[str, object]) -> dict[str, str]:
    """Return the tags with the whole of those names that `escaped` cuts."""
    return {f"{FULL}{_digest(name)}": name for name in names if _cut.search(escaped(name))}


def plain(key: str, of_run: Mapping[str, str]) -> str:
    """Return the name that `escaped` has made a key of.

    Args:
        key: of a metric or a parameter of a run.
        of_run: the run's tags.
    """
    cut = _cut.search(key)
    if cut and f"{FULL}{cut[1]}" in of_run:
        return of_run[f"{FULL}{cut[1]}"]
    return _escaped.sub(lambda match: chr(int(match[1], 16)), key)


def _digest(name: str) -> str:
    return sha256(name.encode(errors="surrogatepass")).hexdigest()[:16]
