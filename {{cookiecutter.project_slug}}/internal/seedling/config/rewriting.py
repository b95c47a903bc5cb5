"""Edits the text of a YAML file so that it holds another document, and changes nothing else.

Only the characters of the values that differ are replaced; comments, quotes, line ends, anchors and
every other line stay byte for byte, however the file is laid out. `scaffold/edit_text.py` inserts
and takes out entries by indentation, where nothing is installed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from io import StringIO
from textwrap import dedent
from typing import Any, NamedTuple

from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode
from ruamel.yaml.representer import RoundTripRepresenter
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from seedling.config.document import round_trip
from seedling.config.yaml_nodes import Alias, composed, plain
from seedling.errors import ProjectError

WIDEST = 100  # characters of a line that a list grows on
MERGE = "<<"
Layout = Callable[[Any], Any]  # a dict that a list gets -> the same with ruamel's layout
Pairs = list[tuple[Node, Node]]


class Edit(NamedTuple):
    """A place of a text, from its first character to the one behind its last, and its new text."""

    start: int
    end: int
    new: str


def rewritten(text: str, wanted: Mapping[str, Any], file: str, layout: Layout = dict) -> str:
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
    edits = dict.fromkeys(_Editor(text, layout).edits(composed(text), plain(text), wanted))
    for edit in reversed(sorted(edits, key=lambda edit: (edit.start, edit.end))):
        text = text[: edit.start] + edit.new + text[edit.end :]
    try:
        found = plain(text)
    except YAMLError:
        found = None
    if not _same(found, wanted):
        raise ProjectError(f"{file} is laid out in a way that cannot be edited: edit it by hand.")
    return text


class _Editor:
    """Yields the edits of one text; the places in it are counted in characters.

    At one place, what is yielded first stands first.
    """

    def __init__(self, text: str, layout: Layout) -> None:
        self._text = text
        self._layout = layout
        self._line_end = "\r\n" if "\r\n" in text else "\n"
        self._wanted: dict[Node, Any] = {}  # what a node is to hold, for its aliases

    def edits(self, node: Node, now: Any, wanted: Any) -> Iterator[Edit]:
        """Yield the edits that make a node, whose value is `now`, hold what is wanted."""
        self._wanted[node] = wanted
        if isinstance(node, Alias):
            if _same(self._wanted.get(node.target, now), wanted):
                return
        elif _same(now, wanted):
            return
        is_kept = False
        if isinstance(node, MappingNode | SequenceNode) and node.value:
            is_kept = not (node.flow_style and _share_nothing(now, wanted))
        if is_kept and isinstance(node, MappingNode) and isinstance(wanted, Mapping):
            yield from self._of_mapping(node, now, wanted)
        elif is_kept and isinstance(node, SequenceNode) and isinstance(wanted, list):
            yield from self._of_list(node, now, wanted)
        else:
            quoted = isinstance(wanted, str) and getattr(node, "style", None) == '"'
            new = DoubleQuotedScalarString(wanted) if quoted else wanted
            yield Edit(node.start_mark.index, self._end(node), self._inline(new))

    def _of_mapping(
        self, node: MappingNode, now: Mapping[Any, Any], wanted: Mapping[Any, Any]
    ) -> Iterator[Edit]:
        own = {self._key(key): (key, value) for key, value in node.value}
        pairs = {key: pair for key, pair in own.items() if key != MERGE}
        for key in pairs:
            if key in wanted:
                of_lines = None if node.flow_style else self._of_lines(*pairs[key], wanted[key])
                edits = self.edits(pairs[key][1], now[key], wanted[key])
                yield from edits if of_lines is None else of_lines
        gone = [place for place, key in enumerate(own) if key in pairs and key not in wanted]
        yield from self._without(node, list(own.values()), gone)
        place = self._end(node.value[-1][1])
        for key, value in wanted.items():  # a new key stands behind that before it
            if key in pairs:
                place = self._end(pairs[key][1])
            elif key in now and _same(now[key], value):  # merged in from elsewhere
                continue
            elif node.flow_style:
                yield Edit(place, place, f", {self._inline(key)}: {self._inline(value)}")
            else:
                is_laid_out = isinstance(value, CommentedMap | CommentedSeq)
                lines = _dumped({key: value if is_laid_out else _in_brackets(value)})
                yield self._lines_after(place, node.value[0][0].start_mark.column, lines)

    def _of_lines(self, key: Node, node: Node, wanted: Any) -> list[Edit] | None:
        """Return the edits with which a key's list or mapping of lines begins or ends.

        None if it does neither.
        """
        behind = self._text.index(":", key.end_mark.index) + 1
        is_empty = not node.value or str(node.tag).endswith(":null")
        if is_empty and isinstance(wanted, list) and _is_of_dicts(wanted):
            lines = "".join(self._item(item) for item in wanted)
            empty = Edit(behind, max(behind, self._end(node)), "")
            return [empty, self._lines_after(empty.end, key.start_mark.column + 2, lines)]
        if (
            not isinstance(node, MappingNode | SequenceNode)
            or node.flow_style
            or wanted not in ([], {})
        ):
            return None
        pairs: Pairs = [each if isinstance(each, tuple) else (each, each) for each in node.value]
        return [Edit(behind, behind, f" {wanted}"), *self._without(node, pairs, range(len(pairs)))]

    def _of_list(self, node: SequenceNode, now: list[Any], wanted: list[Any]) -> Iterator[Edit]:
        names = _names(now, wanted)
        before, after = [names(item) for item in now], [names(item) for item in wanted]
        matcher = SequenceMatcher(None, before, after, autojunk=False)
        gone: list[int] = []
        for kind, start, end, begin, stop in matcher.get_opcodes():
            if kind == "equal":
                for at, to in zip(range(start, end), range(begin, stop), strict=True):
                    yield from self.edits(node.value[at], now[at], wanted[to])
            else:
                gone += range(start, end)
                if begin < stop:
                    yield self._inserted(node, end, wanted[begin:stop])
        yield from self._without(node, [(item, item) for item in node.value], gone)

    def _inserted(self, node: SequenceNode, at: int, new: Sequence[Any]) -> Edit:
        """Put items before the item of that number, or at the list's end."""
        if node.flow_style and at:
            return self._more(node, at, new)
        if node.flow_style:
            place = node.value[0].start_mark.index
            return Edit(place, place, "".join(f"{self._inline(item)}, " for item in new))
        lines = "".join(self._item(item) for item in new)
        dash = self._dash(node, 0)
        column = dash - self._line(dash)
        if at:
            return self._lines_after(self._end(node.value[at - 1]), column, lines)
        return self._lines_before(dash, column, lines)

    def _without(
        self, node: MappingNode | SequenceNode, pairs: Pairs, gone: Sequence[int]
    ) -> Iterator[Edit]:
        """Yield the edits that remove pairs of first and last node from a collection."""
        kept = [place for place in range(len(pairs)) if place not in gone]
        for place in gone:
            start, end = pairs[place][0].start_mark.index, self._end(pairs[place][1])
            following = next((each for each in kept if each > place), None)
            if node.flow_style:
                if place and place - 1 not in gone:  # with those behind it that go too
                    last = following - 1 if following else len(pairs) - 1
                    yield Edit(self._end(pairs[place - 1][1]), self._end(pairs[last][1]), "")
                elif place == 0:
                    last = pairs[following][0].start_mark.index if following else 0
                    yield Edit(start, last or self._end(pairs[-1][1]), "")
            elif isinstance(node, SequenceNode):
                yield Edit(self._line(self._dash(node, place)), self._next_line(end), "")
            elif self._text[self._line(start) : start].strip(" ") and following == place + 1:
                yield Edit(start, pairs[following][0].start_mark.index, "")  # the dash stays
            else:
                yield Edit(self._line(start), self._next_line(end), "")

    def _more(self, node: SequenceNode, at: int, new: Sequence[Any]) -> Edit:
        """Put items behind one of a list in brackets, on new lines where one is full."""
        end = self._end(node.value[at - 1])
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
        return self._lines_before(self._next_line(place), column, lines)

    def _lines_before(self, place: int, column: int, lines: str) -> Edit:
        """Put lines before the line of a place, as far to the right as the column says."""
        at = place if place == len(self._text) else self._line(place)
        indented = [" " * column + line + self._line_end for line in lines.splitlines()]
        before = "" if not at or self._text[:at].endswith("\n") else self._line_end
        return Edit(at, at, before + "".join(indented))

    def _key(self, key: Node) -> Any:
        """Return the value of a key, which may be a number."""
        text = self._text[key.start_mark.index : key.end_mark.index]
        return text if text == MERGE else plain(text)

    def _inline(self, value: Any) -> str:
        """Write a value as it stands in brackets, on one line."""
        dumped = _dumped(_in_brackets({"": value}), width=10**6)
        return dumped.strip().removeprefix("{'': ").removesuffix("}")

    def _item(self, item: Any) -> str:
        """Write an item of a list on lines of its own, from the left edge."""
        is_new = isinstance(item, Mapping) and not isinstance(item, CommentedMap)
        return dedent(_dumped([self._layout(item) if is_new else item]))

    def _end(self, node: Node) -> int:
        """Return the place behind a node; comments and blank lines below it are not its own."""
        if isinstance(node, MappingNode | SequenceNode) and node.value and not node.flow_style:
            last = node.value[-1]
            return self._end(last[1] if isinstance(node, MappingNode) else last)
        return len(self._text[: node.end_mark.index].rstrip())

    def _dash(self, node: SequenceNode, place: int) -> int:
        """Return where the dash of an item of a list stands: before it, or on a line above it."""
        end = node.value[place].start_mark.index
        line = self._line(end)
        while "-" not in (code := self._text[line:end].partition("#")[0]):
            end, line = line, self._line(line - 1)
        return line + code.rindex("-")

    def _line(self, place: int) -> int:
        """Return where the line of a place begins."""
        return self._text.rfind("\n", 0, place) + 1

    def _next_line(self, place: int) -> int:
        """Return where the line after that of a place begins."""
        found = self._text.find("\n", place)
        return len(self._text) if found < 0 else found + 1


