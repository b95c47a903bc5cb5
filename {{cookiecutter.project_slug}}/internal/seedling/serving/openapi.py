"""Write the OpenAPI 3.1 document: every route, with the features, types and examples of models."""

from collections.abc import Sequence
from typing import Any

from seedling.config import Config, Dataset
from seedling.data.example_rows import example
from seedling.serving import openapi_schemas as schemas
from seedling.serving.model_info import ModelFacts, by_name
from seedling.serving.parquet import PARQUET

Json = dict[str, Any]

ERRORS = {
    "400": "The request is not what the route expects; the error names the field.",
    "401": "No key or token was sent, or it is not valid.",
    "403": "The key or token is valid, but not for this.",
    "404": "There is no such route, model or entity.",
    "413": "The body is too large.",
    "415": "The route does not read this content type.",
    "422": "The request has too many rows.",
    "503": "Something that the answer needs is not available for now.",
}
SHAPES = {"E": "Error", "P": "PredictError", "I": "InvocationError"}  # of errors, by response
OPEN: list[Json] = []  # the security of routes that need no key
SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An Entra ID token."},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "basic": {"type": "http", "scheme": "basic", "description": "Any user; the key as password."},
}


def document(config: Config, models: Sequence[ModelFacts]) -> Json:
    """Return the document of a service; the first model answers where a request names none."""
    served = {name: versions[0] for name, versions in by_name(models).items()}
    components: Json = dict(schemas.COMMON)
    paths: Json = _service_paths(config, next(iter(served.values()), None))
    for at, (name, facts) in enumerate(served.items()):
        components |= schemas.of_model(facts)
        paths |= _model_paths(facts)
        if at == 0:
            paths |= {
                "/score": _score(facts, "Azure ML's scoring protocol, answered by " + name),
                "/invocations": _invocations(facts, "MLflow's protocol, answered by " + name),
            }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": config.name,
            "version": config.api_version,
            "description": config.description,
        },
        "servers": [{"url": "."}],  # relative to this document, also behind a proxy's prefix
        "tags": [*_tags(served), {"name": "service", "description": "The service itself"}],
        "security": [{}, {"key": []}, {"bearer": []}, {"basic": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": {
                f"{prefix}{code}": _refusal(words, shape)
                for prefix, shape in SHAPES.items()
                for code, words in ERRORS.items()
            },
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def _tags(served: dict[str, ModelFacts]) -> list[Json]:
    return [
        {"name": name, "description": facts.description or _purpose(facts.dataset)}
        for name, facts in served.items()
    ]


def _purpose(dataset: Dataset) -> str:
    words = f" ({dataset.target.description})" if dataset.target.description else ""
    return f"Predicts {dataset.target.name}{words}."


def _model_paths(facts: ModelFacts) -> Json:
    row = example(facts.dataset.raw)
    answer = {
        "type": "object",
        "required": ["payload"],
        "properties": {"payload": schemas.ref(f"{facts.name}.Answer")},
    }
    payload = schemas.ref(f"{facts.name}.Payload")
    wrapped = {"type": "object", "required": ["payload"], "properties": {"payload": payload}}
    body = {"anyOf": [wrapped, payload, *schemas.bare(facts.name)]}
    examples = {
        "object": {"summary": "objects by feature", "value": _payload([row])},
        "list": {"summary": "lists in the schema's order", "value": _payload([[*row.values()]])},
        "instances": {"summary": "without payload", "value": {"instances": [row]}},
        "row": {"summary": "one row as the table has it", "value": row},
    }
    predict = {
        "tags": [facts.name],
        "operationId": f"{facts.name}.predict",
        "summary": f"The predictions of {facts.name} for each instance",
        "requestBody": _body({"application/json": {"schema": body, "examples": examples}}),
        "responses": _responses(answer, schemas.wrapped_example(facts), "400 413 422 503", "P"),
    }
    name = facts.name
    return {
        f"/{name}/predict": {"post": predict},
        f"/{name}/score": _score(facts, "Azure ML's scoring protocol", f"{name}.score"),
        f"/{name}/invocations": _invocations(facts, "MLflow's protocol", f"{name}.invocations"),
    }


def _payload(instances: list[Any]) -> Json:
    return {"payload": {"instances": instances}}


def _score(facts: ModelFacts, summary: str, operation: str = "score") -> Json:
    row = example(facts.dataset.raw)
    columns, values = list(row), [*row.values()]
    table = {"columns": columns, "index": [0], "data": [values]}
    examples = {
        "input_data": {"summary": "a table", "value": {"input_data": table}},
        "data": {"summary": "rows", "value": {"data": [row]}},
        "row": {"summary": "one row as the table has it", "value": row},
    }
    schema = schemas.ref(f"{facts.name}.Score")
    post = {
        "tags": [facts.name],
        "operationId": operation,
        "summary": summary,
        "requestBody": _body({"application/json": {"schema": schema, "examples": examples}}),
        "responses": _responses(
            schemas.ref(f"{facts.name}.Answer"), schemas.answer_example(facts), "400 413 422 503"
        ),
    }
    return {"post": post}


def _invocations(facts: ModelFacts, summary: str, operation: str = "invocations") -> Json:
    row = example(facts.dataset.raw)
    split = {"columns": list(row), "data": [[*row.values()]]}
    content = {
        "application/json": {
            "schema": schemas.ref(f"{facts.name}.Invocation"),
            "examples": {
                "dataframe_split": {"value": {"dataframe_split": split}},
                "dataframe_records": {"value": {"dataframe_records": [row]}},
                "instances": {"value": {"instances": [row]}},
                "inputs": {"value": {"inputs": {name: [value] for name, value in row.items()}}},
                "row": {"value": row},
            },
        },
        "text/csv": {
            "schema": {"type": "string", "minLength": 1},
            "example": schemas.csv_example(row),
        },
        PARQUET: {"schema": {"type": "string", "format": "binary"}},
    }
    answer = schemas.only("predictions", schemas.predictions(facts.dataset))
    given = {"predictions": schemas.answer_example(facts)["predictions"]}
    post = {
        "tags": [facts.name],
        "operationId": operation,
        "summary": summary,
        "requestBody": _body(content),
        "responses": _responses(answer, given, "400 413 415 422 503", "I"),
    }
    return {"post": post}


def _service_paths(config: Config, first: ModelFacts | None) -> Json:
    about = {"name": config.name, "description": config.description}
    row = example(first.dataset.raw) if first else {}
    asked = {"schema": {"type": "object"}, "example": row}
    outputs = schemas.answer_example(first) if first else {}
    run = {"tags": ["service"], "responses": _run_responses(row, outputs)}
    words = "The answer of serve.py, which may look features up in the feature store"
    return {
        "/": {
            "get": _plain_get(
                "about",
                "About this service: JSON, or the try-it page where the client prefers text/html",
                {
                    **_json(schemas.ref("About"), about | {"api_version": config.api_version}),
                    "text/html": {"schema": {"type": "string"}},
                },
            )
        },
        "/run": {
            "get": run
            | {"operationId": "run_query", "summary": words, "parameters": [_query(row)]},
            "post": run
            | {
                "operationId": "run",
                "summary": words,
                "requestBody": _body({"application/json": asked}),
            },
        },
        "/health": {"get": _alive("health")},
        "/healthcheck": {"get": _alive("healthcheck")},
        "/ping": {"get": _ping()},
        "/version": {"get": _text("version", "The version of MLflow whose protocol this is")},
        "/ready": {"get": _ready(first)},
        "/metrics": {"get": _text("metrics", "Counts and latencies, as Prometheus reads them")},
        "/openapi.json": {"get": _plain_get("openapi", "This document", _json({"type": "object"}))},
    }


def _run_responses(row: Json, outputs: Json) -> Json:
    given = {"id": "9f1c…", "user_inputs": row, "features": row, "outputs": outputs}
    return _responses(schemas.ref("Run"), given, "400 404 413 422 503")


def _query(row: Json) -> Json:
    """Return the query string of /run: the inputs that serve.py reads."""
    text = {name: schemas.query_text(value) for name, value in row.items() if value is not None}
    schema = {"type": "object", "additionalProperties": {"type": "string"}}
    return {
        "name": "user_inputs",
        "in": "query",
        "style": "form",
        "explode": True,
        "schema": schema,
        "example": text,
    }


def _ready(first: ModelFacts | None) -> Json:
    models = {first.name: first.version} if first else {}
    ready = {"ready": True, "models": models, "problems": {}}
    problems = {"income": "The model income is not there: run train."}
    waiting = ready | {"ready": False, "models": {}, "problems": problems}
    answers = {
        "200": _answer("Every model answers.", _json(schemas.ref("Ready"), ready)),
        "503": _answer("Something is missing.", _json(schemas.ref("Ready"), waiting)),
    }
    operation = {
        "tags": ["service"],
        "operationId": "ready",
        "summary": "Whether all models answer",
    }
    return operation | {"responses": answers} | _open()


def _alive(name: str) -> Json:
    content = _json(schemas.ref("Health"), {"status": "OK"})
    return _plain_get(name, "Whether the process is alive", content) | _open()


def _ping() -> Json:
    """Return the operation of MLflow's probe, whose body is an empty line."""
    operation = _plain_get("ping", "Whether all models answer, in MLflow's protocol", None)
    operation["responses"]["503"] = _answer("Something is missing.", None)
    return operation | _open()


def _text(name: str, summary: str) -> Json:
    return _plain_get(name, summary, {"text/plain": {"schema": {"type": "string"}}})


def _plain_get(name: str, summary: str, content: Json | None) -> Json:
    answers = {"200": _answer("OK", content)}
    if name in ("about", "version", "metrics", "openapi"):
        answers |= {code: schemas.response(f"E{code}") for code in ("401", "403")}
    return {"tags": ["service"], "operationId": name, "summary": summary, "responses": answers}


def _open() -> Json:
    return {"security": OPEN}


def _body(content: Json) -> Json:
    return {"required": True, "content": content}


def _json(schema: Json, given: Any = None) -> Json:
    return {"application/json": {"schema": schema} | ({"example": given} if given else {})}


def _answer(words: str, content: Json | None) -> Json:
    return {"description": words} | ({"content": content} if content else {})


def _responses(schema: Json, given: Any, codes: str, prefix: str = "E") -> Json:
    """Return the responses: the answer, and an error for each code and for a missing key."""
    refusals = {code: schemas.response(prefix + code) for code in f"{codes} 401 403".split()}
    good = {"200": _answer("The answer", _json(schema, given))}
    return good | dict(sorted(refusals.items()))


def _refusal(words: str, schema: str) -> Json:
    return {"description": words, "content": _json(schemas.ref(schema))}
