"""The Makefile of a project: a recipe for each verb, in the sections of the command line."""

import textwrap
from collections.abc import Collection

import click

from seedling.cli.main import SECTIONS
from seedling.cli.make import options_of
from seedling.cli.section import Section
from seedling.settings import PARTS

HEAD = """\
# Each verb is one Python command; where there is no make, type that: python -m seedling VERB.
# An option is NAME=value after the verb, as `make help` lists them; HELP=1 says what each means.
include internal/make/run.mk

help: ## List the verbs
	@$(PYTHON) internal/make/help.py Makefile
"""
WITHOUT_ENVIRONMENT = ("help", "init")  # they run before there is one


def text(parts: Collection[str] = PARTS) -> str:
    """Return the Makefile of a project with these parts."""
    shown = [each for each in SECTIONS if each.part is None or each.part in parts]
    return "\n".join([HEAD, *(section_text(each) for each in shown)])


def section_text(section: Section) -> str:
    """Return the lines of one section: its heading, then a recipe for each of its verbs."""
    verbs = {
        name: verb
        for name, verb in section.verbs().items()
        if name != "help" and not isinstance(verb, click.Group)
    }
    phony = textwrap.wrap(" ".join(verbs), 88, break_on_hyphens=False)
    lines = [f"##@ {section.title}", ".PHONY: " + " \\\n        ".join(phony)]
    for name, verb in verbs.items():
        about = " ".join([verb.get_short_help_str(100).rstrip("."), *_options(verb)])
        if name == "init":
            lines += ["", f"{name}: ## {about}", "\t@$(INIT) --make"]
        else:
            lines += ["", f"{name}: $(READY) ## {about}", f"\t@$(RUN) {name}"]
    return "\n".join(lines) + "\n"


def _options(verb: click.Command) -> list[str]:
    found = options_of(verb)
    return [f"({' '.join(found)})"] if found else []
