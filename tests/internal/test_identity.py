"""Azure's credential chain: who is asked to log in."""

from types import SimpleNamespace

import pytest

from seedling.azure import identity


@pytest.mark.parametrize(
    ("terminal", "variables", "expected"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"CI": "true"}, False),
        (True, {"TF_BUILD": "True"}, False),
        (True, {"AZUREML_ARM_WORKSPACE_NAME": "workspace"}, False),
        (True, {"AZURE_CLIENT_SECRET": "a password"}, False),
    ],
    ids=["person", "no terminal", "CI", "Azure DevOps", "job", "principal"],
)
def test_a_person_is_asked_only_at_a_terminal_outside_ci_and_without_a_principal(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, variables: dict[str, str], expected: bool
) -> None:
    for name in identity.CI:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    stream = SimpleNamespace(isatty=lambda: terminal)
    monkeypatch.setattr(identity, "sys", SimpleNamespace(stdin=stream, stderr=stream))
    assert identity.is_attended() is expected
