"""The runner for Azure Pipelines: what it makes of expressions, templates, conditions, outputs."""

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ci.azure_expressions import Names, Refused, evaluate
from ci.azure_pipelines import AzurePipelines
from ci.azure_templates import Compiler
from ci.model import Event, Run
from ci.small import SmallWorld

PUSH = Event("push", "main")
ASKED = Event("pull_request", "topic", "main")
NAMES = {"variables": Names({"Build.Reason": "Manual", "empty": ""}), "parameters": {"n": 2.0}}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """`world(ci=text, ...)`: a runner for a repository with these pipelines, by name."""
    runners = []

    def world(**files: str) -> AzurePipelines:
        texts = {
            f".pipelines/{name.replace('__', '/')}.yml": textwrap.dedent(text)
            for name, text in files.items()
        }
        runners.append(AzurePipelines(SmallWorld(tmp_path, texts)))
        return runners[-1]

    yield world
    for each in runners:
        each.close()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("eq(variables['build.reason'], 'MANUAL')", True),
        ("eq('1', 1)", True),
        ("eq(1, 'one')", False),
        ("eq(variables.empty, '')", True),
        ("and(true, not(false), or(false, ne('a', 'b')))", True),
        ("in('b', 'A', 'B')", True),
        ("notIn(3, 1, 2)", True),
        ("contains('refs/heads/main', 'HEADS')", True),
        ("startsWith('main', 'ma')", True),
        ("format('{0}/{1} {{0}}', 'origin', parameters.n)", "origin/2 {0}"),
        ("replace('refs/heads/main', 'refs/heads/', '')", "main"),
        ("split('a,b', ',')", ["a", "b"]),
        ("join(';', split('a,b', ','))", "a;b"),
        ("coalesce('', variables.empty, 'x')", "x"),
        ("iif(gt(parameters.n, 1), 'many', 'one')", "many"),
        ("le(2, 2)", True),
        ("'it''s'", "it's"),
        ("length('abc')", 3.0),
        ("split('a,b', ',')[1]", "b"),
    ],
)
def test_an_expression_has_a_value(text: str, value: Any):
    assert evaluate(text, NAMES) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nothing('a')", "there is no function nothing"),
        ("github.ref", "github is not known here"),
        ("variables['Nope']", "there is no variable Nope"),
        ("parameters.m", "parameters has no m"),
        ("eq('a', 'b'", "cannot read"),
        ("eq('a', 'b') 'c'", "cannot read"),
        ("eq('a', \"b\")", "cannot read"),
    ],
)
def test_an_expression_that_means_nothing_is_refused(text: str, words: str):
    with pytest.raises(Refused, match=words):
        evaluate(text, NAMES)


def compiled(main: str, **templates: str) -> dict[str, Any]:
    files = {"main.yml": textwrap.dedent(main)}
    files |= {f"templates/{name}.yml": textwrap.dedent(text) for name, text in templates.items()}
    return Compiler(files, {"Build.SourceBranchName": "prod"}, {"GIVEN": "mine"}).pipeline(
        "main.yml"
    )


def test_of_a_chain_of_ifs_one_counts():
    found = compiled(
        """
        variables: {A: "", B: yes}
        steps:
          - ${{ if eq(variables.A, 'x') }}:
              - script: one
          - ${{ elseif eq(variables.B, 'yes') }}:
              - script: two
          - ${{ else }}:
              - script: three
          - ${{ if eq(variables.A, 'x') }}:
              - script: four
          - ${{ else }}:
              - script: five
                ${{ if eq(variables.B, 'yes') }}:
                  name: named
        """
    )
    assert found["steps"] == [{"script": "two"}, {"script": "five", "name": "named"}]


def test_each_repeats_what_is_below_it():
    found = compiled(
        """
        jobs:
          - ${{ each place in split('online,batch', ',') }}:
              - job: Deploy_${{ place }}
        """
    )
    assert found["jobs"] == [{"job": "Deploy_online"}, {"job": "Deploy_batch"}]


