"""Expressions of derived columns, such as `weight / height ** 2`: read once, computed in two ways.

By row in plain Python, as the service does, and by column in NumPy, as training does; both give the
same numbers, since what NumPy computes otherwise than Python is computed by Python in both. An
expression has names of columns, numbers, texts, arithmetic, comparisons, `and`, `or`, `not`, `in`,
`a if b else c` and the functions below. What has no value, such as a quotient by zero, is missing,
and so is what is computed from a missing value. True and false are 1.0 and 0.0.
"""

import ast
import difflib
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

Kind = Literal["number", "text"]
Row = Mapping[str, Any]  # values by name: float or text, None for missing

QUOTED = re.compile(r"`([^`]+)`")  # a name that is no word of Python: `2nd floor`
MOST_CHARACTERS = 1_000


class Operation(NamedTuple):
    """A function of values that are not missing, and what computes it for columns at once."""

    of_values: Callable[..., Any]
    of_columns: Callable[..., Any] | None = None  # arrays of float64, NaN for missing


class Expression(NamedTuple):
    """An expression, or a part of one.

    `by_row` computes it from one row; `by_column` from columns: float64 with NaN for missing, or
    objects with None.
    """

    kind: Kind
    names: frozenset[str]
    by_row: Callable[[Row], Any]
    by_column: Callable[[Mapping[str, Any]], Any]


def read(text: str, kinds: Mapping[str, Kind]) -> Expression:
    """Read an expression.

    Args:
        text: the expression.
        kinds: the columns that it may name.

    Raises:
        ValueError: it is malformed, or has what no expression may have.
    """
    quoted: dict[str, str] = {}

    def plain_name(match: re.Match[str]) -> str:
        return quoted.setdefault(match[1], f"quoted_{len(quoted)}_")

    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"it has more than {MOST_CHARACTERS:,} characters")
    try:
        tree = ast.parse(QUOTED.sub(plain_name, text).strip(), mode="eval").body
        return _Reader(kinds, {short: name for name, short in quoted.items()}).read(tree)
    except SyntaxError as error:
        raise ValueError(f"{text!r} is no expression: {error.msg}") from None
    except (RecursionError, MemoryError):
        raise ValueError("it is nested too deeply") from None


def _power(base: float, exponent: float) -> float:
    return base * base if exponent == 2 else math.pow(base, exponent)


def _rounded(value: float, digits: float = 0) -> float:
    return float(round(value, int(digits)))


def _numpy(name: str) -> Callable[..., Any]:
    def call(*columns: Any) -> Any:
        import numpy as np

        with np.errstate(all="ignore"):
            found = getattr(np, name)(*columns)
            return np.where(np.isfinite(found), found, np.nan)

    return call


def _compared(name: str) -> Callable[..., Any]:
    def call(left: Any, right: Any) -> Any:
        import numpy as np

        missing = np.isnan(left) | np.isnan(right)
        return np.where(missing, np.nan, getattr(np, name)(left, right).astype("float64"))

    return call


def _truth(holds: Callable[..., bool]) -> Callable[..., float]:
    return lambda *values: float(holds(*values))


ARITHMETIC: dict[type, Operation] = {
    ast.Add: Operation(operator.add, _numpy("add")),
    ast.Sub: Operation(operator.sub, _numpy("subtract")),
    ast.Mult: Operation(operator.mul, _numpy("multiply")),
    ast.Div: Operation(operator.truediv, _numpy("divide")),
    ast.FloorDiv: Operation(operator.floordiv),
    ast.Mod: Operation(operator.mod),
    ast.Pow: Operation(_power),
    ast.USub: Operation(operator.neg, _numpy("negative")),
    ast.UAdd: Operation(operator.pos),
    ast.Not: Operation(_truth(operator.not_)),
    ast.And: Operation(_truth(lambda *values: all(values))),
    ast.Or: Operation(_truth(lambda *values: any(values))),
}
COMPARISONS: dict[type, Operation] = {
    ast.Lt: Operation(_truth(operator.lt), _compared("less")),
    ast.LtE: Operation(_truth(operator.le), _compared("less_equal")),
    ast.Gt: Operation(_truth(operator.gt), _compared("greater")),
    ast.GtE: Operation(_truth(operator.ge), _compared("greater_equal")),
    ast.Eq: Operation(_truth(operator.eq), _compared("equal")),
    ast.NotEq: Operation(_truth(operator.ne), _compared("not_equal")),
}
FUNCTIONS: dict[str, tuple[Operation, int, int]] = {  # with the fewest and the most arguments
    "abs": (Operation(abs, _numpy("abs")), 1, 1),
    "exp": (Operation(math.exp), 1, 1),
    "log": (Operation(math.log), 1, 1),
    "max": (Operation(max), 2, 99),
    "min": (Operation(min), 2, 99),
    "round": (Operation(_rounded), 1, 2),
    "sqrt": (Operation(math.sqrt, _numpy("sqrt")), 1, 1),
}
OF_TEXTS = (ast.Eq, ast.NotEq, ast.In, ast.NotIn)


