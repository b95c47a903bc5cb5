"""Parquet in, sums out: blocks of rows are read, and their groups summed in threads."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from seedling.training.grouped.keys import GroupsError, Keys
from seedling.training.grouped.moments import AT_ONCE, check_finite
from seedling.training.grouped.products import Floats

if TYPE_CHECKING:
    import pyarrow as pa

    from seedling.training.grouped.moments import Moments

READ_AT_ONCE = 1 << 16  # rows


class Block(NamedTuple):
    """Some rows: keys, numbers n x p, target n, and the count of rows before them."""

    keys: pd.DataFrame
    X: Floats
    y: Floats
    before: int


def read(
    paths: Any, groups: Sequence[str], features: Sequence[str], target: str
) -> Iterator[Block]:
    """Yield the rows of Parquet files in blocks; the arguments are those of `of_parquet`.

    Raises:
        GroupsError: a column is absent, or holds no numbers.
    """
    import pyarrow as pa
    from pyarrow import dataset

    files = [str(each) for each in paths] if isinstance(paths, list | tuple) else str(paths)
    # Texts of keys come as dictionaries, so that each is made once and not in every row.
    reading = dataset.ParquetReadOptions(dictionary_columns=set(groups))
    form = dataset.ParquetFileFormat(read_options=reading)
    source = dataset.dataset(files, format=form, partitioning="hive")
    wanted = [*groups, *features, target]
    for name in wanted:
        if name not in source.schema.names:
            known = ", ".join(source.schema.names)
            raise GroupsError(f"There is no column {name}; there are {known}.")
    before, held, rows = 0, [], 0
    at_once = max(1, AT_ONCE // (len(features) + 1))
    # Columns are read as they are needed, instead of a whole row group of the file before.
    buffering = dataset.ParquetFragmentScanOptions(pre_buffer=False, use_buffered_stream=True)
    scanner = source.scanner(
        columns=wanted,
        batch_size=READ_AT_ONCE,
        batch_readahead=2,
        fragment_readahead=1,
        fragment_scan_options=buffering,
        memory_pool=pa.system_memory_pool(),  # mimalloc's spends 0.4 s more for 2 million rows
    )
    for batch in scanner.to_batches():
        held.append(batch)
        rows += len(batch)
        if rows >= at_once:
            yield _block(held, groups, features, target, before)
            before, held, rows = before + rows, [], 0
    if rows:
        yield _block(held, groups, features, target, before)


def summed(
    kind: "type[Moments]", blocks: Iterator[Block], features: Sequence[str], threads: int
) -> Any:
    """Return the moments of all blocks, None without a block."""
    whole: Moments | None = None
    with ThreadPoolExecutor(threads) as pool:
        for block in blocks:
            check_finite(block.X, features, block.before)
            check_finite(block.y[:, None], ["the target"], block.before)
            keys, numbers = Keys.of(block.keys, block.before)
            if whole is None:
                whole, places = kind.empty(keys, features), np.arange(len(keys))
            else:
                whole, places = whole.with_keys(keys)
            mapped = pool.map if threads > 1 else map
            whole.add_rows(places, numbers, block.X, block.y, mapped)
    return whole


def _block(
    batches: "list[pa.RecordBatch]",
    groups: Sequence[str],
    features: Sequence[str],
    target: str,
    before: int,
) -> Block:
    import pyarrow as pa

    table = pa.Table.from_batches(batches)
    keys = {}
    for name in groups:
        column = table[name]
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            column = column.dictionary_encode().unify_dictionaries()
        keys[name] = column.to_pandas()
    numbers = np.empty((len(table), len(features) + 1), order="F")
    for at, name in enumerate([*features, target]):
        try:
            numbers[:, at] = table[name].cast(pa.float64(), safe=False).to_numpy()
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            raise GroupsError(f"{name} holds no numbers ({table[name].type}).") from None
    frame = pd.DataFrame(keys, index=range(len(table)))
    return Block(frame, numbers[:, :-1], numbers[:, -1], before)
