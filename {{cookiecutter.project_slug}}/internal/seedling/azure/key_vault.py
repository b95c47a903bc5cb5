"""A secret of Azure's Key Vault, read by this process's identity.

So a job by the clock has a connection string that stands in no YAML, no variable and no log.
"""

import json
import re
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from seedling.azure import identity
from seedling.errors import ProjectError

SCOPE, VERSION = "https://vault.azure.net/.default", "7.4"
# The vault's own address and no other: a token goes there.
ADDRESS = re.compile(
    r"https://[A-Za-z0-9-]+\.vault\.azure\.net/secrets/[A-Za-z0-9-]+(/[0-9a-f]{32})?/?"
)


def read(address: str) -> str:
    """Return the value of a secret.

    Args:
        address: https://NAME.vault.azure.net/secrets/SECRET, with a version or without.

    Raises:
        ProjectError: it is no such address, or the vault refuses.
    """
    if not ADDRESS.fullmatch(address):
        raise ProjectError(
            f"{address!r:.120} is no secret of a Key Vault: https://NAME.vault.azure.net/secrets/"
            "SECRET."
        )
    token = identity.token(SCOPE, "the Key Vault")
    url = f"{address.rstrip('/')}?api-version={VERSION}"
    asked = Request(url, headers={"Authorization": f"Bearer {token}"})
    try:
        with urlopen(asked, timeout=30) as response:
            return str(json.load(response)["value"])
    except HTTPError as error:
        raise ProjectError(
            f"{address} answers {error.code}: the caller needs the role Key Vault Secrets "
            "User, and the secret must be there."
        ) from None
    except (URLError, OSError, ValueError, KeyError) as error:
        raise ProjectError(f"{address} is not reached: {error}") from None
