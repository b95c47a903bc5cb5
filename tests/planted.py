"""Secrets of six kinds, planted where a team has them, and the search for them anywhere else.

No scanner finds all of them (a SAS token least of all): the search is for their own values.
"""

import base64
import json
import random
import string
import subprocess
from pathlib import Path
from urllib.parse import quote

RNG = random.SystemRandom()
CHARACTERS = string.ascii_letters + string.digits


class Planted:
    """A project's planted secrets.

    Attributes:
        variables: what `.env`, azure-config.json, another .env file and the environment say.
        values: each secret in every form that it may have.
        files: where they are allowed, from the project's folder.
    """

    def __init__(self, project: Path) -> None:
        drawn = {
            "entra": f"{_drawn(3)}8Q~{_drawn(34)}",
            "storage": base64.b64encode(RNG.randbytes(64)).decode(),
            "sas": base64.b64encode(RNG.randbytes(32)).decode(),
            "github": f"ghp_{_drawn(36)}",
            "postgresql": _drawn(16),
            "plain": f"Tr0ub4dor-{_drawn(6)}",
        }
        account = f"AccountName=acc;AccountKey={drawn['storage']};EndpointSuffix=core.windows.net"
        self.variables = {
            "TEAM_CLIENT_SECRET": drawn["entra"],
            "TEAM_STORAGE_CONNECTION_STRING": f"DefaultEndpointsProtocol=https;{account}",
            "TEAM_SAS_TOKEN": f"sv=2024-11-04&ss=b&sp=rl&sig={quote(drawn['sas'], safe='')}",
            "TEAM_GITHUB_TOKEN": drawn["github"],
            "TEAM_WAREHOUSE_URL": f"postgresql://ann:{drawn['postgresql']}@127.0.0.1:1/store",
            "TEAM_PASSWORD": drawn["plain"],
        }
        self.values = {*drawn.values(), quote(drawn["sas"], safe=""), quote(drawn["storage"])}
        self._project = project
        self.files = self._plant()

    def _plant(self) -> tuple[str, ...]:
        lines = "".join(f"{name}='{value}'\n" for name, value in self.variables.items())
        text = "\n".join(self.variables.values())
        output = {"name": "stdout", "output_type": "stream", "text": [text]}
        cell = {"cell_type": "code", "execution_count": 1, "metadata": {}, "outputs": [output]}
        cell |= {"id": "a1", "source": ["print(dict(env))"]}
        book = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        keys = {name.removeprefix("TEAM_").lower(): value for name, value in self.variables.items()}
        contents = {
            ".env": lines,
            "team.env": lines,
            "serve/.env": lines,
            "models/team.env": lines,
            "azure-config.json": json.dumps(keys, indent=2),
            "serve/azure-config.json": json.dumps(keys, indent=2),
            "notebooks/mine.ipynb": json.dumps(book, indent=1),
        }
        for name, content in contents.items():
            path = self._project / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(content, encoding="utf-8")
        return tuple(contents)

    def in_remote(self) -> None:
        """Put the GitHub token into the URL of a git remote, as `git clone` with a token does."""
        url = f"https://ann:{self.variables['TEAM_GITHUB_TOKEN']}@github.com/org/team.git"
        for words in (["init", "-q"], ["remote", "add", "origin", url]):
            subprocess.run(["git", *words], cwd=self._project, check=True, capture_output=True)
        self.files += (".git/config",)

    def remove(self) -> None:
        """Remove the planted files."""
        for name in self.files:
            (self._project / name).unlink()

    def shown_in(self, text: str | bytes) -> bool:
        """Whether a text has one of the secrets."""
        data = text.encode() if isinstance(text, str) else text
        return any(value.encode() in data for value in self.values)

    def holders(self, folder: Path) -> list[str]:
        """The files below a folder that hold one, but for those where they are allowed."""
        found = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
        allowed = {self._project / name for name in self.files}
        return [
            path.relative_to(folder).as_posix()
            for path in found
            if path not in allowed and self.shown_in(path.read_bytes())
        ]


def _drawn(length: int) -> str:
    return "".join(RNG.choices(CHARACTERS, k=length))
