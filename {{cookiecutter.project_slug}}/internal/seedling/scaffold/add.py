"""Adds a ready model to the project: at generation, and by the verb add-model ever after.

It needs nothing but the standard library, since it runs before anything is installed. It adds
lines to the files it touches and leaves every other line as it is.
"""

import re
import shutil
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import NamedTuple

from seedling import tasks
from seedling.errors import ProjectError
from seedling.scaffold import all_models, model_folder, parts
from seedling.scaffold.ready_models import COMPILING, PLAIN, TREES, Ready

LONGEST_LINE = 100

TRAIN = Template('''"""$title"""

import pandas as pd
$third_party

$helpers


def train_model(
    X_train: pd.DataFrame,
    y_train: pd.Series,
    X_test: pd.DataFrame | None = None,
    y_test: pd.Series | None = None,
    *,
$arguments
) -> tuple[Pipeline, dict[str, float], dict[str, float]]:
    """Train on the first rows, and say how well the model does on those and on the others.

    Args:
        X_train, y_train: n rows of features, and their target.
        X_test, y_test: rows set aside for a look at the result; not the holdout of the gate.
        *: hyperparameters, set in model.yaml.

    Returns:
        The fitted model, its metrics on the training rows, its metrics on the test rows.
    """
    model = make_pipeline(
        preprocessing(X_train$scale),
        $estimator,
    )
    model.fit(X_train, y_train)
    train_metrics = $train_metrics
    return model, train_metrics, fit_metrics(model, X_test, y_test)


if __name__ == "__main__":
    train_here(__file__)
''')

JOBS = Template("""
  train_$model:
    type: command
    component: ../components/train.yml
    inputs:
      config: $${{parent.inputs.config}}
      model: $model
      training: $${{parent.jobs.prepare.outputs.training}}

  evaluate_$model:
    type: command
    component: ../components/evaluate.yml
    inputs:
      config: $${{parent.inputs.config}}
      model: $model
      trained: $${{parent.jobs.train_$model.outputs.trained}}
      holdout: $${{parent.jobs.prepare.outputs.holdout}}

  register_$model:
    type: command
    component: ../components/register.yml
    inputs:
      config: $${{parent.inputs.config}}
      model: $model
      trained: $${{parent.jobs.train_$model.outputs.trained}}
      evaluation: $${{parent.jobs.evaluate_$model.outputs.evaluation}}
""")


class LearnedFrom(NamedTuple):
    """The dataset of model.yaml that a model learns from."""

    name: str
    file_name: str
    task: str


def add(
    root: Path,
    model: str,
    dataset: LearnedFrom | None = None,
    *,
    kind: str | None = None,
    overwrite: bool = False,
) -> None:
    """Write the model's folder, its entry in model.yaml, its steps and what it requires.

    Args:
        root: the project's folder.
        model: its name.
        dataset: what it learns from; the first of model.yaml unless given.
        kind: the ready model that it is; the one of the same name unless given.
        overwrite: write over the files of a folder that is there.

    Raises:
        ProjectError: no ready model of that name fits the dataset's task, or the project has it.
    """
    settings, pipeline = root / "model.yaml", root / "mlops" / "pipelines" / "training.yml"
    text = settings.read_text(encoding="utf-8")
    learned_from = dataset or first_dataset(text)
    ready = ready_model(kind or model, learned_from)
    folder = root / "models" / model
    is_new = not folder.exists()
    if not (is_new or overwrite):
        raise ProjectError(
            f"models/{model}/ is there already: add it under another name, by add-model NAME "
            f"--kind {kind or model}."
        )
    entry = _entry(model, ready, learned_from.name)
    edited = {
        settings: insert(settings, ["training", "models"], entry),
        pipeline: with_steps(pipeline, model),
        **_with_requirements(root / "pyproject.toml", ready),
        folder / "__init__.py": f'"""{ready.title}"""\n',
        folder / "train.py": train_source(ready),
        folder / "predict.py": tasks.find(learned_from.task).predict_source,
        **_for_containers(root, folder, ready, learned_from),
    }
    instances = root / "dataset_creation" / f"{learned_from.name}_instances.json"
    if instances.exists():
        edited[folder / "test" / "test_instances.json"] = instances.read_text(encoding="utf-8")
    apply(root, folder, edited, is_new=is_new)


