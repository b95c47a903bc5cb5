"""Guess how a text file is read, from its first lines. What is guessed is shown and can be said.

clevercsv finds the separator; the encoding is UTF-8 wherever the whole file is valid UTF-8.
"""

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from seedling.config.reading import BUILT_IN_NA, Reading
from seedling.data.excel_rows import numbered
from seedling.data.text_rows import ORDER_MARKS, SEPARATORS, bytes_of, is_tsv, text_of
from seedling.errors import ProjectError

Numbered = tuple[int, list[str]]  # how many lines stand before a row, and its cells

SAMPLE = 1_000  # lines, or rows of a sheet
SAMPLE_CHARACTERS = 1_000_000  # of them, where the lines are long
SNIFFED = 20_000  # characters that clevercsv sees: its time grows with the square of them
SNIFFABLE = [*SEPARATORS, " "]
BLOCK = 1 << 20
HIGH_RUN = re.compile(rb"[\x80-\xff]+")
# In the order of preference where the letters are no sign of one.
OTHER_SCRIPTS = ["cp1251", "shift_jis", "gb18030", "euc_kr", "big5", "cp1253", "cp1255", "cp1256"]
COMMENTS = ("#", "%", "//")
# Numbers, dates, times, amounts of money and shares; not the names of columns.
MEASURED = re.compile(
    r"[^\w\s]{0,2}\s?\d[\d\s.,:/'+-]*(e[+-]?\d+|t[\d:.]+z?)?\s?[^\w\s]{0,2}", re.I
)
MOSTLY = 0.8
AROUND = " $€£¥%\xa0"  # what may stand around a number
# What a number looks like where the point, or the comma, can only stand before its fraction.
FRACTION = {
    ".": re.compile(r"[-+]?\d*\.(\d{1,2}|\d{4,})|[-+]?(0|\d{4,})\.\d+|[-+]?\d{1,3}(,\d{3})+\.\d+"),
    ",": re.compile(
        r"[-+]?\d*,(\d{1,2}|\d{4,})|[-+]?(0|\d{4,}),\d+|[-+]?\d{1,3}([.' \u00a0\u202f]\d{3})+,\d+"
    ),
}
THOUSANDS = re.compile(r"[-+]?\d{1,3}(?:([.,' \u00a0\u202f])\d{3})(?:\1\d{3})*(?:[.,]\d+)?")


def guess(path: Path, kind: str, said: Mapping[str, Any]) -> Reading:
    """Guess how a file of this kind is read.

    Args:
        path: the file.
        kind: one of reading.KINDS.
        said: keys of Reading that are known; the others are guessed with these.

    Raises:
        ProjectError: the file is missing, empty or damaged.
    """
    if kind == "text":
        return Reading(**{**_of_text(path, said), **said})
    if kind == "excel":
        return Reading(**{**_of_sheet(path, said), **said})
    return Reading(**said)


def _of_sheet(path: Path, said: Mapping[str, Any]) -> dict[str, Any]:
    rows = [
        (number - 1, ["" if cell is None else str(cell) for cell in cells])
        for number, cells in numbered(path, said.get("sheet"))[:SAMPLE]
        if any(cell is not None for cell in cells)
    ]
    if not rows:
        raise ProjectError(f"{path.name} is empty: expected column names, then rows.")
    skip, header = _header(rows, said)
    return {"skip": skip, "header": header}


def _of_text(path: Path, said: Mapping[str, Any]) -> dict[str, Any]:
    encoding = said.get("encoding") or encoding_of(path)
    with text_of(path, encoding) as (stream, _):
        lines = list(_sampled(stream))
    comment = said["comment"] if "comment" in said else _comment(lines)
    kept = [line for line in lines if line.strip() and not _begins(line, comment)]
    if not kept:
        raise ProjectError(f"{path.name} is empty: expected column names, then rows.")
    known = "\t" if is_tsv(path) else said.get("separator")
    separator = known or _separator(kept[said.get("skip", 0) :] or kept)
    rows = _rows(lines, separator, comment)
    skip, header = _header(rows, said)
    decimal, thousands = marks_of([cells for before, cells in rows if before >= skip], separator)
    return {
        "encoding": encoding,
        "separator": None if separator == "," or is_tsv(path) else separator,
        "decimal": decimal,
        "thousands": thousands,
        "header": header,
        "comment": comment,
        "skip": skip,
    }