def test_a_template_is_filled_in_and_finds_others_beside_it():
    found = compiled(
        """
        variables:
          - template: templates/variables.yml
            parameters: {environment: "${{ variables['Build.SourceBranchName'] }}"}
        jobs:
          - template: templates/deploy.yml
            parameters: {environment: "${{ variables.ENVIRONMENT }}"}
        """,
        variables="""
        parameters: [{name: environment, type: string}]
        variables:
          GIVEN: ""
          ENVIRONMENT: ${{ parameters.environment }}
          CONNECTION: ours-${{ variables.ENVIRONMENT }}
        """,
        deploy="""
        parameters:
          - {name: environment, values: [app-dev, prod]}
          - {name: n, type: number, default: 3}
        jobs:
          - job: One
            steps:
              - template: steps.yml
              - script: n ${{ parameters.n }} ${{ variables.CONNECTION }}
        """,
        steps="steps: [script: two]",
    )
    assert {each["name"]: each["value"] for each in found["variables"]} == {
        "GIVEN": "mine",
        "ENVIRONMENT": "prod",
        "CONNECTION": "ours-prod",
    }
    (job,) = found["jobs"]
    assert job["steps"] == [{"script": "two"}, {"script": "n 3 ours-prod"}]


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ("[template: nowhere.yml]", "there is no nowhere.yml"),
        ("[template: templates/t.yml]", "needs the parameter x"),
        ("[{template: templates/t.yml, parameters: {x: c}}]", "x is 'c', not one of a, b"),
        ("[{template: templates/t.yml, parameters: {x: a, y: 1}}]", "has no parameter y"),
        ("[script: '${{ variables[''Build.BuildId''] }}']", "no value before the pipeline runs"),
        ("[script: '${{ parameters.z }}']", "there is no parameter of main.yml z"),
        ("[{script: a, script: b}]", "script stands there twice"),
    ],
)
def test_what_a_template_cannot_be_given_is_refused(steps: str, words: str):
    template = "parameters: [{name: x, values: [a, b]}]\nsteps: [script: '${{ parameters.x }}']"
    with pytest.raises(Refused, match=words):
        compiled(f"steps: {steps}", t=template)


LIFE = """
trigger: {branches: {include: [main]}}
pr: none
variables: {WHO: all, BUILD_ID: $(Build.BuildId)}
pool: {vmImage: any}
stages:
  - stage: Train
    displayName: Train model
    jobs:
      - job: Submit
        steps:
          - checkout: self
            persistCredentials: false
          - script: |
              false
              echo "##vso[task.setvariable variable=JOB;isOutput=true]job 50%AZP25 $BUILD_ID"
              echo "##vso[task.setvariable variable=LATER]$(cat commit)"
            name: submit
          - script: echo "$LATER, $WHO, $TF_BUILD, $(submit.JOB), token '$SYSTEM_ACCESSTOKEN'"
      - job: Look
        dependsOn: Submit
        variables:
          JOB: $[ dependencies.Submit.outputs['submit.JOB'] ]
        steps:
          - checkout: none
          - script: |
              echo "saw $(JOB)"
              echo "##vso[task.setvariable variable=REGISTERED;isOutput=true]true"
            name: look
  - stage: Deploy
    condition: >-
      and(succeeded(), eq(variables['Build.SourceBranch'], 'refs/heads/main'),
      eq(dependencies.Train.outputs['Look.look.REGISTERED'], 'true'))
    jobs:
      - deployment: Online
        displayName: Deploy online
        environment: dev
        variables:
          JOB: $[ stageDependencies.Train.Submit.outputs['submit.JOB'] ]
        strategy:
          runOnce:
            deploy:
              steps:
                - checkout: none
                - script: echo "with $(JOB) in $(Environment.Name)"
  - stage: Approve
    displayName: Approve the model
    jobs:
      - job: Ask
        pool: server
        timeoutInMinutes: 4330
        steps:
          - task: ManualValidation@1
            inputs: {notifyUsers: a@b, onTimeout: reject}
  - stage: Tag
    jobs:
      - job: Tag
        steps:
          - checkout: none
          - script: echo tagged
"""


