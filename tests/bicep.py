"""Reads Bicep files, and works out what a deployment of them would make.

The grammar is tree-sitter's; no registry of Python, npm or Debian packages has a compiler of Bicep.
What is worked out is what this project's files use: an expression of another kind is an error.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
LITERALS = {"true": True, "false": False, "null": None}
CLOUD = {"suffixes": {"keyvaultDns": ".vault.azure.net", "acrLoginServer": ".azurecr.io"}}
# What Azure says about a resource once it is made, by its type.
MADE: dict[str, dict[str, str]] = {
    "Microsoft.KeyVault/vaults": {"vaultUri": "https://{}.vault.azure.net/"},
    "Microsoft.DocumentDB/databaseAccounts": {
        "documentEndpoint": "https://{}.documents.azure.com:443/"
    },
    "Microsoft.ContainerRegistry/registries": {"loginServer": "{}.azurecr.io"},
    "Microsoft.Sql/servers": {"fullyQualifiedDomainName": "{}.database.windows.net"},
    "Microsoft.ManagedIdentity/userAssignedIdentities": {
        "principalId": "principal of {}",
        "clientId": "client of {}",
    },
}


class Resource(NamedTuple):
    """A resource that a deployment makes, or one that exists.

    Attributes:
        type: such as Microsoft.KeyVault/vaults.
        version: of the interface.
        name: with those of its parents.
        body: what is asked for.
        file: where it stands.
        line: there, counted from 1.
    """

    type: str
    version: str
    name: str
    body: dict[str, Any]
    file: str
    line: int

    @property
    def id(self) -> str:
        group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/group/providers"
        provider, *kinds = self.type.split("/")
        names = self.name.split("/")
        pairs = "/".join(f"{kind}/{name}" for kind, name in zip(kinds, names, strict=True))
        return f"{group}/{provider}/{pairs}"

    def look_up(self, key: str) -> Any:
        if key in ("id", "name", "type"):
            return {"id": self.id, "name": self.name.split("/")[-1], "type": self.type}[key]
        if key == "identity":
            return {"principalId": f"principal of {self.name}"}
        if key == "properties":
            made = MADE.get(self.type, {})
            known = {name: text.format(self.name) for name, text in made.items()}
            return {**self.body.get("properties", {}), **known}
        return self.body[key]


class File(NamedTuple):
    """A Bicep file: its declarations by kind and name."""

    path: Path
    root: Node
    found: dict[str, dict[str, Node]]

    def mistakes(self) -> list[str]:
        """Return the places that are no Bicep."""
        return [f"{self.path.name}:{line(node)}" for node in nodes(self.root) if is_wrong(node)]


class Deployment(NamedTuple):
    """What a deployment makes, and its outputs."""

    resources: list[Resource]
    outputs: dict[str, Any]


@cache
def read(path: Path) -> File:
    """Parse a Bicep file."""
    root = Parser(Language(tree_sitter_bicep.language())).parse(path.read_bytes()).root_node
    found: dict[str, dict[str, Node]] = {}
    for node in root.named_children:
        if node.type.endswith("_declaration"):
            kind = node.type.removesuffix("_declaration")
            found.setdefault(kind, {})[text(first(node, "identifier"))] = node
    return File(path, root, found)


def deploy(path: Path, parameters: Mapping[str, Any]) -> Deployment:
    """Work out what a file makes with these parameters.

    Raises:
        AssertionError: a parameter is missing, unknown, of the wrong type, or not allowed.
    """
    scope = Scope(read(path), parameters)
    for kind in ("resource", "module"):
        for name in scope.file.found.get(kind, {}):
            scope.value(name)
    outputs = scope.file.found.get("output", {})
    values = {name: scope.evaluate(node.named_children[-1]) for name, node in outputs.items()}
    return Deployment(scope.made, values)


def nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from nodes(child)


def is_wrong(node: Node) -> bool:
    return node.is_error or node.is_missing


def text(node: Node) -> str:
    return (node.text or b"").decode()


def line(node: Node) -> int:
    return node.start_point[0] + 1


def first(node: Node, kind: str) -> Node:
    return next(child for child in node.named_children if child.type == kind)


def plain(node: Node) -> str:
    """Return the text of a string without expressions in it."""
    return "".join(text(child) for child in node.named_children)


def decorators(node: Node) -> dict[str, Any]:
    """Return the arguments of a declaration's decorators by their names."""
    before, found = node.prev_named_sibling, {}
    if before is not None and before.type == "decorators":
        for decorator in before.named_children:
            call = decorator.named_children[0]
            arguments = call.named_children[1].named_children
            found[text(call.named_children[0])] = [Scope.literal(each) for each in arguments]
    return found


