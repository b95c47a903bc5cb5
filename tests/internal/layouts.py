"""Fixtures for edits of texts, each with line ends of Unix and of Windows."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest


def fixtures(layouts: Mapping[str, str]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return the fixtures `line_end` and `text`: each of the layouts, with each line end."""

    @pytest.fixture(params=["\n", "\r\n"], ids=["LF", "CRLF"])
    def line_end(request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture(params=layouts)
    def text(request: pytest.FixtureRequest, line_end: str) -> str:
        return layouts[request.param].replace("\n", line_end)

    return line_end, text
