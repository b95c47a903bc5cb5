"""The verb `sign-model`: signs the versions whose files are on this machine."""

from seedling.config import Project
from seedling.errors import ProjectError
from seedling.registry import signatures
from seedling.settings import SIGNING_KEY

PRIVATE_KEY = "signing_key.pem"  # git ignores *.pem


def sign_registered(project: Project, model: str | None, new_key: bool) -> None:
    """Sign each registered version, and print its name.

    Args:
        project: names the versions; SIGNING_KEY names the private key, relative to the project.
        model: the only one whose versions are signed; all unless given.
        new_key: whether a pair of keys is made first.

    Raises:
        ProjectError: no version is here, there is no key, or model-signing is not installed.
    """
    private = project.root / (SIGNING_KEY.get() or PRIVATE_KEY)
    public = project.root / project.config.serving.public_key
    if new_key:
        signatures.new_key(private, public)
        print(f"The private key is {private.name}: keep it out of git, set SIGNING_KEY to it.")
        print(f"The public key is {public.name}: commit it.")
    found = [each for each in project.config.models if model in (None, each.model)]
    here = [each for each in found if project.model_path(each).is_dir()]
    if not here and not new_key:
        raise ProjectError("No version of it is on this machine: run train first.")
    for registered in here:
        folder = project.model_path(registered)
        signatures.sign(folder, private, registered.name, registered.version)
        print(f"Signed {registered.name}, version {registered.version}.")
