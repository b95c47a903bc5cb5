"""Trains a pipeline of spaCy by its configuration file; nothing is downloaded."""

import io
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import spacy
from spacy.tokens import DocBin
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as run_loop
from spacy.util import load_config, registry, resolve_dot_names

from seedling.errors import ProjectError
from seedling.tasks.spans.cells import Span, Spans
from seedling.tasks.spans.normal import Normal
from seedling.tasks.spans.words import marked

LOGGER = "seedling.best_epoch.v1"
NEVER = 10**9  # steps after which test texts are looked at, where there are none
Texts = tuple[Sequence[str], Sequence[Spans]]


def train(
    config: Path | None,
    learned: Texts,
    tested: Texts | None,
    epochs: int,
    settings: Mapping[str, Any],
) -> tuple[Any, int]:
    """Return a trained pipeline, and the number of epochs after which it was best.

    Args:
        config: the file.
        learned: n texts and the spans of each.
        tested: others, by which the best epoch is chosen; None for the last one.
        epochs: at most.
        settings: of the configuration, by dotted name.

    Raises:
        ProjectError: the file is missing, or no configuration of spaCy's.
    """
    if config is None or not config.is_file():
        raise ProjectError(f"{config} is missing: it is spaCy's training configuration.")
    best = _BestEpoch()
    registry.loggers.register(LOGGER, func=lambda: best)
    with TemporaryDirectory(prefix="seedling-") as scratch:
        places = {"train": Path(scratch, "train.spacy"), "dev": Path(scratch, "dev.spacy")}
        try:
            ours: dict[str, Any] = {f"paths.{name}": str(path) for name, path in places.items()}
            ours["training.logger"] = {"@loggers": LOGGER}
            found = load_config(config, overrides={**ours, **settings}, interpolate=False)
            blank = spacy.blank(found["nlp"]["lang"], config={"nlp": _tokenizer(found)})
            _write(places["train"], blank, learned)
            _write(places["dev"], blank, tested or (learned[0][:1], learned[1][:1]))
            _count_steps(found, len(learned[0]), epochs)
            nlp = init_nlp(found)
            nlp.config["training"].update(_length(nlp, epochs, tested is not None))
        except (ValueError, KeyError) as error:  # of confection's checks, which name the key
            raise ProjectError(f"{config.name}: {_one_line(error)}") from None
        run_loop(nlp, Path(scratch), stdout=io.StringIO(), stderr=io.StringIO())
        which = "model-best" if tested else "model-last"
        return spacy.load(Path(scratch, which)), max(1, best.epoch) if tested else epochs


def _length(nlp: Any, epochs: int, tested: bool) -> dict[str, int]:
    """Return how long to train, and after how many steps test texts are looked at: each epoch.

    The last look is one step behind the last epoch, which is why this takes one more to count to.
    """
    if not tested:
        return {"max_epochs": epochs, "max_steps": 0, "eval_frequency": NEVER}
    config = nlp.config.interpolate()
    size = config["training"]["batcher"]["size"]
    if not isinstance(size, int):  # it grows, and an epoch has ever fewer steps
        return {"max_epochs": epochs}
    (corpus,) = resolve_dot_names(config, [config["training"]["train_corpus"]])
    steps = math.ceil(sum(1 for _ in corpus(nlp)) / size)
    return {"max_epochs": epochs + 1, "max_steps": epochs * steps, "eval_frequency": steps}


def _write(path: Path, blank: Any, texts: Texts) -> None:
    """Write texts with their spans as spaCy reads them."""
    file = DocBin()
    for text, spans in zip(*texts, strict=True):
        normal = Normal(text)
        places = [Span(*normal.within(span.start, span.end), span.label) for span in spans]
        file.add(marked(blank, normal.text, places))
    file.to_disk(path)


def _count_steps(found: Any, texts: int, epochs: int) -> None:
    """Let a rate that falls to nothing do so at the last step, if the configuration has one."""
    rate = found["training"]["optimizer"].get("learn_rate")
    if isinstance(rate, dict) and "total_steps" in rate:
        copies = found["corpora"]["train"].get("augmenter", {}).get("copies", 0)
        size = found["training"]["batcher"]["size"]
        rate["total_steps"] = math.ceil(texts * (1 + copies) / size) * epochs


def _tokenizer(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tokenizer of a configuration, if it names one."""
    return {key: value for key, value in found["nlp"].items() if key == "tokenizer"}


class _BestEpoch:
    """Notes the epoch in which the test texts were answered best, as a logger of spaCy's."""

    def __init__(self) -> None:
        self.epoch, self.score = 0, -1.0

    def __call__(self, nlp: Any, *streams: Any) -> tuple[Callable[[Any], None], Callable[[], None]]:
        return self._step, lambda: None

    def _step(self, info: Mapping[str, Any] | None) -> None:
        if info and info.get("score") is not None and info["score"] > self.score:
            self.epoch, self.score = info["epoch"], info["score"]


def _one_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return "; ".join(lines[:3])
