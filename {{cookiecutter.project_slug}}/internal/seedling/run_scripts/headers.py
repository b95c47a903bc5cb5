"""The headers of a script: which comments are headers, and which only look like them."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from difflib import get_close_matches
from typing import NamedTuple

from seedling.run_scripts.sections import ALSO, MARK, SECTIONS, header

RULER = 10  # so many = signs and nothing else are a line, not a header
_known = {name.casefold(): name for name in (*SECTIONS, *ALSO)}
# Three = signs are enough, and fewer or dashes where the name of a section follows.
_looks = re.compile(
    rf"#[#\s]*(={{3,}}|[-=]{{2,}}\s*({'|'.join(re.escape(name) for name in SECTIONS)})\b)", re.I
)


class Header(NamedTuple):
    """A header of a script.

    Attributes:
        line: its number, from 1.
        text: the line.
        name: of the section, or the one that was probably meant; empty if none is near.
        fault: the words for what is wrong with it; empty if nothing is.
    """

    line: int
    text: str
    name: str
    fault: str = ""


def found(text: str) -> list[Header]:
    """Return the headers of a script in their order, those with a fault among them.

    A header is a comment of Python: a text in quotation marks that reads like one is none.
    """
    headers = []
    for line, column, comment, alone in _comments(text):
        if _looks.match(comment) is None or _is_ruler(comment):
            continue
        if alone and column == 0 and comment.startswith(MARK):
            headers.append(_named(line, comment))
        elif alone:
            headers.append(_no_header(line, comment))
        else:
            fault = "a header stands on a line of its own"
            headers.append(Header(line, comment, "", fault))
    return sorted([*headers, *_without_sign(text)])


def _named(line: int, comment: str) -> Header:
    name = comment.removeprefix(MARK).rstrip()
    if name in SECTIONS or name in ALSO:
        return Header(line, comment, ALSO.get(name, name))
    if not name:
        return Header(line, comment, "", "the header has no name")
    if name[0] in "= \t":
        return _no_header(line, comment)
    # The longest name that the header begins with, where a remark follows it.
    begun = [one for one in SECTIONS if re.match(rf"{re.escape(one)}(\W|$)", name)]
    if begun:
        fault = "a remark follows the name of the section: put it on a line of its own, below"
        return Header(line, comment, max(begun, key=len), fault)
    near = nearest(name)
    remedy = f"write {header(near)}" if near else f"there are {', '.join(SECTIONS)}"
    return Header(line, comment, near, f"no section has this name: {remedy}")


def _no_header(line: int, comment: str) -> Header:
    near = nearest(comment)
    meant = header(near) if near else f"{MARK}NAME, or begin the comment with another sign"
    return Header(line, comment, near, f"this is no header: write {meant}")


def _without_sign(text: str) -> Iterator[Header]:
    """Yield the lines that are headers but for the sign of a comment; no such line is Python."""
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        for number, line in enumerate(text.split("\n"), 1):
            name = line.strip().strip("= ")
            if line.lstrip().startswith("===") and name in SECTIONS:
                yield _no_header(number, line.strip())
    except (RecursionError, MemoryError):
        return  # which `base_script.syntax` finds


def nearest(text: str) -> str:
    """Return the name of the section that a text nearly has; empty if it is near none."""
    name = " ".join(text.casefold().strip("#=- \t").split())
    near = get_close_matches(name, _known, n=1, cutoff=0.7)
    return ALSO.get(_known[near[0]], _known[near[0]]) if near else ""


def _is_ruler(comment: str) -> bool:
    """Return True for a long line of = signs, which divides a script for the eye."""
    return re.fullmatch(rf"#+\s*={{{RULER},}}\s*#*", comment) is not None


def _comments(text: str) -> Iterator[tuple[int, int, str, bool]]:
    """Yield (line, column, comment, whether it is alone on its line) for each comment.

    Where the script is no valid Python, lines that begin with # are taken for comments from the
    place on where the tokens end.
    """
    last = 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                line, column = token.start
                last = line
                yield line, column, token.string, not token.line[:column].strip()
            elif token.type not in (tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER):
                last = max(last, token.end[0])
    except (tokenize.TokenError, SyntaxError):
        for number, words in enumerate(text.split("\n"), 1):
            if number > last and words.lstrip().startswith("#"):
                yield number, len(words) - len(words.lstrip()), words.strip(), True
