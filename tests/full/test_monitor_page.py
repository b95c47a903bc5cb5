"""The pages of monitor and compare in a real browser: on small screens, in the dark, by keys."""

from pathlib import Path

import pytest
from chromium import Watched, chromium
from large_findings import HOSTILE, large

from seedling.lifecycle import comparison_page
from seedling.lifecycle.comparison import Comparison, Step
from seedling.monitoring import report

pytestmark = pytest.mark.full


def test_two_hundred_columns_are_read_on_every_screen_and_by_keys(tmp_path: Path):
    path = report.write(large(200, name=lambda at: f"{HOSTILE} {'x' * 60} {at}"), tmp_path)
    address = path.as_uri()
    with chromium() as browser:
        for width, scheme in ((1280, "light"), (390, "dark")):
            context = browser.new_context(
                viewport={"width": width, "height": 900}, color_scheme=scheme
            )
            watched = Watched(context.new_page())
            page = watched.page
            page.goto(address)
            assert watched.asked == [address], "it asks for something outside"
            assert watched.complaints == []
            assert page.evaluate("document.documentElement.scrollWidth") == width
            headline = page.locator("h1").bounding_box()
            assert headline
            assert headline["y"] < 300, "the verdict is not in sight"
            dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert dark == ("rgb(18, 24, 31)" if scheme == "dark" else "rgb(244, 246, 248)")
            last = page.locator(".heat td:last-child").first
            table = page.locator(".scroll").first.bounding_box()
            box = last.bounding_box()
            assert table
            assert box
            assert box["x"] + box["width"] <= table["x"] + table["width"] + 2, "the last is hidden"
            reached = set()
            for _ in range(12):
                page.keyboard.press("Tab")
                reached.add(
                    page.evaluate(
                        "document.activeElement.getAttribute('aria-label')"
                        " || document.activeElement.tagName"
                    )
                )
            assert {"SUMMARY", "Metrics", "All columns"} <= reached, reached
            folded = page.locator("details").first
            assert not folded.evaluate("each => each.open")
            folded.locator("summary").focus()
            page.keyboard.press("Enter")
            assert folded.evaluate("each => each.open")
            assert page.evaluate("document.documentElement.scrollWidth") == width
            context.close()


def test_a_comparison_is_read_on_every_screen_and_by_keys(tmp_path: Path):
    course = [
        Step(f"2026-03-{at:02}T12:00:00Z", 150 * at, 0.01, 0.01 - 0.2 / at, 0.01 + 0.2 / at)
        for at in range(1, 31)
    ]
    found = [
        Comparison(
            HOSTILE,
            "1",
            str(2 + at),
            "paired",
            "2026-03-30T12:00:00Z",
            "2026-03-01T00:00:00Z",
            verdict=verdict,
            loss=f"{HOSTILE} {'x' * 60}",
            rows=4_500,
            champion_loss=0.2,
            challenger_loss=0.21,
            difference=0.01,
            low=0.003,
            high=0.017,
            margin=0.002,
            course=course,
        )
        for at, verdict in enumerate(("better", "worse"))
    ]
    path = tmp_path / "report.html"
    path.write_text(comparison_page.text(HOSTILE, found), encoding="utf-8")
    with chromium() as browser:
        for width, scheme in ((1280, "light"), (390, "dark")):
            context = browser.new_context(
                viewport={"width": width, "height": 900}, color_scheme=scheme
            )
            watched = Watched(context.new_page())
            page = watched.page
            page.goto(path.as_uri())
            assert watched.asked == [path.as_uri()], "it asks for something outside"
            assert watched.complaints == []
            assert page.evaluate("document.documentElement.scrollWidth") == width
            assert page.locator(".pill").first.inner_text() == "harmful"
            headline = page.locator("h1").first.bounding_box()
            assert headline
            assert headline["y"] < 300, "the verdict is not in sight"
            band = page.locator("svg .band").first.bounding_box()
            assert band
            assert band["x"] + band["width"] <= width
            assert page.locator("svg text").first.evaluate("each => each.getBBox().x") >= 0
            page.locator("summary").first.focus()
            page.keyboard.press("Enter")
            assert page.locator("details").first.evaluate("each => each.open")
            assert page.evaluate("document.documentElement.scrollWidth") == width
            context.close()
