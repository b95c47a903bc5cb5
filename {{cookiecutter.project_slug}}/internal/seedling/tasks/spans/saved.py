"""A model of spans in MLflow's format, without pickle: spaCy's own files."""

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

from seedling.errors import ProjectError
from seedling.files import write_json

if TYPE_CHECKING:
    from seedling.tasks.spans.model import SpanFinder

FLAVOR = "spacy"
DATA = "model.spacy"  # the folder of spaCy's own files
REQUIREMENTS = ("numpy", "pandas", "phonenumberslite", "python-stdnum", "spacy")


def save(model: "SpanFinder", folder: Path) -> None:
    """Write a trained model to a new folder.

    Raises:
        ProjectError: train_model returned something else.
    """
    from mlflow.spacy import save_model

    from seedling.tasks.spans.model import SpanFinder

    if not isinstance(model, SpanFinder):
        raise ProjectError(
            f"train_model returned a {type(model).__name__}: for spans in text, return a "
            "SpanFinder of seedling.fitting."
        )
    save_model(
        model.nlp,
        folder,
        pip_requirements=[f"{name}=={version(name)}" for name in REQUIREMENTS],
    )
    # The words of the texts that it learned from: it does without, and they may be personal.
    write_json(folder / DATA / "vocab" / "strings.json", [])


def load(folder: Path) -> Any:
    """Read a model that `save` wrote; the caller has verified its files.

    Raises:
        ProjectError: it is none, or spaCy is not installed.
    """
    from seedling.tasks.spans.model import RULES, SpanFinder

    flavor = YAML(typ="safe", pure=True).load(folder / "MLmodel")["flavors"].get(FLAVOR)
    if flavor is None:
        raise ProjectError("is no spaCy model.")
    try:
        import spacy

        from seedling.tasks.spans import words  # noqa: F401  # spaCy looks its parts up
    except ImportError as error:
        raise ProjectError(f"needs {error.name}, which is not installed.") from None
    nlp = spacy.load(folder / flavor.get("data", DATA))
    return SpanFinder(nlp=nlp, rules=bool(nlp.meta.get(RULES, False)))
