"""A checksum of scored rows that does not depend on their order, or on how they were parted.

Each row has a hash of its file's name, its number and its predictions, and the checksum is the sum
of these hashes modulo 2^64. A row that lacks, is there twice, or has another answer changes it.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

Hashes = np.ndarray[Any, np.dtype[np.uint64]]

MODULUS = 2**64
GAP = np.uint64(0x9E3779B97F4A7C15)  # 2^64 divided by the golden ratio
MISSING = np.uint64(0xD1B54A32D192ED03)


def of(batch: "pa.RecordBatch", names: Sequence[str]) -> int:
    """Return the sum of the hashes of a batch's rows, from 0 to 2^64 - 1.

    Args:
        batch: scored rows.
        names: the columns that count, in this order: `file`, `row` and those of the predictions.
    """
    total = np.zeros(batch.num_rows, np.uint64)
    for name in names:
        total = _mixed((total * GAP) ^ _hashes(batch.column(name)))
    return int(total.sum(dtype=np.uint64))


def added(sums: Sequence[int]) -> int:
    """Return the checksum of several parts of the rows together."""
    return sum(sums) % MODULUS


def _hashes(column: Any) -> Hashes:
    """Return a hash of each of n values: of a number by its bits as float64, else of its text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    gaps = np.asarray(column.is_null(), bool)
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        filled = pc.fill_null(column, pa.scalar(0, kind)).cast(pa.float64())
        # Adding 0 makes 0 of -0, and all that are not a number get the same bits.
        numbers = np.array(filled.to_numpy(zero_copy_only=False), np.float64) + 0.0
        numbers[np.isnan(numbers)] = np.nan
        found = _mixed(numbers.view(np.uint64) + GAP)
    else:
        coded = column if pa.types.is_dictionary(kind) else column.dictionary_encode()
        texts = coded.dictionary.cast(pa.string()).to_pylist()
        distinct = np.array([_of_text(text) for text in [*texts, None]], np.uint64)
        found = distinct[np.asarray(pc.fill_null(coded.indices, len(texts)), np.int64)]
    found[gaps] = MISSING
    return found


def _of_text(text: str | None) -> int:
    return int.from_bytes(blake2b((text or "").encode(), digest_size=8).digest(), "little")


def _mixed(values: Hashes) -> Hashes:
    """Spread each bit over all 64, as the end of SplitMix64 does."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
