"""This machine's identity on Azure: one credential chain, which gets a token when one is needed."""

import logging

from seedling.errors import ProjectError

AZURE_SQL = "https://database.windows.net/.default"


def azure_sql_token() -> str:
    """Return an access token for Azure SQL.

    The chain tries a service principal from the environment, a workload's or a machine's managed
    identity, then the person who is signed in to Azure's tools on this machine.
    """
    try:
        from azure.core.exceptions import ClientAuthenticationError
        from azure.identity import DefaultAzureCredential
    except ImportError:
        raise ProjectError(
            "Azure SQL needs azure-identity: run init with the group `azure`."
        ) from None
    logging.getLogger("azure.identity").setLevel(logging.ERROR)  # the line below says it
    try:
        with DefaultAzureCredential() as credential:
            return credential.get_token(AZURE_SQL).token
    except ClientAuthenticationError as error:
        raise ProjectError(
            "No Azure credential could be used for Azure SQL: run `az login`, or set "
            "AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET in .env. "
            f"({_reason(str(error.message))})"
        ) from None


def _reason(message: str) -> str:
    """Return the first refusal in the chain's message, which has a line for each credential."""
    lines = [line.strip() for line in message.splitlines()]
    refused = (line for line in lines if "Credential: " in line and "unavailable" not in line)
    return next(refused, lines[0])
