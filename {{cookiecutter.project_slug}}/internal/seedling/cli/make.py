"""`python -m seedling --make VERB`: a verb whose options stand on make's command line.

Each recipe of a Makefile is this one command. An option's name there is that of the verb in capital
letters: `--no-wait` is NO_WAIT=1, an argument INPUT is INPUT=rows.csv, and an option that may be
given more than once takes several values with commas between.
"""

import os
import re
import shlex
import sys
from collections.abc import Mapping, MutableMapping, Sequence

import click

from seedling import settings
from seedling.cli.main import main
from seedling.cli.make_variables import given
from seedling.masking import masked

OF_MAKE = ("PYTHON", "SHELL")  # make's own variables that a person may set
INHERITED = ("MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS", "MAKECMDGOALS", "MAKELEVEL")
DEFAULT = "MAKE_DEFAULT_"  # internal/make/model.mk exports a model's variables with this prefix
ON, OFF = ("1", "yes", "true", "on"), ("", "0", "no", "false", "off")


def words_of(
    names: list[str], values: Mapping[str, str], defaults: Mapping[str, str], others: Sequence[str]
) -> list[str]:
    """Translate make's command line to that of `python -m seedling`.

    Args:
        names: the verb, such as [`train`]; or [`model`, `xgboost`, `predict`].
        values: what make's command line says, by NAME. An empty value counts as not given.
        defaults: the values that a model's Makefile sets, by NAME; names that the verb does not
            have are ignored.
        others: the NAMEs of the other goals of make's command line; they are ignored too.

    Returns:
        The verb with its options and arguments.

    Raises:
        click.UsageError: a NAME is no option of the verb, or its value does not fit, its quotes
            are not closed, or one that must be given is missing.
    """
    parameters = _by_name(_find(names)[0])
    for name in values:
        if name not in parameters and name not in others:
            has = " ".join(options_of(_find(names)[0])) or "none"
            raise click.UsageError(f"{names[-1]} has no option {name}=. Its options: {has}")
    chosen = {**defaults, **values}
    options: list[str] = []
    arguments: list[str] = []
    for name, parameter in parameters.items():
        value = chosen.get(name, "")
        if not value and parameter.required:
            raise click.UsageError(f"{names[-1]} needs {name}=.")
        if isinstance(parameter, click.Option):
            options += _option(name, parameter, value)
        elif parameter.nargs == -1:
            try:
                arguments += shlex.split(value)
            except ValueError as error:  # a quotation mark without its second
                raise click.UsageError(f"{name}={value}: {error}.") from None
        elif value:
            arguments.append(value)
    return [*names, *options, "--", *arguments] if arguments else [*names, *options]


def options_of(verb: click.Command) -> list[str]:
    """Return the NAMEs of a verb's options, as `make help` shows them: a flag is NAME=1."""
    return [
        f"{name}=1" if isinstance(each, click.Option) and each.is_flag else f"{name}="
        for name, each in _by_name(verb).items()
    ]


def _find(names: list[str]) -> tuple[click.Command, Mapping[str, click.Command]]:
    """Return a verb, and the verbs that stand beside it."""
    group = main.commands["model"] if names[0] == "model" else main
    assert isinstance(group, click.Group)
    return group.commands[names[-1]], group.commands


def _by_name(verb: click.Command) -> dict[str, click.Parameter]:
    """Return a verb's options and arguments by their NAME on make's command line."""
    found: dict[str, click.Parameter] = {}
    for each in verb.params:
        if isinstance(each, click.Option):
            name = _flag(each).lstrip("-").replace("-", "_")
        else:
            shown = each.metavar if each.metavar and re.fullmatch("[A-Z_]+", each.metavar) else None
            name = shown or str(each.name)
        found[name.upper()] = each
    return found


def _flag(option: click.Option) -> str:
    """Return how an option is spelled: the first of its spellings that is more than a letter."""
    return next(each for each in option.opts if each.startswith("--"))


def _option(name: str, option: click.Option, value: str) -> list[str]:
    """Return an option's words: none for an empty value, several where it may be repeated."""
    flag = _flag(option)
    if option.is_flag:
        if value.lower() not in (*ON, *OFF):
            raise click.UsageError(f"{name}={value}: say {name}=1, or leave it out.")
        return [flag] if value.lower() in ON else []
    values = value.split(",") if option.multiple else [value]
    return [f"{flag}={each.strip() if option.multiple else each}" for each in values if each]


def run(names: list[str], environ: MutableMapping[str, str]) -> list[str]:
    """Return the words of a verb, and prepare the environment in which it runs.

    A NAME that settings.py declares, and that is no option of the verb, is set as that environment
    variable. The variables that make sets for its recipes are removed, so that a make which the
    verb runs does not inherit this one's options.

    Args:
        names: the verb; see `words_of`.
        environ: what make has set for its recipe: MAKEFLAGS and MAKECMDGOALS among others.

    Raises:
        click.UsageError: see `words_of`.
    """
    values = given(environ.get("MAKEFLAGS", ""))
    others = _names_elsewhere(names, environ.get("MAKECMDGOALS", "").split())
    defaults = {
        name.removeprefix(DEFAULT): environ.pop(name)
        for name in [*environ]
        if name.startswith(DEFAULT)
    }
    for name in INHERITED:
        environ.pop(name, None)
    own = _by_name(_find(names)[0])
    for name in set(values) - {*own, *others}:
        if name in settings.BY_NAME:
            environ[name] = values.pop(name)
            if name == settings.MODEL_DIRS.name:
                defaults["MODEL"] = ",".join(settings.MODEL_DIRS.get(environ))
        elif name in OF_MAKE:
            del values[name]
    if values.pop("HELP", "").lower() in ON:
        return [*names, "--help"]
    return words_of(names, values, defaults, others)


def _names_elsewhere(names: list[str], goals: Sequence[str]) -> list[str]:
    """Return the NAMEs of all goals where there are several."""
    if len(goals) < 2:
        return []
    siblings = _find(names)[1]
    verbs = [siblings[goal] for goal in goals if goal in siblings]
    if len(verbs) < len(goals):
        verbs = list(siblings.values())  # models/all/ has names of its own for some verbs
    return [name for verb in verbs for name in _by_name(verb)]


def start(names: list[str]) -> None:
    """Run a verb with the options of make's command line; exit with 2 and one line on a fault."""
    try:
        words = run(names, os.environ)
    except click.UsageError as error:
        click.echo(f"Error: {masked(error.message)}", err=True)
        sys.exit(error.exit_code)
    main(words, prog_name="seedling")  # ends this process
