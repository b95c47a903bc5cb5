"""EnvConfig and AzureConfig: values stay what they are, and only their keys are shown."""

import copy
import json
import os
import pickle
import re
import traceback
import warnings
from pathlib import Path
from pprint import pformat
from types import SimpleNamespace

import pytest

from seedling import implementations
from seedling.config import Project
from seedling.credentials import AzureConfig, EnvConfig, OverriddenWarning
from seedling.errors import ProjectError
from seedling.masking import masked
from seedling.settings import WORKSPACE

# A value as a line of a .env file has it, and what it is.
VALUES = [
    ("p#ss", "p#ss"),
    ("#ss", "#ss"),
    ("00123", "00123"),
    ("true", "true"),
    ("a b c", "a b c"),
    ("a=b==", "a=b=="),
    ("$HOME/${USER}", "$HOME/${USER}"),
    ("'it''s'", None),
    ('"say \\"hi\\" # now"', 'say "hi" # now'),
    ("'p#s s' # a remark", "p#s s"),
    ("p # a remark", "p"),
    ("' blank '", " blank "),
    ("", ""),
    ('"one\ntwo\n"', "one\ntwo\n"),
    ("Grüße-✓", "Grüße-✓"),
]
PLACE = {"subscription_id": "s", "resource_group": "g", "workspace_name": "w"}


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder of its own, and an environment without Azure."""
    home = tmp_path / "home" / "here"
    home.mkdir(parents=True)
    monkeypatch.chdir(home)
    for name in os.environ:
        if name.startswith(("AZURE", "AML_", "PASSWORD", "RSI_")):
            monkeypatch.delenv(name)


def write(text: str, path: str = ".env") -> Path:
    Path(path).write_bytes(text.encode())
    return Path(path)


@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("start", ["", "\ufeff"], ids=["plain", "BOM"])
@pytest.mark.parametrize("before", ["", "export "], ids=["bare", "export"])
def test_a_value_stays_what_it_is(ends: str, start: str, before: str) -> None:
    good = [(line, value) for line, value in VALUES if value is not None]
    lines = [f"{before}X{number}={line}" for number, (line, _) in enumerate(good)]
    write(start + "\n".join(["# a remark", "", *lines, ""]).replace("\n", ends))
    assert dict(EnvConfig()) == {f"X{number}": value for number, (_, value) in enumerate(good)}


@pytest.mark.parametrize("line", ["'it''s'", '"open', "'open"])
def test_a_line_that_is_no_variable_is_named_but_not_shown(line: str) -> None:
    write(f"A=1\n\nSECRET={line}hunter2\nB=2\n")
    with pytest.raises(ProjectError, match=r"^\.env, line 3: this is no NAME=value") as refused:
        EnvConfig(".env")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("line", ["API_KEY:hunter2", "API_KEY:hunter2==", "'A=B'=hunter2"])
def test_a_name_has_no_colon_and_no_equals_sign(line: str) -> None:
    write(f"BARE\n{line}\n")
    with pytest.raises(ProjectError, match=r"^\.env, line 2: this is no NAME=value"):
        EnvConfig(".env")


@pytest.mark.parametrize(
    "line", ["SECRET=hunter2\0", 'SECRET="a\0b"', "# \0", "\0=1"], ids=[*"abcd"]
)
def test_a_nul_byte_is_no_text(line: str) -> None:
    write(f"A=1\n\n{line}\nB=2\n")
    with pytest.raises(ProjectError, match=r"^\.env, line 3: a NUL byte is no text: save"):
        EnvConfig(".env")


def test_a_file_a_folder_or_a_list_is_read() -> None:
    write("A=1\n")
    write("B=2\n", "other.env")
    write("C=3\n", ".env.example")
    assert dict(EnvConfig(".env")) == {"A": "1"}
    assert dict(EnvConfig()) == dict(EnvConfig(Path())) == {"A": "1", "B": "2"}
    assert list(EnvConfig(["other.env", Path(".env")])) == ["B", "A"]
    assert dict(EnvConfig(["other.env", "."])) == {"A": "1", "B": "2"}


def test_the_folder_above_is_looked_at_where_this_one_has_no_file() -> None:
    write("A=above\n", "../.env")
    assert dict(EnvConfig()) == {"A": "above"}
    write("A=here\n")
    assert dict(EnvConfig()) == {"A": "here"}


@pytest.mark.parametrize("path", [None, "gone.env", ".", [".env", "gone.env"]])
def test_a_missing_file_is_an_error_unless_it_may_be_missing(path: object) -> None:
    if isinstance(path, list):
        write("A=1\n")
    with pytest.raises(ProjectError, match=r"missing|No \.env file|without \.env files"):
        EnvConfig(path)  # type: ignore[arg-type]
    found = EnvConfig(path, error_no_file_found=False)  # type: ignore[arg-type]
    assert dict(found) == ({"A": "1"} if isinstance(path, list) else {})


def test_a_later_file_overrides_with_a_warning_of_keys_without_values() -> None:
    write("A=old-secret\nB=same\nC=old-secret\n")
    write("B=same\nC=new-secret\nA=new-secret\n", "b.env")
    with pytest.warns(OverriddenWarning) as warned:
        found = EnvConfig([".env", "b.env"])
    assert [str(each.message) for each in warned] == [
        "b.env overrides A, C of what was read before it."
    ]
    assert warned[0].filename == __file__
    assert dict(found) == {"A": "new-secret", "B": "same", "C": "new-secret"}


def test_a_key_twice_in_one_file_is_said_as_of_two_files() -> None:
    write("A=old-secret\nB=same\nA=new-secret\nB=same\nAZURE_A=1\nAZURE_A=2\n")
    azure(**PLACE)
    said = ".env, in a later line, overrides A, AZURE_A of what was read before it."
    for read in (EnvConfig, AzureConfig):
        with pytest.warns(OverriddenWarning) as warned:
            found = read()
        assert [(str(each.message), each.filename) for each in warned] == [(said, __file__)]
    assert found["a"] == "2"


def test_a_file_is_named_with_its_folder() -> None:
    for name in ("one", "two"):
        Path(name).mkdir()
        write(f"A={name}\n", f"{name}/.env")
    with pytest.warns(OverriddenWarning) as warned:
        assert dict(EnvConfig(["one", "two"])) == {"A": "two"}
    place = Path("two") / ".env"
    assert [str(each.message) for each in warned] == [
        f"{place} overrides A of what was read before it."
    ]
    write("A\n'", "two/.env")
    with pytest.raises(ProjectError) as refused:
        EnvConfig("two")
    assert str(refused.value).startswith(f"{place}, line 2: ")


def test_the_environment_comes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    write("A=file\nB=file\nRSI_AZURE_C=file\n")
    monkeypatch.setenv("A", "process")
    monkeypatch.setenv("B", "")
    monkeypatch.setenv("RSI_D", "process")
    with pytest.warns(OverriddenWarning, match="The environment overrides A of"):
        assert dict(EnvConfig()) == {"A": "process", "B": "file", "RSI_AZURE_C": "file"}
    monkeypatch.setenv("RSI_B", "process")
    with pytest.warns(OverriddenWarning, match="The environment overrides B of"):
        found = EnvConfig(prefix="RSI_")
    assert dict(found) == {"A": "file", "B": "process", "AZURE_C": "file", "D": "process"}


def test_lowerkeys_are_lower_and_as_secret() -> None:
    write("A_b=secret-1\nC=2\n")
    assert dict(EnvConfig().lowerkeys()) == {"a_b": "secret-1", "c": "2"}
    assert "secret-1" not in repr(EnvConfig().lowerkeys())
    write("A=1\na=2\n")
    with pytest.warns(OverriddenWarning, match="overrides a of"):
        assert dict(EnvConfig().lowerkeys()) == {"a": "2"}


def test_nothing_that_prints_or_stores_it_has_a_value(tmp_path: Path) -> None:
    write("PASSWORD=correct-horse-1\nUSER_NAME=ann\n")
    env = EnvConfig()
    password = env["PASSWORD"]
    assert repr(env) == "EnvConfig({'PASSWORD': ***, 'USER_NAME': ***})"
    holder = SimpleNamespace(env=env, password=password, all={**env})
    shown = [str(env), f"{env}", f"{env!r}", f"{password!r}", pformat(env), pformat(dict(env))]
    shown += [repr(holder), repr(copy.deepcopy(holder)), repr(list(env.items())), f"{env.values()}"]
    try:
        raise KeyError(env, password)
    except KeyError as error:
        trace = traceback.TracebackException.from_exception(error, capture_locals=True)
        shown.append("".join(trace.format()))
    assert not [text for text in shown if "correct-horse-1" in text]
    with pytest.raises(TypeError):
        json.dumps(env)
    for each in (env, password, holder, copy.deepcopy(holder)):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with pytest.raises(TypeError, match="is not stored"):
                pickle.dumps(each, protocol)
    with pytest.raises(TypeError):
        vars(env)
    # It is the text itself where it is used, and pickled by whoever says so.
    assert f"postgresql://u:{password}@h" == "postgresql://u:correct-horse-1@h"
    assert pickle.loads(pickle.dumps(str(password))) == "correct-horse-1"


def test_an_error_of_others_has_no_value_that_was_read() -> None:
    write("WAREHOUSE_PASSWORD=correct-horse-2\nSAS_TOKEN='?sv=1&sig=abc%2Bdef123'\n")
    EnvConfig()
    shown = masked("login failed: correct-horse-2, abc+def123")
    assert shown == "login failed: ***, ***"


def azure(**values: object) -> Path:
    path = Path("azure-config.json")
    path.write_text(json.dumps(values, indent=2), encoding="utf-8")
    return path


def test_azure_config_merges_files_and_prefixed_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    azure(**PLACE, **{"PASSWORD": "from-json", "$schema": "for editors"})
    Path("azure-compute-config.json").write_text('{"max_nodes": 1, "password": "first"}')
    write("OTHER=1\nRSI_AZURE_workspace_name=w2\nRSI_AZURE_tenant_id=t\n", "../.env")
    monkeypatch.setenv("RSI_AZURE_Client_Id", "c")
    with pytest.warns(OverriddenWarning) as warned:
        found = AzureConfig(prefix="RSI_AZURE_")
    assert [str(each.message) for each in warned] == [
        "azure-config.json overrides password of what was read before it.",
        f"{Path('..').resolve() / '.env'} overrides workspace_name of what was read before it.",
    ]
    expected = {**PLACE, "workspace_name": "w2", "password": "from-json", "max_nodes": 1}
    assert dict(found) == {**expected, "tenant_id": "t", "client_id": "c"}
    assert "'workspace_name': 'w2'" in repr(found)
    assert "from-json" not in repr(found)


def test_a_number_and_what_lies_deeper_is_as_secret(tmp_path: Path) -> None:
    planted = {
        "pin": 87654321,
        "rate": 8765.25,
        "keys": [{"password": "correct-horse-3"}, [876543]],
    }
    azure(**PLACE, **planted, debug=True, none=None)
    found = AzureConfig()
    shown = [repr(found), repr(dict(found)), pformat({**found}), f"{[*found.values()]}"]
    shown.append(repr(copy.deepcopy(dict(found))))
    shown.append(masked("refused: correct-horse-3"))
    assert not [text for text in shown if re.search("8765|correct-horse", text)]
    assert {key: found[key] for key in planted} == planted
    assert (f"{found['pin']}", str(found["rate"]), f"{found['rate']:.1f}") == (
        *("87654321", "8765.25", "8765.2"),
    )
    assert json.loads(json.dumps(dict(found))) == {**PLACE, **planted, "debug": True, "none": None}
    for key in planted:
        with pytest.raises(TypeError, match="is not stored"):
            pickle.dumps(found[key])


def test_a_scoring_container_has_variables_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for setting, value in zip(WORKSPACE, "sgw", strict=True):
        monkeypatch.setenv(setting.name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert dict(AzureConfig()) == PLACE


def test_the_project_says_which_workspace_where_no_file_does(project: Project) -> None:
    aml = {"resource_group_name": "g", "workspace_name": "w"}
    project.edit(lambda document: document.update(subscription_id="s", aml=aml))
    folder = project.root / "run"
    folder.mkdir()
    assert dict(AzureConfig(folder)) == PLACE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{\n "subscription_id": "s",\n}', "line 2: no comma may stand before the closing }"),
        ('{\n "subscription_id": "s"\n "b": 1}', "line 3: not valid JSON: a comma or a closing"),
        ("[]", "line 1: .* pairs are expected"),
        ('{\n"subscription_id": "s",\n"resource_group": "g"}', "workspace_name is missing: .* or "
         "set RSI_AZURE_WORKSPACE_NAME"),
        ('{\n"subscription_id": 12,\n"resource_group": "g"}', "line 2, subscription_id: a text"),
        ('{\n"subscription_id": "s",\n\n"Resource_Group": ""}', "line 4, Resource_Group: a text"),
        ('{\n"a": 1,\n"a": 2}', "line 2, a: this key stands twice"),
        ('{\n"subscription_id":\n "_CHANGE_ME_"}', "line 2, subscription_id: still _CHANGE_ME_"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_file_line_and_key(text: str, said: str) -> None:
    write(text, "azure-config.json")
    with pytest.raises(ProjectError, match=rf"^azure-config\.json.*{said}"):
        AzureConfig(prefix="RSI_AZURE_")


def test_the_file_of_the_machines_is_not_where_a_workspace_belongs() -> None:
    write('{"compute_node_name": "nodes"}', "azure-compute-config.json")
    with pytest.raises(ProjectError, match=r"^azure-config\.json in .*subscription_id is missing"):
        AzureConfig(prefix="RSI_AZURE_")


def test_a_password_makes_a_service_principal_and_none_asks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = {
        "azure credential": lambda: "asks",
        "azure service principal": lambda *names: names,
        "azure workspace": lambda *where, credential: (where, credential),
    }
    monkeypatch.setattr(implementations, "find", made.__getitem__)
    azure(**PLACE)
    assert AzureConfig().credential == "asks"
    assert AzureConfig().Workspace == AzureConfig().workspace == (("s", "g", "w"), "asks")
    for password, client in (("client_secret", "client_id"), ("password", "service_principal_id")):
        azure(**PLACE, tenant_id="t", **{client: "c", password: "p#ss"})
        assert AzureConfig().credential == ("t", "c", "p#ss")
    azure(**PLACE, **{"password": "p#ss", "client_id": "c"})
    with pytest.raises(ProjectError, match=r"no tenant_id: .* Set AZURE_TENANT_ID"):
        _ = AzureConfig().credential
