"""Graphs that are damaged on purpose: an error of TF's classes, or a graph, within bounded time."""

from __future__ import annotations

import logging
import random
from pathlib import Path

import pytest

import retrograph as tf
from retrograph.framework import meta_graph
from retrograph.framework.message_text import merge_text

GOLDEN = Path(__file__).parents[1] / "golden"
FILES = (
    "graph_files/tf_function.pb", "graph_files/while_and_if.pb", "models/while_loop/frozen.pb", "models/dense/model.meta",
)  # fmt: skip


def _damaged(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        i, how = rng.randrange(len(out)), rng.random()
        if how < 0.6:
            out[i] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        elif how < 0.75:
            del out[i : i + rng.randrange(1, 8)]
        elif how < 0.9:
            out[i:i] = bytes(rng.randrange(256) for _ in range(3))
        else:
            out = out[: i + 1]
    return bytes(out)


@pytest.mark.parametrize("file", FILES)
def test_damaged_files(file: str) -> None:
    data, rng = (GOLDEN / file).read_bytes(), random.Random(file)
    logging.disable(logging.CRITICAL)
    try:
        for _ in range(60):
            damaged = _damaged(data, rng)
            with tf.Graph().as_default():
                try:
                    if file.endswith(".meta"):
                        tf.train.import_meta_graph(meta_graph.MetaGraphDef.FromString(damaged))
                    else:
                        tf.import_graph_def(tf.GraphDef.FromString(damaged), name="")
                except (ValueError, TypeError, KeyError, tf.errors.OpError):
                    pass
    finally:
        logging.disable(logging.NOTSET)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("node { name: 'a' op: 'NoOp' input: '^a' }", "1 nodes in a cycle"),
        ("node { name: 'a' op: 'NoOp' } node { name: 'a' op: 'NoOp' }", "Node 'a' is not unique"),
        ("node { name: 'a' op: 'NoOp' input: '^b' }", r"Node 'a': Unknown input node '\^b'"),
        ("node { name: 'a b' op: 'NoOp' }", "Node name contains invalid characters"),
        (
            "node { name: 'a' op: 'Neg' attr { key: 'T' value { type: DT_STRING } } }",
            "is not in the list of allowed values",
        ),
        ("node { name: 'a' op: 'Neg' attr { key: 'T' value { i: 1 } } }", "AttrValue had value with type 'int'"),
        ("node { name: 'a' op: 'Neg' attr { key: 'T' value { type: DT_FLOAT } } }", "do not match 0 inputs specified"),
        ("node { name: 'a' op: 'Const' }", "NodeDef missing attr"),
        ("node { name: 'a' op: 'NoOp' attr { key: 'x' value { i: 1 } } }", "NodeDef mentions attr 'x' not in"),
        ("versions { producer: 9 min_consumer: 999 }", "min consumer version 999 above current version"),
    ],
)
def test_nodes_that_do_not_fit(text: str, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        tf.import_graph_def(merge_text(text, tf.GraphDef()))
    assert not tf.get_default_graph().get_operations()


def test_unknown_operations() -> None:
    with pytest.raises(tf.errors.NotFoundError, match="Op type not registered 'Nothing'"):
        tf.import_graph_def(merge_text("node { name: 'a' op: 'Nothing' }", tf.GraphDef()))


def test_a_large_constant_in_a_small_message() -> None:
    text = """node { name: 'a' op: 'Const' attr { key: 'dtype' value { type: DT_FLOAT } } attr { key: 'value' value { tensor {
        dtype: DT_FLOAT tensor_shape { dim { size: 100000 } dim { size: 100000 } } float_val: 1 } } } }"""
    (a,) = tf.import_graph_def(merge_text(text, tf.GraphDef()), return_elements=["a:0"]) or ()
    assert a.shape.as_list() == [100000, 100000]


def test_old_placeholders_of_no_dimensions_are_of_any_shape() -> None:
    text = "node { name: 'a' op: 'Placeholder' attr { key: 'dtype' value { type: DT_FLOAT } } attr { key: 'shape' value { shape { } } } }"
    for producer, rank in ((21, None), (24, 0)):
        graph_def = merge_text(f"{text} versions {{ producer: {producer} }}", tf.GraphDef())
        (a,) = tf.import_graph_def(graph_def, return_elements=["a:0"]) or ()
        assert a.shape.ndims == rank


def _meta_with_variable(use_resource: bool, **changes: str) -> meta_graph.MetaGraphDef:
    with tf.Graph().as_default() as graph:
        variable = tf.get_variable("w", [2], initializer=tf.ones_initializer(), use_resource=use_resource)
        tf.identity(tf.constant(1.0), name="other")
        made = tf.train.export_meta_graph(graph=graph)
        proto = variable.to_proto()
    for name, value in changes.items():
        setattr(proto, name, value)
    made.collection_def["variables"].bytes_list.value[:] = [proto.SerializeToString()]
    return made


@pytest.mark.parametrize(
    ("use_resource", "changes", "error"),
    [
        (False, {"variable_name": ""}, "The name '' refers to an Operation not in the graph"),
        (False, {"snapshot_name": ""}, "The name '' refers to an Operation not in the graph"),
        (True, {"initializer_name": ""}, "The name '' refers to an Operation not in the graph"),
        (False, {"variable_name": "w"}, "names the operation 'w' where a tensor is wanted"),
        (True, {"snapshot_name": "other:0"}, "The snapshot of the variable 'w' does not read it"),
    ],
)
def test_definitions_of_variables_that_name_something_else(
    use_resource: bool, changes: dict[str, str], error: str
) -> None:
    with pytest.raises((KeyError, ValueError), match=error):
        tf.train.import_meta_graph(_meta_with_variable(use_resource, **changes))


def test_a_resource_without_a_snapshot_is_read_at_its_usual_place() -> None:
    tf.train.import_meta_graph(_meta_with_variable(True, snapshot_name=""))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(tf.global_variables()[0]).tolist() == [1.0, 1.0]


def test_a_collection_of_variables_that_holds_numbers() -> None:
    made = _meta_with_variable(False)
    made.collection_def["variables"].int64_list.value.append(5)
    with pytest.raises(ValueError, match="The collection 'variables' of a meta graph holds an int64_list"):
        tf.train.import_meta_graph(made)
