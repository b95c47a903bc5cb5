"""The project's pages from an empty workspace to endpoints: their commands, in their order.

A person's machine, the repository and what CI runs are those of tests/ci; Azure is the emulator.
"""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import warm
from azureml.workspace import GROUP, SUBSCRIPTION, WORKSPACE
from ci.cloud import cloud
from ci.world import ANSWERS, Left, World, github_token
from pages import quoted, tables
from ruamel.yaml import YAML

pytestmark = pytest.mark.full

# What infra-deploy is answered: the names of the emulator's own, and of what it does not have.
OUTPUTS = {
    "subscriptionId": SUBSCRIPTION,
    "resourceGroupName": GROUP,
    "workspaceName": WORKSPACE,
    "amlSuffix": "hello",
    "clusterName": "cpu-cluster",
    "registryName": "",
    "registryLocation": "",
    "siteName": "",
    "planName": "",
    "containerRegistry": "",
    "apiKeySecret": "",
    "cosmosEndpoint": "",
    "cosmosDatabase": "",
    "cosmosContainer": "",
    "sqlServer": "",
    "sqlDatabase": "",
    "insightsName": "",
    "githubClientId": "33333333-3333-3333-3333-333333333333",
}


@pytest.fixture
def world(ci_prepared: Path, ci_serving: Path, tmp_path: Path) -> Iterator[World]:
    """A repository whose only branch is main, and an empty workspace."""
    prepared = ci_prepared / ".venv"
    with cloud(prepared, tmp_path / "cloud", ci_serving) as azure:
        world = World(tmp_path / "world", ci_prepared, prepared, azure)
        (world.notes / "outputs.json").write_text(json.dumps(OUTPUTS), encoding="utf-8")
        yield world
        world.close()
        assert azure.unknown == []


class Person:
    """Types what the pages say, on a machine with a checkout of the main branch."""

    def __init__(self, world: World) -> None:
        self.machine = world.machine()
        self.checkout = self.machine.check_out(
            world.commit_of("main"), "project", whole=True, persist=True
        )
        self.machine.variables["GH_TOKEN"] = github_token({"pull-requests": "write"})
        self.said("git switch --quiet -C main && git config user.name Ada")
        self.said("git config user.email ada@example.org")
        warm.add_runs(self.checkout, self.checkout / ".venv" / "bin" / "python")

    def said(self, command: str) -> str:
        """Run a command as a shell does; return what it printed."""
        shell = ["sh", "-c", command]
        done = self.machine.run(shell, self.checkout, self.machine.variables, 900)
        assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}"
        return done.stdout

    def follow(self, page: str) -> None:
        """Type each command of a page's tables, and write its YAML into model.yaml."""
        for part in tables(page):
            if isinstance(part, str):
                self.write(part)
                continue
            typed, seen = part
            printed = "\n".join(self.said(command) for command in quoted(typed))
            for text in quoted(seen):
                assert text in printed, f"{typed}: {text!r} is not in what was printed:\n{printed}"

    def write(self, block: str) -> None:
        """Put the keys of a block of YAML into model.yaml."""
        yaml, path = YAML(), self.checkout / "model.yaml"
        document = yaml.load(path)
        merge(document, YAML(typ="safe").load(block))
        text = StringIO()
        yaml.dump(document, text)
        path.write_text(text.getvalue(), encoding="utf-8")


def merge(document: Any, block: Mapping[str, Any]) -> None:
    for key, value in block.items():
        if isinstance(value, Mapping) and isinstance(document.get(key), Mapping):
            merge(document[key], value)
        else:
            document[key] = value


def write_flats(path: Path) -> None:
    """Write the table that the page's model learns from."""
    draw = random.Random(3)  # noqa: S311
    lines = ["flat_id,rooms,area,district,price"]
    for number in range(1, 401):
        rooms, district = draw.randint(1, 6), draw.choice(["north", "east", "centre"])
        area = round(rooms * 22 + draw.gauss(0, 8), 1)
        price = round(area * 2.1 + (district == "centre") * 60 + draw.gauss(0, 12), 1)
        lines.append(f"{number},{rooms},{area},{district},{price}")
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")


def test_the_pages_lead_from_a_workspace_to_endpoints(
    world: World, bake: Callable[[dict[str, str]], Path]
):
    """What CI does with the branches, test_ci_story.py has; test_carried_over.py lints models."""
    world.assumed |= {"sh -c make lint": Left("passed")}
    github, azure_devops = (
        bake(ANSWERS | {"ci": ci}) / "docs" for ci in ("github", "azure_devops")
    )
    person = Person(world)
    write_flats(person.checkout.parent / "flats.csv")
    setup = (github / "initial-setup.md").read_text(encoding="utf-8")
    person.follow(setup)
    model = (github / "new-model.md").read_text(encoding="utf-8")
    person.said("git switch --quiet main")
    person.follow(model)
    for name, page in {"initial-setup.md": setup, "new-model.md": model}.items():
        text = (azure_devops / name).read_text(encoding="utf-8")
        assert {*tables(text)} <= {*tables(page)}
