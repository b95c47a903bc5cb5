"""This machine's identity on Azure: one credential chain, which gets a token when one is needed."""

import json
import logging
import os
import sys
from functools import cache
from typing import Any
from urllib.request import Request, urlopen

from seedling.errors import ProjectError
from seedling.settings import (
    AZURE_CLIENT_ID,
    AZURE_CLIENT_SECRET,
    AZURE_TENANT_ID,
    AZUREML_ARM_WORKSPACE_NAME,
)

AZURE_SQL = "https://database.windows.net/.default"
CI = ("CI", "TF_BUILD")  # set by CI systems: GitHub and most others, Azure DevOps
AUDIENCE = "api://AzureADTokenExchange"  # whom a job of GitHub says it to


def credential(may_ask: bool = True) -> Any:
    """Return the credential chain.

    It tries a service principal from the environment, a workload's or a machine's managed identity,
    then the account that is signed in to Azure's tools on this machine. Where a person is at the
    terminal, a login in the browser comes last, by a code where there is no browser. A job of
    GitHub that may ask for tokens and knows its identity has no chain: it is that identity.

    Args:
        may_ask: False where no person is to be asked, as in the service.

    Raises:
        ImportError: azure-identity is not installed.
    """
    if may_ask and is_attended():
        return _asking_chain()
    if os.environ.get("ACTIONS_ID_TOKEN_REQUEST_URL") and AZURE_CLIENT_ID.get():
        return _github_credential(AZURE_TENANT_ID.get(), AZURE_CLIENT_ID.get())
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential()


def service_principal(tenant_id: str, client_id: str, password: str) -> Any:
    """Return the credential of a service principal that is not the environment's.

    Raises:
        ImportError: azure-identity is not installed.
    """
    from azure.identity import ClientSecretCredential

    return ClientSecretCredential(tenant_id, client_id, password)


def _github_credential(tenant_id: str, client_id: str) -> Any:
    """Return the credential of a job of GitHub, which asks for a new token of the job each time.

    az has the one that it has signed in with, and that is good for minutes: what a longer verb
    needs then is refused.
    """
    from azure.identity import ClientAssertionCredential

    return ClientAssertionCredential(tenant_id, client_id, _token_of_the_job)


def _token_of_the_job() -> str:
    from azure.core.exceptions import ClientAuthenticationError

    url = f"{os.environ['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience={AUDIENCE}"
    right = f"Bearer {os.environ['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"
    try:
        with urlopen(Request(url, headers={"Authorization": right}), timeout=60) as answer:
            return str(json.load(answer)["value"])
    except (OSError, ValueError, KeyError) as error:
        raise ClientAuthenticationError(f"GitHub gives this job no token: {error}") from None


def is_attended() -> bool:
    """Return True if a person can log in: at a terminal, outside CI, with no service principal."""
    automatic = any(os.environ.get(name) for name in CI) or AZUREML_ARM_WORKSPACE_NAME.is_set()
    principal = AZURE_CLIENT_SECRET.is_set()
    return not (automatic or principal) and sys.stdin.isatty() and sys.stderr.isatty()


@cache
def _asking_chain() -> Any:
    """Return the chain with a login at its end: one for all clients, so that it asks once."""
    from azure.identity import (
        DefaultAzureCredential,
        DeviceCodeCredential,
        InteractiveBrowserCredential,
    )

    tenant: dict[str, Any] = {"tenant_id": AZURE_TENANT_ID.get()} if AZURE_TENANT_ID.get() else {}
    chain = DefaultAzureCredential()
    code = DeviceCodeCredential(prompt_callback=_show_code, **tenant)
    chain.credentials = (*chain.credentials, InteractiveBrowserCredential(**tenant), code)
    return chain


def _show_code(address: str, code: str, _until: Any) -> None:
    print(f"Azure asks who you are: open {address} and enter {code}.", file=sys.stderr)


def azure_sql_token(may_ask: bool = False) -> str:
    """Return an access token for Azure SQL; as `token`."""
    return token(AZURE_SQL, "Azure SQL", may_ask)


def token(scope: str, what: str, may_ask: bool = False) -> str:
    """Return an access token.

    Args:
        scope: of the service that it is for.
        what: the name of the service.
        may_ask: whether a person may be asked to log in.

    Raises:
        ProjectError: the chain has no credential that Azure accepts, or azure-identity is not
            installed.
    """
    try:
        from azure.core.exceptions import ClientAuthenticationError

        found = credential(may_ask)
    except ImportError:
        raise ProjectError(
            f"{what} needs azure-identity: run init with the group `azure`."
        ) from None
    logging.getLogger("azure.identity").setLevel(logging.ERROR)  # the line below says it
    try:
        return str(found.get_token(scope).token)
    except ClientAuthenticationError as error:
        raise ProjectError(
            f"No Azure credential could be used for {what}: run `az login`, or set "
            "AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET in .env. "
            f"({_reason(str(error.message))})"
        ) from None


def _reason(message: str) -> str:
    """Return the first refusal in the chain's message, which has a line for each credential."""
    lines = [line.strip() for line in message.splitlines()]
    refused = (line for line in lines if "Credential: " in line and "unavailable" not in line)
    return next(refused, lines[0])
