"""Write the JSON Schemas of the OpenAPI document: the requests and answers of a model.

Ranges and categories are hints (`x-minimum`, `x-categories`): the service answers values outside
of them. Types are real: a value of another type is refused, and so is a row without a value of each
feature that is not nullable.
"""

import csv
import io
from typing import Any

from seedling import tasks
from seedling.columns.protocol import Column
from seedling.config import Dataset
from seedling.data.example_rows import example
from seedling.serving.model_info import ModelFacts

Json = dict[str, Any]


def ref(name: str) -> Json:
    """Return a reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def response(name: str) -> Json:
    """Return a reference to a response of the document."""
    return {"$ref": f"#/components/responses/{name}"}


def only(name: str, schema: Json) -> Json:
    """Return the schema of an object with this one key."""
    return {
        "type": "object",
        "required": [name],
        "properties": {name: schema},
        "additionalProperties": False,
    }


TEXT = {"type": "string"}
TEXTS = {"type": "object", "additionalProperties": TEXT}
COMMON: Json = {
    "Error": only("error", TEXT),
    "InvocationError": {
        "type": "object",
        "required": ["error", "error_code", "message"],
        "properties": {"error": TEXT, "error_code": TEXT, "message": TEXT},
        "additionalProperties": False,
    },
    "PredictError": only(
        "payload",
        {
            "type": "object",
            "required": ["success", "error"],
            "properties": {"success": {"const": False}, "error": TEXT},
        },
    ),
    "About": {
        "type": "object",
        "required": ["name", "description", "api_version"],
        "properties": {"name": TEXT, "description": TEXT, "api_version": TEXT},
    },
    "Health": only("status", {"const": "OK"}),
    "Ready": {
        "type": "object",
        "required": ["ready", "models", "problems"],
        "properties": {
            "ready": {"type": "boolean"},
            "models": {"type": "object"},
            "problems": TEXTS,
        },
    },
    "Run": {
        "type": "object",
        "required": ["id", "user_inputs", "features", "outputs"],
        "properties": {
            "id": TEXT,
            "user_inputs": {"type": "object"},
            "features": {},
            "outputs": {},
        },
    },
}


def of_model(facts: ModelFacts) -> Json:
    """Return the schemas of one model, by names that begin with the model's."""
    dataset, name = facts.dataset, facts.name
    return {
        f"{name}.Features": _features(dataset),
        f"{name}.Values": _values(dataset),
        f"{name}.Rows": _rows(name),
        f"{name}.Instances": _instances(name),
        f"{name}.Payload": _payload(name),
        f"{name}.Table": _table(),
        f"{name}.Record": _record(dataset),
        f"{name}.Columns": _columns(dataset),
        f"{name}.Invocation": _one_of(_mlflow(name), name),
        f"{name}.Score": _one_of(_azure_ml(name), name),
        f"{name}.Answer": _answer(facts),
    }


def predictions(dataset: Dataset) -> Json:
    """Return the schema of the predictions of n rows."""
    return tasks.of(dataset).answer_schema(dataset)["predictions"]


def answer_example(facts: ModelFacts) -> Json:
    """Return an example of the answer to one row."""
    answer = tasks.of(facts.dataset).answer_example(facts.dataset)
    return answer | {"model": facts.name, "version": facts.version}


def wrapped_example(facts: ModelFacts) -> Json:
    """Return an example of the answer of `/<model>/predict`."""
    return {"payload": answer_example(facts)}


def csv_example(row: Json) -> str:
    """Return an example of a CSV body, with a header and one row."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([row.keys(), row.values()])
    return text.getvalue()


def query_text(value: Any) -> str:
    """Return a value as text of a query string."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _features(dataset: Dataset) -> Json:
    known = {column.name: _feature(column) for column in dataset.raw}
    ignored = "No feature: it may be sent along."
    let_through = [dataset.target.name, *dataset.entity_key, *dataset.let_through]
    others = {name: {"description": ignored} for name in let_through if name not in known}
    row = example(dataset.raw)
    words = "A row as the table has it. A feature that is left out is a missing value."
    if dataset.computed:
        words += f" The service computes {computed(dataset)}."
    return {
        "type": "object",
        "description": words,
        "required": required(dataset),
        "properties": known | others,
        "additionalProperties": False,
        "examples": [row],
    }


def names(dataset: Dataset) -> list[str]:
    """Return the names of the columns that a caller sends."""
    return [column.name for column in dataset.raw]


def computed(dataset: Dataset) -> str:
    """Say which features the service computes, and how: `bmi = weight / height ** 2`."""
    return ", ".join(
        f"{name} = {dataset.derived[name]}" if name in dataset.derived else name
        for name in dataset.computed
    )