def _header(rows: Sequence[Numbered], said: Mapping[str, Any]) -> tuple[int, bool | list[str]]:
    """Return the lines to skip and the header, as far as they are not known."""
    rows = [row for row in rows if row[0] >= said.get("skip", 0)] or rows
    skip, header = header_of(rows)
    skip, named = said.get("skip", skip), said.get("header", header)
    if isinstance(named, list) and header is True and "skip" not in said:
        skip = next((before for before, _ in rows if before > skip), skip)  # names in its place
    return skip, named


def encoding_of(path: Path) -> str:
    """Return a text file's encoding; one with a byte order mark is read by that in any case.

    Bytes that are not UTF-8 are Western letters (cp1252, or latin-1 where that has no such byte) if
    they mostly stand alone between ASCII letters; else charset-normalizer says which script.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    sample, is_utf_8 = b"", True
    for block in _blocks(path):
        if not sample:
            sample = block
            if any(block.startswith(mark) for mark in ORDER_MARKS):
                return "utf-8"
            zeros = block[:1000].count(0)
            if zeros * 3 > len(block[:1000]):
                return "utf-16-le" if block[1:2] == b"\0" else "utf-16-be"
            if zeros:
                raise ProjectError(f"{path.name} is no text file: it holds zero bytes.")
        try:
            decoder.decode(block)
        except UnicodeDecodeError:
            is_utf_8, sample = False, block
            break
    if is_utf_8:
        return "utf-8"
    runs = HIGH_RUN.findall(sample)
    if sum(map(len, runs)) >= 3 * len(runs):
        from charset_normalizer import from_bytes

        best = from_bytes(sample[:SNIFFED], cp_isolation=OTHER_SCRIPTS).best()
        if best is not None:
            return best.encoding
    try:
        sample.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"


def _blocks(path: Path) -> Iterator[bytes]:
    with bytes_of(path) as (content, _):
        while block := content.read(BLOCK):
            yield block


def _sampled(stream: Iterable[str]) -> Iterator[str]:
    length = 0
    for line in islice(stream, SAMPLE):
        yield line
        length += len(line)
        if length > SAMPLE_CHARACTERS:
            return


def _comment(lines: Sequence[str]) -> str | None:
    """Return what the comments at the top begin with."""
    first = next((line for line in lines if line.strip()), "")
    return next((mark for mark in COMMENTS if first.startswith(mark)), None)


def _begins(line: str, comment: str | None) -> bool:
    return comment is not None and line.startswith(comment)


def _separator(lines: Sequence[str]) -> str:
    """Return what stands between the values of most lines."""
    from clevercsv import Sniffer
    from clevercsv.exceptions import Error, NoDetectionResult

    sample = "".join(lines)[:SNIFFED]
    try:
        dialect = Sniffer().sniff(sample, delimiters=SNIFFABLE)
        found = (dialect and dialect.delimiter) or ""
    except (Error, NoDetectionResult):
        found = ""
    if found in ("", "\t", " "):
        by_tab, by_blank = _evenness(lines, "\t"), _evenness(lines, " ")
        if by_blank > (0.9, 2) and (by_blank[0] > by_tab[0] or _are_numbers(lines[-1])):
            return " "
    if found not in ("", " ") and _evenness(lines, found) > (0.5, 1):
        return found
    # Of two that are as even, the one that is rarer in texts and numbers.
    return max("\t|;,", key=lambda separator: _evenness(lines, separator))


def _are_numbers(line: str) -> bool:
    """Return whether most of a line's words are numbers, rather than a text's."""
    words = line.split()
    return 2 * sum(MEASURED.fullmatch(word) is not None for word in words) > len(words)


def _evenness(lines: Sequence[str], separator: str) -> tuple[float, int]:
    """Return the share of lines that have the most frequent number of values, and that number."""
    widths = Counter(len(cells) for _, cells in _rows(lines, separator, None))
    width, count = max(widths.items(), key=lambda found: (found[0] > 1, found[1]))
    return (count / widths.total() if width > 1 else 0.0, width)


def _rows(lines: Sequence[str], separator: str, comment: str | None) -> list[Numbered]:
    """Return the rows of some lines, each with the number of lines before it."""
    numbers: list[int] = []

    def kept() -> Iterator[str]:
        for number, line in enumerate(lines):
            if not _begins(line, comment):
                numbers.append(number)
                yield line.replace("\t", " ") if separator == " " else line

    reader = csv.reader(kept(), delimiter=separator, skipinitialspace=True)
    found, before = [], 0
    for cells in reader:
        if any(cell.strip() for cell in cells):
            found.append((numbers[before], cells))
        before = reader.line_num
    return found


def header_of(rows: Sequence[Numbered]) -> tuple[int, bool | list[str]]:
    """Return how many lines to skip before the header, and the header: whether there is one.

    Where the header lacks one name, as R writes it for its row names, it is the list of names.
    """
    widths = Counter(len(cells) for _, cells in rows)
    width = max(widths, key=lambda each: (each > 1, widths[each]))
    filled = Counter(_filled(cells) for _, cells in rows if len(cells) == width)
    usual = filled.most_common(1)[0][0]
    start = next(
        at
        for at, (_, cells) in enumerate(rows)
        if len(cells) == width and _filled(cells) * 2 > usual
    )
    skip, body = rows[start][0] if start else 0, [cells for _, cells in rows[start:]]
    body = [cells for cells in body if len(cells) == width]
    if len(body) < 2:
        return skip, True
    later = body[2:] or body[1:]
    measured = [at for at in range(width) if _is_measured([cells[at] for cells in later])]
    has = _is_header(body, measured)
    lines, before = rows[start - 1] if start else (0, [])
    if not has and _filled(before) > 1:  # a header of another length than the rows
        if len(before) == width - 1 == len(set(before)) == _filled(before):
            return skip, ["row", *before]
        return lines, True
    if has and len(body) > 2 and measured and not _measures(body[1], measured):
        return rows[start + 1][0], True  # a second line of names, the one that the rows follow
    return skip, has


def _is_header(body: Sequence[list[str]], measured: Sequence[int]) -> bool:
    """Return whether the first row names the columns; `measured` are those of numbers or dates."""
    first = body[0]
    known = [first[at].strip() for at in measured if first[at].strip() not in BUILT_IN_NA]
    values = [cell for cell in known if MEASURED.fullmatch(cell)]
    if not known:
        below = [{cells[at] for cells in body[1:]} for at in range(len(first))]
        return not any(cell and cell in seen for cell, seen in zip(first, below, strict=True))
    names = len(known) - len(values)
    # Names may be numbers, as in a column for each year; such names are whole numbers.
    return names > len(values) or (names > 0 and all(value.isdigit() for value in values))


def _measures(cells: Sequence[str], measured: Sequence[int]) -> bool:
    found = [
        MEASURED.fullmatch(cells[at].strip()) or cells[at].strip() in BUILT_IN_NA for at in measured
    ]
    return any(found)


def _is_measured(cells: Sequence[str]) -> bool:
    known = [cell.strip() for cell in cells if cell.strip() not in BUILT_IN_NA]
    found = sum(MEASURED.fullmatch(cell) is not None for cell in known)
    return bool(known) and found >= MOSTLY * len(known)


def _filled(cells: Sequence[str]) -> int:
    return sum(bool(cell.strip()) for cell in cells)


def marks_of(body: Sequence[Sequence[str]], separator: str) -> tuple[Literal[".", ","], str | None]:
    """Return the decimal mark of the rows' numbers, and what stands between thousands."""
    votes: Counter[str] = Counter()
    numbers = []
    for cells in body:
        for cell in cells:
            text = cell.strip(AROUND)
            if text[:2].lstrip("+-")[:1].isdigit() or text[:1] in ".,":
                votes.update(mark for mark, shape in FRACTION.items() if shape.fullmatch(text))
                numbers.append(text)
    groups = Counter(found[1] for text in numbers if (found := THOUSANDS.fullmatch(text)))
    decimal: Literal[".", ","] = "," if votes[","] > votes["."] else "."
    if separator == ";" and not votes["."] and groups[","]:
        decimal = ","  # 1,234 from a country whose spreadsheets write semicolons
    apart = [mark for mark, _ in groups.most_common() if mark != decimal]
    return decimal, apart[0] if apart else None
