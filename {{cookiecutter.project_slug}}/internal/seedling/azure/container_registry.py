"""Pushes an image to an Azure container registry, entered by the identity chain."""

import json
import subprocess
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import urlopen

from seedling.azure import identity, sites, workspace
from seedling.containers import images
from seedling.errors import ProjectError

USER = "00000000-0000-0000-0000-000000000000"  # the name that goes with a registry's token


def push(image: str) -> None:
    """Push an image that was built here; the registry is the first part of its name.

    The engine keeps the login for the time of the push only.

    Raises:
        ProjectError: there is no engine, or the registry refuses.
    """
    engine, registry = images.engine(), image.partition("/")[0]
    login = [engine, "login", registry, "--username", USER, "--password-stdin"]
    done = subprocess.run(login, input=_token(registry), capture_output=True, text=True)
    if done.returncode:
        raise ProjectError(f"{registry} refuses the login: {done.stderr.strip()}")
    try:
        if subprocess.call([engine, "push", image]):
            raise ProjectError("The image was not pushed; the lines above say why.")
    finally:
        subprocess.run([engine, "logout", registry], capture_output=True)


def _token(registry: str) -> str:
    """Exchange a token of the credential chain for one of the container registry."""
    with workspace.project_errors(f"Entering {registry}"):
        entra = identity.credential().get_token(sites.scope()).token
    form = {"grant_type": "access_token", "service": registry, "access_token": entra}
    try:
        url = f"https://{registry}/oauth2/exchange"
        with urlopen(url, urlencode(form).encode(), timeout=60) as response:
            return str(json.load(response)["refresh_token"])
    except HTTPError as error:
        raise ProjectError(
            f"{registry} answers {error.code}: the caller needs the role AcrPush there."
        ) from None
    except (URLError, OSError, ValueError, KeyError) as error:
        raise ProjectError(f"{registry} is not reached: {error}") from None
