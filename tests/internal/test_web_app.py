"""The web app: its settings, and what is said where nothing describes one."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from seedling.azure import web_app
from seedling.config import AzureEnvironment, Project, WebApp
from seedling.errors import ProjectError
from seedling.testing import invoke

DESCRIBED = {"site_name": "ours", "plan": "plan", "container_registry": "ours.azurecr.io"}


@pytest.fixture(autouse=True)
def no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in web_app.COMMIT:
        monkeypatch.setenv(name, "")


def test_what_env_says_holds_in_the_container(monkeypatch: pytest.MonkeyPatch) -> None:
    described = WebApp(**DESCRIBED)
    with pytest.raises(ProjectError, match="Nothing says who may ask"):
        web_app.settings(described)
    monkeypatch.setenv("API_KEY", "the key itself")
    monkeypatch.setenv("ENVIRONMENT", "prod")
    expected = {"API_KEY": "the key itself", "ENVIRONMENT": "prod", "WEBSITES_PORT": "5000"}
    assert web_app.settings(described) == expected
    secret = "https://vault.vault.azure.net/secrets/key"  # noqa: S105 - where it is
    by_reference = web_app.settings(WebApp(**DESCRIBED, api_key_secret=secret))
    assert by_reference["API_KEY"] == f"@Microsoft.KeyVault(SecretUri={secret})"


def test_an_image_is_tagged_with_the_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert web_app.tag(Path("nowhere")) == "latest"
    monkeypatch.setenv("BUILD_SOURCEVERSION", "abc")
    assert web_app.tag(Path("nowhere")) == "abc"


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_service_principal_tags_with_the_commit_of_a_clean_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.yaml").write_text("name: ours", encoding="utf-8")
    for words in (
        ("init",),
        ("add", "."),
        ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-m", "begin"),
    ):
        subprocess.run(["git", *words], cwd=tmp_path, check=True, capture_output=True)
    assert web_app.tag(tmp_path) == "latest"
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "a secret")
    assert re.fullmatch("[0-9a-f]{40}", web_app.tag(tmp_path))
    (tmp_path / "model.yaml").write_text("name: edited", encoding="utf-8")
    assert web_app.tag(tmp_path) == "latest"


def test_without_a_web_app_one_line_says_where_to_describe_it(project: Project) -> None:
    refused = invoke(project, "deploy-web-app")
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "put `web_app` below aml.environments.dev" in refused.stderr


@pytest.mark.parametrize(
    "wrong",
    [{"site_name": "Ours"}, {"container_registry": "ours.azurecr.io/x"}, {"api_key_secret": "k"}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_what_cannot_be_is_refused_by_model_yaml(wrong: dict[str, Any]) -> None:
    assert AzureEnvironment(web_app=WebApp(**DESCRIBED)).web_app is not None
    with pytest.raises(ValueError, match=next(iter(wrong))):
        WebApp(**{**DESCRIBED, **wrong})
