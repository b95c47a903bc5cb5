"""Presidio without the network: `python presidio.py TEXTS SPANS`, both files of JSON.

It runs in an environment of its own. Its recognisers of patterns stand as they are, with spaCy's
blank pipeline in the place of a downloaded one; phones are looked for in the forms' countries.
"""

import json
import socket
import sys
from pathlib import Path
from typing import Any

import spacy
import tldextract
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import SpacyNlpEngine
from presidio_analyzer.predefined_recognizers import PhoneRecognizer

LABELS = {
    "PERSON": "name",
    "DATE_TIME": "birth_date",
    "IBAN_CODE": "account",
    "CREDIT_CARD": "card",
    "PHONE_NUMBER": "phone",
    "EMAIL_ADDRESS": "email",
    "LOCATION": "address",
}


class Blank(SpacyNlpEngine):  # type: ignore[misc]
    """The engine with a pipeline that was not downloaded, and knows words only."""

    def __init__(self) -> None:
        super().__init__(models=[{"lang_code": "en", "model_name": "blank"}])

    def load(self) -> None:
        self.nlp = {"en": spacy.blank("en")}


def refuse(*_: Any) -> None:
    raise OSError("this benchmark is offline")


def main(texts: str, spans: str) -> None:
    socket.socket.connect = refuse  # type: ignore[method-assign]
    # The list of suffixes that came with the package, and not the newest one.
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    registry.remove_recognizer("PhoneRecognizer")
    registry.add_recognizer(PhoneRecognizer(supported_regions=("GB", "DE", "FR")))
    engine = AnalyzerEngine(registry=registry, nlp_engine=Blank())
    found = [
        best(engine.analyze(text, language="en", entities=[*LABELS]))
        for text in json.loads(Path(texts).read_text(encoding="utf-8"))
    ]
    Path(spans).write_text(json.dumps(found), encoding="utf-8")


def best(results: list[Any]) -> list[dict[str, Any]]:
    """Return the results without overlaps: the surest, then the longest."""
    kept: list[Any] = []
    for one in sorted(results, key=lambda each: (-each.score, each.start - each.end)):
        if all(one.end <= other.start or other.end <= one.start for other in kept):
            kept.append(one)
    return [
        {"start": one.start, "end": one.end, "label": LABELS[one.entity_type]}
        for one in sorted(kept, key=lambda each: each.start)
    ]


if __name__ == "__main__":
    main(*sys.argv[1:])