def apply(root: Path, folder: Path, edited: dict[Path, str], *, is_new: bool = True) -> None:
    """Write a model's files, and where containers are on, models/all/: everything or nothing.

    Args:
        root: the project's folder.
        folder: the model's.
        edited: the text of each file.
        is_new: the folder goes again where models/all/ cannot be generated.

    Raises:
        ProjectError: models/all/ cannot be generated; nothing is changed.
    """
    before = {path: path.read_bytes() for path in edited if path.exists()}
    try:
        for path, content in edited.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8", newline="\n")
        if parts.is_on(root, parts.CONTAINERS):
            all_models.write(root)
    except ProjectError:
        for path, old in before.items():
            path.write_bytes(old)
        if is_new:
            shutil.rmtree(folder)
        raise


def with_steps(pipeline: Path, model: str) -> str:
    """The pipeline's text with the steps of one more model."""
    return insert(pipeline, ["jobs"], JOBS.substitute(model=model))


def _for_containers(
    root: Path, folder: Path, ready: Ready, learned_from: LearnedFrom
) -> dict[Path, str]:
    """Return the files of a new model's images; none where the part is off."""
    if not parts.is_on(root, parts.CONTAINERS):
        return {}
    slug = slug_of((root / parts.FILE).read_text(encoding="utf-8"))
    texts = model_folder.texts(folder.name, ready.title, learned_from.file_name, slug)
    texts |= image_requirements([ready])
    return {folder / name: text for name, text in texts.items()} | with_all(root, folder.name)


def with_all(root: Path, model: str) -> dict[Path, str]:
    """models/all/Makefile with one more model; the folder, where this is the first."""
    home = root / "models" / all_models.ALL
    if home.exists():
        return {home / "Makefile": all_models.with_model(root, model)}
    slug = slug_of((root / parts.FILE).read_text(encoding="utf-8"))
    return {home / name: text for name, text in model_folder.all_texts([model], slug).items()}


def image_requirements(used: list[Ready]) -> dict[str, str]:
    """Return the requirements files of a model's images, by their names.

    Args:
        used: the ready models whose estimators it trains. Where there is none, the model is the
            team's own, and may need pandas and scikit-learn to answer.
    """
    needs = [requirements(ready) for ready in used]
    train = [line for need in needs for line in need["train"]]
    serve = [line for need in needs for line in need["serve"]]
    if not used or not all(ready.compiled for ready in used):
        serve = [*PLAIN, *(line for need in needs for line in need["plain"])]
    return model_folder.requirements(list(dict.fromkeys(train)), list(dict.fromkeys(serve)))


def used_in(folders: Iterable[Path]) -> list[Ready]:
    """Return the ready models whose estimators the code of these models names."""
    text = "\n".join(
        path.read_text(encoding="utf-8") for folder in folders for path in folder.glob("*.py")
    )
    models = [tasks.find(name).ready_models for name in tasks.names()]
    known = [ready for ready_models in models for ready in ready_models.values()]
    return [ready for ready in known if re.search(rf"\b{ready.estimator}\b", text)]


def first_dataset(settings: str) -> LearnedFrom:
    """The first dataset of model.yaml as the template wrote it."""
    section = settings.split("\ndatasets:")[1]
    pattern = r"(?ms)^  - name: (\S+)$.*?^    file_name: (\S+)$.*?^    task: (\S+)$"
    found = re.search(pattern, section)
    if not found:
        raise ProjectError("model.yaml: name the dataset that it learns from: --dataset.")
    return LearnedFrom(*found.groups())


def slug_of(settings: str) -> str:
    """The project's slug, as the text of model.yaml has it."""
    found = re.search(r"(?m)^slug: ['\"]?(\w+)", settings)
    if not found:
        raise ProjectError("model.yaml has no line `slug: ...`: add one with the project's name.")
    return found[1]


def ready_model(model: str, dataset: LearnedFrom) -> Ready:
    """Look a ready model up by its name and the task of the dataset that it is to learn from.

    Raises:
        ProjectError: there is none; the message names those that fit.
    """
    fitting = tasks.find(dataset.task).ready_models
    if model in fitting:
        return fitting[model]
    known = ", ".join(fitting) or "none"
    if any(model in tasks.find(name).ready_models for name in tasks.names()):
        problem = f"{model} does not fit {dataset.name}, whose task is {dataset.task}"
    else:
        problem = f"There is no ready model {model!r}"
    raise ProjectError(
        f"{problem}; there are {known}. One of your own starts as a copy: add-model NAME "
        "--from MODEL."
    )


