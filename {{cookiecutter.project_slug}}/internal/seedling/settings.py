"""Every environment variable that a project reads, declared once.

`LOG_LEVEL.get()` reads one. `.env.example`, docs/settings.md, what a container is given and what
tests clear follow from the declarations. The standard library is enough: generation uses it.
"""

import os
import textwrap
from collections.abc import Collection, Mapping

from seedling.setting import Setting, choice, flag, names, share, words

APP_DEV = "app-dev"
DEV = "dev"
LOCAL_ASSETS = "local"  # the value of ASSETS
FILES = "files"  # what a batch deployment scores
WIDTH = 98  # of a comment in .env.example, beside `# `

WHERE, DATA, MODELS = "Where it runs", "Data and training", "Models"
SERVICE, CALLERS, LOGS = "The service", "Who may call the service", "Logs"
CONTAINERS, AZURE = "Containers", "Azure"
AZURE_PART, CONTAINERS_PART = "azure", "containers"

ENVIRONMENT = Setting(
    "ENVIRONMENT",
    str,
    "The stage that the service runs in. Unset, or dev: local. app-dev: answers of the real shape, "
    "without models and feature store. Any other word, such as prod: production, where the service "
    "starts only with a shared registry in model.yaml, or with ASSETS=local.",
    WHERE,
    more={
        "azure": "In production, models and datasets come from the registry of model.yaml, else "
        "from the workspace. Azure verbs read the same variable as a key of aml.environments in "
        "model.yaml; unset, that is dev. `development: true` there makes a name one of development."
    },
    is_passed_on=True,
)
WHEELHOUSE = Setting(
    "WHEELHOUSE",
    str,
    "A folder of wheels that init installs from, instead of an index.",
    WHERE,
    is_listed=False,
)
AML_PIPELINE_EXEC_MODE = Setting(
    "AML_PIPELINE_EXEC_MODE",
    choice("DEV", "PROD"),
    "Where train runs the steps of the pipeline. DEV: on this machine. PROD: on Azure ML.",
    WHERE,
    part=AZURE_PART,
    default="DEV",
)
FEATURE_STORE_URL = Setting(
    "FEATURE_STORE_URL",
    str,
    "Any SQLAlchemy URL, instead of the feature store in model.yaml.",
    DATA,
    is_secret=True,
    is_passed_on=True,
)
DATASET_URL = Setting(
    "DATASET_URL",
    str,
    "The database that create-local-datasets --from was given, where its URL holds a password.",
    DATA,
    is_secret=True,
    is_listed=False,
)
AZURE_STORAGE_ACCOUNT_NAME = Setting(
    "AZURE_STORAGE_ACCOUNT_NAME",
    str,
    "The account whose blobs az://container/path names as a dataset's source (group `blob`); they "
    "are read as the project's Azure identity.",
    DATA,
    part=AZURE_PART,
)
AZURE_STORAGE_CONNECTION_STRING = Setting(
    "AZURE_STORAGE_CONNECTION_STRING",
    str,
    "Or the account's connection string, which has a key of its own.",
    DATA,
    part=AZURE_PART,
    is_secret=True,
)
DATA_FOLDER = Setting(
    "DATA_FOLDER", str, "Where the tables of a training container stand.", DATA, is_listed=False
)
MLFLOW_TRACKING_URI = Setting(
    "MLFLOW_TRACKING_URI",
    str,
    "An MLflow tracking server, instead of local_assets/mlflow.db.",
    DATA,
    is_passed_on=True,
)
MODELS_FOLDER = Setting(
    "MODELS_FOLDER",
    str,
    "Where the files of trained models stand, instead of local_assets/models.",
    MODELS,
)
DATASETS_FOLDER = Setting(
    "DATASETS_FOLDER",
    str,
    "Where the files of datasets from the registry stand, instead of local_assets/datasets.",
    MODELS,
    part=AZURE_PART,
)
ASSETS = Setting(
    "ASSETS",
    choice(LOCAL_ASSETS),
    "local: in production too, the models and datasets that are on this machine, or in this image, "
    "are served. Unset: in production they are those of the shared registry.",
    MODELS,
    is_passed_on=True,
)
MODEL_DIRS = Setting(
    "MODEL_DIRS",
    words,
    "The folders that the verbs of models/all/ are about, instead of those in its Makefile.",
    MODELS,
    is_listed=False,
)
SERVED_MODELS = Setting(
    "SERVED_MODELS",
    names,
    "Which of the registered models are served, commas between. Unset: all.",
    MODELS,
)
MODEL_NAME = Setting(
    "MODEL_NAME",
    names,
    "Names that train-local or a training container has trained models under, commas between. Each "
    "is served in place of the registered version of the same model.",
    MODELS,
    part=CONTAINERS_PART,
)
MODEL_NAME_OF_THE_SEED = Setting(
    "MODElNAME", names, "Another spelling of MODEL_NAME.", MODELS, is_listed=False
)
SMOKE = Setting(
    "SMOKE",
    flag,
    "Train once and quickly, to see that everything runs: 1, as train --smoke sets it for its "
    "steps. Such a model is neither registered nor served.",
    MODELS,
    is_listed=False,
)
REGISTRY_FOLDER = Setting(
    "REGISTRY_FOLDER",
    str,
    "A folder that models are registered in, instead of the project's registry.",
    MODELS,
    is_listed=False,
)
MODEL_REGISTRY = Setting(
    "MODEL_REGISTRY",
    str,
    "The implementation of the registry, by its name in implementations.py.",
    MODELS,
    is_listed=False,
)
SIGNING_KEY = Setting(
    "SIGNING_KEY",
    str,
    "The file of the private key that new versions are signed with, outside of git (group "
    "`signing`); sign-model --new-key makes one. Unset: versions are not signed.",
    MODELS,
)
PREDICTION_LOG = Setting(
    "PREDICTION_LOG",
    str,
    "A SQLAlchemy URL, or off, instead of serving.prediction_log in model.yaml.",
    SERVICE,
    is_secret=True,
    is_passed_on=True,
)
LOCAL_PREDICTION_LOG = Setting(
    "LOCAL_PREDICTION_LOG",
    str,
    "The prediction log's SQLite database where nothing names another: images set it.",
    SERVICE,
    default="sqlite:///local_assets/predictions.db",
    is_listed=False,
)
COSMOS_KEY = Setting(
    "COSMOS_KEY",
    str,
    "The key of the prediction log's Cosmos DB account. Unset: the project's Azure identity.",
    SERVICE,
    part=AZURE_PART,
    is_secret=True,
    is_passed_on=True,
)
SPOOL_FOLDER = Setting(
    "SPOOL_FOLDER",
    str,
    "Where predictions wait for the store of the prediction log, instead of local_assets/spool.",
    SERVICE,
)
ROUTES = Setting(
    "ROUTES",
    str,
    "Routes of your own: route:module:function, commas between; each is a POST with a `payload`.",
    SERVICE,
)
API_KEY = Setting(
    "API_KEY",
    str,
    "A key of 16 characters or more, or several with commas between while one replaces another. "
    'python -c "import secrets; print(secrets.token_urlsafe(32))" makes one. Where no setting of '
    "this section is set, only this machine may call, and the service starts on no other address.",
    CALLERS,
    is_secret=True,
    is_passed_on=True,
)
API_KEY_FILE = Setting(
    "API_KEY_FILE",
    str,
    "Or a file with a key a line, such as a mounted secret; read again when it changes.",
    CALLERS,
)
SERVICE_TOKEN = Setting(
    "SERVICE_TOKEN",
    str,
    "Set by predict-all and demo: a key of this machine's verbs for the service they start. It is "
    "also what they recognise the service's processes by.",
    CALLERS,
    is_secret=True,
    is_listed=False,
)
ENTRA_TENANT_ID = Setting(
    "ENTRA_TENANT_ID",
    str,
    "Or Entra ID tokens (group `azure`): the tenant's id, a GUID.",
    CALLERS,
    part=AZURE_PART,
    is_passed_on=True,
)
ENTRA_AUDIENCE = Setting(
    "ENTRA_AUDIENCE",
    names,
    "The audiences of the tokens, commas between: the app's id (v2.0 tokens), its api://... URI "
    "(v1.0 tokens).",
    CALLERS,
    part=AZURE_PART,
    is_passed_on=True,
)
ENTRA_AUTHORITY = Setting(
    "ENTRA_AUTHORITY",
    str,
    "The authority of another cloud than Azure's public one.",
    CALLERS,
    part=AZURE_PART,
    is_passed_on=True,
)
AUTHENTICATION = Setting(
    "AUTHENTICATION",
    choice("off"),
    "off: callers are not checked, because something in front of the service does it.",
    CALLERS,
    is_secret=True,  # a key may stand here by mistake
    is_passed_on=True,
)
LOG_FORMAT = Setting(
    "LOG_FORMAT",
    choice("json", "text"),
    "The service's log lines: json or text. Unset: text on a terminal, json otherwise.",
    LOGS,
    is_passed_on=True,
)
LOG_LEVEL = Setting(
    "LOG_LEVEL",
    choice("debug", "info", "warning", "error", "critical", any_case=True),
    "From which level on the service's log has lines: debug, info, warning, error or critical.",
    LOGS,
    default="info",
    is_passed_on=True,
)
APPLICATIONINSIGHTS_CONNECTION_STRING = Setting(
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    str,
    "Requests and warnings are sent to Azure Monitor (group `azure`). Unset: nothing is sent.",
    LOGS,
    part=AZURE_PART,
    is_secret=True,
    is_passed_on=True,
)
APPLICATIONINSIGHTS_KEY_VAULT_SECRET = Setting(
    "APPLICATIONINSIGHTS_KEY_VAULT_SECRET",
    str,
    "Address of a Key Vault secret with that connection string, for the metrics of `monitor`: "
    "https://NAME.vault.azure.net/secrets/SECRET. Jobs on Azure ML read it by their identity.",
    LOGS,
    part=AZURE_PART,
)
OTEL_TRACES_SAMPLER_ARG = Setting(
    "OTEL_TRACES_SAMPLER_ARG",
    share,
    "The share of requests that is sent, 0 to 1; counts are scaled up again.",
    LOGS,
    part=AZURE_PART,
    default="1",
)
CONTAINER_ENGINE = Setting(
    "CONTAINER_ENGINE",
    str,
    "The program that builds and runs images. Unset: docker or podman, whichever is installed.",
    CONTAINERS,
    part=CONTAINERS_PART,
)
CONTAINER_NETWORK = Setting(
    "CONTAINER_NETWORK",
    str,
    "The network of builds and containers, such as host. Unset: the engine's own.",
    CONTAINERS,
    part=CONTAINERS_PART,
)
AZURE_SUBSCRIPTION_ID = Setting(
    "AZURE_SUBSCRIPTION_ID",
    str,
    "The Azure ML workspace, instead of what model.yaml or config.json says: set all three.",
    AZURE,
    part=AZURE_PART,
)
AML_RESOURCE_GROUP = Setting(
    "AML_RESOURCE_GROUP", str, "The workspace's resource group.", AZURE, part=AZURE_PART
)
AML_WORKSPACE = Setting("AML_WORKSPACE", str, "The workspace's name.", AZURE, part=AZURE_PART)
AZURE_RESOURCE_MANAGER = Setting(
    "AZURE_RESOURCE_MANAGER",
    str,
    "The resource manager of another cloud than Azure's public one.",
    AZURE,
    part=AZURE_PART,
)
AZURE_TENANT_ID = Setting(
    "AZURE_TENANT_ID",
    str,
    "A service principal: its tenant, its id and its secret. Unset: the machine's managed "
    "identity, or the account that is signed in (az login).",
    AZURE,
    part=AZURE_PART,
)
AZURE_CLIENT_ID = Setting("AZURE_CLIENT_ID", str, "Its id.", AZURE, part=AZURE_PART)
AZURE_CLIENT_SECRET = Setting(
    "AZURE_CLIENT_SECRET", str, "Its secret.", AZURE, part=AZURE_PART, is_secret=True
)
BUILD_ID = Setting(
    "BUILD_ID",
    str,
    "The name of this build in CI: a tag of the models that it registers.",
    AZURE,
    part=AZURE_PART,
)
AZUREML_ARM_SUBSCRIPTION = Setting(
    "AZUREML_ARM_SUBSCRIPTION", str, "Set in a job on Azure ML.", AZURE, is_listed=False
)
AZUREML_ARM_RESOURCEGROUP = Setting(
    "AZUREML_ARM_RESOURCEGROUP", str, "Set in a job on Azure ML.", AZURE, is_listed=False
)
AZUREML_ARM_WORKSPACE_NAME = Setting(
    "AZUREML_ARM_WORKSPACE_NAME", str, "Set in a job on Azure ML.", AZURE, is_listed=False
)
AZUREML_MODEL_DIR = Setting(
    "AZUREML_MODEL_DIR",
    str,
    "Where Azure ML mounts the registered model of a deployment; set in its container.",
    AZURE,
    is_listed=False,
)
SCORED = Setting(
    "SCORED",
    choice("requests", FILES),
    "What a deployment on Azure ML scores: requests, or files.",
    AZURE,
    default="requests",
    is_listed=False,
)

