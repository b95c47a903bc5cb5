"""An environment variable: its name, its type, its meaning, and how it is read."""

import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Generic, NamedTuple, TypeVar

from seedling.errors import ProjectError
from seedling.masking import quoted

Value = TypeVar("Value")
YES, NO = ("1", "yes", "true", "on"), ("", "0", "no", "false", "off")


class Setting(NamedTuple, Generic[Value]):
    """An environment variable.

    Attributes:
        name: of the variable.
        parse: its type: takes the text, which is stripped; raises ValueError that says what is
            expected.
        text: what it means, for .env.example and the docs.
        section: the heading that it stands under.
        part: the part of a project that reads it; None where every project does.
        more: what a part adds to its meaning.
        default: the text that stands for an empty or missing variable.
        is_secret: its value is never shown.
        is_passed_on: what it says for this machine holds in a container of the service too.
        is_listed: stands in .env.example; others are set by programs, or for tests.
    """

    name: str
    parse: Callable[[str], Value]
    text: str
    section: str
    part: str | None = None
    more: Mapping[str, str] = MappingProxyType({})
    default: str = ""
    is_secret: bool = False
    is_passed_on: bool = False
    is_listed: bool = True

    def get(self, environ: Mapping[str, str] | None = None) -> Value:
        """Return the variable's value; an empty one counts as not set.

        Args:
            environ: where it is read; this process's environment unless given.

        Raises:
            ProjectError: the value is none that the variable can have.
        """
        text = (os.environ if environ is None else environ).get(self.name, "").strip()
        try:
            return self.parse(text or self.default)
        except ValueError as error:
            shown = "" if self.is_secret else f" is {quoted(text)}"
            raise ProjectError(f"{self.name}{shown}: {error} is expected.") from None

    def is_set(self, environ: Mapping[str, str] | None = None) -> bool:
        """Return True if the variable has a value that is not empty."""
        return bool((os.environ if environ is None else environ).get(self.name, "").strip())


def names(text: str) -> list[str]:
    """Parse several names with commas between."""
    return [word.strip() for word in text.split(",") if word.strip()]


def words(text: str) -> list[str]:
    """Parse several words with blanks or commas between, as make has them."""
    return text.replace(",", " ").split()


def flag(text: str) -> bool:
    """Read 1 or 0, yes or no, true or false, on or off; an empty text is no."""
    if text.lower() not in (*YES, *NO):
        raise ValueError("1 or 0")
    return text.lower() in YES


def choice(*values: str, any_case: bool = False) -> Callable[[str], str]:
    """Return a parser of one of these words; an empty text stays empty.

    Args:
        values: the words.
        any_case: a word in capitals is taken too.
    """

    def parse(text: str) -> str:
        word = text.lower() if any_case else text
        if word and word not in values:
            raise ValueError(" or ".join(filter(None, [", ".join(values[:-1]), values[-1]])))
        return word

    return parse


def share(text: str) -> float:
    """Parse a number from 0 to 1."""
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 <= number <= 1:
        raise ValueError("a number from 0 to 1")
    return number
