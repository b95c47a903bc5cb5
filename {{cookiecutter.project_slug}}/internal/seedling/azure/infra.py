"""The verbs `infra-what-if` and `infra-deploy`: what infra/ describes, made by the program az."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from seedling.azure import az, infra_names
from seedling.azure.web_app import STAGING
from seedling.ci import output
from seedling.config import Project, confirmed_edit
from seedling.errors import ProjectError
from seedling.files import write_text
from seedling.settings import azure_environment
from seedling.wording import counted

FOLDER = "infra"
TEMPLATE = f"{FOLDER}/main.bicep"
CHANGES = {"Create": "+", "Modify": "~", "Deploy": "~", "Delete": "-", "Unsupported": "?"}
LONGEST = 60  # characters of a value before or after
DOCKER = "DOCKER|"
SUFFIX = re.compile("[a-z0-9]{3,12}")
Say = Callable[[str], None]
Ask = Callable[[str], bool]


class Stack(NamedTuple):
    """One deployment of infra/: where to, and with which values.

    Attributes:
        project: its folder has infra/.
        environment: names the file of parameters.
        subscription: its ID.
        group: the resource group.
        parameters: those that model.yaml gives, beside the file's own.
        own: the values of the file.
    """

    project: Project
    environment: str
    subscription: str
    group: str
    parameters: Mapping[str, str]
    own: Mapping[str, Any]

    @property
    def suffix(self) -> str:
        return str(self.parameters.get("suffix") or self.own.get("suffix") or "")

    @property
    def site(self) -> str:
        """Return the name of the web app: that of model.yaml, else as main.bicep makes it."""
        made = f"app-{self.suffix}-{self.environment}"
        return str(self.parameters.get("siteName") or self.own.get("siteName") or made)

    @property
    def where(self) -> list[str]:
        return ["--subscription", self.subscription, "--resource-group", self.group]

    @property
    def words(self) -> list[str]:
        """Return the arguments of `az deployment group what-if` and of `create`."""
        given = {**self.parameters, **_images(self)}
        return [
            *self.where,
            *("--name", f"{self.project.config.slug}-{self.environment}"),
            *("--template-file", TEMPLATE),
            *("--parameters", f"{FOLDER}/{self.environment}.json"),
            *(f"{name}={value}" for name, value in given.items()),
        ]


def what_if(project: Project, say: Say) -> int:
    """Show what a deployment would change; return how many things.

    Raises:
        ProjectError: az, Bicep or a sign-in is missing, infra/ does not have this environment, the
            resource group does not exist, or Azure refuses.
    """
    stack = _stack(project)
    if not _has_group(stack):
        raise ProjectError(
            f"The resource group {stack.group} does not exist in the subscription "
            f"{stack.subscription}: infra-deploy --location REGION makes it first."
        )
    return _show_changes(stack, say)


def deploy(
    project: Project, location: str | None, agrees: Ask, say: Say
) -> infra_names.Lines | None:
    """Show what would change, make it, and return the lines of model.yaml that name it.

    Args:
        project: of infra/.
        location: where a resource group that is missing is made.
        agrees: asks a question, and says whether the answer is yes.
        say: called with each line for the person who waits.

    Returns:
        None where the answer was no.

    Raises:
        ProjectError: as `what_if`; or a resource group is to be made, and no location is given.
    """
    stack = _stack(project)
    if not _has_group(stack):
        where = f"The resource group {stack.group} does not exist in {stack.subscription}"
        if not location:
            raise ProjectError(f"{where}: --location says where to make it, such as westeurope.")
        if not agrees(f"{where}. Make it in {location}?"):
            return None
        named = ["--subscription", stack.subscription, "--name", stack.group]
        az.run("group", "create", *named, "--location", location)
        say(f"Made the resource group {stack.group} in {location}.")
    _show_changes(stack, say)
    if not agrees(f"Deploy {stack.environment} to {stack.group}?"):
        return None
    done = az.run("deployment", "group", "create", *stack.words, folder=project.root)
    outputs = {name: str(each["value"]) for name, each in done["properties"]["outputs"].items()}
    say(f"Deployed {stack.environment} to {stack.group}.")
    for name, value in outputs.items():
        if name.endswith("ClientId") and value:  # an identity of CI
            say(f"The identity of CI: AZURE_CLIENT_ID={value}")
            output.write("client_id", value)
    return infra_names.lines(outputs, stack.environment)


def write(project: Project, made: infra_names.Lines) -> None:
    """Put the lines into model.yaml, and show what that changes."""
    document = confirmed_edit.document(project)
    infra_names.put(document, made)
    confirmed_edit.write(project, document, yes=True)


def _stack(project: Project) -> Stack:
    """Read what the environment's deployment is, and see that az can make it."""
    environment = azure_environment()
    path = project.root / FOLDER / f"{environment}.json"
    own = _values(path)
    subscription, group, _ = infra_names.workspace(project.config)
    parameters = infra_names.parameters(project.config, environment)
    stack = Stack(project, environment, subscription, group, parameters, own)
    if not SUFFIX.fullmatch(stack.suffix):
        raise ProjectError(
            f"The suffix is {stack.suffix!r}: names of storage ask for 3 to 12 small letters and "
            "digits. It is suffix in the files of infra/, or aml.aml_suffix of model.yaml."
        )
    az.need_bicep()
    found = str(az.account(subscription)["id"])
    return stack._replace(subscription=found, group=group or f"rg-{stack.suffix}")