class _Reader:
    """Turns a tree of Python's parser into an expression; what is not named here is refused."""

    def __init__(self, kinds: Mapping[str, Kind], quoted: Mapping[str, str]) -> None:
        self.kinds, self.quoted = kinds, quoted

    def read(self, node: ast.expr) -> Expression:
        if isinstance(node, ast.Name):
            return self._column(self.quoted.get(node.id, node.id))
        if isinstance(node, ast.Constant):
            return _constant(node.value)
        if isinstance(node, ast.BinOp):
            return self._numbers(ARITHMETIC.get(type(node.op)), node, [node.left, node.right])
        if isinstance(node, ast.UnaryOp):
            return self._numbers(ARITHMETIC.get(type(node.op)), node, [node.operand])
        if isinstance(node, ast.BoolOp):
            return self._numbers(ARITHMETIC[type(node.op)], node, node.values)
        if isinstance(node, ast.Compare):
            return self._comparison(node)
        if isinstance(node, ast.IfExp):
            return _chosen(*map(self.read, (node.test, node.body, node.orelse)))
        if isinstance(node, ast.Call):
            return self._call(node)
        raise ValueError(_refusal(node))

    def _column(self, name: str) -> Expression:
        if name not in self.kinds:
            near = difflib.get_close_matches(name, self.kinds, n=1)
            hint = f"; did you mean {near[0]}" if near else ""
            raise ValueError(
                f"there is no column {name} of numbers or texts to compute it from{hint}"
            )

        def by_row(row: Row) -> Any:
            return row[name]

        return Expression(self.kinds[name], frozenset([name]), by_row, by_row)

    def _numbers(
        self, operation: Operation | None, node: ast.expr, asked: Sequence[ast.expr]
    ) -> Expression:
        if operation is None:
            raise ValueError(_refusal(node))
        arguments = [self.read(each) for each in asked]
        for each, argument in zip(asked, arguments, strict=True):
            if argument.kind != "number":
                raise ValueError(f"{ast.unparse(each)} is text: only == and in compare texts")
        return _applied(operation, arguments)

    def _comparison(self, node: ast.Compare) -> Expression:
        sides = [node.left, *node.comparators]
        pairs = [
            self._compared_pair(sides[at], type(kind), sides[at + 1])
            for at, kind in enumerate(node.ops)
        ]
        return pairs[0] if len(pairs) == 1 else _applied(ARITHMETIC[ast.And], pairs)

    def _compared_pair(self, left: ast.expr, kind: type, right: ast.expr) -> Expression:
        value = self.read(left)
        if kind in (ast.In, ast.NotIn):
            options = self._options(right, value.kind)
            wanted = kind is ast.In
            operation = Operation(_truth(lambda found: (found in options) == wanted))
            return _applied(operation, [value])
        other = self.read(right)
        if kind not in COMPARISONS or value.kind != other.kind:
            raise ValueError(f"{ast.unparse(left)} cannot be compared with {ast.unparse(right)}")
        if value.kind == "text" and kind not in OF_TEXTS:
            raise ValueError(f"{ast.unparse(left)} is text: only == and in compare texts")
        operation = COMPARISONS[kind]
        if value.kind == "text":
            operation = Operation(operation.of_values)
        return _applied(operation, [value, other])

    def _options(self, node: ast.expr, kind: Kind) -> list[Any]:
        if not isinstance(node, ast.List | ast.Tuple | ast.Set):
            raise ValueError("in needs a list of values after it")
        found = [self.read(each) for each in node.elts]
        if any(each.names or each.kind != kind for each in found):
            raise ValueError(f"{ast.unparse(node)} is no list of {kind}s")
        return [each.by_row({}) for each in found]

    def _call(self, node: ast.Call) -> Expression:
        name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
        if name == "where" and len(node.args) == 3 and not node.keywords:
            return _chosen(*map(self.read, node.args))
        known = FUNCTIONS.get(name)
        if known is None:
            raise ValueError(f"there is no function {name}; there are {', '.join(NAMES)}")
        operation, fewest, most = known
        if node.keywords or not fewest <= len(node.args) <= most:
            raise ValueError(f"{ast.unparse(node)}: {name} is given other arguments than it takes")
        return self._numbers(operation, node, node.args)


