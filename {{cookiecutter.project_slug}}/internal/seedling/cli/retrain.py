"""The conversation of the verb `retrain`."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from seedling.config import Project
from seedling.lifecycle import retraining
from seedling.lifecycle.attempts import Busy
from seedling.lifecycle.retraining import Decision, Wishes
from seedling.training import outcomes
from seedling.wording import listed

BUSY = 4  # the exit code where another one runs


def retrain(
    project: Project, models: Sequence[str], dry_run: bool, options: Mapping[str, Any]
) -> int:
    """Say what the rules give, train where one says so, and return the exit code.

    Args:
        project: the project.
        models: folders of models/; all that model.yaml trains unless given.
        dry_run: train nothing.
        options: as `Wishes`, but for a flag that is not given.
    """
    given = {name: value for name, value in options.items() if value}
    wishes = Wishes(**given)
    if wishes.simulated and not wishes.logged_rows:
        raise click.UsageError("--simulated goes with --logged-rows.")
    if dry_run:
        show(retraining.decide(project, models), wishes.force, would=True)
        return 0
    try:
        found = retraining.retrain(
            project, models, wishes, click.echo, lambda decisions: show(decisions, wishes.force)
        )
    except Busy as busy:
        click.echo(f"Error: {busy}", err=True)
        return BUSY
    if found:
        outcomes.show(found)
    return 0


def show(decisions: Sequence[Decision], force: bool, would: bool = False) -> None:
    """Print what each rule gives, and what follows.

    Args:
        decisions: of the models.
        force: whether they are trained whatever the rules say.
        would: whether they are not, in any case.
    """
    for each in decisions:
        click.echo(f"{each.model}, {f'version {each.version}' if each.version else 'no version'}")
        width = max(len(rule.name) for rule in each.rules)
        for rule in each.rules:
            mark = "yes" if rule.fires else "no"
            click.echo(f"  {mark:4} {rule.name:{width}}  {rule.words}")
        if each.waits:
            click.echo(f"  wait {'cool_down':{width}}  {each.waits}")
        click.echo(f"  {_conclusion(each, force, would)}")


def _conclusion(one: Decision, force: bool, would: bool) -> str:
    names = listed([rule.name for rule in one.rules if rule.fires])
    trained = "It would be trained" if would else "It is trained"
    if one.is_due or (force and names):
        return f"{trained}: {names}."
    if force:
        return f"{trained}: it was asked for."
    if names:
        return f"It waits, in spite of {names}: the cool-down is not over."
    return "No rule gives a reason."
