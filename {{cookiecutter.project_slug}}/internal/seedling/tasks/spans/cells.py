"""Spans as cells of a table and as items of an answer: read, write, redact.

The service imports this module: it needs no library.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple


class Span(NamedTuple):
    """A piece of a text, from `start` up to `end` in its characters, with its label."""

    start: int
    end: int
    label: str


Spans = tuple[Span, ...]  # of one text, in its order


def read(cell: str) -> Spans:
    """Return the spans of a cell, in the order of the text.

    Raises:
        ValueError: it is no JSON list of spans, or two of them overlap; the message says it.
    """
    try:
        items = json.loads(cell)
    except ValueError:
        raise ValueError("is no JSON text") from None
    if not isinstance(items, list):
        raise ValueError("is no list of spans")
    return of_items(items)


def of_items(items: Iterable[Mapping[str, Any]]) -> Spans:
    """Return the spans of an answer's items, or of those of a cell; raises as `read` does."""
    found = sorted(map(_span, items))
    for one, other in pairwise(found):
        if other.start < one.end:
            raise ValueError(f"has spans that overlap at {other.start}")
    return tuple(found)


def _span(item: Mapping[str, Any]) -> Span:
    """Return a span; raises as `read` does."""
    if not isinstance(item, Mapping) or not {"start", "end", "label"} <= item.keys():
        raise ValueError("has an item that is no span: it has start, end, label")
    start, end, label = item["start"], item["end"], item["label"]
    if type(start) is not int or type(end) is not int or not 0 <= start < end:
        raise ValueError(f"has a span from {start} to {end}, which is none")
    return Span(start, end, str(label))


def as_json(items: Sequence[Mapping[str, Any]]) -> str:
    """Return the items of an answer as the text of a cell."""
    return json.dumps([{**item} for item in items], ensure_ascii=False)


def as_items(spans: Iterable[Span], text: str) -> list[dict[str, Any]]:
    """Return spans of a text as the items of an answer."""
    return [{**span._asdict(), "text": text[span.start : span.end]} for span in spans]


def redacted(text: str, items: Iterable[Mapping[str, Any]]) -> str:
    """Return a text with `[label]` in the place of each span.

    Args:
        text: the text.
        items: of an answer, in the order of the text, without overlaps.
    """
    parts, at = list[str](), 0
    for item in items:
        parts += [text[at : item["start"]], f"[{item['label']}]"]
        at = item["end"]
    return "".join([*parts, text[at:]])
