"""Values and mappings that may hold secrets: used as any other, but never shown, never stored."""

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn, Self, SupportsIndex

from seedling.masking import MASK, remember


class Kept:
    """A value whose repr is `***`: in a notebook's output, a traceback's variables, another's repr.

    It is the value itself in everything else. It is not pickled, so that no saved model holds it.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return MASK

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        return self

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError(
            "A value of EnvConfig or AzureConfig is not stored: read it again where it is needed, "
            "or hand on str(value)."
        )


class KeptSecret(Kept, str):
    """A text."""

    __slots__ = ()

    def __repr__(self) -> str:
        return MASK if self else "''"


class KeptInt(Kept, int):
    """A whole number."""

    __slots__ = ()
    __str__ = int.__repr__


class KeptFloat(Kept, float):
    """A number with a fraction."""

    __slots__ = ()
    __str__ = float.__repr__


class KeptSecrets(Mapping[str, Any]):
    """A mapping whose repr has its keys, and `***` for its values; it is not pickled.

    Attributes:
        shown: the keys whose values are no secrets.
    """

    __slots__ = ("_values",)
    shown: frozenset[str] = frozenset()

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = {key: _kept(key, value) for key, value in values.items()}

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        pairs = (f"{key!r}: {self._as_shown(key)}" for key in self)
        return f"{type(self).__name__}({{{', '.join(pairs)}}})"

    def __copy__(self) -> "KeptSecrets":
        return self

    def __deepcopy__(self, memo: Any) -> "KeptSecrets":
        return self

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError(f"{type(self).__name__} is not stored: read it again where it is needed.")

    def _as_shown(self, key: str) -> str:
        value = self[key]
        if key in self.shown:
            return repr(str(value)) if isinstance(value, str) else repr(value)
        return repr(value) if isinstance(value, str) else MASK


def _kept(key: str, value: Any) -> Any:
    """Return a value of JSON with all in it kept, and mask it in messages from now on."""
    if isinstance(value, dict):
        return {name: _kept(name, each) for name, each in value.items()}
    if isinstance(value, list):
        return [_kept(key, each) for each in value]
    if value is None or isinstance(value, bool):
        return value
    remember(key, str(value))
    if isinstance(value, str):
        return KeptSecret(value)
    return KeptInt(value) if isinstance(value, int) else KeptFloat(value)
