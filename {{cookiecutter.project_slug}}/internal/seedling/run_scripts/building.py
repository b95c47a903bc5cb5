"""Completes a base script: the sections that its author left out are filled in."""

from pathlib import Path
from typing import NamedTuple

from seedling.run_scripts import base_script, experiment, names
from seedling.run_scripts.experiment import Experiment
from seedling.run_scripts.faults import Fault, Faulty
from seedling.run_scripts.sections import OWED, SECTIONS, Base, Origin, Section, header
from seedling.run_scripts.texts import texts_of


class Completed(NamedTuple):
    """A completed script.

    Attributes:
        text: the script.
        origins: of each section, by name, in the order of SECTIONS.
    """

    text: str
    origins: dict[str, Origin]


class _Line(NamedTuple):
    """A line of a completed script, and the line of the base script that it was; 0 for none."""

    text: str
    base: int = 0


def completed(path: Path, kind: str = "") -> Completed:
    """Complete a base script; nothing is written.

    Args:
        path: the base script.
        kind: of the model that it saves, one of `texts.MODEL_TYPES`; the `mlflow_model_type`
            of the experiment's file beside the script unless given, and scikit-learn where there is
            no such file.

    Raises:
        ProjectError: the script cannot be read, or the experiment's file is invalid.
        Faulty: a line for each fault of the script.
    """
    file = experiment.file(path.parent)
    described = experiment.read(file) if file else None
    base = base_script.divided(base_script.read(path), path.as_posix())
    if file and described:
        faults = _other_names(base, described, file.name)
        if faults:
            raise Faulty(path.as_posix(), faults)
    kind = kind or (described.mlflow_model_type if described else "sklearn")
    return _completed(base, kind, path.as_posix())


def origin(base: Base, name: str) -> Origin:
    """Return the origin of a section."""
    if name not in base.sections:
        return Origin.FILLED_IN
    return Origin.SKIPPED if base.sections[name].is_empty else Origin.YOURS


def _other_names(base: Base, described: Experiment, file: str) -> list[Fault]:
    """Return a fault for each name that the script says otherwise than the experiment's file."""
    section = base.sections["set experiment and model name"]
    wanted = {"experiment_name": described.name, "model_name": described.model_name}
    keys = {"experiment_name": "name", "model_name": "model_name"}
    return [
        Fault(
            section.line + line,
            f"{name} is {value!r:.80}, and {keys[name]} of {file} is {wanted[name]!r}: "
            "write the same name in both",
        )
        for name, (line, value) in names.texts_set(section.text).items()
        if name in wanted and value != wanted[name]
    ]


def _completed(base: Base, kind: str, name: str) -> Completed:
    texts = texts_of(kind)
    lines = [_Line(line, at) for at, line in enumerate(base.head.split("\n")[:-1], 1)]
    for section in SECTIONS:
        if section in base.sections:
            lines += _yours(base.sections[section])
        else:
            if lines and lines[-1].text.strip():
                lines.append(_Line(""))
            filled = f"{header(section)}\n{texts[section]}\n"
            lines += [_Line(line) for line in filled.split("\n")[:-1]]
    while lines and not lines[-1].text.strip():
        lines.pop()
    text = "".join(f"{line.text}\n" for line in lines)
    origins = {section: origin(base, section) for section in SECTIONS}
    faults = [*_syntax(text, lines)] or [*_undefined(base, texts)]
    if faults:
        raise Faulty(name, faults)
    return Completed(text, origins)


def _yours(section: Section) -> list[_Line]:
    found = [section.header, *section.text.split("\n")[:-1]]
    return [_Line(line, at) for at, line in enumerate(found, section.line)]


def _syntax(text: str, lines: list[_Line]) -> list[Fault]:
    """Return the fault of a completed script, at the line of the base script that it follows."""
    return [
        Fault(max(line.base for line in lines[: fault.line]), fault.words)
        for fault in base_script.syntax(text)
    ]


def _undefined(base: Base, texts: dict[str, str]) -> list[Fault]:
    """Return a fault for each section that does not set what filled-in sections use."""
    known = names.assigned(base.head)
    lacking: dict[str, dict[str, str]] = {}  # the section that uses a name, by section and name
    for section in SECTIONS:
        text = base.sections[section].text if section in base.sections else texts[section]
        if section not in base.sections:
            for missing in sorted(names.used(text) - known):
                at = _expected(texts, missing)
                lacking.setdefault(at, {}).setdefault(missing, section)
        known |= names.assigned(text)
        if names.EVERYTHING in known:
            break
    return [
        Fault(
            base.sections[at].line,
            f"{header(at)} sets no {', '.join(missing)}, which the filled-in "
            f"{header(next(iter(missing.values())))} uses: set what is missing, or write that "
            "section too",
        )
        for at, missing in lacking.items()
    ]


def _expected(texts: dict[str, str], name: str) -> str:
    """Return the section that sets a name: an author's, or the first that would be filled in."""
    for section, owed in OWED.items():
        if name in owed:
            return section
    return next(each for each, text in texts.items() if name in names.assigned(text))
