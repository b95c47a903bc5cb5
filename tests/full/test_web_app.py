"""The service as an Azure web app, with the real SDK, against a stand-in that runs the service."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from azureml.emulator import AzureML
from baking import environment, python_of
from warm import call, verb

pytestmark = pytest.mark.full

ANSWERS = {"vertical": "finance", "project_name": "Webbed", "models": "logistic_regression"}
KEY = "a-key-of-more-than-sixteen-letters"
SECRET = "https://vault.vault.azure.net/secrets/key"  # noqa: S105 - where it is
CI = ("GITHUB_SHA", "BUILD_SOURCEVERSION", "BUILD_ID", "ENVIRONMENT", "API_KEY")
# A container engine that notes what it is told, and builds nothing.
ENGINE = """#!/bin/sh
echo "$*" >> "$ENGINE_NOTES/commands"
case "$1" in
  login) cat > "$ENGINE_NOTES/token" ;;
  push) echo "$2" >> "$ENGINE_NOTES/pushed" ;;
  image) echo 1048576 ;;
esac
"""


@pytest.fixture(scope="module")
def project(installed) -> Path:
    """A project with a registered model, and with both of Azure's SDKs."""
    project = installed(ANSWERS, "train,serve,dev,aml,webapp")
    verb(project, "create-local-datasets")
    verb(project, "train")
    return project


@pytest.fixture
def emulator(project: Path, tmp_path: Path) -> Iterator[AzureML]:
    with AzureML(python_of(project)) as emulator:
        emulator.web.project = project
        emulator.web.pushed = tmp_path / "pushed"
        emulator.web.secrets[SECRET] = KEY
        yield emulator
        assert emulator.unknown == []


@pytest.fixture
def deploy(project: Path, emulator: AzureML, tmp_path: Path) -> Iterator[Any]:
    """`deploy({...}, NAME=value)`: the verb, with more of `web_app`, and variables."""
    engine = tmp_path / "engine"
    engine.write_text(ENGINE)
    engine.chmod(0o755)
    described = (project / "model.yaml").read_text(encoding="utf-8")

    def deploy(
        web_app: dict[str, Any] | None = None, word: str = "deploy-web-app", **settings: str
    ) -> "subprocess.CompletedProcess[str]":
        usual = {"site_name": "webbed", "plan": "plan", "patience": 30}
        usual["container_registry"] = emulator.web.registry
        name = settings.get("ENVIRONMENT", "dev")
        document = {"environments": {name: {"web_app": usual | (web_app or {})}}}
        text = described + "\n" + yaml.dump({"aml": document})
        (project / "model.yaml").write_text(text, encoding="utf-8")
        given = {
            "API_KEY": KEY,
            "AZURE_RESOURCE_MANAGER": emulator.address,
            "CONTAINER_ENGINE": str(engine),
            "ENGINE_NOTES": str(tmp_path),
            "SSL_CERT_FILE": str(emulator.certificate),
        }
        own = {
            name: value
            for name, value in environment().items()
            if not name.startswith("AZURE") and name not in CI
        }
        variables = own | emulator.settings() | given | settings
        return call(python_of(project), ["-m", "seedling", word], project, variables, timeout=300)

    yield deploy
    (project / "model.yaml").write_text(described, encoding="utf-8")


def images(emulator: AzureML, site: str = "webbed") -> dict[str, str]:
    """The tag of what runs, by slot."""
    return {
        slot: app.image.rpartition(":")[2]
        for (name, slot), app in emulator.web.apps.items()
        if name == site
    }


def test_a_web_app_is_made_then_updated_by_its_slot(deploy: Any, emulator: AzureML, tmp_path: Path):
    first = deploy(word="deploy")  # to what the environment describes
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines()[0] == "dev: deploy-web-app"
    image = f"{emulator.web.registry}/webbed:latest"
    said = f"webbed serves {image} at {emulator.address}/site/webbed/production"
    assert first.stdout.splitlines()[-1] == said
    assert images(emulator) == {"production": "latest"}
    body = emulator.web.bodies["webbed", "production"]
    assert body["properties"]["httpsOnly"] is True
    assert body["properties"]["siteConfig"]["acrUseManagedIdentityCreds"] is True
    commands = (tmp_path / "commands").read_text()
    assert f"push {image}\n" in commands
    assert commands.splitlines()[-1] == f"logout {emulator.web.registry}"
    secret = (tmp_path / "token").read_text()
    assert secret.count(".") == 2
    assert secret not in commands
    again = deploy(GITHUB_SHA="abc123")
    assert again.returncode == 0, again.stderr
    assert images(emulator) == {"production": "abc123", "staging": "latest"}
    assert "webbed/staging answers." in again.stdout
    third = deploy(BUILD_SOURCEVERSION="def456")
    assert third.returncode == 0, third.stderr
    assert images(emulator) == {"production": "def456", "staging": "abc123"}


def test_a_taken_name_is_bumped_and_found_again(deploy: Any, emulator: AzureML):
    emulator.web.taken |= {"webbed-3", "webbed-4"}
    done = deploy({"site_name": "webbed-3"})
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("webbed-3 is taken: it is webbed-5.\n")
    again = deploy({"site_name": "webbed-3"}, GITHUB_SHA="second")
    assert again.returncode == 0, again.stderr
    assert images(emulator, "webbed-5") == {"production": "second", "staging": "latest"}