def _values(path: Path) -> dict[str, Any]:
    """Read a file of parameters."""
    shown = f"{path.parent.name}/{path.name}"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {name: each["value"] for name, each in found["parameters"].items()}
    except FileNotFoundError:
        there = sorted(each.stem for each in path.parent.glob("*.json"))
        known = f"there are {', '.join(there)}" if there else "`add-part azure` makes the folder"
        raise ProjectError(
            f"{shown} is missing: ENVIRONMENT names one of infra/; {known}."
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProjectError(f"{shown} is no file of parameters for az: {error!r:.80}.") from None


def _has_group(stack: Stack) -> bool:
    named = ["--subscription", stack.subscription, "--name", stack.group]
    return az.run("group", "exists", *named) is True


def _images(stack: Stack) -> dict[str, str]:
    """Return the images that the web app and its slot run now, which a deployment keeps."""
    if not stack.own.get("withWebApp"):
        return {}
    found = {}
    for name, slot in (("image", []), ("stagedImage", ["--slot", STAGING])):
        try:
            now = az.run("webapp", "config", "show", *stack.where, "--name", stack.site, *slot)
        except az.Refused:  # there is none yet
            continue
        version = str(now.get("linuxFxVersion") or "")
        if version.startswith(DOCKER):
            found[name] = version.removeprefix(DOCKER)
    return found


def _show_changes(stack: Stack, say: Say) -> int:
    """Say what would change, a line each; return how many things."""
    answer = az.run(
        "deployment",
        "group",
        "what-if",
        *stack.words,
        "--no-pretty-print",
        folder=stack.project.root,
    )
    changes = [one for one in answer.get("changes") or [] if one["changeType"] in CHANGES]
    lines = [line for change in changes for line in _of_change(change)]
    lines.append(f"{counted(len(changes), 'change')} in {stack.group}.")
    for line in lines:
        say(line)
    page = stack.project.assets / "reports" / f"infra-{stack.environment}.md"
    page.parent.mkdir(parents=True, exist_ok=True)
    write_text(page, "\n".join(["```", *lines, "```", ""]))
    output.show(page)
    output.write("changes", str(len(changes)))
    return len(changes)


def _of_change(change: Mapping[str, Any]) -> Iterator[str]:
    kind, name = _named(change["resourceId"])
    yield f"{CHANGES[change['changeType']]} {kind} {name}"
    yield from (f"    {line}" for line in _differences(change.get("delta") or []))


def _named(resource: str) -> tuple[str, str]:
    """Return type and name of a resource's ID."""
    provider = resource.rpartition("/providers/")[2].split("/")
    return "/".join([provider[0], *provider[1::2]]), "/".join(provider[2::2])


def _differences(delta: list[Any], path: str = "") -> Iterator[str]:
    for one in delta:
        where = f"{path}{one['path']}"
        if one.get("children"):
            yield from _differences(one["children"], f"{where}.")
        elif one.get("propertyChangeType") != "NoEffect":
            yield f"{where}: {_short(one.get('before'))} -> {_short(one.get('after'))}"


def _short(value: Any) -> str:
    text = "nothing" if value is None else json.dumps(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
