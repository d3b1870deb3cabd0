"""Protocol buffers: fields, presence, the binary, text and JSON forms."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import retrograph as tf
from retrograph.framework.message_text import ParseError, as_dict, merge_dict, merge_text, text_of
from retrograph.framework.messages import DecodeError, message_class

META = message_class("tensorflow.MetaGraphDef")
TEXT = """\
meta_info_def {
  tags: "serve"
  tags: "it\\'s \\"q\\"\\n"
  tensorflow_version: "1.15.5"
}
saver_def {
  filename_tensor_name: "save/Const:0"
  max_to_keep: 5
  sharded: true
  keep_checkpoint_every_n_hours: 0.1
  version: V2
}
collection_def {
  key: "numbers"
  value {
    int64_list {
      value: -1
      value: 9007199254740993
    }
  }
}
collection_def {
  key: "texts"
  value {
    bytes_list {
      value: "\\000\\377\\""
    }
  }
}
"""


def test_text_and_bytes_are_one() -> None:
    message = merge_text(TEXT, META())
    assert str(message) == TEXT
    data = message.SerializeToString()
    assert META.FromString(data) == message and META.FromString(data).SerializeToString() == data
    assert message.ByteSize() == len(data)
    assert message.collection_def["texts"].bytes_list.value[0] == b'\x00\xff"'
    assert list(message.collection_def["numbers"].int64_list.value) == [-1, 9007199254740993]


def test_known_bytes() -> None:
    saver = tf.train.SaverDef(filename_tensor_name="a", max_to_keep=-1, keep_checkpoint_every_n_hours=0.5, version=2)
    assert saver.SerializeToString() == b"\n\x01a \xff\xff\xff\xff\xff\xff\xff\xff\xff\x01" + b"5\x00\x00\x00?8\x02"
    info = message_class("tensorflow.TensorInfo")(name="", dtype=1)
    assert info.SerializeToString() == b"\n\x00\x10\x01"


def test_presence() -> None:
    message = META()
    assert not message.HasField("saver_def") and message.saver_def.max_to_keep == 0
    assert not message.HasField("saver_def")
    message.saver_def.max_to_keep = 0
    assert message.HasField("saver_def") and message.SerializeToString() == b"\x1a\x00"
    message.ClearField("saver_def")
    assert not message.HasField("saver_def")
    collection = message.collection_def["x"]
    assert collection.WhichOneof("kind") is None
    collection.node_list.value.append("a")
    collection.float_list.value.append(0.5)
    assert collection.WhichOneof("kind") == "float_list" and not collection.HasField("node_list")
    with pytest.raises(ValueError, match="in proto3"):
        message.saver_def.HasField("max_to_keep")
    with pytest.raises(ValueError, match='has no "nothing" field'):
        message.HasField("nothing")


def test_wrong_values_change_nothing() -> None:
    saver = tf.train.SaverDef(max_to_keep=3)
    with pytest.raises(TypeError, match="has type str, but expected one of: int, long"):
        saver.max_to_keep = "5"
    with pytest.raises(ValueError, match="Value out of range: 2147483648"):
        saver.max_to_keep = 1 << 31
    with pytest.raises(TypeError, match="expected one of: bytes, unicode"):
        saver.restore_op_name = 5
    with pytest.raises(AttributeError, match="Assignment not allowed"):
        saver.nothing = 1
    with pytest.raises(AttributeError, match='composite field "saver_def"'):
        META().saver_def = saver
    with pytest.raises(AttributeError, match='repeated field "node"'):
        tf.GraphDef().node = []
    with pytest.raises(ValueError, match='has no "nothing" field'):
        tf.train.SaverDef(nothing=1)
    assert saver == tf.train.SaverDef(max_to_keep=3)


def test_copies_are_copies() -> None:
    graph = tf.GraphDef()
    node = tf.NodeDef(name="a", op="Const")
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto([1.0, 2.0]))
    graph.node.extend([node])
    node.name = "b"
    assert graph.node[0].name == "a"
    for other in (copy.deepcopy(graph), copy.copy(graph), pickle.loads(pickle.dumps(graph))):
        other.node[0].attr["value"].tensor.tensor_shape.dim[0].size = 1
        assert graph.node[0].attr["value"].tensor.tensor_shape.dim[0].size == 2
    merged = tf.GraphDef()
    merged.MergeFrom(graph)
    merged.MergeFrom(graph)
    assert [n.name for n in merged.node] == ["a", "a"]


@pytest.mark.parametrize(
    "array",
    [
        np.float32(3.5), np.array([1.0, 2.0]), np.zeros((2, 3), np.int64), np.array([[True, False]]), np.array([b"a", b""], object),
        np.array([1.5, -2.0], np.float16), np.array([1 + 2j], np.complex64), np.zeros((0, 2), np.int32), np.array([-0.0, 0.0]),
        np.array([255, 255], np.uint8), np.array([np.nan, np.nan]), np.array([1 << 63], np.uint64),
    ],
)  # fmt: skip
def test_tensors(array: np.ndarray) -> None:  # type: ignore[type-arg]
    proto = tf.make_tensor_proto(array)
    again = type(proto).FromString(proto.SerializeToString())
    found = tf.make_ndarray(again)
    assert found.dtype == array.dtype and found.shape == np.shape(array)
    assert found.tolist() == array.tolist() or found.tobytes() == array.tobytes()
    assert merge_text(str(proto), type(proto)()).SerializeToString() == proto.SerializeToString()


def test_attributes() -> None:
    attr = tf.AttrValue(
        list=tf.AttrValue.ListValue(shape=[tf.TensorShape([1, None]).as_proto(), tf.TensorShape(None).as_proto()])
    )
    assert [s.unknown_rank for s in tf.AttrValue.FromString(attr.SerializeToString()).list.shape] == [False, True]
    node = tf.NodeDef()
    node.attr["f"].func.name = "body"
    node.attr["f"].func.attr["T"].type = 1
    node.attr["s"].list.s.extend([b"x", b"y"])
    del node.attr["s"].list.s[0]
    again = tf.NodeDef.FromString(node.SerializeToString())
    assert again == node and again.attr["f"].func.attr["T"].type == 1 and list(again.attr["s"].list.s) == [b"y"]
    assert again.attr["f"].WhichOneof("value") == "func"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("nod { }", '1:1 : Message type "tensorflow.GraphDef" has no field named "nod".'),
        ("node {\n  name: 5\n}", "2:9 : Expected string but found: '5'"),
        ("node { name: 'a' ", 'Expected "}".'),
        ("versions { producer: x }", "Couldn't parse integer: x"),
        ("node { attr { key: 'a' value { type: DT_NOTHING } } }", "has no value named DT_NOTHING"),
        ("node {" * 300, "has no field named"),
    ],
)
def test_texts_that_are_none(text: str, error: str) -> None:
    with pytest.raises(ParseError) as found:
        merge_text(text, tf.GraphDef())
    assert error in str(found.value)


def test_forms_of_text() -> None:
    short = "node: { name: 'a' \"b\" input: ['x', 'y']; attr < key: 'f' value < f: 1.5f > > } # end\nversions { producer: 0x15 }"
    graph = merge_text(short, tf.GraphDef())
    assert graph.node[0].name == "ab" and list(graph.node[0].input) == ["x", "y"]
    assert graph.node[0].attr["f"].f == 1.5 and graph.versions.producer == 21
    assert text_of(graph, as_one_line=True).startswith('node { name: "ab" input: "x" input: "y" attr { key: "f"')


def test_json() -> None:
    message = merge_text(TEXT, META())
    found = as_dict(message)
    assert found["saverDef"]["version"] == "V2" and found["saverDef"]["keepCheckpointEveryNHours"] == 0.1
    assert found["collectionDef"]["numbers"]["int64List"]["value"] == ["-1", "9007199254740993"]
    assert merge_dict(found, META()) == message
    with pytest.raises(ParseError, match='has no field named "no"'):
        merge_dict({"no": 1}, META())


@pytest.mark.parametrize(
    "data",
    [b"\xff", b"\x0a\xff\xff\xff\xff\x07", b"\x0a\x05a", b"\x08\x01\x0b", b"\x0a\x03\x0a\x01\xff", b"\x12\x02\x12\x7f"],
)
def test_bytes_that_are_none(data: bytes) -> None:
    graph = tf.GraphDef(node=[tf.NodeDef(name="kept")])
    with pytest.raises(DecodeError, match="Error parsing message"):
        graph.ParseFromString(data)
    assert graph.node[0].name == "kept"


def test_messages_nested_too_deep() -> None:
    data = b""
    for _ in range(300):
        inner = b"\x0a\x01k\x12" + _sized(data)
        data = b"\x52" + _sized(b"\x12" + _sized(inner))
    with pytest.raises(DecodeError, match="nested too deep"):
        tf.AttrValue.FromString(data)


def _sized(data: bytes) -> bytes:
    size, out = len(data), b""
    while size > 127:
        out += bytes([size & 127 | 128])
        size >>= 7
    return out + bytes([size]) + data


PROGRAM = """
import tensorflow as tf
from google.protobuf import json_format, text_format
from google.protobuf.message import DecodeError
from tensorflow.core.framework import attr_value_pb2, graph_pb2, summary_pb2, types_pb2
from tensorflow.core.protobuf import config_pb2, meta_graph_pb2, saved_model_pb2, saver_pb2

