"""Columns as lines of CSV: those of `csv_lines`, without a loop over cells."""

from typing import TYPE_CHECKING, Any

import numpy as np

from seedling.data.csv_lines import FORMULA

if TYPE_CHECKING:
    import pyarrow as pa

SPECIAL = (b'"', b",", b"\r", b"\n")
WHOLE = r"^-?\d+$"
_SIGNS = np.isin(np.arange(256), [ord(sign) for sign in FORMULA])  # by the first byte
NUMBER = r"^[+-]?(\d[\d_]*\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$|(?i)^[+-]?(inf|infinity|nan)\s*$"


def text(batch: "pa.RecordBatch") -> bytes | memoryview:
    """Return n rows as n lines of CSV in UTF-8, in which no cell is a formula of a spreadsheet."""
    import pyarrow as pa
    from pyarrow import csv

    columns = [_text_of(column) for column in batch.columns]
    names = [str(at) for at in range(len(columns))]
    texts = zip(batch.columns, columns, strict=True)
    if any(_has_special(column) for given, column in texts if not _is_number(given)):
        return _joined([_quoted(column) for column in columns])
    sink = pa.BufferOutputStream()
    plain = csv.WriteOptions(include_header=False, quoting_style="none")
    csv.write_csv(pa.RecordBatch.from_arrays(columns, names), sink, plain)
    return memoryview(sink.getvalue())


def _text_of(column: Any) -> Any:
    """Return a column as text, without formulas; a whole float as `5.0`.

    Numbers become text here, since Arrow's writer takes a third longer for them.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        kept = _text_of(column.dictionary)
        return pa.DictionaryArray.from_arrays(column.indices, kept).cast(kept.type)
    if pa.types.is_floating(column.type):
        words = column.cast(pa.string())
        if not pc.any(pc.equal(column, pc.floor(column))).as_py():
            return words
        whole = pc.match_substring_regex(words, WHOLE)
        return pc.if_else(whole, pc.binary_join_element_wise(words, ".0", ""), words)
    if pa.types.is_integer(column.type):
        return column.cast(pa.string())
    if pa.types.is_boolean(column.type):
        return pc.if_else(column, "True", "False")
    words = column.cast(pa.string())
    risky = _begins_formula(words)
    if not risky.any():
        return words
    risky = pc.and_not(pa.array(risky), pc.match_substring_regex(words, NUMBER))
    return pc.if_else(risky, pc.binary_join_element_wise("'", words, ""), words)


def _is_number(column: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_floating(column.type) or pa.types.is_integer(column.type))


def _begins_formula(words: Any) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Return which of n texts begin with a sign of FORMULA; a missing one does not."""
    _, offsets, content = words.buffers()
    found = np.zeros(len(words), bool)
    if not len(words) or not content:
        return found
    ends = np.frombuffer(offsets, np.int32)[words.offset : words.offset + len(words) + 1]
    filled = np.flatnonzero(ends[1:] > ends[:-1])
    first = np.frombuffer(content, np.uint8)[ends[filled]]
    found[filled] = _SIGNS[first]
    if words.null_count:
        found &= words.is_valid().to_numpy(zero_copy_only=False)
    return found


def _has_special(column: Any) -> bool:
    """Return whether a quotation mark, a comma or a line break is in any of the texts."""
    import pyarrow as pa

    if not pa.types.is_string(column.type) or not len(column):
        return False
    # Of a slice the buffer holds other rows too: at worst the texts are quoted with more care.
    content = column.buffers()[2]
    found = bytes(content) if content else b""
    return any(sign in found for sign in SPECIAL)


def _quoted(column: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    words = column.cast(pa.string())
    needs = pc.match_substring_regex(words, '[",\r\n]')
    doubled = pc.replace_substring(words, '"', '""')
    return pc.if_else(needs, pc.binary_join_element_wise('"', doubled, '"', ""), words)


def _joined(columns: list[Any]) -> bytes:
    """Return lines of cells, which are text: a missing one is empty."""
    import pyarrow.compute as pc

    options = pc.JoinOptions(null_handling="replace", null_replacement="")
    *first, last = columns
    ended = pc.binary_join_element_wise(last, "\n", "", options=options)
    return "".join(
        pc.binary_join_element_wise(*first, ended, ",", options=options).to_pylist()
    ).encode()
