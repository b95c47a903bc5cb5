"""Texts and mappings that may hold secrets: used as any other, but never shown, never stored."""

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn, SupportsIndex

from seedling.masking import MASK, remember


class KeptSecret(str):
    """A text whose repr is `***`: in a notebook's output, a traceback's variables, another's repr.

    It is the text itself in everything else. It is not pickled, so that no saved model holds it.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return MASK if self else "''"

    def __copy__(self) -> "KeptSecret":
        return self

    def __deepcopy__(self, memo: Any) -> "KeptSecret":
        return self

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError(
            "A value of EnvConfig or AzureConfig is not stored: read it again where it is needed, "
            "or hand on str(value)."
        )


class KeptSecrets(Mapping[str, Any]):
    """A mapping whose repr has its keys, and `***` for its values; it is not pickled.

    Attributes:
        shown: the keys whose values are no secrets.
    """

    __slots__ = ("_values",)
    shown: frozenset[str] = frozenset()

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = {
            key: KeptSecret(value) if isinstance(value, str) else value
            for key, value in values.items()
        }
        for key, value in self._values.items():
            if isinstance(value, str):
                remember(key, str(value))

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
