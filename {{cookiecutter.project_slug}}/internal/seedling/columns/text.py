"""Free text, as an input of features/derive.py: no model learns from it as it is."""

from typing import Any, ClassVar

from seedling.columns.protocol import Column


class Text(Column):
    """Any text. It is never proposed as a feature; `sample` is one for the documentation."""

    sample: str = "text"

    unseen: ClassVar[Any] = "never seen"
    asked: ClassVar[int] = 99

    def example(self) -> Any:
        return self.sample


TYPE = Text
