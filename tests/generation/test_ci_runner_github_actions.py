"""The runner of workflows on small ones: what GitHub would do, and what it would refuse."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from ci.github_actions import GitHubActions
from ci.github_expressions import Refused
from ci.model import Event, Run
from ci.small import SmallWorld

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="jobs run bash")
CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1"
LOGIN = "azure/login@f5d393ae46f8fde4be8b75f32e3fc50e654ad0ca"
PUSH = Event("push", "main")


Try = Callable[..., Run]


@pytest.fixture
def repository(tmp_path: Path) -> SmallWorld:
    world = SmallWorld(tmp_path, {})
    world.variables, world.secrets, world.paths = (
        {"NAME": "value"},
        {"KEY": "hidden"},
        ["a/one.txt"],
    )
    return world


@pytest.fixture
def attempt(repository: SmallWorld) -> Try:
    """`attempt(jobs)`: what comes of a push to main; `on`, `files`, `event` and more may differ."""

    def attempt(
        jobs: str,
        event: Event = PUSH,
        on: str = "push",
        head: str = "permissions: {}",
        files: Mapping[str, str] | None = None,
        **answers: Any,
    ) -> Run:
        indented = "".join(f"  {line}\n" for line in dedent(jobs).strip().splitlines())
        text = f"name: Try\non: {on}\n{dedent(head)}\njobs:\n{indented}"
        repository.files = {".github/workflows/w.yml": text, **(files or {})}
        runner: Any = GitHubActions(repository)  # type: ignore[arg-type]
        return runner.run(event, answers)

    return attempt


def job(*steps: str, head: str = "") -> str:
    """A job called `a`, of commands."""
    lines = "".join(f"    - {step}\n" for step in steps)
    own = "".join(f"  {line}\n" for line in head.splitlines())
    return f"a:\n  runs-on: ubuntu-latest\n  timeout-minutes: 5\n{own}  steps:\n{lines}"


def test_the_environment_has_three_levels_and_the_nearest_counts(attempt: Try):
    run = attempt(
        """
        a:
          runs-on: ubuntu-latest
          timeout-minutes: 5
          env: {TWO: job, THREE: job}
          steps:
            - run: echo "$ONE $TWO $THREE $CI ${{ env.THREE }}"
              env: {THREE: "step ${{ env.TWO }}"}
            - run: echo "MORE=a b" >> "$GITHUB_ENV"
            - run: echo "$MORE, $THREE, $GITHUB_REF_NAME at $GITHUB_SHA"
        """,
        head="permissions: {}\nenv: {ONE: workflow, TWO: workflow}",
    )
    assert "workflow job step job true step job" in run.log
    assert "a b, job, main at commit-of-main" in run.log


def test_outputs_go_to_later_steps_and_jobs(attempt: Try):
    run = attempt(
        """
        a:
          runs-on: ubuntu-latest
          timeout-minutes: 5
          outputs: {said: "${{ steps.say.outputs.word }}", lines: "${{ steps.say.outputs.text }}"}
          steps:
            - id: say
              run: |
                echo "word=hello" >> "$GITHUB_OUTPUT"
                printf 'text<<END\\none\\ntwo=2\\nEND\\n' >> "$GITHUB_OUTPUT"
            - if: steps.say.outputs.word == 'hello' && steps.say.outcome == 'success'
              run: echo "heard"
        b:
          needs: a
          if: needs.a.outputs.said == 'HELLO'
          runs-on: ubuntu-latest
          timeout-minutes: 5
          steps:
            - run: echo "$SAID"
              env: {SAID: "${{ needs.a.outputs.lines }}"}
        c:
          needs: [a, b]
          if: needs.a.outputs.said == 'no'
          runs-on: ubuntu-latest
          timeout-minutes: 5
          steps: [{run: "false"}]
        d:
          needs: c
          runs-on: ubuntu-latest
          timeout-minutes: 5
          steps: [{run: "false"}]
        """
    )
    assert run.jobs["w.yml/a"].outputs == {"said": "hello", "lines": "one\ntwo=2"}
    assert "heard" in run.jobs["w.yml/a"].log
    assert "one\ntwo=2" in run.jobs["w.yml/b"].log
    assert [run.results[f"w.yml/{name}"] for name in "bcd"] == ["success", "skipped", "skipped"]


def test_after_a_failure_only_those_that_ask_for_it_run(attempt: Try):
    run = attempt(
        """
        a:
          runs-on: ubuntu-latest
          timeout-minutes: 5
          steps:
            - run: exit 3
              continue-on-error: true
            - run: "false"
            - run: echo never
            - {if: failure(), run: echo mended}
            - {if: "${{ !cancelled() }}", run: echo kept}
        b: {needs: a, runs-on: ubuntu-latest, timeout-minutes: 5, steps: [{run: echo no}]}
        c:
          needs: b
          if: failure()
          runs-on: ubuntu-latest
          timeout-minutes: 5
          steps: [{run: echo noticed}]
        """
    )
    steps = [step.result for step in run.jobs["w.yml/a"].steps]
    assert steps == ["success", "failure", "skipped", "success", "success"]
    assert [*run.results.values()] == ["failure", "skipped", "success"]


def test_a_matrix_makes_a_job_of_each_combination(attempt: Try):
    run = attempt(
        """
        a:
          name: Check
          runs-on: ubuntu-latest
          timeout-minutes: 5
          strategy:
            matrix:
              python: ["3.11", "3.13"]
              os: [linux, mac]
              exclude: [{python: "3.11", os: mac}]
              include: [{python: "3.13", more: "yes"}, {python: "3.14", os: mac}]
          steps: [{run: "echo ${{ matrix.python }} ${{ matrix.os }}"}]
        """
    )
    assert [*run.jobs] == [
        "w.yml/a (3.11, linux)",
        "w.yml/a (3.13, linux, yes)",
        "w.yml/a (3.13, mac, yes)",
        "w.yml/a (3.14, mac)",
    ]
    assert run.jobs["w.yml/a (3.14, mac)"].name == "Check"


@pytest.mark.parametrize(
    ("on", "event", "starts"),
    [
        ("{push: {branches: [main, 'release/**']}}", Event("push", "main"), True),
        ("{push: {branches: [main, 'release/**']}}", Event("push", "release/1/2"), True),
        ("{push: {branches: ['release/*']}}", Event("push", "release/1/2"), False),
        ("{push: {branches: ['*', '!main']}}", Event("push", "main"), False),
        ("{push: {branches-ignore: [main]}}", Event("push", "main"), False),
        ("{push: {paths: ['b/**', 'shared/*.yml']}}", Event("push", "main"), False),
        ("{push: {paths: ['a/**']}}", Event("push", "main"), True),
        ("{pull_request: {branches: [main]}}", Event("pull_request", "x", "main"), True),
        ("{pull_request: {branches: [main]}}", Event("pull_request", "x", "prod"), False),
        ("[push, pull_request]", Event("pull_request", "x", "prod"), True),
        ("push", Event("pull_request", "x", "main"), False),
        ("{schedule: [{cron: '0 3 * * *'}]}", Event("schedule", "main", file="w.yml"), True),
        ("{schedule: [{cron: '0 3 * * *'}]}", Event("schedule", "main"), False),
        ("{schedule: [{cron: '0 3 * * *'}]}", Event("schedule", "main", file="v.yml"), False),
        ("workflow_dispatch", Event("dispatch", "main", file="w.yml"), True),
    ],
)
def test_an_event_starts_what_its_filters_let_through(
    attempt: Try, on: str, event: Event, starts: bool
):
    assert bool(attempt(job("run: 'true'"), event, on).jobs) is starts


def test_a_dispatched_run_has_the_inputs_that_are_declared(attempt: Try):
    on = "{workflow_dispatch: {inputs: {place: {type: choice, options: [a, b], required: true}}}}"
    steps = job('run: echo "to ${{ inputs.place }}"')

    def given(**inputs: str) -> Run:
        return attempt(steps, Event("dispatch", "main", inputs=inputs), on)

    assert "to b" in given(place="b").log
    for inputs, words in {"": "needs its input", "c": "is one of", "x": "has no input"}.items():
        wrong = {"x": "a"} if inputs == "x" else {"place": inputs} if inputs else {}
        with pytest.raises(Refused, match=words):
            given(**wrong)


CALLED = """
on:
  workflow_call:
    inputs:
      place: {type: string, required: true}
