"""Finds spans by spaCy's named entity recognition and by rules, as one model.

spaCy is imported where a model is trained or loaded, and not with this module.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Self

import pandas as pd

from seedling.tasks.spans import cells, measured, rules
from seedling.tasks.spans.cells import Span, Spans
from seedling.tasks.spans.normal import Normal

RULES = "seedling_rules"  # of spaCy's meta.json: whether rules find spans too
MARKS = ' \t\r\n|<>«»;:="→'  # no value begins or ends with one, but a table's cell does
WHOLE = 64  # texts that spaCy takes at once
_TURN = Lock()  # of a thread: spaCy's memory zones must not overlap


class SpanFinder:
    """A model that finds spans in texts.

    Args:
        config: the path of spaCy's training configuration.
        rules: find what has a checksum or a clear pattern by rules too.
        epochs: the most times that all texts are learned from.
        settings: more of the configuration by dotted name: `{"training.dropout": 0.2}`.
    """

    def __init__(
        self,
        config: Path | None = None,
        *,
        rules: bool = True,
        epochs: int = 30,
        settings: Mapping[str, Any] | None = None,
        nlp: Any = None,
    ) -> None:
        self.config, self.rules, self.epochs = config, rules, epochs
        self.settings = dict(settings or {})
        self.nlp = nlp  # spaCy's pipeline, once it is trained

    def fit(
        self,
        X_train: pd.DataFrame,
        y_train: "pd.Series",
        X_test: pd.DataFrame | None = None,
        y_test: "pd.Series | None" = None,
    ) -> Self:
        """Train the pipeline on n texts and their spans.

        With test rows, `epochs` is then the number after which these were answered best; without,
        all epochs are trained.
        """
        from seedling.tasks.spans import spacy_training

        learned = (texts_of(X_train), [*y_train])
        tested = None if X_test is None or y_test is None else (texts_of(X_test), [*y_test])
        self.nlp, self.epochs = spacy_training.train(
            self.config, learned, tested, self.epochs, self.settings
        )
        self.nlp.meta[RULES] = self.rules
        return self

    def predict(self, texts: Iterable[str]) -> list[list[dict[str, Any]]]:
        """Return the spans of each of n texts as items of an answer, in order, without overlaps."""
        listed = [str(text) for text in texts]
        found = list[list[dict[str, Any]]]()
        for start in range(0, len(listed), WHOLE):
            # The words of each text are forgotten after it: a service reads new ones for months.
            with _TURN, self.nlp.memory_zone():
                found += self._items(listed[start : start + WHOLE])
        return found

    def _items(self, texts: Sequence[str]) -> list[list[dict[str, Any]]]:
        """Return what `predict` does, of texts that spaCy takes at once."""
        normal = [Normal(text) for text in texts]
        docs = self.nlp.pipe([one.text for one in normal], batch_size=WHOLE)
        return [
            cells.as_items(
                [Span(*one.given(*span[:2]), span.label) for span in self._found(doc)], text
            )
            for text, one, doc in zip(texts, normal, docs, strict=True)
        ]

    def redact(
        self, texts: Iterable[str], spans: Sequence[Sequence[Mapping[str, Any]]]
    ) -> list[str]:
        """Return n texts with `[label]` in the place of each of their spans."""
        return [cells.redacted(str(text), found) for text, found in zip(texts, spans, strict=True)]

    def measure(self, X: pd.DataFrame, y: "pd.Series") -> dict[str, float]:
        """Return the metrics of the answers to n rows, whose spans are y."""
        found = [cells.of_items(items) for items in self.predict(texts_of(X))]
        return measured.metrics(measured.count([*y], found))

    def _found(self, doc: Any) -> Spans:
        """Return the spans of a text in the form that the model reads."""
        learned = [span for ent in doc.ents if _says(doc.text, span := _trimmed(ent))]
        if not self.rules:
            return tuple(learned)
        labels = self.nlp.get_pipe("ner").labels
        found = [each for each in rules.find(doc.text) if each.span.label in labels]
        return rules.merged(learned, found)


def _trimmed(ent: Any) -> Span:
    """Return the span of an entity of spaCy's without marks of a layout at its ends."""
    after, before = len(ent.text.lstrip(MARKS)), len(ent.text.rstrip(MARKS))
    return Span(ent.end_char - after, ent.start_char + before, ent.label_)


def _says(text: str, span: Span) -> bool:
    """Return whether a letter or a digit is in a span: marks and emoji alone name nothing."""
    return any(map(str.isalnum, text[span.start : span.end]))


def texts_of(X: pd.DataFrame) -> list[str]:
    """Return the texts of n rows: their one feature."""
    (name,) = X.columns
    return [str(text) for text in X[name]]
