"""The verb `deploy`: to what the environment names in model.yaml."""

from collections.abc import Callable

from seedling.azure import batch, online, web_app, workspace
from seedling.config import Project
from seedling.config.azure import Place

Say = Callable[[str], None]
VERBS = {"online": "deploy-online", "batch": "deploy-batch", "web_app": "deploy-web-app"}


def places(project: Project) -> list[Place]:
    """Return where the current environment deploys to.

    It is what `deploy` of the environment says; else the web app where one is described, and the
    online endpoint where none is.

    Raises:
        ProjectError: ENVIRONMENT is none of those that model.yaml has.
    """
    settings = workspace.settings(project)
    return settings.deploy or (["web_app"] if settings.web_app else ["online"])


def deploy(project: Project, say: Say) -> None:
    """Deploy the registered models to each place of the environment, one after the other.

    Args:
        project: its model.yaml names the places.
        say: called with a line before each step.

    Raises:
        ProjectError: one failed; what it had served before goes on, and those after it are left.
    """
    found = places(project)
    for place in found:
        say(f"{workspace.environment()}: {VERBS[place]}")
        if place == "online":
            online.deploy(project, None, say)  # the share is that of model.yaml
        elif place == "batch":
            say(batch.deploy(project, None))
        else:
            for line in web_app.deploy(project):
                say(line)
