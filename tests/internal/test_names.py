"""Names of endpoints and web apps: what is tried where one is taken, and what Azure refuses."""

from itertools import islice

import pytest

from seedling.azure import endpoints, names
from seedling.errors import ProjectError


@pytest.mark.parametrize(
    ("name", "tried"),
    [
        ("ours", ["ours", "ours-2", "ours-3"]),
        ("ours-9", ["ours-9", "ours-10", "ours-11"]),
        ("ours-b2", ["ours-b2", "ours-b2-2", "ours-b2-3"]),
        ("longer-name", ["longer-name", "longer-na-2", "longer-na-3"]),
        ("a-longer-on", ["a-longer-on", "a-longer-2", "a-longer-3"]),
    ],
)
def test_a_taken_name_is_counted_up(name: str, tried: list[str]) -> None:
    assert list(islice(names.numbered(name, longest=11), 3)) == tried


def test_counting_up_ends() -> None:
    assert len(list(names.numbered("ours", longest=32))) == names.TRIED


@pytest.mark.parametrize("name", ["", "ab", "1st", "under_score", "ends-", "x" * 33, "x\ny" * 99])
def test_what_cannot_be_a_name_is_one_line_that_says_where(name: str) -> None:
    with pytest.raises(ProjectError, match=r"change batch\.endpoint_name in model\.yaml") as told:
        endpoints.checked(name, "batch.endpoint_name")
    assert "\n" not in str(told.value)
