"""A pipeline on this machine: outputs reach the jobs that need them, and a failure is told."""

from pathlib import Path

import pytest

from seedling.errors import ProjectError
from seedling.training import pipeline
from seedling.training.local_run import LocalRun

COMPONENT = """
command: python -c "{code}" ${{{{inputs.source}}}} ${{{{outputs.made}}}}
inputs:
  source: {{type: {source}}}
outputs:
  made: {{type: uri_folder}}
"""
PIPELINE = """
inputs:
  start: {type: string, default: hello world}
jobs:
  first: {component: first.yml, inputs: {source: "${{parent.inputs.start}}"}}
  second: {component: second.yml, inputs: {source: "${{parent.jobs.first.outputs.made}}"}}
"""
WRITE = "import pathlib, sys; made = pathlib.Path(sys.argv[2]); made.mkdir(); "


def local_run(folder: Path, first: str, second: str) -> LocalRun:
    """A run of two jobs, the second of which reads what the first has made."""
    for name, code, source in (("first", first, "string"), ("second", second, "uri_folder")):
        text = COMPONENT.format(code=WRITE + code, source=source)
        (folder / f"{name}.yml").write_text(text, encoding="utf-8")
    (folder / "pipeline.yml").write_text(PIPELINE, encoding="utf-8")
    return LocalRun(pipeline.load(folder / "pipeline.yml"), folder, folder / "runs")


def test_an_output_reaches_the_job_that_needs_it(tmp_path: Path) -> None:
    first = "(made / 'said').write_text(sys.argv[1])"
    second = "(made / 'heard').write_text((pathlib.Path(sys.argv[1]) / 'said').read_text())"
    run = local_run(tmp_path, first, second)
    done: list[str] = []
    run.execute(meanwhile=lambda: done.append("meanwhile"))
    assert (run.output("second", "made") / "heard").read_text() == "hello world"
    assert done == ["meanwhile"]


def test_a_failure_is_told_and_what_needs_it_is_left_out(tmp_path: Path) -> None:
    run = local_run(tmp_path, "raise ValueError('too cold')", "")
    with pytest.raises(ProjectError, match=r"first failed: ValueError: too cold \(log: runs/"):
        run.execute(meanwhile=lambda: None)
    assert set(run.failed) == {"first", "second"}
    assert not run.log("second").exists()
