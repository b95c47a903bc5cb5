"""The words of a text in any language, as the model and its compiled form both read it."""

import re
from unicodedata import normalize

LONGEST = 20_000  # characters of a text that are read

# Scripts that write words without spaces between them: each character is a word.
_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+|[^\w\s]")


def words(text: str) -> list[str]:
    """Return the words of a text in small letters, and each other sign: `fine`, `!`, a smiley.

    An accent is a part of its letter, whether the text has them as one character or as two.
    """
    return _WORD.findall(normalize("NFC", text[:LONGEST]).lower())