NAMES = sorted([*FUNCTIONS, "where"])


def _refusal(node: ast.expr) -> str:
    return f"{ast.unparse(node)} is nothing that an expression may have: use features/derive.py"


def _constant(value: Any) -> Expression:
    if isinstance(value, str):
        return Expression("text", frozenset(), lambda _: value, lambda _: value)
    if not isinstance(value, bool | int | float):
        raise ValueError(f"{value!r} is neither a number nor text")
    try:
        number = float(value)
    except OverflowError:
        raise ValueError("it has a number that is too large") from None
    return Expression("number", frozenset(), lambda _: number, lambda _: number)


def _applied(operation: Operation, arguments: Sequence[Expression]) -> Expression:
    """Return an operation on its arguments; its result is a number."""
    value_of, column_of = _lifted(operation.of_values), operation.of_columns

    def by_row(row: Row) -> Any:
        return value_of(*(argument.by_row(row) for argument in arguments))

    def by_column(columns: Mapping[str, Any]) -> Any:
        found = [argument.by_column(columns) for argument in arguments]
        if column_of is not None:
            return column_of(*found)
        return _one_by_one(value_of, found)

    names = frozenset[str]().union(*(argument.names for argument in arguments))
    return Expression("number", names, by_row, by_column)


def _lifted(function: Callable[..., Any]) -> Callable[..., float | None]:
    """Return the function of values that may be missing; it is missing where there is no result."""

    def call(*values: Any) -> float | None:
        if None in values:
            return None
        try:
            found = float(function(*values))
        except (ArithmeticError, ValueError):
            return None
        return found if math.isfinite(found) else None

    return call


def _chosen(condition: Expression, then: Expression, otherwise: Expression) -> Expression:
    """Return the choice between two expressions by a condition; missing where that is."""
    if condition.kind != "number" or then.kind != otherwise.kind:
        raise ValueError("if and where need a condition, and two numbers or two texts")

    def by_row(row: Row) -> Any:
        holds = condition.by_row(row)
        return None if holds is None else (then if holds else otherwise).by_row(row)

    def by_column(columns: Mapping[str, Any]) -> Any:
        import numpy as np

        holds = np.asarray(condition.by_column(columns))
        kind, missing = (object, None) if then.kind == "text" else ("float64", math.nan)
        one, other = (np.asarray(each.by_column(columns), kind) for each in (then, otherwise))
        return np.where(np.isnan(holds), np.array(missing, kind), np.where(holds != 0, one, other))

    names = condition.names | then.names | otherwise.names
    return Expression(then.kind, names, by_row, by_column)


def _one_by_one(function: Callable[..., float | None], columns: Sequence[Any]) -> Any:
    """Return a function of columns, computed for each row as `by_row` does."""
    import numpy as np

    arrays = np.broadcast_arrays(*(np.asarray(column, object) for column in columns))
    shape = arrays[0].shape
    rows = zip(*(array.ravel().tolist() for array in arrays), strict=True)
    found = (function(*(None if value != value else value for value in row)) for row in rows)
    numbers = [math.nan if number is None else number for number in found]
    return np.array(numbers, "float64").reshape(shape)
