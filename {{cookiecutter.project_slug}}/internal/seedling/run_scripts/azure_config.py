"""`azure-config*.json` of a run folder: where the workspace is, and who enters it.

It stays on this machine. Each key may be in another such file, or in the environment; AzureConfig
merges them.
"""

from pathlib import Path

from pydantic import ConfigDict, Field, SecretStr

from seedling.run_scripts import compute
from seedling.run_scripts.json_file import JsonFile

PATTERN = "azure*config*.json"
BETTER = "Better in .env: a file of this name is easily shared."


class AzureConfigFile(JsonFile):
    """The content of `azure-config*.json`; keys of your own may be there too."""

    model_config = ConfigDict(extra="allow")

    subscription_id: str | None = Field(default=None, min_length=1)
    resource_group: str | None = Field(default=None, min_length=1)
    workspace_name: str | None = Field(default=None, min_length=1)
    tenant_id: str | None = Field(default=None, min_length=1)
    client_id: str | None = Field(default=None, min_length=1)
    client_secret: SecretStr | None = Field(default=None, description=BETTER)


def files(folder: Path) -> list[Path]:
    """Return the files of a folder that say where the workspace is."""
    return sorted(path for path in folder.glob(PATTERN) if path.name != compute.FILE)
