"""The names that a piece of a script sets, and those that it uses."""

import ast
import builtins

EVERYTHING = "*"  # among the names of a piece with `from x import *`
GIVEN = {*dir(builtins), "__file__"}
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def assigned(text: str) -> set[str]:
    """Return the names that a piece of a script has set at its end; none if it is no Python.

    Those that a block sets are among them, whether or not it is run. Names of a function, of a
    class or of a comprehension alone are none of the script's.
    """
    found: set[str] = set()
    for statement in _parsed(text).body:
        if isinstance(statement, ast.Delete):
            nodes = (node for node in ast.walk(statement) if isinstance(node, ast.Name))
            found -= {node.id for node in nodes if isinstance(node.ctx, ast.Del)}
        else:
            found |= _of_script(statement)
    return found


def used(text: str) -> set[str]:
    """Return the names that a piece of a script uses and does not set anywhere in it."""
    nodes = [*ast.walk(_parsed(text))]
    loaded = {
        node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    return loaded - {name for node in nodes for name in _bound(node)} - GIVEN


def _of_script(statement: ast.stmt) -> set[str]:
    """Return the names of the script itself that a statement sets."""
    found: set[str] = set()
    rest: list[tuple[ast.AST, type[ast.AST]]] = [(statement, ast.Module)]
    while rest:
        node, scope = rest.pop()
        match node:
            case ast.Global(names) if scope is not ast.Module:
                found |= {*names}
            case ast.NamedExpr(ast.Name(name)) if scope is ast.comprehension:
                found.add(name)
            case ast.AnnAssign(value=None) | ast.Delete():
                continue  # no value is set; a name that is deleted in a block may still be there
            case _ if scope is ast.Module and not isinstance(node, ast.ExceptHandler):
                found |= _bound(node)  # the name of an exception is gone after its block
        inner = scope
        if isinstance(node, SCOPES):
            inner = ast.FunctionDef
        elif isinstance(node, COMPREHENSIONS) and scope is ast.Module:
            inner = ast.comprehension
        rest += [(child, inner) for child in ast.iter_child_nodes(node)]
    return found


def _bound(node: ast.AST) -> set[str]:
    """Return the names that a node sets by itself, wherever it stands."""
    match node:
        case ast.Name(name, ast.Store()) | ast.arg(name) | ast.ExceptHandler(_, str(name)):
            return {name}
        case ast.Import(aliases) | ast.ImportFrom(_, aliases):
            return {each.asname or each.name.partition(".")[0] for each in aliases}
        case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
            return {name}
        case ast.MatchAs(_, str(name)) | ast.MatchStar(str(name)):
            return {name}
        case ast.MatchMapping(_, _, str(name)):
            return {name}
    return set()


def texts_set(text: str) -> dict[str, tuple[int, str]]:
    """Return (line, value) of each name that a piece of a script sets to a text as it stands."""
    found = {}
    for node in ast.walk(_parsed(text)):
        match node:
            case ast.Assign([ast.Name(name)], ast.Constant(str(value))):
                found[name] = (node.lineno, value)
    return found


def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError:  # a block that begins in one section and ends in another
        return ast.Module([], [])