permissions: {}
concurrency: {group: "deploy-${{ inputs.place }}"}
jobs:
  inner:
    name: Deploy to ${{ inputs.place }}
    runs-on: ubuntu-latest
    timeout-minutes: 5
    permissions: {id-token: write}
    steps:
      - run: echo "at ${{ inputs.place }} ${{ github.event_name }}, $OUTER"
      - uses: LOGIN
        with: {client-id: a, tenant-id: b, subscription-id: c}
""".replace("LOGIN", LOGIN)


def calling(right: str = "write", given: str = "place: prod") -> str:
    return f"""
    a:
      permissions: {{id-token: {right}}}
      uses: $/.github/workflows/called.yml
      with: {{{given}}}
    b: {{needs: a, runs-on: ubuntu-latest, timeout-minutes: 5, steps: [{{run: "true"}}]}}
    """


def test_a_called_workflow_runs_with_its_inputs_and_its_caller_s_rights(
    attempt: Try, repository: SmallWorld
):
    files = {".github/workflows/called.yml": CALLED}
    run = attempt(calling(), files=files, head="permissions: {}\nenv: {OUTER: unseen}")
    assert run.job("Deploy to prod").result == "success"
    assert "at prod push, \n" in run.log
    assert [*run.jobs] == ["w.yml/a/inner", "w.yml/b"]
    assert repository.machines[0].logged_in == [("a", "b", "c")]
    with pytest.raises(Refused, match=r"asks for id-token: write, and is allowed none"):
        attempt(calling("none"), files=files)
    with pytest.raises(Refused, match="needs its input place"):
        attempt(calling(given=""), files=files)
    with pytest.raises(Refused, match="waits for the group deploy-prod"):
        attempt(calling(), files=files, head="permissions: {}\nconcurrency: {group: deploy-prod}")


ACTION = """
name: Own
description: One of this repository
inputs:
  word: {description: A word, default: none}
