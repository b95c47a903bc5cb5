"""The try-it page, /docs and the OpenAPI document, as text; a browser is not needed."""

import json
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask, Request, Response
from flask.testing import FlaskClient
from small import PETS
from werkzeug.test import EnvironBuilder

from seedling.config import Config, Dataset
from seedling.serving.model_info import ModelFacts
from seedling.serving.openapi import document
from seedling.serving.page import blueprint, page, secured, wants_page

BRACES = "{" + "{7*7}" + "}"
HOSTILE = f"</script><script src=x onerror='alert(1)'>'\"&{BRACES}🐱"
NAME = HOSTILE.replace('"', "")  # a column's name has no double quote
EMPTY = ("link", "meta", "input", "br")


class Elements(HTMLParser):
    """The page's elements as a browser would see them: name and attributes, and all its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]

    def values(self, attribute: str) -> list[str | None]:
        return [found[attribute] for _, found in self.found if attribute in found]


def config(name: str = "Pets", description: str = "") -> Config:
    return Config.model_validate(
        {
            "name": name,
            "slug": "pets",
            "description": description,
            "feature_store": {"url": "sqlite://"},
            "datasets": [PETS.model_dump()],
            "training": {"models": [{"name": "tree", "dataset": "pets"}]},
        }
    )


def facts(name: str = "tree", version: str = "1", dataset: Dataset = PETS) -> ModelFacts:
    return ModelFacts(name, version, "", dataset, {"accuracy": 0.75, "roc_auc": 0.81234}, 1200)


def hostile() -> Dataset:
    described = PETS.model_dump()
    described["description"] = HOSTILE
    described["target"] |= {"description": HOSTILE, "labels": [HOSTILE, "yes"]}
    names = (NAME, "__proto__", "${x}", "`id`")
    for column, name in zip(described["features"], names, strict=True):
        column |= {"name": name, "description": HOSTILE}
    described["features"][2]["categories"] = [HOSTILE, "dog"]
    return Dataset.model_validate(described)


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    app = Flask("pages", static_folder=None)
    app.register_blueprint(blueprint(lambda: (config(), [facts()])))
    return app.test_client()


def test_the_page_has_a_labelled_field_for_every_feature() -> None:
    found = Elements(page(config(), [facts()]))
    assert found.open == []
    assert found.values("data-name") == PETS.feature_names
    labelled = set(found.values("for"))
    for tag in ("input", "select"):
        for one in found.all(tag):
            inside_a_label = one.get("type") == "radio"
            assert inside_a_label or one.get("id") in labelled or "aria-label" in one
    hints = {one for one in found.values("aria-describedby") if one}
    assert hints <= set(found.values("id"))


def test_the_form_holds_the_example_ranges_and_categories() -> None:
    found = Elements(page(config(), [facts()]))
    options = [one["value"] for one in found.all("option")]
    assert options == ["cat", "dog", "", ""]
    assert "0 to 30" in found.text
    assert "(missing)" in found.text
    (age, _) = (one for one in found.all("input") if one.get("type") == "number")
    assert (age["value"], age["step"]) == ("15", "1")


def test_a_text_has_an_area_that_shows_it_as_it_is() -> None:
    described = PETS.model_dump()
    sample = f"\n{HOSTILE}\r\n</textarea>"
    note = {"name": "note", "type": "text", "sample": sample, "nullable": True}
    dataset = Dataset.model_validate({**described, "features": [*described["features"], note]})
    found = Elements(page(config(), [facts(dataset=dataset)]))
    (area,) = found.all("textarea")
    assert area["id"] in found.values("for")
    assert f"\n{sample}" in found.text  # a browser drops the first line end
    assert "any text, may be empty" in found.text
    schemas = document(config(), [facts(dataset=dataset)])["components"]["schemas"]
    asked = schemas["tree.Features"]["properties"]["note"]
    assert (asked["type"], asked["examples"]) == (["string", "null"], [sample])


def test_metrics_come_with_the_gate_first() -> None:
    text = Elements(page(config(), [facts()])).text
    assert text.index("0.8123") < text.index("0.75")
    assert "1,200 rows" in text


def test_versions_of_a_model_share_a_form_and_models_have_their_own() -> None:
    found = Elements(page(config(), [facts(), facts(version="2"), facts("wood")]))
    assert [form["data-model"] for form in found.all("form")] == ["tree", "wood"]
    assert "1, 2" in found.text
    ids = found.values("id")
    assert len(ids) == len(set(ids))


def test_without_a_model_the_page_says_so() -> None:
    assert "No model is served" in page(config(), [])


def test_what_people_type_into_model_yaml_is_text_and_nothing_else() -> None:
    plain = Elements(page(config(description="Pets"), [facts()]))
    found = Elements(page(config(HOSTILE, HOSTILE), [facts(dataset=hostile())]))
    assert [tag for tag, _ in found.found] == [tag for tag, _ in plain.found]
    assert found.values("data-name")[0] == NAME
    assert found.all("option")[0]["value"] == HOSTILE
    assert HOSTILE in found.text


def test_nothing_is_inline_and_nothing_comes_from_elsewhere(client: FlaskClient) -> None:
    for html in (page(config(), [facts()]), client.get("/docs").get_data(as_text=True)):
        found = Elements(html)
        assert all("src" in script for script in found.all("script"))
        assert not found.all("style")
        names = {name for _, attributes in found.found for name in attributes}
        assert not {name for name in names if name.startswith("on") or name == "style"}
        for address in found.values("src") + found.values("href"):
            assert address
            assert ":" not in address
            assert not address.startswith("/")


def test_a_browser_gets_the_page_and_a_program_gets_json() -> None:
    def prefers(accept: str) -> bool:
        headers = {"Accept": accept} if accept else {}
        return wants_page(Request(EnvironBuilder(headers=headers).get_environ()))

    assert prefers("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
    assert not prefers("*/*")
    assert not prefers("application/json")
    assert not prefers("")


def test_html_is_sent_with_a_strict_policy(client: FlaskClient) -> None:
    for response in (secured(Response("")), client.get("/docs")):
        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'self'; ")
        assert "unsafe" not in policy
        assert response.headers["X-Frame-Options"] == "DENY"
        assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "name",
    ["page.css", "page.js", "docs.css", "docs.js", "icon.svg", "swagger/swagger-ui-bundle.js"],
)
def test_the_pages_files_come_with_the_service(client: FlaskClient, name: str) -> None:
    response = client.get(f"/static/{name}")
    assert response.status_code == 200
    assert response.headers["ETag"]


@pytest.mark.parametrize("name", ["../page.py", "%2e%2e/page.py", "swagger/index.html", "no.js"])
def test_no_other_file_is_served(client: FlaskClient, name: str) -> None:
    assert client.get(f"/static/{name}").status_code == 404


def test_every_model_has_its_routes_in_the_document(client: FlaskClient) -> None:
    paths = document(config(), [facts(), facts("wood")])["paths"]
    service = {"/", "/run", "/health", "/healthcheck", "/ready", "/ping", "/version", "/metrics"}
    assert service | {"/score", "/invocations", "/openapi.json"} <= set(paths)
    for model in ("tree", "wood"):
        assert {f"/{model}/predict", f"/{model}/score", f"/{model}/invocations"} <= set(paths)
    assert client.get("/openapi.json").get_json()["openapi"] == "3.1.0"


def test_types_bind_while_ranges_and_categories_are_hints() -> None:
    schemas = document(config(), [facts()])["components"]["schemas"]
    age, weight, kind, tame, *others = schemas["tree.Features"]["properties"].values()
    assert age["type"] == "integer"
    assert (age["x-minimum"], age["x-maximum"]) == (0, 30)
    assert age["maximum"] == 2**63 - 1
    assert (weight["type"], weight["x-nullable"]) == (["number", "null"], True)
    assert (kind["type"], kind["x-categories"]) == (["string", "null"], ["cat", "dog"])
    assert "enum" not in kind
    assert tame["type"] == "boolean"
    assert schemas["tree.Features"]["required"] == ["age", "tame"]  # the two that have no gaps
    assert len(others) == 2  # target and key may be sent along


@pytest.mark.parametrize("models", [[], [facts()], [facts(), facts("wood", dataset=hostile())]])
def test_the_document_is_json_whose_references_exist(models: list[ModelFacts]) -> None:
    made = json.loads(json.dumps(document(config(HOSTILE), models), allow_nan=False))
    for reference in references(made):
        node = made
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in references(value)]
    if isinstance(node, list):
        return [found for value in node for found in references(value)]
    return []
