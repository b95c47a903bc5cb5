"""Edits the text of a YAML file so that it holds another document, and changes nothing else.

Only the characters of the values that differ are replaced; comments, quotes, line ends and every
other line stay byte for byte, however the file is laid out. `scaffold/edit_text.py` inserts and
takes out entries by indentation, where nothing is installed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from io import StringIO
from textwrap import dedent
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from seedling.config.document import round_trip
from seedling.errors import ProjectError

WIDEST = 100  # characters of a line that a list grows on
Layout = Callable[[Any], Any]  # a dict that a list gets -> the same with ruamel's layout


class Edit(NamedTuple):
    """A place of a text, from its first character to the one behind its last, and its new text."""

    start: int
    end: int
    new: str


def rewritten(text: str, wanted: Mapping[str, Any], file: str, layout: Layout) -> str:
    """Return a YAML text that holds the wanted document.

    Items of lists are matched by their `name` where they have one, else by their value.

    Args:
        text: the whole text.
        wanted: the whole document, as plain dicts and lists; a new CommentedMap keeps its layout.
        file: the file's name, for the error.
        layout: lays out a dict that a list gets.

    Raises:
        ProjectError: the text's layout does not allow it; the caller writes nothing.
    """
    node = YAML(typ="safe", pure=True).compose(text)
    try:
        # An alias yields what its anchor yields. At one place, what is yielded first stands first.
        edits = dict.fromkeys(_Editor(text, layout).edits(node, _plain(text), wanted))
    except KeyError as key:  # it is merged in from elsewhere
        raise ProjectError(f"{file} has no line for {key}: edit it by hand.") from None
    for edit in reversed(sorted(edits, key=lambda edit: (edit.start, edit.end))):
        text = text[: edit.start] + edit.new + text[edit.end :]
    try:
        found = _plain(text)
    except YAMLError:
        found = None
    if found != wanted:
        raise ProjectError(f"{file} is laid out in a way that cannot be edited: edit it by hand.")
    return text


def _plain(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


class _Editor:
    """Yields the edits of one text; the places in it are counted in characters."""

    def __init__(self, text: str, layout: Layout) -> None:
        self._text = text
        self._layout = layout
        self._line_end = "\r\n" if "\r\n" in text else "\n"

    def edits(self, node: Node, now: Any, wanted: Any) -> Iterator[Edit]:
        """Yield the edits that make a node, whose value is `now`, hold what is wanted."""
        if now == wanted and type(now) is type(wanted):
            return
        if isinstance(node, MappingNode) and isinstance(wanted, Mapping):
            yield from self._of_mapping(node, now, wanted)
        elif isinstance(node, SequenceNode) and isinstance(wanted, list) and node.value:
            yield from self._of_list(node, now, wanted)
        else:
            yield Edit(node.start_mark.index, self._end(node), self._inline(wanted))

    def _of_mapping(
        self, node: MappingNode, now: Mapping[str, Any], wanted: Mapping[str, Any]
    ) -> Iterator[Edit]:
        pairs = {key.value: (key, value) for key, value in node.value}
        for key in now:
            if key in wanted:
                yield from self.edits(pairs[key][1], now[key], wanted[key])
        gone = [place for place, key in enumerate(pairs) if key not in wanted]
        yield from self._without(node, list(pairs.values()), gone)
        place = self._end(node.value[-1][1])
        for key, value in wanted.items():  # a new key stands behind that before it
            if key in now:
                place = self._end(pairs[key][1])
                continue
            if node.flow_style:
                yield Edit(place, place, f", {self._inline(key)}: {self._inline(value)}")
            else:
                is_laid_out = isinstance(value, CommentedMap)
                lines = _dumped({key: value if is_laid_out else _in_brackets(value)})
                yield self._lines_after(place, node.value[0][0].start_mark.column, lines)

    def _of_list(self, node: SequenceNode, now: list[Any], wanted: list[Any]) -> Iterator[Edit]:
        names = [_name(item) for item in now]
        matched = {name: item for item in wanted if (name := _name(item)) in names}
        for item, value in zip(node.value, now, strict=True):
            if _name(value) in matched:
                yield from self.edits(item, value, matched[_name(value)])
        gone = [place for place, name in enumerate(names) if name not in matched]
        yield from self._without(node, [(item, item) for item in node.value], gone)
        new = [item for item in wanted if _name(item) not in names]
        if new and node.flow_style:
            yield self._more(node, new)
        elif new:
            laid_out = "".join(self._item(item) for item in new)
            yield self._lines_after(self._end(node), self._dash(node), laid_out)

    def _without(
        self,
        node: MappingNode | SequenceNode,
        pairs: Sequence[tuple[Node, Node]],
        gone: Sequence[int],
    ) -> Iterator[Edit]:
        """Yield the edits that remove pairs of first and last node from a collection."""
        for place in gone:
            start, end = pairs[place][0].start_mark.index, self._end(pairs[place][1])
            if not node.flow_style:
                yield Edit(self._line(start), self._next_line(end), "")
            elif place:
                yield Edit(self._end(pairs[place - 1][1]), end, "")
            elif len(pairs) > 1:
                yield Edit(start, pairs[1][0].start_mark.index, "")

    def _more(self, node: SequenceNode, new: Sequence[Any]) -> Edit:
        """Put items behind the last one of a list in brackets, on new lines where one is full."""
        end = self._end(node.value[-1])
        begun, line = self._line(node.start_mark.index), self._line(end)
        depth = len(self._text[line:end]) - len(self._text[line:end].lstrip())
        indent = " " * (depth + 4 * (line == begun))
        column, text = end - line, ""
        for item in new:
            shown = self._inline(item)
            if column + len(shown) + 3 > WIDEST:
                text += f",{self._line_end}{indent}{shown}"
                column = len(indent) + len(shown)
            else:
                text += f", {shown}"
                column += len(shown) + 2
        return Edit(end, end, text)

    def _lines_after(self, place: int, column: int, lines: str) -> Edit:
        """Put lines behind the line of a place, as far to the right as the column says."""
        at = self._next_line(place)
        indented = [" " * column + line + self._line_end for line in lines.splitlines()]
        before = "" if self._text[:at].endswith("\n") else self._line_end
        return Edit(at, at, before + "".join(indented))

    def _inline(self, value: Any) -> str:
        """Write a value as it stands in brackets, on one line."""
        dumped = _dumped(_in_brackets({"": value}), width=10**6)
        return dumped.strip().removeprefix("{'': ").removesuffix("}")

    def _item(self, item: Any) -> str:
        """Write an item of a list on lines of its own, from the left edge."""
        return dedent(_dumped([self._layout(item) if isinstance(item, Mapping) else item]))

    def _end(self, node: Node) -> int:
        """Return the place behind a node; comments and blank lines below it are not its own."""
        if isinstance(node, MappingNode | SequenceNode) and node.value and not node.flow_style:
            last = node.value[-1]
            return self._end(last[1] if isinstance(node, MappingNode) else last)
        return len(self._text[: node.end_mark.index].rstrip())

    def _dash(self, node: SequenceNode) -> int:
        """Return how far to the right the dashes of a list stand."""
        start = node.value[0].start_mark.index
        dash = self._text.rindex("-", self._line(start), start)
        return dash - self._line(start)

    def _line(self, place: int) -> int:
        """Return where the line of a place begins."""
        return self._text.rfind("\n", 0, place) + 1

    def _next_line(self, place: int) -> int:
        """Return where the line after that of a place begins."""
        found = self._text.find("\n", place)
        return len(self._text) if found < 0 else found + 1


def _dumped(value: Any, width: int = WIDEST) -> str:
    yaml = round_trip()
    yaml.width = width
    found = StringIO()
    yaml.dump(value, found)
    return found.getvalue()


def _in_brackets(value: Any) -> Any:
    """Return a value that ruamel writes in brackets, as are those within it."""
    if not isinstance(value, Mapping | list):
        return value
    node: Any = CommentedSeq(_in_brackets(item) for item in value)
    if isinstance(value, Mapping):
        node = CommentedMap((key, _in_brackets(item)) for key, item in value.items())
    node.fa.set_flow_style()
    return node


def _name(item: Any) -> str:
    """Return what an item of a list is known by."""
    return repr(item.get("name", item) if isinstance(item, Mapping) else item)