def test_outputs_go_from_job_to_job_and_from_stage_to_stage(world: Callable):
    runner = world(train=LIFE)
    run = runner.run(PUSH, {"Approve the model": "approve"})
    assert {job.result for job in run.jobs.values()} == {"success"}
    assert run.jobs["train.yml/Train.Submit"].outputs == {"submit.JOB": "job 50% 1"}
    said = run.jobs["train.yml/Train.Submit"].steps[-1].log
    assert said == "commit-of-main, all, True, job 50% 1, token ''\n"
    assert "saw job 50% 1" in run.jobs["train.yml/Train.Look"].log
    assert run.job("Deploy online").log == "\nwith job 50% 1 in dev\n"
    assert runner.waits == [("Ask", 4330)]


@pytest.mark.parametrize("answer", ["reject", "time out", None])
def test_without_an_approval_nothing_is_tagged(world: Callable, answer: Any):
    run = world(train=LIFE).run(PUSH, {"Approve the model": answer} if answer else {})
    assert run.job("Approve the model").result == "failure"
    assert run.job("Tag").result == "skipped"


def test_a_stage_whose_condition_is_false_skips_those_after_it(world: Callable):
    runner = world(train=LIFE.replace("REGISTERED;isOutput=true]true", "REGISTERED;isOutput=true]"))
    run = runner.run(PUSH, {"Approve the model": "approve"})
    assert [run.job(name).result for name in ("Deploy online", "Ask", "Tag")] == ["skipped"] * 3


def test_an_event_starts_what_is_meant_for_it(world: Callable):
    job = "\npool: {vmImage: a}\nsteps: [checkout: none]\n"
    runner = world(
        all=job,
        never=f"trigger: none\npr: none{job}",
        main=f"trigger: [main]\npr: [develop]{job}",
        paths=f"trigger: {{branches: {{include: ['*']}}, paths: {{include: [deep/*]}}}}{job}",
        clock=f"trigger: none\npr: none\nschedules: [{{cron: '* * * * *', branches: "
        f"{{include: [main]}}}}]{job}",
        templates__other="steps: []",
    )

    def started(event: Event) -> list[str]:
        return [key.partition(".")[0] for key in runner.run(event).jobs]

    assert started(PUSH) == ["all", "main"]
    assert started(Event("push", "develop")) == ["all"]
    assert started(ASKED) == ["all", "paths"]
    assert started(Event("pull_request", "topic", "develop")) == ["all", "main", "paths"]
    assert started(Event("schedule", "main")) == ["clock"]
    assert started(Event("schedule", "develop")) == []
    assert started(Event("dispatch", "main", file="never.yml")) == ["never"]
    runner.world.paths = ["deep/file"]
    assert started(Event("push", "develop")) == ["all", "paths"]


def test_a_matrix_is_a_job_for_each_of_its_entries(world: Callable):
    run = world(
        ci="""
        pool: {vmImage: a}
        jobs:
          - job: Check
            strategy: {matrix: {old: {v: "1"}, new: {v: "2"}}}
            steps: [checkout: none, script: test $(v) = 2]
          - job: After
            dependsOn: Check
            steps: [checkout: none]
          - job: Always
            dependsOn: Check
            condition: failed()
            steps: [checkout: none]
        """
    ).run(PUSH)
    assert run.results == {
        "ci.yml/Check (old)": "failure",
        "ci.yml/Check (new)": "success",
        "ci.yml/After": "skipped",
        "ci.yml/Always": "success",
    }