outputs:
  twice: {description: It twice, value: "${{ steps.s.outputs.twice }}"}
runs:
  using: composite
  steps:
    - id: s
      run: echo "twice=$WORD$WORD" >> "$GITHUB_OUTPUT"
      shell: bash
      env: {WORD: "${{ inputs.word }}"}
"""


def test_an_action_of_the_repository_is_run_with_its_inputs(attempt: Try):
    files = {".github/actions/own/action.yml": ACTION}
    steps = job(
        "{id: own, uses: $/.github/actions/own, with: {word: 'a'}}",
        'run: echo "it is ${{ steps.own.outputs.twice }}"',
    )
    assert "it is aa" in attempt(steps, files=files).log
    with pytest.raises(Refused, match="has no input letter"):
        attempt(job("{uses: $/.github/actions/own, with: {letter: a}}"), files=files)
    with pytest.raises(Refused, match="check out first"):
        attempt(job("uses: ./.github/actions/own"), files=files)
    unnamed = {".github/actions/own/action.yml": ACTION.replace("      shell: bash\n", "")}
    with pytest.raises(Refused, match="names its shell"):
        attempt(job("uses: $/.github/actions/own"), files=unnamed)


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ("run: echo ${{ github.nothing }}", "There is no nothing"),
        ("run: echo ${{ steps.later.outputs.x }}", "There is no later"),
        ("run: echo ${{ needs.b.result }}", "There is no b"),
        ("{if: secrets.KEY != '', run: 'true'}", "There is no context secrets"),
        ("uses: actions/unknown@v1", "There is no action"),
        ("{uses: CHECKOUT, with: {branch: main}}", "has no input branch"),
        ("{run: 'true', shell: pwsh}", "there is no shell pwsh"),
        ("{run: 'true', with: {a: b}, when: now}", "is no step"),
        ("run: echo '::set-output name=a::b'", "switched"),
        ("run: echo nonsense >> $GITHUB_OUTPUT", "Invalid format"),
    ],
)
def test_what_github_does_not_know_is_refused(attempt: Try, steps: str, words: str):
    with pytest.raises(Refused, match=words):
        attempt(job(steps.replace("CHECKOUT", CHECKOUT)))


def test_an_output_that_a_job_does_not_declare_is_refused(attempt: Try):
    other = '\nb:\n  needs: a\n  if: "needs.a.outputs.x"\n  runs-on: ubuntu-latest\n'
    with pytest.raises(Refused, match="There is no x"):
        attempt(job("run: 'true'") + other + "  timeout-minutes: 5\n  steps: [{run: 'true'}]\n")


def test_a_token_does_what_its_job_is_permitted(attempt: Try):
    reads = "permissions: {contents: read}"
    assert attempt(job(f"uses: {CHECKOUT}", head=reads)).results == {"w.yml/a": "success"}
    assert attempt(job(f"uses: {CHECKOUT}")).results == {"w.yml/a": "failure"}
    login = f"{{uses: {LOGIN}, with: {{client-id: a, tenant-id: b, subscription-id: c}}}}"
    run = attempt(job(login, head=reads))
    assert "permissions to id-token" in run.log
    run = attempt(
        job(
            login.replace("-id: a", '-id: "${{ vars.NONE }}"'),
            head="permissions: {id-token: write}",
        )
    )
    assert "client-id not given" in run.log
    assert "ghs_contents:read" in attempt(job("run: echo ${{ github.token }}", head=reads)).log
    with pytest.raises(Refused, match="no permission content"):
        attempt(job("run: 'true'", head="permissions: {content: read}"))
    with pytest.raises(Refused, match="not listed"):
        attempt(job("run: 'true'"), head="permissions: write-all")


def test_a_fork_s_pull_request_has_no_identity_no_variables_and_no_secrets(attempt: Try):
    fork = Event("pull_request", "topic", "main", fork=True)
    head = "permissions: {contents: write, id-token: write}"
    run = attempt(
        job("run: echo '${{ github.token }} [${{ vars.NAME }}]'", head=head), fork, "pull_request"
    )
    assert "ghs_contents:read []" in run.log
    with pytest.raises(Refused, match="gets no secrets"):
        attempt(job("run: echo ${{ secrets.KEY }}"), fork, "pull_request")
    own = Event("pull_request", "topic", "main")
    run = attempt(
        job("run: echo ${{ secrets.KEY }} ${{ github.event.pull_request.head.repo.full_name }}"),
        own,
        "pull_request",
    )
    assert "hidden team/project" in run.log


@pytest.mark.parametrize(
    ("answer", "result"), [("approve", "success"), ("reject", "failure"), (None, "failure")]
)
def test_a_reviewed_environment_waits_for_an_answer_and_without_one_it_is_a_no(
    attempt: Try, answer: str | None, result: str
):
    answers = {"a": answer} if answer else {}
    run = attempt(job("run: echo ran", head="environment: production"), **answers)
    assert run.results == {"w.yml/a": result}
    assert ("ran" in run.log) == (result == "success")
    assert attempt(job("run: echo ran", head="environment: other")).results == {
        "w.yml/a": "success"
    }


def test_commands_run_where_the_defaults_say_and_stop_at_the_first_error(attempt: Try):
    run = attempt(
        job("run: mkdir -p deep/er", "{run: pwd, working-directory: deep/er}", head=""),
        head="permissions: {}",
    )
    assert "work/deep/er" in run.log
    steps = job("{run: mkdir deep, working-directory: .}", "run: pwd")
    run = attempt(steps, head="permissions: {}\ndefaults: {run: {working-directory: deep}}")
    assert run.log.rstrip().endswith("work/deep")
    run = attempt(
        steps.replace("mkdir", "true"),
        head="permissions: {}\ndefaults: {run: {working-directory: deep}}",
    )
    assert "There is no folder deep" in run.log
    run = attempt(job("run: |\n        false\n        echo on"))
    assert "on\n" not in run.log
    run = attempt(job("{run: 'false | cat', shell: bash}"))
    assert run.results == {"w.yml/a": "failure"}
    run = attempt(job("run: false | cat"))
    assert run.results == {"w.yml/a": "success"}  # without `shell: bash` a pipe's end counts


def test_artifacts_go_from_one_job_to_another(attempt: Try):
    steps = job(
        "run: mkdir -p out && echo kept > out/report.md",
        "{uses: actions/upload-artifact@1, with: {name: report, path: out/}}",
        "{uses: actions/download-artifact@1, with: {name: report, path: there}}",
        "run: cat there/report.md",
    )
    assert "kept" in attempt(steps).log
    run = attempt(job("{uses: actions/download-artifact@1, with: {name: missing}}"))
    assert "Artifact not found" in run.log
    upload = "{uses: actions/upload-artifact@1, with: {path: none, if-no-files-found: error}}"
    assert "No files were found" in attempt(job(upload)).log


def test_groups_of_concurrency_are_noted(repository: SmallWorld):
    text = dedent(
        """
        on: push
        permissions: {}
        concurrency:
          group: w-${{ github.ref }}
          cancel-in-progress: ${{ github.event_name == 'push' }}
        jobs:
          a:
            concurrency: {group: one, cancel-in-progress: false}
            runs-on: ubuntu-latest
            timeout-minutes: 5
            steps: [{run: "true"}]
        """
    )
    repository.files = {".github/workflows/w.yml": text}
    runner: Any = GitHubActions(repository)  # type: ignore[arg-type]
    runner.run(PUSH)
    assert runner.groups == {"w.yml": ("w-refs/heads/main", True), "w.yml/a": ("one", False)}