def is_installed(ready: Ready) -> bool:
    """Whether the packages that its train.py imports are there."""
    modules = re.findall(r"^from (\w+)", ready.imports, re.MULTILINE)
    return all(find_spec(module) for module in modules)


def train_source(ready: Ready) -> str:
    """The text of a ready model's train.py, laid out as the formatter would."""
    arguments = [f"{name}={name}" for name, _, _ in ready.hyperparameters]
    estimator = _call(ready.estimator, [*arguments, *ready.fixed])
    if ready.around:
        estimator = _around(ready.around, estimator, ready.around_arguments)
    pipeline = "from sklearn.pipeline import Pipeline, make_pipeline"
    return TRAIN.substitute(
        title=ready.title,
        third_party="\n".join(sorted([*ready.imports.splitlines(), pipeline])),
        helpers=_import(["fit_metrics", "preprocessing", "train_here", *ready.helpers]),
        arguments="\n".join(
            f"    {name}: {kind} = {value}," for name, kind, value in ready.hyperparameters
        ),
        scale=", scale=True" if ready.scale else "",
        estimator="\n        ".join(estimator),
        train_metrics=ready.train_metrics,
    )


def _call(name: str, arguments: list[str]) -> list[str]:
    """The lines of a call, an argument on each where there are several."""
    if len(arguments) < 2:
        return [f"{name}({''.join(arguments)})"]
    return [f"{name}(", *(f"    {argument}," for argument in arguments), ")"]


def _around(name: str, estimator: list[str], arguments: tuple[str, ...]) -> list[str]:
    """The lines of a call whose first argument is the estimator."""
    inside = _indented(estimator)
    if arguments:
        inside[-1] += ","
    return [f"{name}(", *inside, *_indented([f"{argument}," for argument in arguments]), ")"]


def _indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _import(helpers: list[str]) -> str:
    names = sorted(helpers, key=lambda name: (not name[0].isupper(), name))
    line = f"from seedling import {', '.join(names)}"
    if len(line) <= LONGEST_LINE:
        return line
    return "\n".join(["from seedling import (", *(f"    {n}," for n in names), ")"])


def _entry(model: str, ready: Ready, dataset: str) -> str:
    """The model's lines under training.models in model.yaml."""
    values = {
        name: value.lower() if value in ("True", "False") else value
        for name, _, value in ready.hyperparameters
    }
    settings = ", ".join(f"{name}: {value}" for name, value in values.items())
    lines = [f"- name: {model}", f"  dataset: {dataset}", f"  hyperparameters: {{{settings}}}"]
    return "".join(f"    {line}\n" for line in lines)


def insert(path: Path, keys: list[str], block: str) -> str:
    """The text of a YAML file with `block` at the end of what stands under the keys."""
    text = path.read_text(encoding="utf-8")
    lines, at = text.splitlines(keepends=True), 0
    if lines and not text.endswith("\n"):
        lines[-1] += "\n"
    for depth, key in enumerate(keys):
        start = "  " * depth + key + ":"
        found = [number for number in range(at, len(lines)) if lines[number].rstrip() == start]
        if not found:
            raise ProjectError(f"{path.name} has no line {start.strip()!r} to add an entry below.")
        at = found[0] + 1
    indent = "  " * len(keys)
    end = at
    for number in range(at, len(lines)):
        if lines[number].strip() and not lines[number].startswith(indent):
            break
        if lines[number].strip():
            end = number + 1
    return "".join([*lines[:end], block, *lines[end:]])


def requirements(ready: Ready) -> dict[str, list[str]]:
    """What a ready model adds to the groups that train it, serve it, and serve it uncompiled."""
    return {
        "train": [*ready.requirements, *(COMPILING if ready.trees else ())],
        "serve": list(TREES if ready.trees else ()),
        "plain": list(ready.requirements),
    }


def _with_requirements(path: Path, ready: Ready) -> dict[Path, str]:
    """pyproject.toml with the model's packages in the groups that train and serve it."""
    old = text = path.read_text(encoding="utf-8")
    for group, lines in requirements(ready).items():
        if not lines:
            continue
        head, begin, rest = text.partition(f"\n{group} = [\n")
        inside, end, tail = f"\n{rest}".partition("\n]\n")
        if not (begin and end):
            raise ProjectError(
                f"pyproject.toml: write the group {group} with each requirement on its own line."
            )
        new = "".join(f'\n    "{line}",' for line in lines if f'"{line}"' not in inside)
        text = f"{head}\n{group} = [{inside}{new}\n]\n{tail}"
    return {path: text} if text != old else {}
