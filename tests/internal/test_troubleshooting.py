"""The page of error messages: each stands in the plumbing's code, and the verbs are there."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import seedling
from seedling import testing
from seedling.cli import makefile

INTERNAL = Path(seedling.__file__).parents[1]
PAGE = "docs/troubleshooting.md"
VARIABLE = "\0"  # for what an f-string puts in
MESSAGE = re.compile(r"(?m)^\| (?:`` (.+?) ``|`([^`]+)`)(?: \(\d{3}\))? \|")


def page() -> str:
    return (testing.root() / PAGE).read_text(encoding="utf-8")


def texts() -> Iterator[str]:
    """Yield every text of the code, with VARIABLE for what is put in."""
    for path in (*INTERNAL.rglob("seedling/**/*.py"), *INTERNAL.glob("make/*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [p.value if isinstance(p, ast.Constant) else VARIABLE for p in node.values]
                yield "".join(str(part) for part in parts)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_each_message_of_the_page_stands_in_the_code():
    messages = [first or second for first, second in MESSAGE.findall(page())]
    assert len(messages) > 80
    assert len(messages) == len(set(messages))
    code = "\n\n".join(texts())
    for message in messages:
        words = [part for part in re.split(r"\s*\.\.\.\s*", message) if re.search(r"\w", part)]
        within = r"(?:(?!\n\n).)*?".join(re.escape(part) for part in words)
        assert words, message
        assert re.search(within, code, re.DOTALL), message


def test_each_verb_of_the_page_is_there():
    known = set(re.findall(r"(?m)^([\w-]+):.*## ", makefile.text(["containers", "azure"])))
    named = set(re.findall(r"`(?:\w+=\S+ )?make ([a-z-]+)", page()))
    assert len(named) > 20
    assert named - known == set()
