"""A verb that writes to model.yaml leaves each line that it need not change, byte for byte."""

import re
from collections.abc import Callable
from difflib import SequenceMatcher
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from seedling.azure import infra_names
from seedling.cli.main import main
from seedling.config import Project, confirmed_edit, registrations
from seedling.data import layout, own_table
from seedling.scaffold import edit_text, model_yaml, parts
from seedling.testing import first_model
from seedling.training import tuned

DESCRIPTIONS = [
    'description: "A very long line: ' + "word " * 60 + '\\u00e9 \\"so\\""   # never wrapped',
    "description: >-\n  folded # no comment\n\n    over lines  \n\n  to the end\n",
    "description: |+\n  kept  \n\n\n",
    "description: &said 'It''s: #1'\norganisation: *said",
    "description: plain text\n  that goes on  \n  and on",
]
# YAML has no tab before a comment, and none on a line of its own.
DECORATIONS = ["  ", " # ours", " #\ttabs\t", "   # ' \" | > & * !"]
DECORATIONS += ["\n", "\n# Ann's\n", "\n      # in"]
NUMBER = count(1)


def entry(model: str) -> dict[str, Any]:
    number = next(NUMBER)
    return {
        "name": f"x-{model}",
        "model": model,
        "description": "measured: 0.9 # of 1",
        "version": str(number),
        "sha256": f"{number:064x}",
    }


def change_text(change: Callable[[str], str]) -> Callable[[Project], None]:
    """Return a writer that changes the text as the verbs of scaffold/ do."""

    def write(project: Project) -> None:
        text = edit_text.read(project.config_path)
        project.config_path.write_text(change(text), encoding="utf-8", newline="\n")
        project.forget_what_was_read()

    return write


def register(project: Project) -> None:
    new, model = [entry(first_model(project))], first_model(project)
    registrations.edit_shared(project, model, lambda entries: new)


def remove(project: Project) -> None:
    registrations.edit_shared(project, first_model(project), lambda entries: [])


def tune(project: Project) -> None:
    tuned.write(project, first_model(project), {"C": 0.25 / next(NUMBER)}, yes=True)


def search(project: Project) -> None:
    tuned.write_search(project, first_model(project), {"C": {"min": 0.1, "max": 9}}, yes=True)


def update_schema(project: Project) -> None:
    document = confirmed_edit.document(project)
    features = document["datasets"][0]["features"]
    features[0].update(maximum=101, nullable=True)
    features[1]["categories"].append("never: seen")
    features.append({"name": "new", "type": "number", "minimum": -1.5})
    assert confirmed_edit.write(project, document, True, layout.column)


def refresh(project: Project) -> None:
    project.edit(lambda document: document["datasets"][0].update(version="2"))


def add_dataset(project: Project) -> None:
    table = project.root / "pets.csv"
    table.write_text(
        "id,kind,size,tame\n" + "".join(f"{n},cat{n % 2},{n * 7 % 5},yes\n" for n in range(9))
    )
    own_table.add(project, own_table.Wanted(str(table), target="kind"), yes=True)


def bring_own(project: Project) -> None:
    table = project.root / "pets.csv"
    table.write_text(
        "id,income,size\n" + "".join(f"{n},cat{n % 2},{n * 7 % 5}\n" for n in range(9))
    )
    own_table.bring(project, own_table.Wanted(str(table), target="income"), None, yes=True)


def deploy_infra(project: Project) -> None:
    document = confirmed_edit.document(project)
    site = {
        "site_name": f"app-{next(NUMBER)}",
        "plan": "plan",
        "container_registry": "x.azurecr.io",
    }
    aml = {"workspace_name": "work", "environments": {"prod": {"web_app": site}}}
    log = {"endpoint": "https://x.documents.azure.com", "database": "d", "container": "c"}
    infra_names.put(document, {"aml": aml, "serving": {"prediction_log": log}})
    assert confirmed_edit.write(project, document, yes=True)


MODEL = "    - name: another\n      dataset: income\n"
# Each writer, and the lines of the generated model.yaml that it may change.
WRITERS: dict[str, tuple[Callable[[Project], None], str]] = {
    "train-model-in-aml, traffic": (register, r"models: \[\]"),
    "tune": (tune, r".*C: 1\.0"),
    "set-search": (search, r"nothing"),
    "update-schema": (update_schema, r".*name: age|.*Federal-gov"),
    "infra-deploy": (deploy_infra, r".*url: sqlite:///local_assets/predictions.db"),
    "refresh": (refresh, r'    version: "1"'),
    "add-dataset": (add_dataset, r"nothing"),
    "create-local-datasets --from": (
        bring_own,
        r"  - name: income|    |      dataset: income|\s*$|# Ann",
    ),
    "add-model": (change_text(lambda text: model_yaml.with_model(text, MODEL)), r"nothing"),
    "remove-model": (
        change_text(lambda text: model_yaml.without_model(text, "xgboost")),
        r"    - name: xgboost|      dataset: income|      hyperparameters: .*learning_rate"
        r"|\s*$|      #|# Ann",
    ),
    "add-part": (change_text(lambda text: parts.with_part(text, "azure_devops")), r"parts:"),
}


