"""The pipelines of Azure Pipelines as the server compiles them: their trust, limits and schema."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import check_jsonschema
import pytest
import yaml
from baking import CI, run
from ci import azure_templates

Bake = Callable[[dict[str, str]], Path]
Document = dict[str, Any]

ANSWERS = {"vertical": "finance", "models": "logistic_regression"}
IN_AZURE = ("AzureCLI@2", "AzureMLJobWaitTask@1")
# Tasks that the vendored schema lacks: of an extension, of Advanced Security; of the last of them
# it has the name and no inputs. Decision 74 says why each is allowed.
ALLOWED = (
    "AzureMLJobWaitTask@1",
    "AdvancedSecurity-Codeql-Init@1",
    "AdvancedSecurity-Codeql-Analyze@1",
    "AdvancedSecurity-Dependency-Scanning@1",
    "PublishCodeCoverageResults@2",
)
SCHEMAS = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor"
# Jobs that one system has and the other cannot have, or has no need of.
ONLY_GITHUB = {"Look for a training that has ended"}
ONLY_AZURE_DEVOPS = {"Wait for the training pipeline"}


def compiled(bake: Bake, named: bool) -> dict[str, Document]:
    """Every pipeline as it is compiled, by its file and branch."""
    return azure_templates.compiled(bake({**ANSWERS, "ci": "azure_devops"}), named)


@pytest.fixture(scope="module")
def pipelines(bake: Bake) -> dict[str, Document]:
    """Those of a team that has named its workspace."""
    return compiled(bake, named=True)


def jobs_of(document: Document) -> Iterator[Document]:
    for stage in document.get("stages", [document]):
        yield from stage["jobs"]


def steps_of(job: Document) -> list[Document]:
    if "deployment" in job:
        return job["strategy"]["runOnce"]["deploy"]["steps"]
    return job["steps"]


def every_step(pipelines: dict[str, Document]) -> Iterator[tuple[str, Document]]:
    for key, document in pipelines.items():
        for job in jobs_of(document):
            for step in steps_of(job):
                yield f"{key}: {job['displayName']}", step


def test_nothing_is_done_in_azure_until_a_workspace_is_named(bake: Bake):
    without = compiled(bake, named=False)
    assert not [task for task in IN_AZURE if task in yaml.dump(without)]
    saying = [step["script"] for _, step in every_step(without) if "echo" in step.get("script", "")]
    assert len(saying) == 5  # train, both releases, monitor, retrain
    assert all("names no AML_WORKSPACE" in script for script in saying)


def test_no_checkout_keeps_the_token_of_the_build(pipelines: dict[str, Document]):
    checkouts = [step for _, step in every_step(pipelines) if "checkout" in step]
    assert checkouts
    assert {step["persistCredentials"] for step in checkouts} == {"false"}


def test_the_token_of_the_build_is_given_to_two_steps(pipelines: dict[str, Document]):
    given = {where for where, step in every_step(pipelines) if "AccessToken" in yaml.dump(step)}
    assert given == {
        "ci.yml main: Comment on the pull request",
        "dependencies.yml main: Open a pull request",
    }


def test_each_environment_is_entered_by_its_own_identity(pipelines: dict[str, Document]):
    used = {
        (key, step["inputs"].get("azureSubscription") or step["inputs"]["serviceConnection"])
        for key, document in pipelines.items()
        for job in jobs_of(document)
        for step in steps_of(job)
        if step.get("task") in IN_AZURE
    }
    places = {"train.yml main": "dev", "release.yml app-dev": "app-dev"}
    assert {key for key, _ in used} >= {"release.yml prod", *places}
    for key, name in used:
        assert name == f"income-bracket-{places.get(key, 'prod')}", key


def test_every_job_has_a_limit_and_every_step_a_name(pipelines: dict[str, Document]):
    for key, document in pipelines.items():
        for job in jobs_of(document):
            limit = float(job["timeoutInMinutes"])
            assert limit <= (4330 if job.get("pool") == "server" else 120), f"{key}, {job}"
    assert [where for where, step in every_step(pipelines) if "displayName" not in step] == []


def test_a_step_runs_one_verb(pipelines: dict[str, Document]):
    verb = re.compile(r'make [a-z-]+( [A-Z_]+=("[^"]*"|\S+))*')
    for where, step in every_step(pipelines):
        script = step.get("script") or step.get("inputs", {}).get("inlineScript")
        if script and not script.startswith("python internal/seedling/init.py --groups "):
            assert verb.fullmatch(script), where


def test_a_server_waits_and_a_silent_person_is_a_no(pipelines: dict[str, Document]):
    waits = {
        job["displayName"]: steps_of(job)
        for job in jobs_of(pipelines["train.yml main"])
        if job.get("pool") == "server"
    }
    assert list(waits) == ["Wait for the training pipeline", "Approve the model"]
    (asks,) = waits["Approve the model"]
    assert asks["task"] == "ManualValidation@1"
    assert asks["inputs"]["onTimeout"] == "reject"


def test_both_systems_have_the_same_jobs(bake: Bake, pipelines: dict[str, Document]):
    folder = bake({**ANSWERS, "ci": "github"}) / ".github" / "workflows"
    github = {
        job["name"]
        for path in folder.glob("*.yml")
        for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values()
        if "uses" not in job
    }
    without = compiled(bake, named=False)
    ours = {
        job["displayName"]
        for document in [*pipelines.values(), *without.values()]
        for job in jobs_of(document)
    }
    places = ("app-dev", "prod")
    ours = {re.sub(rf"to ({'|'.join(places)})$", "to ${{ inputs.environment }}", n) for n in ours}
    assert github - ours == ONLY_GITHUB
    assert ours - github == ONLY_AZURE_DEVOPS


def check(schema: str | Path, files: list[Path]) -> None:
    """Check files by check-jsonschema, without a network.

    Its own engine for regular expressions ends with an error of its own on a file that fails.
    """
    where = ["--builtin-schema", schema] if isinstance(schema, str) else ["--schemafile", schema]
    command = [sys.executable, "-m", "check_jsonschema", *where, "--regex-variant", "python"]
    run([*command, *files], Path.cwd())


def test_the_pipelines_follow_the_schema_of_azure_pipelines(
    bake: Bake, pipelines: dict[str, Document], tmp_path: Path
):
    """As compiled, with every template in its place; scalars are texts to the schema, and what is
    true or false in the inputs of a task is not."""
    schema = json.loads((SCHEMAS / "azure-pipelines.json").read_text(encoding="utf-8"))
    task = schema["definitions"]["task"]
    named = {"properties": {"task": {"enum": ALLOWED}}, "required": ["task"]}
    task["anyOf"].append(named)
    task["properties"]["task"]["anyOf"].append({"enum": ALLOWED})
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(schema), encoding="utf-8")
    files = []
    for key, document in {**pipelines, **compiled(bake, named=False)}.items():
        for job in jobs_of(document):
            for step in steps_of(job):
                step["inputs"] = {
                    name: {"true": True, "false": False}.get(value, value)
                    for name, value in step.get("inputs", {}).items()
                }
                if not step["inputs"]:
                    del step["inputs"]
        files.append(tmp_path / f"{len(files)} {key}.json")
        files[-1].write_text(json.dumps(document), encoding="utf-8")
    check(path, files)


def test_the_schema_finds_what_is_wrong(pipelines: dict[str, Document], tmp_path: Path):
    """Else the test above would pass for want of a schema."""
    document = json.loads(json.dumps(pipelines["ci.yml main"]))
    document["jobs"][0]["timeoutMinutes"] = "5"
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(AssertionError, match="timeoutMinutes"):
        check("vendor.azure-pipelines", [path])


@pytest.mark.parametrize(
    ("schema", "pattern"),
    [
        ("vendor.github-workflows", "workflows/*.yml"),
        ("vendor.github-actions", "actions/*/action.yml"),
        ("vendor.dependabot", "dependabot.yml"),
    ],
)
def test_the_files_of_github_follow_their_schemas(bake: Bake, schema: str, pattern: str):
    files = sorted((bake({**ANSWERS, "ci": "github"}) / ".github").glob(pattern))
    assert files
    check(schema, files)


def test_every_file_of_ci_is_checked(bake: Bake):
    _, *names = CI["github"]
    kinds = ("workflows/", "actions/", "dependabot.yml")
    assert [name for name in names if not name.startswith(kinds)] == []