def test_a_version_that_does_not_answer_never_gets_into_production(deploy: Any, emulator: AzureML):
    assert deploy(GITHUB_SHA="good").returncode == 0
    emulator.web.broken.add((f"{emulator.web.registry}/webbed:bad", "*"))
    refused = deploy({"patience": 3}, GITHUB_SHA="bad")
    assert refused.returncode == 1
    assert "/site/webbed/staging/health does not answer" in refused.stderr
    assert "principal-of-staging needs the role AcrPull" in refused.stderr
    log = refused.stdout.partition("The last lines of the log of webbed/staging:\n")[2]
    assert log.startswith("INFO - Starting container for site webbed: ")
    assert "Waiting until webbed/staging answers: no answer after 0:00:0" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert images(emulator) == {"production": "good", "staging": "bad"}
    assert emulator.web.swaps == 0


def test_what_fails_in_production_is_swapped_back(deploy: Any, emulator: AzureML):
    assert deploy(GITHUB_SHA="good").returncode == 0
    emulator.web.broken.add((f"{emulator.web.registry}/webbed:bad", "production"))
    refused = deploy({"patience": 10}, GITHUB_SHA="bad")
    assert refused.returncode == 1
    assert refused.stderr.rstrip().endswith("The version before is back.")
    assert images(emulator) == {"production": "good", "staging": "bad"}
    assert emulator.web.swaps == 2


def test_a_plan_without_slots_is_updated_in_place(deploy: Any, emulator: AzureML):
    emulator.web.tier = "Basic"
    assert deploy(GITHUB_SHA="one").returncode == 0
    done = deploy(GITHUB_SHA="two")
    assert done.returncode == 0, done.stderr
    assert images(emulator) == {"production": "two"}
    emulator.web.broken.add((f"{emulator.web.registry}/webbed:bad", "*"))
    refused = deploy({"patience": 3}, GITHUB_SHA="bad", API_KEY="another-key-of-enough-letters")
    assert refused.returncode == 1
    assert refused.stderr.rstrip().endswith("The version before is back.")
    assert images(emulator) == {"production": "two"}
    assert emulator.web.apps["webbed", "production"].settings["API_KEY"] == KEY


def test_app_dev_gets_answers_of_the_real_shape_without_models(
    deploy: Any, emulator: AzureML, project: Path, tmp_path: Path
):
    """Also on a checkout where nothing was trained or registered, as CI's is; it says the URL."""
    kept, away = project / "local_assets", tmp_path / "assets"
    kept.rename(away)
    try:
        outputs = tmp_path / "outputs"
        given = {"ENVIRONMENT": "app-dev", "GITHUB_OUTPUT": str(outputs), "GITHUB_SHA": "abc"}
        done = deploy(word="deploy", **given)
    finally:
        shutil.rmtree(kept, ignore_errors=True)  # the verb leaves a folder for lists of parts
        away.rename(kept)
    assert done.returncode == 0, done.stderr
    image, address = f"{emulator.web.registry}/webbed:abc", f"{emulator.address}/site/webbed"
    assert outputs.read_text() == f"image={image}\nurl={address}/production\n"
    settings = emulator.web.apps["webbed", "production"].settings
    assert settings["ENVIRONMENT"] == "app-dev"


def test_a_key_is_named_in_model_yaml_not_written(deploy: Any, emulator: AzureML):
    done = deploy({"api_key_secret": SECRET})
    assert done.returncode == 0, done.stderr
    sent = json.dumps(emulator.web.bodies["webbed", "production"])
    assert f"@Microsoft.KeyVault(SecretUri={SECRET})" in sent
    assert KEY not in sent
    wrong = deploy({"api_key_secret": SECRET}, API_KEY="another-key-of-enough-letters")
    assert wrong.returncode == 1
    assert "logistic_regression is not answered as it should be" in wrong.stderr


def test_who_may_ask_must_be_said(deploy: Any, emulator: AzureML):
    refused = deploy(API_KEY="")
    assert refused.returncode == 1
    assert "Nothing says who may ask the web app" in refused.stderr
    assert not [path for _, path in emulator.requests if "Microsoft.Web" in path]


def test_a_refusal_is_told_before_anything_is_built(deploy: Any, emulator: AzureML, tmp_path: Path):
    missing = deploy({"plan": "other"})
    assert missing.returncode == 1
    assert "Looking for the plan other: Azure answers 404" in missing.stderr
    emulator.fault("GET", "/Microsoft.Web/sites/", 403, times=20)
    refused = deploy()
    assert refused.returncode == 1
    assert "Looking for the web app webbed: the caller may not do that" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert not (tmp_path / "commands").exists()


def test_a_registry_that_refuses_is_told_in_words(deploy: Any, emulator: AzureML):
    emulator.web.may_push = False
    refused = deploy()
    assert refused.returncode == 1
    said = f"{emulator.web.registry} answers 401: the caller needs the role AcrPush there."
    assert said in refused.stderr
    assert not emulator.web.apps
