"""Writes ensembles of trees as ONNX, which onnxruntime runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from seedling.errors import ProjectError

LESS_OR_EQUAL, LESS = 0, 1  # how ONNX names a node's comparison
LISTS = (
    "nodes_featureids",
    "nodes_splits",
    "nodes_truenodeids",
    "nodes_trueleafs",
    "nodes_falsenodeids",
    "nodes_falseleafs",
    "leaf_targetids",
    "leaf_weights",
    "tree_roots",
)


class Tree(NamedTuple):
    """One tree: for each node its children (-1: a leaf), its split, and its value as a leaf."""

    left: Any
    right: Any
    feature: Any
    threshold: Any
    value: Any
    output: int  # which of the raw outputs it adds to


def as_onnx(trees: Sequence[Tree], outputs: int, comparison: int) -> bytes:
    """Return the sum of the trees for each output as an ONNX model, by its operator TreeEnsemble.

    It is in double precision: onnxruntime answers scikit-learn's trees with it to the last digits,
    which the single precision of the usual converters does not.

    Raises:
        ProjectError: onnx or onnxruntime is not installed.
    """
    try:
        import onnxruntime  # noqa: F401 - without it there is nothing to compare with
        from onnx import TensorProto, helper
    except ImportError as error:
        raise ProjectError(f"its trees need {error.name}, which is not installed") from None
    parts: dict[str, Any] = {name: [] for name in LISTS}
    for tree in trees:
        _append(parts, tree)
    thresholds = np.array(parts.pop("nodes_splits"), dtype=np.float64)
    weights = np.array(parts.pop("leaf_weights"), dtype=np.float64)
    modes = np.full(len(thresholds), comparison, dtype=np.uint8)
    node = helper.make_node(
        "TreeEnsemble",
        ["X"],
        ["Y"],
        domain="ai.onnx.ml",
        n_targets=outputs,
        nodes_splits=helper.make_tensor("splits", TensorProto.DOUBLE, thresholds.shape, thresholds),
        leaf_weights=helper.make_tensor("weights", TensorProto.DOUBLE, weights.shape, weights),
        nodes_modes=helper.make_tensor("modes", TensorProto.UINT8, modes.shape, modes),
        aggregate_function=1,  # the sum
        post_transform=0,  # none
        **parts,
    )
    double = TensorProto.DOUBLE
    graph = helper.make_graph(
        [node],
        "trees",
        [helper.make_tensor_value_info("X", double, ["rows", None])],
        [helper.make_tensor_value_info("Y", double, ["rows", outputs])],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 5)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    return bytes(model.SerializeToString())


def magnitudes(trees: bytes) -> bytes:
    """Return an ONNX file's ensemble with the absolute value of each leaf."""
    from onnx import load_from_string, numpy_helper

    model = load_from_string(trees)
    (node,) = model.graph.node
    (weights,) = (attribute for attribute in node.attribute if attribute.name == "leaf_weights")
    absolute = np.abs(numpy_helper.to_array(weights.t))
    weights.t.CopyFrom(numpy_helper.from_array(absolute, weights.t.name))
    return bytes(model.SerializeToString())


def splits(path: Path) -> list[tuple[int, float]]:
    """Return (column, threshold) of every split of an ONNX file, sorted; none without a file."""
    if not path.exists():
        return []
    from onnx import load, numpy_helper

    (node,) = load(path).graph.node
    found = {attribute.name: attribute for attribute in node.attribute}
    thresholds = numpy_helper.to_array(found["nodes_splits"].t).tolist()
    return sorted(set(zip(found["nodes_featureids"].ints, thresholds, strict=True)))


def _append(parts: dict[str, Any], tree: Tree) -> None:
    """Add one tree's nodes and leaves to ONNX's lists, in which each has its own numbering."""
    first = len(parts["nodes_featureids"])
    inner = np.flatnonzero(np.asarray(tree.left) != -1)
    parts["tree_roots"].append(first)
    if not len(inner):  # one leaf only: ONNX wants a node above it
        _append_leaf(parts, tree, 0)
        leaf = len(parts["leaf_weights"]) - 1
        for name, value in zip(LISTS[:6], (0, 0.0, leaf, 1, leaf, 1), strict=True):
            parts[name].append(value)
        return
    numbers = {int(node): first + place for place, node in enumerate(inner)}
    for node in inner:
        parts["nodes_featureids"].append(int(tree.feature[node]))
        parts["nodes_splits"].append(float(tree.threshold[node]))
        for side, child in (("true", tree.left[node]), ("false", tree.right[node])):
            is_leaf = int(child) not in numbers
            if is_leaf:
                _append_leaf(parts, tree, int(child))
            target = len(parts["leaf_weights"]) - 1 if is_leaf else numbers[int(child)]
            parts[f"nodes_{side}nodeids"].append(target)
            parts[f"nodes_{side}leafs"].append(int(is_leaf))


def _append_leaf(parts: dict[str, Any], tree: Tree, node: int) -> None:
    """Add a node's value to ONNX's lists of leaves."""
    parts["leaf_targetids"].append(tree.output)
    parts["leaf_weights"].append(float(tree.value[node]))
