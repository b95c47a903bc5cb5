"""How well personal data in forms is found, beside Presidio: `python -m benchmarks.forms`.

A project of the vertical is generated, and its own train_model is fitted to the ordinary forms of
its sample. It answers forms that its generator draws anew with other seeds: ordinary ones, and
along each of the five axes. So do the rules alone, and Presidio in an environment of its own,
without the network. `--python` names an interpreter that has Presidio, if one is there already.
"""

import argparse
import importlib
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pandas as pd
from nervaluate import Evaluator

from benchmarks.environments import python_of, run
from seedling.tasks.spans import cells, measured, rules
from seedling.tasks.spans.cells import Spans
from tools.demo import ROOT

PACKAGES = ["presidio-analyzer==2.2.366"]
SCRIPT = Path(__file__).with_name("presidio.py")
SEED = 1_000  # of the first axis; the sample's own is another
AXES = ("", "values", "labels", "layouts", "language", "noise")
SMALL = "values"  # the axis whose forms are asked for once more, all in small letters
LEVEL = 0.95


class Forms(NamedTuple):
    """Forms of one axis: their texts, and the true spans of each."""

    axis: str
    texts: list[str]
    truth: list[Spans]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--forms", type=int, default=500, help="of each axis")
    parser.add_argument("--python", type=Path, help="an interpreter with Presidio")
    parser.add_argument("--work", type=Path, help="keep environment and project in this folder")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        work = options.work or Path(folder)
        work.mkdir(parents=True, exist_ok=True)
        python = options.python or environment(work)
        generate(work)
        sample = importlib.import_module("dataset_creation.sample_data")
        drawn = [drawn_forms(sample, axis, options.forms) for axis in AXES]
        drawn.append(in_small_letters(drawn[AXES.index(SMALL)]))
        model = trained(sample)
        labels = [str(label) for label in model.nlp.get_pipe("ner").labels]
        answers = {
            "ours": [
                [cells.of_items(spans) for spans in model.predict(forms.texts)] for forms in drawn
            ],
            "rules alone": [
                [tuple(found.span for found in rules.find(text)) for text in forms.texts]
                for forms in drawn
            ],
            "Presidio": [asked(python, forms.texts, work) for forms in drawn],
        }
        by_axis(drawn, answers)
        by_label(drawn, answers, sorted(labels))
        agreement(drawn, answers, labels)


def environment(work: Path) -> Path:
    """Make an environment with Presidio, unless there is one; return its interpreter."""
    folder = work / "presidio"
    if not folder.exists():
        run([sys.executable, "-m", "venv", folder], work)
        run([python_of(folder), "-m", "pip", "install", "--quiet", *PACKAGES], work)
    return Path(python_of(folder))


def generate(work: Path) -> None:
    """Generate a project of the forms, and make its modules importable."""
    options = ["--no-input", "--overwrite-if-exists", "--output-dir", work]
    answers = ["vertical=forms", "project_slug=forms_benchmark"]
    run([sys.executable, "-m", "cookiecutter", *options, ROOT, *answers], work)
    sys.path.insert(0, str(work / "forms_benchmark"))


def drawn_forms(sample: Any, axis: str, count: int) -> Forms:
    """Draw forms of an axis by the project's generator, with a seed of the axis's own."""
    random = Random(SEED + AXES.index(axis))  # noqa: S311
    found = [sample.form(random, axis) for _ in range(count)]
    return Forms(
        axis or "ordinary", [form[0] for form in found], [cells.read(form[1]) for form in found]
    )


def in_small_letters(forms: Forms) -> Forms:
    """Return the same forms in small letters, whose spans stand where they stood."""
    texts = [text.lower() for text in forms.texts]
    assert all(len(one) == len(other) for one, other in zip(texts, forms.texts, strict=True))
    return Forms("small letters", texts, forms.truth)


def trained(sample: Any) -> Any:
    """Fit the project's model to the ordinary forms of its sample."""
    rows = sample.sample_tables()["forms"]
    rows = rows[rows["axis"].isna()]
    truth = pd.Series([cells.read(cell) for cell in rows["spans"]], index=rows.index)
    train = importlib.import_module("models.spacy_ner.train")
    start = time.process_time()
    model, *_ = train.train_model(rows[["text"]], truth)
    seconds = time.process_time() - start
    print(f"fitted to {len(rows):,} forms in {seconds:.0f} CPU seconds\n", flush=True)
    return model


