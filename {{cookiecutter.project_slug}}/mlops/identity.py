"""Who this machine is to Azure: one credential chain, asked for a token when one is needed."""

from {{cookiecutter.project_slug}}.errors import ProjectError

AZURE_SQL = "https://database.windows.net/.default"


def azure_sql_token() -> str:
    """An access token for Azure SQL.

    The chain tries a service principal from the environment, a workload's or a machine's managed
    identity, then whoever is signed in to Azure's tools on this machine.
    """
    try:
        from azure.core.exceptions import ClientAuthenticationError
        from azure.identity import DefaultAzureCredential
    except ImportError:
        raise ProjectError(
            "Azure SQL needs azure-identity: run init with the group `azure`."
        ) from None
    try:
        with DefaultAzureCredential() as credential:
            return credential.get_token(AZURE_SQL).token
    except ClientAuthenticationError as error:
        reason = str(error.message).splitlines()[0]
        raise ProjectError(f"No Azure credential could be used for Azure SQL: {reason}") from None