def shortened(text: str) -> str:
    """Return the text without most of the features, which is read in a fraction of the time."""
    return re.sub(r"(?s)\n      - name: education\n.*?(?=\n      - \{name: hours)", "", text)


@st.composite
def layouts(draw: st.DrawFn, text: str) -> str:
    """Return the text as a person may have left it, with the same content in each section."""
    lines = text.splitlines()
    filled = [at for at, line in enumerate(lines) if line]
    for at in draw(st.sets(st.sampled_from(filled), max_size=12)):
        lines[at] += draw(st.sampled_from(DECORATIONS))
    written = draw(st.sampled_from(DESCRIPTIONS))
    gone = r"description:|organisation:" if "organisation" in written else r"description:"
    kept = [line for line in lines if not re.match(gone, line)]
    place = next(at for at, line in enumerate(kept) if line.startswith("api_version:"))
    found = "\n".join([*kept[:place], written, *kept[place:]])
    found = draw(st.sampled_from(["", "\ufeff", "\ufeff---\n"])) + found
    found += draw(st.sampled_from(["", "\n", "\n\n# the end"]))
    return found.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


def gone_or_moved(before: str, after: str) -> list[str]:
    """Return the lines of a text that another text does not have, in the order of the first."""
    old, new = edit_text.split(before), edit_text.split(after)
    if not before.endswith("\n") and not after.endswith(old[-1]):
        old[-1] += "\r\n" if "\r\n" in before else "\n"  # it is not the last line any more
    codes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return [line for kind, a, b, _, _ in codes if kind != "equal" for line in old[a:b]]


@pytest.mark.parametrize("verb", WRITERS)
def test_a_verb_leaves_every_other_line_of_model_yaml_byte_for_byte(
    project: Project, verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    generated = shortened(project.config_path.read_text(encoding="utf-8"))
    write, may_change = WRITERS[verb]

    @settings(
        phases=[Phase.generate],
        max_examples=8,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(layouts(generated))
    def check(text: str) -> None:
        project.config_path.write_text(text, encoding="utf-8", newline="")
        project.forget_what_was_read()
        write(project)
        after = project.config_path.read_bytes().decode()
        assert after != text
        assert after.count("\n") == after.count("\r\n") or "\r\n" not in text
        assert [line for line in gone_or_moved(text, after) if not re.match(may_change, line)] == []

    check()


def test_a_registered_version_comes_and_goes_without_a_trace(project: Project) -> None:
    before = project.config_path.read_bytes()
    register(project)
    first = project.config_path.read_bytes()
    register(project)
    second = project.config_path.read_bytes()
    changed = gone_or_moved(first.decode(), second.decode())
    assert {line.split(":")[0].strip() for line in changed} == {"version", "sha256"}
    remove(project)
    assert project.config_path.read_bytes() == before


def test_train_leaves_a_long_description_on_its_line(project: Project) -> None:
    """A file of the pages that `make train` once wrapped: a line of more than 80 characters."""
    text = project.config_path.read_text(encoding="utf-8")
    long = f"    description: {'Hospital stays and their vital signs ' * 5}\n"
    text = re.sub(r"(?m)^    description: .*\n", long, text, count=1)
    project.config_path.write_text(text, encoding="utf-8")
    register(project)
    assert long in project.config_path.read_text(encoding="utf-8")


def test_every_verb_that_edits_model_yaml_is_tried() -> None:
    """The modules that write to it are these: another one belongs into WRITERS above."""
    plumbing = Path(main.callback.__code__.co_filename).parents[1] if main.callback else Path()
    pattern = r"\.edit\(|confirmed_edit\.write|model_yaml\.with|parts\.with_part|project\.write\("
    found = {
        path.relative_to(plumbing).as_posix()
        for path in plumbing.rglob("*.py")
        if re.search(pattern, path.read_text(encoding="utf-8"))
    }
    assert found == {
        "azure/infra.py",
        "azure/refresh.py",
        "azure/retraining.py",  # a copy for a job
        "azure/training.py",  # a copy for a job
        "config/confirmed_edit.py",
        "config/registrations.py",
        "containers/train_message.py",  # a copy for a run
        "data/own_table.py",
        "data/update_schema.py",
        "scaffold/add_model.py",
        "scaffold/add_part.py",
        "scaffold/copy_model.py",
        "scaffold/remove_model.py",
        "steps/watching.py",  # a copy for a job
        "testing.py",
        "training/tuned.py",
    }