def asked(python: Path, texts: list[str], work: Path) -> list[Spans]:
    """Return Presidio's spans of each text."""
    given, found = work / "texts.json", work / "spans.json"
    given.write_text(json.dumps(texts), encoding="utf-8")
    run([python, SCRIPT, given, found], ROOT)
    return [cells.of_items(spans) for spans in json.loads(found.read_text(encoding="utf-8"))]


def by_axis(drawn: Sequence[Forms], answers: dict[str, list[list[Spans]]]) -> None:
    """Print strict and partial metrics and what leaks, of each axis."""
    kinds = [f"{name}{partly}" for partly in ("", ", partly") for name in ("P", "R", "F2")]
    print(f"| forms | | {' | '.join(kinds)} | leaks |\n|---|---|" + "---:|" * 7)
    for place, forms in enumerate(drawn):
        for name, found in answers.items():
            counts = measured.by_text(forms.truth, found[place])
            leaks = measured.intervals(counts, LEVEL)["leak_rate"]
            cells_ = [forms.axis, name, *numbers(measured.total(counts))]
            leak = f"{leaks.value:.2%} ({leaks.low:.2%} to {leaks.high:.2%})"
            print(f"| {' | '.join([*cells_, leak])} |")
    print(flush=True)


def by_label(
    drawn: Sequence[Forms], answers: dict[str, list[list[Spans]]], labels: list[str]
) -> None:
    """Print strict and partial F2 of each label on each axis."""
    axes = [forms.axis for forms in drawn]
    print(f"| F2, and partly | | {' | '.join(axes)} |\n|---|---|" + "---:|" * len(axes))
    for label in labels:
        for name, found in answers.items():
            line = []
            for forms, spans in zip(drawn, found, strict=True):
                counts = measured.total(measured.by_text(forms.truth, spans, label))
                of_label = measured.metrics(counts)
                line.append(f"{of_label['f2']:.3f}, {of_label['partial_f2']:.3f}")
            print(f"| {' | '.join([label, name, *line])} |")
    print(flush=True)


def numbers(counts: measured.Counts) -> list[str]:
    """Return precision, recall and F2, strict and partial."""
    found = []
    for hit, right in ((counts.right, counts.right), (counts.touched, counts.touching)):
        precision = measured.ratio(right, counts.predicted)
        recall = measured.ratio(hit, counts.true)
        f2 = measured.f_beta(hit, right, counts.predicted, counts.true, 2)
        found += [f"{each:.3f}" for each in (precision, recall, f2)]
    return found


def agreement(
    drawn: Sequence[Forms], answers: dict[str, list[list[Spans]]], labels: list[str]
) -> None:
    """Print the largest differences of precision and recall from nervaluate's."""
    print("| largest difference from nervaluate | strict | partly |\n|---|---:|---:|")
    for name, found in answers.items():
        worst = [0.0, 0.0]
        for forms, spans in zip(drawn, found, strict=True):
            loaded = [[as_dicts(each) for each in side] for side in (forms.truth, spans)]
            theirs = Evaluator(*loaded, tags=labels, loader="dict").evaluate()["overall"]
            counts = measured.count(forms.truth, spans)
            pairs = ((counts.right, counts.right), (counts.touched, counts.touching))
            for place, (kind, (hit, right)) in enumerate(
                zip(("strict", "ent_type"), pairs, strict=True)
            ):
                apart = (
                    abs(theirs[kind].precision - measured.ratio(right, counts.predicted)),
                    abs(theirs[kind].recall - measured.ratio(hit, counts.true)),
                )
                worst[place] = max(worst[place], *apart)
        print(f"| {name} | {worst[0]:.4f} | {worst[1]:.4f} |")


def as_dicts(spans: Spans) -> list[dict[str, Any]]:
    """Return spans as nervaluate takes them: its `end` is the last character."""
    return [{**span._asdict(), "end": span.end - 1} for span in spans]


if __name__ == "__main__":
    main()
