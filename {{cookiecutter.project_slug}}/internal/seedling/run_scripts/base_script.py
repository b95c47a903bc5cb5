"""A base script, read and divided into its sections."""

import ast
import io
import tokenize
import warnings
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from pathlib import Path

from seedling.errors import ProjectError
from seedling.run_scripts import headers
from seedling.run_scripts.faults import Fault, Faulty
from seedling.run_scripts.headers import Header
from seedling.run_scripts.sections import MARK, REQUIRED, SECTIONS, Base, Section, header

PLACE = {name: at for at, name in enumerate(SECTIONS)}


def read(path: Path) -> str:
    """Read a script as text with LF as line ends, and with one at its end.

    Raises:
        ProjectError: there is no such file, or it is no text in UTF-8.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ProjectError(f"{path.as_posix()}: there is no such file.") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise Faulty(path.as_posix(), [Fault(line, "this is no text in UTF-8")]) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.endswith("\n") else f"{text}\n"


def divided(text: str, name: str) -> Base:
    """Divide the text of a base script at its headers.

    Args:
        text: with LF as line ends.
        name: of the file, in faults.

    Raises:
        Faulty: a header is wrong, or stands at the wrong place; a required section is missing; code
            stands before the first section; the script is no valid Python.
    """
    found = headers.found(text)
    lines = text.split("\n")[:-1]
    if not found:
        required = ", ".join(header(each) for each in REQUIRED)
        raise Faulty(name, [Fault(1, f"there is no section; a base script has {required}")])
    head = "".join(f"{line}\n" for line in lines[: found[0].line - 1])
    faults = [*_of_headers(found), *_of_head(head), *_missing(found, len(lines))]
    faults = faults or [*syntax(text)] or [*_within_statements(found, text)]
    if faults:
        raise Faulty(name, faults)
    ends = [each.line for each in found[1:]] + [len(lines) + 1]
    sections = {
        each.name: Section(
            each.name,
            each.line,
            lines[each.line - 1],
            "".join(f"{line}\n" for line in lines[each.line : end - 1]),
        )
        for each, end in zip(found, ends, strict=True)
    }
    return Base(head, sections)


def syntax(text: str) -> Iterator[Fault]:
    """Yield the fault for which Python does not take a text, if there is one."""
    if "\0" in text:
        yield Fault(text[: text.find("\0")].count("\n") + 1, "this is no text")
        return
    try:
        _take(text)
    except SyntaxError as error:
        yield Fault(error.lineno or 1, f"this is no valid Python: {error.msg.rstrip('.')}")
    except (RecursionError, MemoryError):
        yield Fault(_deep_line(text), "this nests too deep for Python: divide it")


def _take(text: str) -> None:
    """Let Python take a text, as code and as the tree that is looked into."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compile(text, "script", "exec", dont_inherit=True)
        ast.parse(text)


def _deep_line(text: str) -> int:
    """Return the first line up to which a text nests too deep for Python."""
    lines = text.split("\n")

    def is_deep(count: int) -> bool:
        try:
            _take("\n".join(lines[:count]))
        except (RecursionError, MemoryError):
            return True
        except SyntaxError:
            pass  # of what goes on in the next line
        return False

    return 1 + bisect_left(range(1, len(lines)), True, key=is_deep)


def _within_statements(found: Sequence[Header], text: str) -> Iterator[Fault]:
    """Yield a fault for each header that a statement goes on after, as in brackets or an `if`.

    After a backslash at the end of its last line, a statement goes on in the line of the header.
    """
    lines = text.split("\n")
    continued = {at for at, line in enumerate(lines, 1) if line.endswith("\\")}
    if any(each.line - 1 in continued for each in found):
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        continued -= {token.start[0] for token in tokens if token.type == tokenize.COMMENT}
    statements = ast.parse(text).body
    for each in found:
        last = each.line
        while last - 1 in continued:
            last -= 1
        for statement in statements:
            end = statement.end_lineno or 0
            if statement.lineno < each.line <= end or statement.lineno <= last <= end:
                line = statement.lineno
                break
        else:
            line = last
        if line < each.line:
            where = f"the statement of line {line}: end that first"
            yield Fault(each.line, f"{header(each.name)} stands within {where}")


def _of_headers(found: Sequence[Header]) -> Iterator[Fault]:
    """Yield the faults of headers by themselves and in their order."""
    before: dict[str, Header] = {}
    for each in found:
        if each.fault:
            yield Fault(each.line, f"{each.text.strip()}: {each.fault}")
        elif each.name in before:
            first = before[each.name].line
            yield Fault(each.line, f"{header(each.name)} stands here again, after line {first}")
        else:
            later = [name for name in before if PLACE[name] > PLACE[each.name]]
            if later:
                after = min(later, key=PLACE.__getitem__)
                yield Fault(each.line, f"{header(each.name)} belongs before {header(after)}")
        if each.name:
            before.setdefault(each.name, each)


def _of_head(head: str) -> Iterator[Fault]:
    """Yield the first code of a head; a docstring and __future__ imports belong there."""
    words = "code before the first section: put it below a header, as {}custom imports"
    try:
        statements = ast.parse(head).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # which `syntax` finds
    for at, each in enumerate(statements):
        is_docstring = at == 0 and ast.get_docstring(ast.Module([each], [])) is not None
        is_future = isinstance(each, ast.ImportFrom) and each.module == "__future__"
        if not is_docstring and not is_future:
            yield Fault(each.lineno, words.format(MARK))
            return


def _missing(found: Sequence[Header], count: int) -> Iterator[Fault]:
    """Yield the required sections that are missing, each with the line where it would be."""
    there = {each.name for each in found}
    for name in REQUIRED:
        if name not in there:
            following = [each for each in found if each.name and PLACE[each.name] > PLACE[name]]
            where = f"before {header(following[0].name)}" if following else "at the end"
            line = following[0].line if following else count
            yield Fault(line, f"{header(name)} is missing: it goes here, {where}")
