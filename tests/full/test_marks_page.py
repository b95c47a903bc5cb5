"""What a browser shows of the pieces that were found in a text: marks, kinds, the redacted text."""

import json
import re
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
from chromium import Watched
from flask import Flask, Response, request
from forms import forms
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from seedling.config import Config
from seedling.serving.model_info import ModelFacts
from seedling.serving.page import blueprint, page, secured
from seedling.tasks.spans.cells import Span, as_items, redacted

pytestmark = pytest.mark.full

LABELS = ["name", "birth_date", "account", "card", "phone", "email", "address"]
PATTERNS = {"name": r"An\w\u0308?a|Ann\u00e4|漢字😀?", "phone": r"\d{3} \d+", "email": r"\S+@\S+\w"}
FORMS = forms(LABELS, sample="Anna\r\n030 234", longest=500)
HOSTILE = "<img src=x onerror='window.injected=1'> Anna <b>030 234</b> & </p><script>1</script>"
TEXTS = {
    "emoji": "😀😀 Anna \U0001f469\u200d\U0001f467 030 234 \U0001f1e9\U0001f1ea a@example.org 🎉",
    "a combining mark": "An\u0303a and Ann\u00e4, An\u0303\u0308a",
    "letters beyond the first plane": "\U0001d504\U0001d52b 漢字😀 Anna",
    "lines": "Anna\n\n030 234\n\tAnna",
    "markup": HOSTILE,
    "nothing": "Nothing is here.",
    "ends": "Anna",
}


def spans(text: str) -> list[dict[str, Any]]:
    found = [
        Span(match.start(), match.end(), label)
        for label, pattern in PATTERNS.items()
        for match in re.finditer(pattern, text)
    ]
    return as_items(sorted(found), text)


def payload(text: str) -> dict[str, Any]:
    found = spans(text)
    answer = {"predictions": [found], "redacted": [redacted(text, found)]}
    return answer | {"scores": [], "labels": LABELS, "model": "finder", "version": "1"}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of the page over a model that finds by patterns, with Python's own offsets."""
    config = Config.model_validate(
        {
            "name": "Forms",
            "slug": "forms",
            "feature_store": {"url": "sqlite://"},
            "datasets": [FORMS.model_dump()],
            "training": {"models": [{"name": "finder", "dataset": "forms"}]},
        }
    )
    facts = [ModelFacts("finder", "1", "", FORMS, {"f2": 0.9}, 100)]
    app = Flask("forms", static_folder=None)
    app.register_blueprint(blueprint(lambda: (config, facts)))

    @app.get("/")
    def index() -> Response:
        return secured(Response(page(config, facts), mimetype="text/html"))

    @app.post("/finder/predict")
    def predict() -> Response:
        (row,) = json.loads(request.data)["payload"]["instances"]
        return Response(json.dumps({"payload": payload(row["text"])}), mimetype="application/json")

    server = make_server("127.0.0.1", 0, app, threaded=True)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()


@pytest.fixture
def shown(browser: Browser, address: str) -> Iterator[Page]:
    """A new page, whose test fails if its console complained of anything."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    watched = Watched(context.new_page())
    watched.page.goto(address)
    yield watched.page
    context.close()
    assert watched.complaints == []


def answered(page: Page, text: str) -> None:
    page.get_by_label("text", exact=True).fill(text)
    with page.expect_response("**/predict"):
        page.get_by_role("button", name="Predict").click()
    expect(page.locator("[type=submit][aria-busy]")).to_have_count(0)


def marks(page: Page) -> list[tuple[str, str]]:
    """The marked pieces as they stand in the page, and their labels."""
    pieces = "all => all.map(one => [one.firstChild.data, one.querySelector('.tag').textContent])"
    return [(piece, label) for piece, label in page.locator("mark").evaluate_all(pieces)]


def without_tags(page: Page) -> str:
    text = page.locator("#answer .passage").first.evaluate(
        """one => { const copy = one.cloneNode(true);
          copy.querySelectorAll('.tag').forEach(tag => tag.remove()); return copy.textContent; }"""
    )
    return str(text)


def test_what_was_found_is_marked_where_python_says_it_is(shown: Page):
    for text in TEXTS.values():
        answered(shown, text)
        expected = spans(text)
        assert marks(shown) == [(each["text"], each["label"]) for each in expected], text
        assert without_tags(shown) == text
        words = f"{len(expected)} found" if expected else "none found"
        assert shown.locator(".headline output").inner_text() == words
        body = shown.get_by_role("region", name="redacted")
        assert body.text_content() == redacted(text, expected)
    assert shown.evaluate("window.injected") is None
    assert shown.locator("#answer img, #answer script, #answer b").count() == 0


def test_line_ends_are_those_of_the_text_that_was_sent(shown: Page):
    area = shown.get_by_label("text", exact=True)
    assert area.input_value() == "Anna\n030 234"  # of the example with \\r\\n
    area.evaluate("one => { one.value = 'x\\r\\nAnna\\r030 234'; }")
    shown.get_by_role("button", name="Predict").click()
    shown.wait_for_selector("mark")
    assert marks(shown) == [("Anna", "name"), ("030 234", "phone")]


def test_a_mark_says_its_kind_in_words_and_colour(shown: Page):
    for scheme in ("light", "dark"):
        shown.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        answered(shown, "Anna 030 234 anna@example.org")
        found = shown.locator("mark")
        assert found.evaluate_all("all => all.map(one => one.title)") == ["name", "phone", "email"]
        colour = "all => all.map(one => getComputedStyle(one).backgroundColor)"
        assert len({*found.evaluate_all(colour)}) == 3
        assert min(found.evaluate_all(CONTRAST)) >= 7
        assert shown.locator(".tally li").all_inner_texts() == ["name1", "phone1", "email1"]


def test_the_keyboard_reaches_and_copies_the_redacted_text(shown: Page, address: str):
    shown.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
    answered(shown, "Anna\n030 234")
    shown.get_by_role("button", name="Predict").focus()
    seen = []
    while seen[-1:] != ["redacted"]:
        shown.keyboard.press("Tab")
        name = "one => one.getAttribute('aria-label') ?? one.textContent"
        seen.append(shown.locator(":focus").evaluate(name))
        if seen[-1] == "Copy" and shown.locator("#answer :focus").count():
            shown.keyboard.press("Enter")
    assert "marked" in seen
    assert shown.evaluate("navigator.clipboard.readText()") == "[name]\n[phone]"


def test_a_long_form_scrolls_in_its_own_place(shown: Page):
    for width in (320, 1280):
        shown.set_viewport_size({"width": width, "height": 700})
        answered(shown, ("Anna " + "x" * 60 + " ") * 7)
        assert shown.evaluate("document.documentElement.scrollWidth") <= width


# The ratio of luminances, as WCAG has it, between the colours of a mark and of its letters.
CONTRAST = """all => all.map(one => {
  const context = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const light = (colour) => {
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].slice(0, 3).map((part) => {
      const share = part / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const style = getComputedStyle(one);
  const [low, high] = [light(style.color), light(style.backgroundColor)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
})"""
