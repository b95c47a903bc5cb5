"""The compile time of Azure Pipelines: templates, parameters, `${{ if }}`, `${{ each }}`.

`Compiler.pipeline` returns what the server makes of a file before anything runs: one document
without expressions of `${{ }}`. Every scalar is a text, as it is there.
"""

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from ci.azure_expressions import NOTHING, Names, Refused, evaluate, text_of, truth_of

WHOLE = re.compile(r"\$\{\{((?:[^}']|'[^']*'|\}(?!\}))*)\}\}")
DIRECTIVE = re.compile(r"\$\{\{\s*(if|elseif|else|each|insert)\b\s*(.*?)\s*\}\}", re.DOTALL)
EACH = re.compile(r"(\w+)(?:\s*,\s*(\w+))?\s+in\s+(.*)", re.DOTALL)
SPLICED = ("stages", "jobs", "steps", "variables")  # lists that a template may stand in
DEEPEST = 20
FOLDER = ".pipelines"
BRANCHES = {"release.yml": ("app-dev", "prod")}  # that a pipeline is for, where that is not main
# Predefined variables that have a value before anything runs; the others are empty then.
AT_COMPILE_TIME = (
    *("Build.DefinitionName", "Build.Reason", "Build.Repository.ID", "Build.Repository.Name"),
    *("Build.Repository.Uri", "Build.RequestedFor", "Build.SourceBranch", "Build.SourceBranchName"),
    *("Build.SourceVersion", "System.CollectionUri", "System.PullRequest.IsFork"),
    *("System.TeamProject", "System.TeamProjectId", "System.DefaultWorkingDirectory"),
)
PREDEFINED = ("agent.", "build.", "environment.", "pipeline.", "strategy.", "system.")


class _Loader(yaml.BaseLoader):
    """Scalars as texts; a key that a mapping has twice is refused."""


def _mapping(loader: yaml.BaseLoader, node: yaml.MappingNode) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in found:
            raise Refused(f"line {key_node.start_mark.line + 1}: {key} stands there twice")
        found[key] = loader.construct_object(value_node, deep=True)
    return found


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load(text: str) -> Any:
    """Read YAML as Azure Pipelines does."""
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - it makes texts, lists and mappings only


@dataclass(frozen=True)
class _Scope:
    """Where an expression stands: its file, and the names that it knows."""

    file: str
    parameters: Mapping[str, Any]
    variables: Mapping[str, str]
    loop: Mapping[str, Any]
    depth: int = 0

    def contexts(self) -> dict[str, Any]:
        return {
            "parameters": Names(self.parameters, f"parameter of {self.file}"),
            "variables": Names(self.variables, missing=_missing),
            **self.loop,
        }


def _missing(name: str) -> str:
    """Return what a variable that no file has is at compile time."""
    if name.lower().startswith(PREDEFINED):
        raise Refused(f"{name} has no value before the pipeline runs")
    return ""


