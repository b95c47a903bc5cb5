"""The verb `deploy`: to what the environment names in model.yaml."""

from collections.abc import Callable

from seedling.azure import batch, online, web_app, workspace
from seedling.config import Project, Stage, stage
from seedling.config.azure import Place
from seedling.containers import sbom
from seedling.errors import ProjectError

Say = Callable[[str], None]
WEB_APP: Place = "web_app"
VERBS = {"online": "deploy-online", "batch": "deploy-batch", "web_app": "deploy-web-app"}


def places(project: Project) -> list[Place]:
    """Return where the current environment deploys to.

    It is what `deploy` of the environment says; else the web app where one is described, and the
    online endpoint where none is.

    Raises:
        ProjectError: ENVIRONMENT is none of those that model.yaml has, or is app-dev and has no
            web app.
    """
    settings = workspace.settings(project)
    found = settings.deploy or (["web_app"] if settings.web_app else ["online"])
    if stage(project.config) is Stage.APP_DEV and found != [WEB_APP]:
        raise ProjectError(
            f"ENVIRONMENT={workspace.environment()} answers without models, as a web app does: put "
            f"`web_app` below aml.environments.{workspace.environment()} in model.yaml, and no "
            "other place under `deploy`."
        )
    return found


def deploy(project: Project, say: Say) -> None:
    """Deploy the registered models to each place of the environment, one after the other.

    Args:
        project: its model.yaml names the places.
        say: called with a line before each step.

    Raises:
        ProjectError: one failed; what it had served before goes on, and those after it are left.
    """
    found = places(project)
    # Azure DevOps publishes a folder that is there, and not every place has an image.
    (project.assets / sbom.FOLDER).mkdir(parents=True, exist_ok=True)
    for place in found:
        say(f"{workspace.environment()}: {VERBS[place]}")
        if place == "online":
            online.deploy(project, None, say)  # the share is that of model.yaml
        elif place == "batch":
            say(batch.deploy(project, None))
        else:
            for line in web_app.deploy(project):
                say(line)