ALL: tuple[Setting, ...] = tuple(
    each for each in [*globals().values()] if isinstance(each, Setting)
)
BY_NAME = {each.name: each for each in ALL}
PASSED_ON = tuple(each for each in ALL if each.is_passed_on)
WORKSPACE = (AZURE_SUBSCRIPTION_ID, AML_RESOURCE_GROUP, AML_WORKSPACE)
JOB_WORKSPACE = (
    AZUREML_ARM_SUBSCRIPTION,
    AZUREML_ARM_RESOURCEGROUP,
    AZUREML_ARM_WORKSPACE_NAME,
)
SERVICE_PRINCIPAL = (AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET)
PARTS = (CONTAINERS_PART, AZURE_PART)


def azure_environment() -> str:
    """Return the key of `aml.environments` in model.yaml that Azure verbs work for."""
    return ENVIRONMENT.get() or DEV


def passed_on_values() -> dict[str, str]:
    """Return what the environment says that holds in a container of the service too, by name."""
    return {each.name: os.environ[each.name] for each in PASSED_ON if each.is_set()}


def check(environ: Mapping[str, str] | None = None) -> None:
    """Read every setting once.

    Raises:
        ProjectError: the value of one is none that it can have.
    """
    for each in ALL:
        each.get(environ)