graph = text_format.Parse('node { name: "a" op: "NoOp" }', graph_pb2.GraphDef())
assert isinstance(graph, tf.GraphDef) and text_format.MessageToString(graph) == str(graph)
assert json_format.MessageToDict(graph) == {"node": [{"name": "a", "op": "NoOp"}]}
try:
    text_format.Merge("nothing: 1", graph)
except text_format.ParseError as error:
    print(error)
try:
    graph.ParseFromString(b"\\xff")
except DecodeError:
    print("DecodeError")
print(types_pb2.DT_STRING, types_pb2.DataType.Name(1), saver_pb2.SaverDef.V2, config_pb2.RunOptions.FULL_TRACE)
config = tf.ConfigProto(device_count={"GPU": 0}, gpu_options=tf.GPUOptions(allow_growth=True))
print(config_pb2.ConfigProto.FromString(config.SerializeToString()) == config)
"""


def test_programs_that_import_protobuf(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    env = {**os.environ, "PYTHONPATH": str(Path(tf.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-m", "retrograph", "run", "program.py"],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    wanted = [
        '1:1 : Message type "tensorflow.GraphDef" has no field named "nothing".',
        "DecodeError",
        "7 DT_FLOAT 2 3",
        "True",
    ]
    assert done.stdout.splitlines() == wanted, done.stderr


FAKE = {
    "__init__.py": "",
    "message.py": "class Message: pass\n",
    "text_format.py": "def MessageToString(message, **more): return 'theirs'\ndef Merge(text, message): return 'theirs'\n",
    "json_format.py": "def MessageToDict(message): return {'theirs': 1}\n",
}


def test_programs_with_protobuf_itself(tmp_path: Path) -> None:
    """Its functions stay, and take Retrograph's messages too."""
    package = tmp_path / "google" / "protobuf"
    package.mkdir(parents=True)
    for name, text in FAKE.items():
        (package / name).write_text(text)
    (tmp_path / "program.py").write_text(
        "import tensorflow as tf\n"
        "from google.protobuf import json_format, message, text_format\n"
        "graph = text_format.Merge('versions { producer: 3 }', tf.GraphDef())\n"
        "print(graph.versions.producer, text_format.MessageToString(graph).split(), json_format.MessageToDict(graph))\n"
        "print(text_format.MessageToString(message.Message()), json_format.MessageToDict(3))\n"
    )
    env = {**os.environ, "PYTHONPATH": f"{Path(tf.__file__).parents[1]}{os.pathsep}{tmp_path}"}
    done = subprocess.run(
        [sys.executable, "-m", "retrograph", "run", "program.py"],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    wanted = ["3 ['versions', '{', 'producer:', '3', '}'] {'versions': {'producer': 3}}", "theirs {'theirs': 1}"]
    assert done.stdout.splitlines() == wanted, done.stderr
