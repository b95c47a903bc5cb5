"""The texts of sections that an author leaves out, for each kind of model."""

from importlib.resources import files
from typing import Literal, get_args

from seedling.run_scripts import headers

ModelType = Literal["sklearn", "spacy", "xgboost", "catboost", "lightgbm"]
MODEL_TYPES: tuple[str, ...] = get_args(ModelType)
FOLDER = files("seedling.run_scripts") / "filled"
# More arguments of mlflow's save_model.
OPTIONS = {"sklearn": '\n    serialization_format="cloudpickle",'}


def texts_of(kind: str) -> dict[str, str]:
    """Return the text of every section for a model of this kind; the header is no part of it.

    `filled/base.txt` has them all, and `filled/<kind>.txt` those that differ, if there is one.
    """
    found = _sections((FOLDER / "base.txt").read_text(encoding="utf-8"))
    own = FOLDER / f"{kind}.txt"
    if own.is_file():
        found |= _sections(own.read_text(encoding="utf-8"))
    values = {"@flavour@": kind, "@options@": OPTIONS.get(kind, "")}
    for name, text in found.items():
        for mark, value in values.items():
            text = text.replace(mark, value)
        found[name] = text
    return found


def _sections(text: str) -> dict[str, str]:
    lines = text.splitlines(keepends=True)
    at = headers.found(text)
    ends = [each.line - 1 for each in at[1:]] + [len(lines)]
    return {
        each.name: "".join(lines[each.line : end]).rstrip() + "\n"
        for each, end in zip(at, ends, strict=True)
    }
