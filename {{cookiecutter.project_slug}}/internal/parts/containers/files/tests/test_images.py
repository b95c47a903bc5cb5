"""Yours: the images of your models are made of what the models' own files say."""

from seedling.testing import stale_files


def test_what_is_generated_is_current() -> None:
    """If this fails: run generate-all, and look at what it changes."""
    assert stale_files() == []
