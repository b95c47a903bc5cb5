"""The words of a text in any language, as the model and its compiled form both read it."""

import re

LONGEST = 20_000  # characters of a text that are read

# Scripts that write words without spaces between them: each character is a word.
_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+|[^\w\s]")


def words(text: str) -> list[str]:
    """Return the words of a text in small letters, and each other sign: 'ok', '!', '\U0001f600'."""
    return _WORD.findall(text[:LONGEST].lower())