class Compiler:
    """What the server makes of a repository's pipelines.

    Args:
        files: their texts, by path.
        predefined: the variables that are known before anything runs.
        filled_in: what the team has written for variables that the files leave empty.
    """

    def __init__(
        self,
        files: Mapping[str, str],
        predefined: Mapping[str, str],
        filled_in: Mapping[str, str] = NOTHING,
    ) -> None:
        self.files, self.filled_in = files, filled_in
        self.predefined = {
            name: value for name, value in predefined.items() if name in AT_COMPILE_TIME
        }

    def pipeline(self, path: str, inputs: Mapping[str, str] = NOTHING) -> dict[str, Any]:
        """Return the whole of a pipeline.

        Args:
            path: its file.
            inputs: the parameters that a person has given.
        """
        try:
            document = self._read(path)
            given = _parameters(path, document.pop("parameters", []), inputs)
            return self._mapping(document, _Scope(path, given, self.predefined, {}))
        except Refused as refused:
            raise Refused(f"{path}: {refused}") from None

    def _read(self, path: str) -> dict[str, Any]:
        if path not in self.files:
            raise Refused(f"there is no {path}")
        return dict(load(self.files[path]))

    def _expand(self, node: Any, scope: _Scope, key: str = "") -> Any:
        if isinstance(node, dict):
            return self._mapping(node, scope)
        if isinstance(node, list):
            return self._list(node, scope, key)
        return _text(node, scope)

    def _mapping(self, node: dict[str, Any], scope: _Scope) -> dict[str, Any]:
        """Expand a mapping; its variables first, which the rest of it may ask for."""
        found: dict[str, Any] = {}
        if "variables" in node:
            expanded = self._variables(node["variables"], scope)
            scope = replace(scope, variables={**scope.variables, **_static(expanded)})
            found["variables"] = expanded
        taken = False
        for key, value in node.items():
            directive = DIRECTIVE.fullmatch(key)
            if key == "variables":
                continue
            if not directive:
                found[text_of(_text(key, scope))] = self._expand(value, scope, key)
                taken = False
                continue
            scopes, taken = self._chosen(directive, scope, taken)
            for inner in scopes:
                found |= self._mapping(value, inner)
        # In the order of the file, for those who read it.
        return {key: found[key] for key in [*(k for k in node if k in found), *found]}

    def _list(self, items: list[Any], scope: _Scope, key: str) -> list[Any]:
        found: list[Any] = []
        taken = False
        for item in items:
            directive = None
            if isinstance(item, dict) and len(item) == 1:
                directive = DIRECTIVE.fullmatch(next(iter(item)))
            if not directive:
                taken = False
                found += self._items(item, scope, key)
                continue
            (inside,) = item.values()
            scopes, taken = self._chosen(directive, scope, taken)
            for inner in scopes:
                within = self._expand(inside, inner, key)
                found += within if isinstance(within, list) else [within]
        return found

    def _chosen(
        self, directive: re.Match[str], scope: _Scope, taken: bool
    ) -> tuple[list[_Scope], bool]:
        """Return a scope for each time that what follows a directive counts, and `taken` then.

        `taken`: whether an `if` or an `elseif` of this chain was true.
        """
        word, text = directive.groups()
        if word == "each":
            found = EACH.fullmatch(text)
            if not found:
                raise Refused(f"cannot read {directive[0]}")
            name, value_name, values = found.groups()
            sequence = evaluate(values, scope.contexts())
            if value_name:
                pairs = [{name: key, value_name: value} for key, value in dict(sequence).items()]
            elif isinstance(sequence, dict):
                pairs = [{name: {"key": k, "value": v}} for k, v in sequence.items()]
            else:
                pairs = [{name: each} for each in list(sequence)]
            return [replace(scope, loop={**scope.loop, **pair}) for pair in pairs], False
        if word == "insert":
            return [scope], False
        if word != "if" and taken:
            return [], True
        is_true = word == "else" or truth_of(evaluate(text, scope.contexts()))
        return [scope] if is_true else [], is_true

    def _items(self, item: Any, scope: _Scope, key: str) -> list[Any]:
        """Return what one item of a list becomes: itself, or what a template has."""
        if not (isinstance(item, dict) and "template" in item and key in SPLICED):
            return [self._expand(item, scope)]
        if unknown := set(item) - {"template", "parameters"}:
            raise Refused(f"a template takes no {', '.join(sorted(unknown))}")
        name = text_of(_text(item["template"], scope))
        here = "" if name.startswith("/") else posixpath.dirname(scope.file)
        path = posixpath.normpath(posixpath.join(here, name.lstrip("/")))
        if scope.depth >= DEEPEST:
            raise Refused(f"{path}: templates are nested too deeply")
        given = self._expand(item.get("parameters", {}), scope)
        try:
            document = self._read(path)
            parameters = _parameters(path, document.pop("parameters", []), given)
            inner = replace(scope, file=path, parameters=parameters, loop={}, depth=scope.depth + 1)
            if set(document) != {key}:
                raise Refused(f"a template of {key} has {key} only, not {', '.join(document)}")
            if key == "variables":
                return _pairs(self._variables(document[key], inner))
            return self._list(document[key], inner, key)
        except Refused as refused:
            raise Refused(f"{path}: {refused}") from None

    def _variables(self, node: Any, scope: _Scope) -> Any:
        """Expand variables; one may ask for those above it."""
        if isinstance(node, dict) and not any(DIRECTIVE.fullmatch(key) for key in node):
            found: dict[str, str] = {}
            for name, value in node.items():
                known = replace(scope, variables={**scope.variables, **found})
                found[name] = self._filled(name, text_of(_text(value, known)))
            return found
        expanded = self._expand(node, scope, "variables")
        if isinstance(expanded, dict):
            return {name: self._filled(name, value) for name, value in expanded.items()}
        if any(set(each) & {"group", "template"} for each in expanded):
            raise Refused("groups of variables are not in the repository: name each variable")
        return [{**each, "value": self._filled(each["name"], each["value"])} for each in expanded]

    def _filled(self, name: str, value: str) -> str:
        return value or self.filled_in.get(name, "")


