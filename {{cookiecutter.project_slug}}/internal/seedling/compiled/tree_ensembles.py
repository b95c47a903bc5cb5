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


class Ensemble(NamedTuple):
    """Trees as ONNX has them: arrays of all their nodes and leaves.

    A node has two children, those of rows for which its comparison is `true` and `false`: the
    number of another node, or of a leaf.
    """

    roots: Any
    features: Any
    thresholds: Any
    true: Any
    true_is_leaf: Any
    false: Any
    false_is_leaf: Any
    targets: Any  # of each leaf the output that it adds to
    weights: Any
    comparison: int


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
    parts = _parts(trees)
    thresholds, weights = parts.pop("nodes_splits"), parts.pop("leaf_weights")
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
    found = read(path.read_bytes())
    together = zip(found.features.tolist(), found.thresholds.tolist(), strict=True)
    return sorted(set(together))


def read(trees: bytes) -> Ensemble:
    """Return the trees of an ONNX file that `as_onnx` has made."""
    from onnx import load_from_string, numpy_helper

    (node,) = load_from_string(trees).graph.node
    found = {attribute.name: attribute for attribute in node.attribute}
    lists = {name: np.array(each.ints, np.int64) for name, each in found.items()}
    return Ensemble(
        lists["tree_roots"],
        lists["nodes_featureids"],
        numpy_helper.to_array(found["nodes_splits"].t),
        lists["nodes_truenodeids"],
        lists["nodes_trueleafs"],
        lists["nodes_falsenodeids"],
        lists["nodes_falseleafs"],
        lists["leaf_targetids"],
        numpy_helper.to_array(found["leaf_weights"].t),
        int(numpy_helper.to_array(found["nodes_modes"].t)[0]),
    )


def _parts(trees: Sequence[Tree]) -> dict[str, Any]:
    """Return ONNX's lists of nodes and leaves as arrays; a tree's numbers go on from the last's."""
    found: dict[str, list[Any]] = {name: [] for name in LISTS}
    node, leaf = 0, 0
    for tree in trees:
        for name, array in _numbered(tree, node, leaf).items():
            found[name].append(array)
        node += len(found["nodes_splits"][-1])
        leaf += len(found["leaf_weights"][-1])
    return {name: np.concatenate(arrays) for name, arrays in found.items()}


def _numbered(tree: Tree, first_node: int, first_leaf: int) -> dict[str, Any]:
    """Return one tree's lists; inner nodes and leaves each have a numbering of their own."""
    left, right = np.asarray(tree.left), np.asarray(tree.right)
    inner = np.flatnonzero(left != -1)
    if len(inner):
        features, thresholds = np.asarray(tree.feature)[inner], np.asarray(tree.threshold)[inner]
        children = np.column_stack([left[inner], right[inner]]).ravel()
        is_leaf = left[children] == -1
        leaves = children[is_leaf]
        numbers = np.zeros(len(left), dtype=np.int64)
        numbers[inner] = first_node + np.arange(len(inner))
        targets = numbers[children]
        targets[is_leaf] = first_leaf + np.arange(len(leaves))
    else:  # one leaf only: ONNX wants a node above it
        features, thresholds = np.zeros(1, dtype=np.int64), np.zeros(1)
        leaves, is_leaf = np.zeros(1, dtype=np.int64), np.ones(2, dtype=bool)
        targets = np.full(2, first_leaf)
    return {
        "nodes_featureids": features.astype(np.int64),
        "nodes_splits": thresholds.astype(np.float64),
        "nodes_truenodeids": targets[::2],
        "nodes_trueleafs": is_leaf[::2].astype(np.int64),
        "nodes_falsenodeids": targets[1::2],
        "nodes_falseleafs": is_leaf[1::2].astype(np.int64),
        "leaf_targetids": np.full(len(leaves), tree.output),
        "leaf_weights": np.asarray(tree.value, dtype=np.float64)[leaves],
        "tree_roots": np.array([first_node]),
    }