def required(dataset: Dataset) -> list[str]:
    """Return the names of the features that no row may lack."""
    return [column.name for column in dataset.raw if not column.nullable]


def _values(dataset: Dataset) -> Json:
    count = len(dataset.raw)
    return {
        "type": "array",
        "description": "In this order: " + ", ".join(names(dataset)) + ".",
        "prefixItems": [_feature(column) for column in dataset.raw],
        "items": False,
        "minItems": count,
        "maxItems": count,
        "examples": [[*example(dataset.raw).values()]],
    }


def _feature(column: Column) -> Json:
    """Return the schema of a feature: its type, with range and categories as hints."""
    schema = column.json_schema()
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return schema | {
        "type": [*types, "null"] if column.nullable else schema["type"],
        "title": column.name,
        "description": hint(column),
        "examples": [column.example()],
        **column.hints(),
        "x-nullable": column.nullable,
    }


def hint(column: Column) -> str:
    """Return the range and the description of a feature: `17 to 90, years`."""
    parts = [column.words(), column.description, "may be missing" * column.nullable]
    return ", ".join(part for part in parts if part)


def _rows(name: str) -> Json:
    """Return the schema of n rows: all objects, or all lists; n may be 0."""
    kinds = ({"type": "array", "items": ref(f"{name}.{kind}")} for kind in ("Features", "Values"))
    return {"anyOf": list(kinds)}


def _instances(name: str) -> Json:
    kinds = ("Rows", "Features", "Values")
    return {
        "description": "Objects by feature, lists in the schema's order, or a single flat one.",
        "anyOf": [ref(f"{name}.{kind}") for kind in kinds],
    }


def _payload(name: str) -> Json:
    return {
        "type": "object",
        "required": ["instances"],
        "properties": {"instances": ref(f"{name}.Instances")},
    }


def bare(name: str) -> list[Json]:
    """Return the schemas of a body without any frame: one row, or a list of one row or more."""
    return [ref(f"{name}.Features"), {"allOf": [ref(f"{name}.Rows"), {"minItems": 1}]}]


def _table() -> Json:
    columns = {
        "type": ["array", "null"],
        "items": TEXT,
        "description": "All features, in any order.",
    }
    return {
        "type": "object",
        "required": ["data"],
        "properties": {
            "columns": columns,
            "data": {"type": "array", "items": {"type": ["array", "object"]}},
            "index": {"type": ["array", "null"], "description": "As many as rows; not read."},
        },
        "additionalProperties": False,
    }


def _record(dataset: Dataset) -> Json:
    return {
        "type": "object",
        "description": "Other columns are ignored; 0 and 1 are read as false and true.",
        "required": required(dataset),
        "properties": {column.name: _feature(column) for column in dataset.raw},
    }


def _columns(dataset: Dataset) -> Json:
    """Return the schema of columns: n values for each feature, or one value for all rows."""
    lists = {
        column.name: {"anyOf": [{"type": "array", "items": _feature(column)}, _feature(column)]}
        for column in dataset.raw
    }
    return {"type": "object", "required": required(dataset), "properties": lists}


def _mlflow(name: str) -> dict[str, Json]:
    """Return the schema for each key of a request in MLflow's protocol."""
    records = {"type": "array", "items": ref(f"{name}.Record")}
    lists = {"type": "array", "items": ref(f"{name}.Values")}
    either = {"anyOf": [records, lists, ref(f"{name}.Columns")]}
    return {
        "dataframe_split": ref(f"{name}.Table"),
        "dataframe_records": records,
        "instances": either,
        "inputs": either,
    }


def _azure_ml(name: str) -> dict[str, Json]:
    both = {"anyOf": [ref(f"{name}.Table"), *_mlflow(name)["inputs"]["anyOf"]]}
    payload = ref(f"{name}.Payload")
    return {"input_data": both, "data": both, "payload": payload, **_mlflow(name)}


def _one_of(formats: dict[str, Json], name: str) -> Json:
    """Return the schema of bare rows, or of an object with exactly one of these keys.

    Other keys of such an object are ignored.
    """
    one = [{"required": [key]} for key in formats]
    framed = {"type": "object", "properties": formats, "oneOf": one}
    return {"anyOf": [framed, *bare(name)]}


def _answer(facts: ModelFacts) -> Json:
    answered = tasks.of(facts.dataset).answer_schema(facts.dataset)
    return {
        "type": "object",
        "required": [*answered, "model", "version"],
        "properties": {
            **answered,
            "model": {"const": facts.name},
            "version": {
                "type": ["string", "null"],
                "description": "Null where the instances were answered by several versions.",
            },
            "versions": {
                "type": "array",
                "items": TEXT,
                "description": "Of each instance, where the model has more than one version.",
            },
        },
    }