class Scope:
    """The names of a file, with what each stands for, worked out when it is first needed."""

    def __init__(self, file: File, parameters: Mapping[str, Any]) -> None:
        self.file = file
        self.made: list[Resource] = []
        self.values: dict[str, Any] = {}
        known = file.found.get("parameter", {})
        assert parameters.keys() <= known.keys(), parameters.keys() - known.keys()
        for name, node in known.items():
            if name in parameters:
                self.values[name] = parameters[name]
            else:
                assert "=" in [child.type for child in node.children], f"{name} is not given"
            self.check(name, node)

    @classmethod
    def literal(cls, node: Node) -> Any:
        return cls(File(Path(), node, {}), {}).evaluate(node)

    def check(self, name: str, node: Node) -> None:
        value, kind, rules = self.value(name), text(first(node, "type")), decorators(node)
        is_right = {
            "string": str,
            "int": int,
            "bool": bool,
            "array": list,
            "object": dict,
        }[kind]
        assert isinstance(value, is_right), f"{name} is {value!r}, no {kind}"
        if "allowed" in rules:
            assert value in rules["allowed"][0], f"{name} is {value!r}"
        if isinstance(value, str):
            assert len(value) >= rules.get("minLength", [0])[0], f"{name} is {value!r}"
            assert len(value) <= rules.get("maxLength", [1000])[0], f"{name} is {value!r}"

    def value(self, name: str) -> Any:
        if name in self.values:
            return self.values[name]
        for kind, found in self.file.found.items():
            if name in found and kind != "output":
                node = found[name]
                if kind in ("parameter", "variable"):
                    value = self.evaluate(node.named_children[-1])
                else:
                    value = self.declared(kind, node, node.named_children[-1])
                self.values[name] = value
                return value
        raise AssertionError(f"{self.file.path.name}: there is no {name}")

    def declared(self, kind: str, node: Node, body: Node) -> Any:
        """Return a resource or module; None where its condition is false; a list of a loop's."""
        if body.type == "for_statement":
            return [scope.declared(kind, node, each) for scope, each in self.loop(body)]
        if body.type == "if_statement":
            if not self.evaluate(body.named_children[0]):
                self.refuse_an_empty_name(body.named_children[1], node)
                return None
            body = body.named_children[1]
        given = self.evaluate(body)
        where = plain(first(node, "string"))
        if kind == "module":
            inner = deploy(self.file.path.parent / where, given.get("params", {}))
            self.made.extend(inner.resources)
            return {"outputs": inner.outputs}
        name, kind_of = given["name"], where.partition("@")
        if "parent" in given:
            name = f"{given['parent'].name}/{name}"
        resource = Resource(kind_of[0], kind_of[2], name, given, self.file.path.name, line(node))
        if "existing" not in [child.type for child in node.children]:
            self.made.append(resource)
        return resource

    def refuse_an_empty_name(self, body: Node, node: Node) -> None:
        """Azure reads the names of what is left out too; children of an empty one end all of it."""
        if "existing" in [child.type for child in node.children]:
            name = self.evaluate(body)["name"]
            assert name, f"{self.file.path.name}:{line(node)}: what is left out has no name"

    def loop(self, node: Node) -> Iterator[tuple["Scope", Node]]:
        named, body = node.named_children, node.named_children[-1]
        names = [text(each) for each in nodes(named[0]) if not each.children and each.is_named]
        for number, item in enumerate(self.evaluate(named[1])):
            inner = self.inner()
            inner.values |= dict(zip(names, (item, number), strict=False))
            yield inner, body

    def inner(self) -> "Scope":
        scope = object.__new__(Scope)
        scope.file, scope.made, scope.values = self.file, self.made, {**self.values}
        return scope

    def evaluate(self, node: Node) -> Any:
        """Return the value of an expression."""
        kind, parts = node.type, node.named_children
        parts = [part for part in parts if part.type not in ("comment", "diagnostic_comment")]
        if kind in ("identifier", "loop_variable", "loop_enumerator"):
            return self.value(text(node))
        if kind == "string":
            return "".join(
                str(self.evaluate(part.named_children[0]))
                if part.type == "interpolation"
                else text(part)
                for part in parts
            )
        if kind == "number":
            return int(text(node))
        if kind in ("boolean", "null"):
            return LITERALS[text(node)]
        if kind == "array":
            return [self.evaluate(part) for part in parts]
        if kind == "object":
            return {self.key(part.named_children[0]): self.evaluate(last(part)) for part in parts}
        if kind == "for_statement":
            return [scope.evaluate(body) for scope, body in self.loop(node)]
        if kind == "parenthesized_expression":
            return self.evaluate(parts[0])
        if kind == "unary_expression" and text(node.children[0]) == "!":
            return not self.evaluate(parts[-1])
        if kind == "ternary_expression":
            return self.evaluate(parts[1] if self.evaluate(parts[0]) else parts[2])
        if kind == "binary_expression" and text(node.children[1]) == "==":
            return self.evaluate(parts[0]) == self.evaluate(parts[1])
        if kind == "binary_expression" and text(node.children[1]) == "&&":
            return self.evaluate(parts[0]) and self.evaluate(parts[1])
        if kind == "member_expression":
            return look_up(self.evaluate(parts[0]), text(parts[1]))
        if kind == "subscript_expression":
            return self.evaluate(parts[0])[self.evaluate(parts[1])]
        if kind == "call_expression":
            return FUNCTIONS[text(parts[0])](*map(self.evaluate, parts[1].named_children))
        raise AssertionError(f"{self.file.path.name}:{line(node)}: {kind}: {text(node)}")

    def key(self, node: Node) -> str:
        return text(node) if node.type == "identifier" else str(self.evaluate(node))


def last(node: Node) -> Node:
    return [part for part in node.named_children if part.type != "comment"][-1]


def look_up(value: Any, key: str) -> Any:
    assert value is not None, f"{key} of what is not made"
    return value.look_up(key) if isinstance(value, Resource) else value[key]


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "empty": lambda value: not value,
    "guid": lambda *words: f"guid {hashlib.sha256(repr(words).encode()).hexdigest()[:32]}",
    "json": float,
    "replace": lambda value, old, new: value.replace(old, new),
    "resourceGroup": lambda: {"location": "westeurope", "name": "group"},
    "subscription": lambda: {"tenantId": "tenant", "subscriptionId": SUBSCRIPTION},
    "subscriptionResourceId": lambda *words: "/".join(words),
}