def _share_nothing(now: Any, wanted: Any) -> bool:
    """Return whether two mappings have no key in common, or two lists no item."""
    if isinstance(now, list) and isinstance(wanted, list):
        names = _names(now, wanted)
        return not any(names(one) == names(other) for one in now for other in wanted)
    return isinstance(now, dict) and isinstance(wanted, Mapping) and now.keys().isdisjoint(wanted)


class _Representer(RoundTripRepresenter):
    """Writes None as `null` everywhere, also as the last item of a list in brackets."""


_Representer.add_representer(
    type(None), lambda writer, _: writer.represent_scalar("tag:yaml.org,2002:null", "null")
)


def _dumped(value: Any, width: int = WIDEST) -> str:
    yaml = round_trip()
    yaml.Representer = _Representer
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


def _is_of_dicts(values: list[Any]) -> bool:
    return bool(values) and all(isinstance(value, Mapping) for value in values)


def _names(now: list[Any], wanted: list[Any]) -> Callable[[Any], str]:
    """Return what tells items of a list apart: name, name and version, or the whole value."""

    def name(item: Any) -> str:
        return repr(item.get("name", item) if isinstance(item, Mapping) else item)

    def version(item: Any) -> str:
        return f"{name(item)} {item.get('version') if isinstance(item, Mapping) else ''}"

    are_unique = all(len({*map(name, items)}) == len(items) for items in (now, wanted))
    return name if are_unique else version


def _same(one: Any, other: Any) -> bool:
    """Tell whether two values are written alike: 1 is neither 1.0 nor true."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    kinds = [(isinstance(each, bool), isinstance(each, float)) for each in (one, other)]
    return bool(one == other) and kinds[0] == kinds[1]
