"""Parts of spaCy's training that config.cfg names: the words of a form, and copies of forms.

spaCy finds them by these names: this module is imported before a pipeline is made or loaded.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from random import Random

from spacy.language import Language
from spacy.tokenizer import Tokenizer
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import filter_spans, registry

from seedling.tasks.spans.cells import Span

# A word ends before and after these wherever they stand; what else stands between two letters or
# digits belongs to a word: 03.04.1985, 4111-1111, a.b@example.org.
ALONE = r"[:=|<>;()\[\]{}«»„“”\"…→*•·]|[._]{2,}|(?<!\d),|,(?!\d)|(?<=[^\W\d_])\.(?=\d)"
# Of a word's ends; none is part of a letter, as combining marks are.
EDGE = r"[!-*,-/:-?\[-`{-~¡§«»¿\u2010-\u2027\u2030-\u205e\u3001-\u3003]"
VOWELS, CONSONANTS = "aeiouaeiouaeiouyéèäöüá", "bcdfghjklmnprstvwzbdfglmnprstkxñßçş"


def form_words() -> Callable[[Language], Tokenizer]:
    """Return what makes the tokenizer: the words of a form, of no language."""

    def tokenizer(nlp: Language) -> Tokenizer:
        return Tokenizer(
            nlp.vocab,
            prefix_search=re.compile(f"^(?:{EDGE})").search,
            suffix_search=re.compile(f"(?:{EDGE})$").search,
            infix_finditer=re.compile(ALONE).finditer,
        )

    return tokenizer


def other_values(
    copies: int, values: float, words: float, small: float = 0.0
) -> Callable[[Language, Example], Iterator[Example]]:
    """Return what adds copies of a text with other values, so that no name is learned by heart.

    Args:
        copies: how many, beside the form itself.
        values: the share of words within spans that made-up ones take the place of; digits change
            in all spans.
        words: the share of words outside.
        small: the share of copies whose values are written in small letters throughout.
    """

    random = Random(copies)  # noqa: S311

    def augment(nlp: Language, example: Example) -> Iterator[Example]:
        yield example
        for _ in range(copies):
            lower = small > 0 and random.random() < small
            yield _copy(nlp, example.reference, values, words, lower, random)

    return augment


def _copy(
    nlp: Language, doc: Doc, values: float, words: float, lower: bool, random: Random
) -> Example:
    text, end = "", 0
    spans: list[Span] = []
    for span in doc.ents:
        text += _other(doc.text[end : span.start_char], words, random)
        value = re.sub(r"\d", lambda _: random.choice("0123456789"), span.text)
        value = _other(value, values, random)
        value = value.lower() if lower else value
        spans.append(Span(len(text), len(text) + len(value), span.label_))
        text, end = text + value, span.end_char
    text += _other(doc.text[end:], words, random)
    return Example(nlp.make_doc(text), marked(nlp, text, spans))


def _other(text: str, share: float, random: Random) -> str:
    """Return a text with made-up words in place of a share of its words."""
    return re.sub(
        r"[^\W\d_]{2,}",
        lambda match: _made_up(match.group(), random) if random.random() < share else match.group(),
        text,
    )


def _made_up(word: str, random: Random) -> str:
    """Return a word of about the same length, in capitals where the word is."""
    length = max(2, len(word) + (random.choice((-2, -1, 0, 1, 2)) if len(word) > 3 else 0))
    first = random.random() < 0.4
    letters = [
        random.choice(VOWELS if (place + first) % 2 else CONSONANTS) for place in range(length)
    ]
    made = "".join(letters)
    return made.upper() if word.isupper() else made.capitalize() if word[0].isupper() else made


def marked(nlp: Language, text: str, spans: Iterable[Span]) -> Doc:
    """Return a text with its spans, each widened to whole words."""
    doc = nlp.make_doc(text)
    found = [doc.char_span(*span, alignment_mode="expand") for span in spans]
    doc.ents = filter_spans([each for each in found if each is not None])
    return doc


registry.tokenizers.register("seedling.form_words.v1", func=form_words)
registry.augmenters.register("seedling.other_values.v1", func=other_values)
