"""The stage that a service runs in: the meaning of ENVIRONMENT, by what model.yaml says of it."""

from enum import Enum

from seedling.config.model_yaml import Config
from seedling.settings import APP_DEV, DEV, ENVIRONMENT


class Stage(Enum):
    """The source of a service's assets, and the place of its predictions.

    LOCAL: ENVIRONMENT is not set, or names an environment of development. Assets are this machine's
    and the workspace's; the prediction log is never Cosmos DB.
    APP_DEV: `app-dev`. Answers are made up: no assets, no feature store, no prediction log.
    PRODUCTION: any other value. Assets are those of the shared registry.
    """

    LOCAL = "local"
    APP_DEV = APP_DEV
    PRODUCTION = "production"


def stage(config: Config, environment: str | None = None) -> Stage:
    """Return the stage of a service.

    Args:
        config: `aml.environments` says which names are for development: `dev` unless it says
            `development: false`, others with `development: true`.
        environment: the value of ENVIRONMENT, unless given.
    """
    name = ENVIRONMENT.get() if environment is None else environment
    if name == APP_DEV:
        return Stage.APP_DEV
    described = config.aml.environments.get(name) if config.aml else None
    develops = described.development if described else None
    if not name or (name == DEV if develops is None else develops):
        return Stage.LOCAL
    return Stage.PRODUCTION
