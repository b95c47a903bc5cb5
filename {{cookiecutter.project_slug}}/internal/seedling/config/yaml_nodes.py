"""The nodes of a YAML text, with the places of its aliases."""

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import Node, ScalarNode


class Alias(ScalarNode):
    """The place of an alias, and the node that it stands for."""

    def __init__(self, target: Node, start_mark: Any, end_mark: Any) -> None:
        super().__init__("alias", "", start_mark, end_mark)
        self.target = target


class _Composer(Composer):
    """Composes an alias as a node of its own, where ruamel yields the node that it stands for."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if not self.parser.check_event(AliasEvent):
            return super().compose_node(parent, index)
        event = self.parser.peek_event()
        target = super().compose_node(parent, index)
        return Alias(target, event.start_mark, event.end_mark)


def composed(text: str) -> Node:
    """Return the root of the nodes of a YAML text."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer = _Composer
    return yaml.compose(text)


def plain(text: str) -> Any:
    """Return what a YAML text holds, as dicts, lists and scalars."""
    return YAML(typ="safe", pure=True).load(text)
