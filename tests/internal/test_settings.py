"""Environment variables: declared once, and everything that follows from the declarations."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from seedling import settings, testing
from seedling.errors import ProjectError
from seedling.testing import invoke

INTERNAL = Path(settings.__file__).parent
# Set by other programs, or read by them: no setting of a project.
FOREIGN = {
    *("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL"),
    *("AZUREML_ENTRY_SCRIPT", "AZUREML_MODEL_DIR", "GITHUB_OUTPUT", "GITHUB_SHA", "TF_BUILD"),
    *("BUILD_BUILDID", "BUILD_SOURCEBRANCH", "BUILD_SOURCEVERSION", "GITHUB_ACTIONS"),
    *("GITHUB_HEAD_REF", "GITHUB_REF_NAME", "GITHUB_RUN_ID", "GITHUB_STEP_SUMMARY"),
    *("IDENTITY_ENDPOINT", "MSI_ENDPOINT", "MAKECMDGOALS", "MAKEFLAGS", "MLFLOW_RUN_ID"),
    "PATH",
    *("PIP_FIND_LINKS", "PIP_NO_INDEX", "PYTHONWARNINGS", "DO_NOT_TRACK"),
    *("MLFLOW_DISABLE_TELEMETRY", "RAY_ADDRESS", "REGISTRY_DISCOVERY_ENDPOINT_URL", "WHEELHOUSE"),
}


def test_env_example_is_what_the_declarations_say():
    """If this fails: write `seedling.settings.env_example()` to the project's .env.example."""
    path = testing.root() / ".env.example"
    assert path.read_text(encoding="utf-8") == settings.env_example()


def test_the_page_of_settings_is_what_the_declarations_say():
    """If this fails: write `seedling.settings.page()` to the project's docs/settings.md."""
    path = testing.root() / "docs" / "settings.md"
    assert path.read_text(encoding="utf-8") == settings.page()


@pytest.mark.parametrize("parts", [(), ("containers",), ("azure",), settings.PARTS])
def test_env_example_has_the_settings_of_the_parts_and_no_secret(parts):
    text = settings.env_example(parts)
    found = dict(re.findall(r"(?m)^([A-Za-z_]+)=(.*)$", text))
    assert found == {
        each.name: each.default
        for each in settings.ALL
        if each.is_listed and (each.part is None or each.part in parts)
    }
    assert not any(found.get(each.name) for each in settings.ALL if each.is_secret)
    assert max(map(len, text.splitlines())) <= 100
    assert ("aml.environments" in text) == ("azure" in parts)
    for name in found:
        assert f"`{name}`" in settings.page(parts)


def test_every_default_is_a_value_that_its_variable_can_have(monkeypatch):
    for each in settings.ALL:
        monkeypatch.delenv(each.name, raising=False)
    settings.check()
    assert settings.LOG_LEVEL.get() == "info"
    assert settings.OTEL_TRACES_SAMPLER_ARG.get() == 1
    assert settings.AML_PIPELINE_EXEC_MODE.get() == "DEV"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("AML_PIPELINE_EXEC_MODE", "TEST", " is 'TEST': DEV or PROD is expected."),
        ("AUTHENTICATION", "none", ": off is expected."),
        ("LOG_FORMAT", "xml", " is 'xml': json or text is expected."),
        ("LOG_LEVEL", "all", " is 'all': debug, info, warning, error or critical is expected."),
        ("OTEL_TRACES_SAMPLER_ARG", "1.5", " is '1.5': a number from 0 to 1 is expected."),
        ("OTEL_TRACES_SAMPLER_ARG", "nan", " is 'nan': a number from 0 to 1 is expected."),
    ],
)
def test_a_wrong_value_is_one_line_that_names_it(monkeypatch, project, name, value, message):
    monkeypatch.setenv(name, value)
    with pytest.raises(ProjectError) as raised:
        settings.check()
    assert str(raised.value) == f"{name}{message}"
    assert f"settings: {name}{message}" in invoke(project, "doctor").output


def test_the_message_about_a_secret_does_not_show_it():
    def refuse(text: str) -> str:
        raise ValueError("another text")

    secret = settings.Setting("SECRET", refuse, "", "", is_secret=True)
    with pytest.raises(ProjectError) as raised:
        secret.get({"SECRET": "hidden"})
    assert str(raised.value) == "SECRET: another text is expected."


def test_blanks_around_a_value_and_an_empty_value_do_not_count():
    assert settings.LOG_LEVEL.get({"LOG_LEVEL": " DEBUG "}) == "debug"
    assert settings.LOG_LEVEL.get({"LOG_LEVEL": " "}) == "info"
    assert settings.SERVED_MODELS.get({"SERVED_MODELS": " a,,b , "}) == ["a", "b"]
    assert not settings.API_KEY.is_set({"API_KEY": " "})


def test_environment_is_a_key_for_azure_too(monkeypatch):
    monkeypatch.setenv("ENVIRONMENT", "")
    assert settings.azure_environment() == "dev"
    monkeypatch.setenv("ENVIRONMENT", "prod")
    assert settings.azure_environment() == "prod"


def test_what_a_container_is_given_is_what_is_set(monkeypatch):
    monkeypatch.setenv("API_KEY", "k" * 16)
    monkeypatch.setenv("MODELS_FOLDER", "/elsewhere")
    assert settings.passed_on_values() == {"API_KEY": "k" * 16}


def test_no_module_reads_a_variable_that_is_not_declared():
    undeclared = set()
    for path in INTERNAL.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Subscript(value=ast.Attribute(attr="environ"), slice=ast.Constant(name)):
                    undeclared.add(name)
                case (
                    ast.Call(
                        func=ast.Attribute(attr="get", value=ast.Attribute(attr="environ")),
                        args=[ast.Constant(name), *_],
                    )
                    | ast.Call(func=ast.Attribute(attr="getenv"), args=[ast.Constant(name), *_])
                ):
                    undeclared.add(name)
    wsgi = {name for name in undeclared if not name.isupper()}
    assert undeclared - wsgi <= FOREIGN


def test_declarations_need_the_standard_library_only():
    script = (
        "import sys; before = set(sys.modules); import seedling.settings\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "sys.exit(', '.join(new - sys.stdlib_module_names - {'seedling'}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stderr.strip() == ""
