"""Expressions of the workflow runner, against what GitHub documents of them."""

import math
from typing import Any

import pytest
from ci.github_expressions import Refused, Strict, condition, evaluate, render, text

CONTEXTS: dict[str, Any] = {
    "github": Strict(event_name="push", event={"labels": [{"name": "a"}, {"name": "b"}, {}]}),
    "vars": {"NAME": "Value", "EMPTY": ""},
    "matrix": {"python": "3.11", "os": ["linux", "windows"]},
}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("'it''s'", "it's"),
        ("null", None),
        ("-9.2", -9.2),
        ("0xff", 255),
        ("-2.99e-2", -0.0299),
        ("github.event_name", "push"),
        ("github['event_name']", "push"),
        ("GitHub.Event_Name", "push"),
        ("github.event.nothing.deeper", None),
        ("vars.MISSING", None),
        ("matrix.os[1]", "windows"),
        ("matrix.os[2]", None),
        ("github.event.labels.*.name", ["a", "b"]),
        ("'push' == 'PUSH'", True),
        ("null == ''", True),
        ("null == 0", True),
        ("'' == 0", True),
        ("true == 1", True),
        ("'1' == 1", True),
        ("'x' == 0", False),
        ("'a' < 'B'", True),
        ("1 >= 1", True),
        ("2 > 1 == true", True),
        ("!vars.EMPTY", True),
        ("vars.EMPTY || 'other'", "other"),
        ("vars.NAME && 'given' || 'none'", "given"),
        ("false || false && true", False),
        ("(true || false) && false", False),
        ("contains('Hello world', 'LLO')", True),
        ('contains(fromJSON(\'["push", "x"]\'), github.event_name)', True),
        ("contains(github.event.labels.*.name, 'b')", True),
        ("startsWith('refs/heads/main', 'REFS/heads')", True),
        ("endsWith('a.yml', '.yml')", True),
        ("format('{0} {{x}} {1}', 'a', 2)", "a {x} 2"),
        ("join(matrix.os, ', ')", "linux, windows"),
        ("join(matrix.os)", "linux,windows"),
        ("fromJSON('{\"a\": [1]}').a[0]", 1),
        ("toJSON('x')", '"x"'),
        ("case(false, 'a', true, 'b', 'c')", "b"),
        ("false && matrix.nothing", False),
    ],
)
def test_an_expression_has_github_s_value(expression: str, value: Any):
    found = evaluate(expression, CONTEXTS)
    assert found == value
    assert isinstance(found, bool) == isinstance(value, bool)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("github.event_nam", "There is no event_nam"),
        ("secrets.KEY", "There is no context secrets"),
        ("unknown()", "There is no function unknown"),
        ("contains('a')", "contains:"),
        ("format('{1}', 'a')", "has no value"),
        ("fromJSON('{')", "is no JSON"),
        ('"double"', "Unexpected"),
        ("vars.NAME ==", "Unexpected"),
        ("vars.NAME 'x'", "Unexpected"),
        ("(true", "Expected ')'"),
        ("vars.", "Expected a property"),
        ("case(true)", "pairs"),
    ],
)
def test_what_github_refuses_is_refused(expression: str, words: str):
    with pytest.raises(Refused, match=words.replace("(", r"\(").replace(")", r"\)")):
        evaluate(expression, CONTEXTS)


def test_a_template_keeps_the_type_of_an_expression_that_stands_alone():
    assert render("${{ 1 == 1 }}", CONTEXTS) is True
    assert render("is ${{ 1 == 1 }}", CONTEXTS) == "is true"
    assert render("${{ matrix.python }}-${{ vars.MISSING }}!", CONTEXTS) == "3.11-!"
    assert render({"a": ["${{ vars.NAME }}", 1]}, CONTEXTS) == {"a": ["Value", 1]}
    assert render("${{ format('a}}b') }}", CONTEXTS) == "a}b"
    assert render("$HOME ${x}", CONTEXTS) == "$HOME ${x}"


@pytest.mark.parametrize(
    ("given", "succeeds", "holds"),
    [
        (None, True, True),
        (None, False, False),
        ("vars.NAME == 'value'", True, True),
        ("vars.NAME == 'value'", False, False),
        ("${{ vars.NAME == 'other' }}", True, False),
        ("always()", False, True),
        ("${{ !cancelled() }}", False, True),
        ("failure() && vars.NAME", False, True),
        ("'always()' == 'x'", False, False),
        ("'always()'", False, False),
        (True, False, False),
    ],
)
def test_a_condition_means_success_too_unless_it_asks_for_a_status(
    given: Any, succeeds: bool, holds: bool
):
    functions = {
        "success": lambda: succeeds,
        "failure": lambda: not succeeds,
        "cancelled": lambda: False,
        "always": lambda: True,
    }
    assert condition(given, CONTEXTS, functions) is holds


def test_a_condition_with_text_around_it_is_refused():
    """GitHub takes it for text, which is true."""
    with pytest.raises(Refused, match="always true"):
        condition("!${{ vars.EMPTY }}", CONTEXTS, {"success": lambda: True})


def test_values_are_written_as_github_writes_them():
    values = [None, True, 1.0, 1.5, {}, [], "x", math.nan]
    assert [text(value) for value in values] == [
        "",
        "true",
        "1",
        "1.5",
        "Object",
        "Array",
        "x",
        "NaN",
    ]
