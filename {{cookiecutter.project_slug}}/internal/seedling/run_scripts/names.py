"""The names that a piece of a script sets, and those that it uses."""

import ast
import builtins

EVERYTHING = "*"  # among the names of a piece with `from x import *`
GIVEN = {*dir(builtins), "__file__"}


def assigned(text: str) -> set[str]:
    """Return the names that a piece of a script sets anywhere in it; none if it is no Python."""
    found: set[str] = set()
    for node in ast.walk(_parsed(text)):
        match node:
            case ast.Name(name, ast.Store()):
                found.add(name)
            case ast.Import(aliases) | ast.ImportFrom(_, aliases):
                found |= {each.asname or each.name.partition(".")[0] for each in aliases}
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
                found.add(name)
            case ast.arg(name):
                found.add(name)
            case ast.ExceptHandler(_, str(name)) | ast.MatchAs(_, str(name)):
                found.add(name)
            case ast.MatchStar(str(name)) | ast.MatchMapping(_, _, str(name)):
                found.add(name)
    return found


def used(text: str) -> set[str]:
    """Return the names that a piece of a script uses and does not set itself."""
    loaded = {
        node.id
        for node in ast.walk(_parsed(text))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    return loaded - assigned(text) - GIVEN


def texts_set(text: str) -> dict[str, tuple[int, str]]:
    """Return (line, value) of each name that a piece of a script sets to a text as it stands."""
    found = {}
    for node in ast.walk(_parsed(text)):
        match node:
            case ast.Assign([ast.Name(name)], ast.Constant(str(value))):
                found[name] = (node.lineno, value)
    return found


def _parsed(text: str) -> ast.AST:
    try:
        return ast.parse(text)
    except SyntaxError:  # a block that begins in one section and ends in another
        return ast.Module([], [])