def _text(node: Any, scope: _Scope) -> Any:
    """Replace `${{ }}` in a text; where that is the whole of it, its value may be of any type."""
    if not isinstance(node, str) or "${{" not in node:
        return node
    only = WHOLE.fullmatch(node.strip())
    if only:
        value = evaluate(only[1], scope.contexts())
        return value if isinstance(value, list | dict) else text_of(value)
    made = WHOLE.sub(lambda found: text_of(evaluate(found[1], scope.contexts())), node)
    if "${{" in made:
        raise Refused(f"cannot read {node!r}")
    return made


def _pairs(variables: Any) -> list[dict[str, str]]:
    if isinstance(variables, list):
        return variables
    return [{"name": name, "value": value} for name, value in variables.items()]


def _static(variables: Any) -> dict[str, str]:
    """Return the variables that have a value before anything runs."""
    return {
        each["name"]: each["value"]
        for each in _pairs(variables)
        if not each["value"].startswith("$[")
    }


def _parameters(path: str, declared: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a file's parameters.

    Raises:
        Refused: one is missing, unknown, of another type, or none of its values.
    """
    by_name = {each["name"]: each for each in declared}
    if unknown := set(given) - set(by_name):
        raise Refused(f"{path} has no parameter {', '.join(sorted(unknown))}")
    found = {}
    for name, each in by_name.items():
        if name not in given and "default" not in each:
            raise Refused(f"{path} needs the parameter {name}")
        value = given.get(name, each.get("default"))
        if "values" in each and value not in each["values"]:
            raise Refused(f"{name} is {value!r}, not one of {', '.join(each['values'])}")
        found[name] = CONVERTERS[each.get("type", "string")](name, value)
    return found


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise Refused(f"{name} is {value!r}, not a number") from None


def _boolean(name: str, value: Any) -> bool:
    if str(value).lower() not in ("true", "false"):
        raise Refused(f"{name} is {value!r}, not true or false")
    return str(value).lower() == "true"


CONVERTERS: Mapping[str, Callable[[str, Any], Any]] = {
    "string": lambda _, value: text_of(value),
    "number": _number,
    "boolean": _boolean,
    "object": lambda _, value: value,
}


def compiled(project: Path, named: bool = True) -> dict[str, dict[str, Any]]:
    """Return every pipeline of a project as it is compiled, by its file and its branch.

    Args:
        project: a project with the part azure_devops.
        named: whether its team has named a workspace.
    """
    root = project / FOLDER
    files = {
        f"{FOLDER}/{path.relative_to(root).as_posix()}": path.read_text(encoding="utf-8")
        for path in root.rglob("*.yml")
    }
    found = {}
    for path in sorted(files):
        name = path.rpartition("/")[2]
        for branch in BRANCHES.get(name, ("main",)) if "/templates/" not in path else ():
            known = {"Build.SourceBranch": f"refs/heads/{branch}", "Build.SourceBranchName": branch}
            filled = {"AML_WORKSPACE": "ours"} if named else {}
            found[f"{name} {branch}"] = Compiler(files, known, filled).pipeline(path)
    return found
