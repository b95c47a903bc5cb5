"""Docstrings and messages of the plumbing name their objects: no riddles, no private dialect."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import seedling

ROOT = Path(seedling.__file__).parent
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# A docstring of a module, a class or a function names its object; that of a function, a verb first.
NO_OBJECT = re.compile(r"(Who|Whose|What|Whether|Which|Where|Why|How|There|It|Its)\b")
NO_VERB = re.compile(r"(A|An|The|All|Any|As|By|Each|For|In|No|None|Of|One|Some|These|This|Those)\b")
BANNED = re.compile(
    r"\b(told|whoever|somebody|nobody|in words|lets? through|its turn|another is at|at home"
    r"|what came of|what comes of|hands? on to|goes alone|stays? away|stayed away"
    r"|brings?|brought)\b",
    re.IGNORECASE,
)


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(ROOT.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        yield path.relative_to(ROOT).as_posix(), tree


def test_a_docstring_begins_with_its_object_or_a_verb() -> None:
    found = []
    for file, tree in trees():
        for node in ast.walk(tree):
            text = ast.get_docstring(node) if isinstance(node, DOCUMENTED) else None
            if text is None:
                continue
            first = text.splitlines()[0]
            is_function = isinstance(node, FUNCTIONS)
            if NO_OBJECT.match(first) or (is_function and NO_VERB.match(first)):
                found.append(f"{file}:{getattr(node, 'lineno', 1)}: {first}")
    assert found == []


def test_no_docstring_or_message_has_a_banned_word() -> None:
    found = [
        f"{file}:{node.lineno}: {match[0]!r} in {node.value!r:.80}"
        for file, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if (match := BANNED.search(node.value))
    ]
    assert found == []


def test_the_tests_that_the_page_on_testing_names_are_there() -> None:
    tests = Path(__file__).parents[1]
    page = (tests.parent / "docs" / "testing.md").read_text(encoding="utf-8")
    files: defaultdict[str, str] = defaultdict(str)
    for path in tests.rglob("test_*.py"):
        files[path.name] += path.read_text(encoding="utf-8")
    named = re.findall(r"`(test_\w+\.py)`: ([^;|]+?) ?(?=[;|])", page)
    assert len(named) > 40
    for file, words in named:
        name = f"def test_{words.replace(' ', '_')}("
        assert name in files[file], f"{file}: {words}"