def listed(parts: Collection[str]) -> dict[str, list[Setting]]:
    """Return the settings of a project with these parts, by section."""
    found: dict[str, list[Setting]] = {}
    for each in ALL:
        if each.is_listed and (each.part is None or each.part in parts):
            found.setdefault(each.section, []).append(each)
    return found


def env_example(parts: Collection[str] = PARTS) -> str:
    """Return the text of .env.example for a project with these parts."""
    lines = [
        "# Copy to .env, which git ignores: what differs by machine, and every secret. An empty",
        "# variable counts as not set. internal/seedling/settings.py declares them all.",
    ]
    for section, settings in listed(parts).items():
        lines += ["", f"# ---- {section}"]
        for each in settings:
            texts = [each.text, *(more for part, more in each.more.items() if part in parts)]
            wrapped = [textwrap.wrap(text, WIDTH, break_on_hyphens=False) for text in texts]
            comment = [f"# {line}" for text in wrapped for line in text]
            lines += ["", *comment, f"{each.name}={each.default}"]
    return "\n".join(lines) + "\n"


def page(parts: Collection[str] = PARTS) -> str:
    """Return the text of docs/settings.md for a project with these parts."""
    lines = [
        "# Settings",
        "",
        "Environment variables, or lines of `.env`, which git ignores; `.env.example` is a copy to",
        "start from. An empty variable counts as not set. A value that a variable cannot have is",
        "refused in one line that names both. *Secret*: the value is never shown.",
    ]
    for section, settings in listed(parts).items():
        lines += ["", f"## {section}", "", "| variable | | |", "|---|---|---|"]
        for each in settings:
            lines.append(f"| `{each.name}` | {each.text} | {'secret' * each.is_secret} |")
            lines += [f"| | {more} | |" for part, more in each.more.items() if part in parts]
    if CONTAINERS_PART in parts:
        passed_on = [
            each for found in listed(parts).values() for each in found if each.is_passed_on
        ]
        lines += ["", "## Passed on", "", "What these say here holds in a container too:", ""]
        lines += [f"- `{each.name}`" for each in passed_on]
    return "\n".join(lines) + "\n"
