"""The try-it page and /docs of a real service, in a real browser."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from baking import few_trees
from chromium import Watched
from openapi_spec_validator import OpenAPIV31SpecValidator
from playwright.sync_api import Browser, Locator, Page, expect
from serving import ask, predict, serving
from warm import verb

pytestmark = pytest.mark.full

ANSWERS = {"vertical": "finance", "project_name": "Page"}
MODELS = ("logistic_regression", "random_forest")
HOSTILE = """it's "$HOME" `id` $(id) \\ <b> é 🐱 !!"""
# A radio button lies under its label, which then wears the ring.
RING = "one => getComputedStyle(one.type === 'radio' ? one.parentElement : one).outlineStyle"
# How far things moved (https://web.dev/cls), unless somebody had just typed or clicked.
SHIFTS = """() => { window.shift = 0; new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shift += entry.hadRecentInput ? 0 : entry.value;
}).observe({type: "layout-shift", buffered: true}); }"""


@pytest.fixture(scope="module")
def address(installed) -> Iterator[str]:
    project: Path = installed(ANSWERS)
    few_trees(project)
    verb(project, "create-local-datasets")
    verb(project, "train", *(word for model in MODELS for word in ("--model", model)))
    with serving(project) as address:
        yield address


@pytest.fixture
def watched(browser: Browser, address: str) -> Iterator[Watched]:
    """A new page, whose test fails if it asked another host or complained of anything."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    watched = Watched(context.new_page())
    watched.page.set_default_timeout(15_000)
    yield watched
    context.close()
    assert [url for url in watched.asked if not url.startswith(f"{address}/")] == []
    assert watched.complaints == []


@pytest.fixture
def page(watched: Watched, address: str) -> Page:
    watched.page.goto(address)
    return watched.page


def selected(page: Page) -> str:
    """The model that the form asks: the best one, until another is chosen."""
    return page.locator("input[name=model]:checked").locator("..").locator(".name").inner_text()


def test_the_form_gets_the_answer_that_http_gives(page: Page, address: str):
    field(page, "age").fill("33")
    field(page, "education").select_option("Doctorate")
    field(page, "occupation").select_option(label="(missing)")
    send(page)
    answer = predict(address, selected(page), [row(page)])
    assert row(page) | {"age": 33, "education": "Doctorate", "occupation": None} == row(page)
    assert page.locator(".headline output").inner_text() == answer["predictions"][0]
    shown = dict(zip(texts(page, ".bars .label"), texts(page, ".bars .share"), strict=True))
    scores = zip(answer["labels"], answer["scores"][0], strict=True)
    assert shown == {label: f"{100 * score:.1f} %" for label, score in scores}
    note = page.locator("#answer-note").inner_text()
    assert note.startswith(f"{answer['model']}, version {answer['version']} · ")


def test_another_model_keeps_what_was_filled_in(page: Page, address: str):
    field(page, "age").fill("61")
    page.get_by_role("radio", name=MODELS[1]).check()
    assert field(page, "age").input_value() == "61"
    send(page)
    answer = predict(address, MODELS[1], [row(page)])
    assert page.locator(".headline output").inner_text() == answer["predictions"][0]
    page.reload()
    expect(page.get_by_role("radio", name=MODELS[1])).to_be_checked()


def test_the_keyboard_is_enough(page: Page):
    seen = []
    while "Predict" not in seen:
        page.keyboard.press("Tab")
        focused = page.evaluate_handle("document.activeElement").as_element()
        assert focused
        assert focused.evaluate(RING) == "solid"
        seen.append(focused.evaluate("one => one.labels?.[0]?.innerText ?? one.innerText"))
    assert seen[:3] == ["Project", "API docs", "openapi.json"]
    assert {"age", "workclass", "hours_per_week"} <= set(seen)
    while focused.evaluate("one => one.labels?.[0]?.innerText") != "age":
        page.keyboard.press("Shift+Tab")
        focused = page.evaluate_handle("document.activeElement").as_element()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("29")
    page.keyboard.press("Enter")
    page.wait_for_selector(".headline")
    assert row(page)["age"] == 29


def test_the_answer_is_announced(page: Page):
    expect(page.locator("#answer")).to_have_attribute("aria-live", "polite")
    expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize("width", [320, 768, 1280])
def test_no_width_scrolls_sideways(page: Page, width: int):
    page.set_viewport_size({"width": width, "height": 640})
    field(page, "workclass").select_option(label="another value …")
    other(page).fill("x" * 200)
    send(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    beyond = "all => all.filter(one => one.getBoundingClientRect().right > innerWidth).length"
    assert page.locator("main *:visible").evaluate_all(beyond) == 0


def test_nothing_moves_while_the_page_loads_and_answers(watched: Watched, address: str):
    page = watched.page
    page.add_init_script(f"({SHIFTS})()")
    page.goto(address, wait_until="networkidle")
    send(page)
    page.wait_for_timeout(500)
    assert page.evaluate("window.shift") < 0.02


def test_an_error_stands_beside_its_field(page: Page, watched: Watched):
    field(page, "age").fill("17.5")
    page.get_by_role("button", name="Predict").click()
    age = field(page, "age")
    expect(hint(page, age)).to_contain_text("Expected a whole number, got a fraction.")
    expect(age).to_have_attribute("aria-invalid", "true")
    expect(age).to_be_focused()
    age.fill("17")
    expect(hint(page, age)).to_have_text("17 to 90, years")
    assert all("400" in one for one in watched.complaints)
    watched.complaints.clear()  # what Chromium says of every answer that is not 2xx


def test_what_the_service_never_gets_is_refused_at_once(page: Page, watched: Watched):
    age = field(page, "age")
    age.fill("")
    page.get_by_role("button", name="Predict").click()
    expect(hint(page, age)).to_have_text("Enter a number.")
    age.press_sequentially("1e")
    page.get_by_role("button", name="Predict").click()
    expect(hint(page, age)).to_have_text("This is not a number.")
    assert not [url for url in watched.asked if url.endswith("/predict")]


def test_values_that_the_model_never_saw_are_answered_and_marked(page: Page):
    field(page, "age").fill("91")
    field(page, "workclass").select_option(label="another value …")
    other(page).fill(HOSTILE)
    expect(hint(page, field(page, "age"))).to_have_text("outside 17 to 90, years")
    expect(hint(page, other(page))).to_have_text("never seen in training")
    send(page)


@pytest.mark.parametrize(
    ("status", "words"), [(401, "asks for a key"), (403, "is not allowed"), (503, "is away")]
)
def test_a_refusal_is_explained(page: Page, watched: Watched, status: int, words: str):
    body = json.dumps({"payload": {"success": False, "error": "It is away."}})
    page.route("**/predict", lambda route: route.fulfill(status=status, body=body))
    page.get_by_role("button", name="Predict").click()
    expect(page.get_by_role("alert")).to_contain_text(words)
    watched.complaints.clear()


def test_a_service_that_is_gone_is_explained(page: Page, watched: Watched):
    page.route("**/predict", lambda route: route.abort())
    page.get_by_role("button", name="Predict").click()
    expect(page.get_by_role("alert")).to_contain_text("does not answer")
    page.unroute("**/predict")
    send(page)
    expect(page.get_by_role("alert")).to_have_count(0)
    watched.complaints.clear()


def test_the_curl_command_gives_the_same_answer(page: Page, address: str):
    field(page, "workclass").select_option(label="another value …")
    other(page).fill(HOSTILE)
    send(page)
    command = page.locator("#curl").text_content()
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    sent = row(page) | {"workclass": HOSTILE}
    answer = predict(address, selected(page), [sent])
    assert json.loads(done.stdout)["payload"] == answer
    assert page.locator(".headline output").inner_text() == answer["predictions"][0]


def test_the_curl_command_is_copied(page: Page, address: str):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#curl").text_content()


def test_an_answer_that_the_form_no_longer_asks_for_says_so(page: Page):
    send(page)
    field(page, "age").fill("20")
    expect(page.locator("#answer-note")).to_have_text("The form has changed since.")
    page.get_by_role("button", name="Use example").click()
    expect(page.locator("#answer-note")).to_contain_text("version 1")


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_no_script_but_the_services_own_runs(watched: Watched, address: str, path: str):
    page = watched.page
    response = page.goto(address + path, wait_until="networkidle")
    assert response
    assert "unsafe" not in response.headers["content-security-policy"]
    page.evaluate(
        """() => {
          const made = document.createElement("script");
          try { made.text = "window.injected = true"; } catch {}
          document.body.append(made);
        }"""
    )
    assert page.evaluate("window.injected") is None
    assert watched.complaints
    watched.complaints.clear()


def test_the_docs_show_every_operation_and_try_it_out(watched: Watched, address: str):
    page = watched.page
    page.goto(f"{address}/docs")
    _, document = ask(f"{address}/openapi.json")
    operations = [name for path in document["paths"].values() for name in path]
    expect(page.locator(".opblock")).to_have_count(len(operations))
    operation = page.locator(".opblock", has_text=f"/{MODELS[0]}/predict").first
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    answered = operation.locator(".live-responses-table")
    expect(answered.locator(".response-col_status").last).to_contain_text("200")
    expect(answered).to_contain_text(MODELS[0])


def test_the_document_is_valid_openapi(address: str):
    _, document = ask(f"{address}/openapi.json")
    OpenAPIV31SpecValidator(document).validate()


def test_a_program_still_gets_json(address: str):
    with urlopen(address, timeout=30) as response:
        assert set(json.load(response)) == {"name", "description", "api_version"}


def field(page: Page, name: str) -> Locator:
    """The input of a feature in the form that is shown."""
    return page.locator("form:visible").get_by_label(name, exact=True)


def other(page: Page) -> Locator:
    """The text field for a category that the schema does not list."""
    return page.locator("form:visible .other:visible")


def hint(page: Page, one: Locator) -> Locator:
    return page.locator(f"#{one.get_attribute('aria-describedby')}")


def send(page: Page) -> None:
    page.locator("form:visible").get_by_role("button", name="Predict").click()
    page.wait_for_selector("#answer .headline")


def row(page: Page) -> dict[str, Any]:
    """The instance that the curl command sends; its text has no quote that sh would see."""
    command = page.locator("#curl").text_content() or ""
    body = command.partition("--data-raw '")[2].removesuffix("'").replace("'\\''", "'")
    return json.loads(body)["payload"]["instances"][0]


def texts(page: Page, selector: str) -> list[str]:
    return page.locator(selector).all_inner_texts()