def test_steps_after_a_failure_run_only_where_their_condition_says_so(world: Callable):
    run = world(
        ci="""
        pool: {vmImage: a}
        steps:
          - checkout: none
          - script: exit 3
            continueOnError: true
          - script: mkdir report && touch report/a.txt
          - {script: exit 1, displayName: fails}
          - {script: echo no, displayName: left out}
          - task: PublishPipelineArtifact@1
            displayName: kept
            condition: succeededOrFailed()
            inputs: {targetPath: report, artifact: report}
          - {script: echo x, displayName: at last, condition: always()}
        """
    ).run(PUSH)
    (job,) = run.jobs.values()
    assert job.result == "failure"
    assert [(step.name, step.result) for step in job.steps[3:]] == [
        ("fails", "failure"),
        ("left out", "skipped"),
        ("kept", "success"),
        ("at last", "success"),
    ]


ENTERS = """
pool: {vmImage: a}
steps:
  - checkout: none
  - task: AzureCLI@2
    inputs:
      azureSubscription: ours
      scriptType: bash
      scriptLocation: inlineScript
      inlineScript: cat "$HOME/login"
  - script: test ! -e "$HOME/login" && test -n "$GIVEN"
    env: {GIVEN: $(System.AccessToken)}
"""


def test_an_identity_is_there_for_one_step_and_never_for_a_fork(world: Callable):
    runner = world(ci=ENTERS)
    runner.world.variables["AZURE_CLIENT_ID"] = "me"
    assert runner.run(PUSH).results == {"ci.yml/Job": "success"}
    run = runner.run(Event("pull_request", "topic", "main", fork=True))
    assert run.results == {"ci.yml/Job": "failure"}
    assert "may not use a service connection" in run.log
    runner.connections = {"theirs"}
    with pytest.raises(Refused, match="no service connection ours"):
        runner.run(PUSH)


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ("[{checkout: self}]", "token stays in .git/config"),
        ("[script: a]", "say `checkout`"),
        ("[checkout: none, script: echo $(nope)]", "there is no variable nope"),
        ("[checkout: none, task: Other@1]", "no stand-in for Other@1"),
        ("[checkout: none, {script: a, shell: sh}]", "there is no shell"),
        ("[checkout: none, script: 'echo \"##vso[task.sing]a\"']", "no logging command task.sing"),
        (
            "[checkout: none, script: 'echo \"##vso[task.setvariable variable=A;isOutput=True]\"']",
            "gives out A, and has no name",
        ),
    ],
)
def test_a_step_that_would_not_do_what_it_says_is_refused(world: Callable, steps: str, words: str):
    with pytest.raises(Refused, match=words.replace("(", r"\(")):
        world(ci=f"pool: {{vmImage: a}}\nsteps: {steps}").run(PUSH)


@pytest.mark.parametrize(
    ("jobs", "words"),
    [
        (
            '[{job: A, steps: [checkout: none]}, {job: B, variables: {X: "$[ dependencies.A.result '
            ']"}, steps: [checkout: none]}]',
            "there is no job in dependsOn A",
        ),
        ("[{job: A, dependsOn: B, steps: [checkout: none]}]", "which is not there"),
        ("[{job: A, timeout: 5, steps: [checkout: none]}]", "there is no timeout"),
        ("[{job: A, pool: server, steps: [script: a]}]", "has no agent"),
        (
            "[{job: A, dependsOn: B, steps: [checkout: none]}, {job: B, dependsOn: A}]",
            "wait for each other",
        ),
    ],
)
def test_a_job_that_asks_for_what_it_does_not_have_is_refused(
    world: Callable, jobs: str, words: str
):
    with pytest.raises(Refused, match=words):
        world(ci=f"pool: {{vmImage: a}}\njobs: {jobs}").run(PUSH)


def test_a_job_that_takes_too_long_fails(world: Callable):
    job = "{job: A, timeoutInMinutes: 0.005, steps: [checkout: none, script: sleep 5]}"
    run: Run = world(ci=f"pool: {{vmImage: a}}\njobs: [{job}]").run(PUSH)
    assert run.results == {"ci.yml/A": "failure"}
