"""Credentials of `.env` files, of `azure*config*.json` and of the environment, outside the code.

Both are mappings that show their keys and hide their values. A value is a text that is used as any
other; only its repr is `***`, so that no notebook's output and no traceback has it.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from seedling import implementations
from seedling.config import NoProjectError, Project, env_files, json_object
from seedling.config.env_files import OverriddenWarning
from seedling.config.json_object import JsonObject
from seedling.config.kept_secret import KeptSecrets
from seedling.errors import ProjectError
from seedling.settings import AML_RESOURCE_GROUP, AML_WORKSPACE
from seedling.wording import listed

__all__ = ["AzureConfig", "EnvConfig", "OverriddenWarning"]

T = TypeVar("T")
Paths = str | os.PathLike[str]
JSON_FILES = "azure*config*.json"
AZURE_PREFIX = "AZURE_"
WORKSPACE = ("subscription_id", "resource_group", "workspace_name")
# Other names of a workspace's parts: those that the project's own .env has.
ALSO = {AML_RESOURCE_GROUP.name: WORKSPACE[1], AML_WORKSPACE.name: WORKSPACE[2]}
PASSWORD = ("client_secret", "service_principal_password", "password")
CLIENT = ("client_id", "service_principal_id")
TENANT = ("tenant_id",)


class EnvConfig(KeptSecrets):
    """The variables of `.env` files, then of the process's environment, by name.

    A variable that begins with `prefix` loses it. Later over earlier, with an OverriddenWarning
    that names the keys. Without a prefix, the environment only has a say about what a file names.
    """

    __slots__ = ()

    def __init__(
        self,
        path: Paths | Sequence[Paths] | None = None,
        prefix: str = "",
        error_no_file_found: bool = True,
    ) -> None:
        """Read the files.

        Args:
            path: a file, a folder with `.env` and `*.env` files, or a list of both, in order; those
                of the working folder unless given, or of the one above where it has none.
            prefix: what is taken from the start of names, such as `RSI_`.
            error_no_file_found: whether it is an error if there is no file.

        Raises:
            ProjectError: a file is missing, or cannot be read.
        """
        files = _files(path, error_no_file_found)
        found = []
        for file in files:  # no comprehension, which is a call of its own to a warning
            found.append((str(file), _stripped(env_files.read(file, stacklevel=2), prefix)))
        named = {key for _, values in found for key in values}
        super().__init__(env_files.merged([*found, _of_process(prefix, named)], stacklevel=2))

    def lowerkeys(self) -> "EnvConfig":
        """Return the same values with each key in lower case; of two that become one, the later."""
        lower = object.__new__(EnvConfig)
        one_each = [("A later key", {key.lower(): value}) for key, value in self.items()]
        KeptSecrets.__init__(lower, env_files.merged(one_each, stacklevel=2))
        return lower


class AzureConfig(KeptSecrets):
    """The name and the credential of a workspace: of JSON files, then of prefixed variables.

    `azure*config*.json` of the folder, then variables with the prefix of its `.env` files or of
    those above it, then of the environment. Keys are in lower case, without the prefix.
    """

    __slots__ = ("_files", "_folder", "_prefix")
    shown = frozenset(WORKSPACE)

    def __init__(self, folder: Paths | None = None, prefix: str = AZURE_PREFIX) -> None:
        """Read the files.

        Args:
            folder: where the files stand; the working folder unless given.
            prefix: of the variables, such as `RSI_AZURE_`.

        Raises:
            ProjectError: a file cannot be read, or it is not said which workspace is meant; with
                file, line and key.
        """
        self._folder, self._prefix = Path(folder or "."), prefix
        if not self._folder.is_dir():
            raise ProjectError(f"{self._folder} is no folder: AzureConfig takes one.")
        self._files = [json_object.read(path) for path in sorted(self._folder.glob(JSON_FILES))]
        found = [(str(file.path), _lower(file.values)) for file in self._files]
        for path in env_files.near(self._folder):
            variables = self._variables(env_files.read(path, stacklevel=2))
            found.append((str(path), variables))
        found.append(("The environment", self._variables(os.environ)))
        values = env_files.merged(found, stacklevel=2)
        super().__init__({**self._of_project(values), **values})
        self._refuse_incomplete()

    @property
    def credential(self) -> Any:
        """Make the credential: a service principal if a password is there, else interactive.

        Raises:
            ProjectError: a part of the service principal is missing, or azure-identity is not
                installed.
        """
        password = self._first(PASSWORD)
        try:
            if not password:
                return implementations.find("azure credential")()
            names = {"tenant_id": self._first(TENANT), "client_id": self._first(CLIENT)}
            missing = [name for name, value in names.items() if not value]
            if missing:
                raise ProjectError(
                    f"A password is there, but no {listed(missing)}: a service principal has all "
                    f"three. Set {listed([f'{self._prefix}{name.upper()}' for name in missing])}."
                )
            principal = implementations.find("azure service principal")
            return principal(*names.values(), password)
        except ImportError:
            raise ProjectError(
                "Azure needs azure-identity: run init with the group `aml`."
            ) from None

    @property
    def workspace(self) -> Any:
        """Make the client for the workspace; it asks for a token at its first use.

        Raises:
            ProjectError: as of `credential`, or the SDK of Azure ML is not installed.
        """
        where = [str(self[key]) for key in WORKSPACE]
        return implementations.find("azure workspace")(*where, credential=self.credential)

    Workspace = workspace

    def _variables(self, values: Mapping[str, str]) -> dict[str, str]:
        """Return the variables that are meant for Azure; an empty one counts as not set."""
        also = {ALSO[name]: value for name, value in values.items() if name in ALSO and value}
        return also | {
            key.lower(): value for key, value in _with_prefix(values, self._prefix).items() if value
        }

    def _of_project(self, values: Mapping[str, Any]) -> dict[str, str]:
        """Return the workspace of the project around the folder, where no other is named."""
        if any(values.get(key) for key in WORKSPACE):
            return {}
        try:
            project = Project.find(self._folder)
        except NoProjectError:
            return {}
        place = implementations.find("place of the workspace")(project)
        return dict(zip(WORKSPACE, place[: len(WORKSPACE)], strict=True)) if place else {}

    def _refuse_incomplete(self) -> None:
        for key in WORKSPACE:
            value = self.get(key)
            if isinstance(value, str) and value.strip():
                continue
            holder = next((file for file in self._files if key in _lower(file.values)), None)
            if holder and key in self:
                raise ProjectError(f"{_place(holder, key)}: a text that is not empty is expected.")
            # That of the machines is for the team, and has no key of a workspace.
            named = [each.path.name for each in self._files]
            named = [name for name in named if env_files.may_hold_secrets(name)]
            file = named[-1] if named else "azure-config.json"
            raise ProjectError(
                f"{file} in {self._folder.resolve()}: {key} is missing: write it there, or set "
                f"{self._prefix}{key.upper()}."
            )

    def _first(self, names: Sequence[str]) -> str:
        return next((str(self[name]) for name in names if self.get(name)), "")


def _files(path: Paths | Sequence[Paths] | None, must_exist: bool) -> list[Path]:
    """Return the `.env` files of a path, in the order in which they are read."""
    if path is None:
        found = env_files.near(Path())
        if must_exist and not found:
            raise ProjectError(
                f"No .env file in {Path.cwd()} or above it: copy .env.example to .env."
            )
        return found
    files: list[Path] = []
    for each in [path] if isinstance(path, str | os.PathLike) else path:
        here = Path(each)
        found = env_files.in_folder(here) if here.is_dir() else [here] if here.exists() else []
        if must_exist and not found:
            what = "is a folder without .env files" if here.is_dir() else "is missing"
            raise ProjectError(f"{here} {what}: credentials are read from there.")
        files += found
    return files


def _stripped(values: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Return all values, by names without the prefix; a name with the prefix counts more."""
    others = {key: value for key, value in values.items() if not _begins(key, prefix)}
    return others | _with_prefix(values, prefix)


def _with_prefix(values: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {key[len(prefix) :]: text for key, text in values.items() if _begins(key, prefix)}


def _begins(key: str, prefix: str) -> bool:
    """Return True if a name begins with the prefix; Windows has all names in capitals."""
    return len(key) > len(prefix) and key.upper().startswith(prefix.upper())


def _of_process(prefix: str, named: set[str]) -> tuple[str, dict[str, str]]:
    """Return the variables of this process; an empty one counts as not set."""
    found = {name: os.environ[name] for name in named if os.environ.get(name)} if not prefix else {}
    if prefix:
        keys = {key.upper(): key for key in named} if os.name == "nt" else {}
        values = _with_prefix(os.environ, prefix)
        found = {keys.get(key, key): value for key, value in values.items() if value}
    return "The environment", found


def _lower(values: Mapping[str, T]) -> dict[str, T]:
    """Return values by keys in lower case, without `$schema`, which is for editors."""
    return {key.lower(): value for key, value in values.items() if key != "$schema"}


def _place(file: JsonObject, key: str) -> str:
    return file.place(next(name for name in file.values if name.lower() == key))
