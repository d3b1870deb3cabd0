"""Records, inside a real TensorFlow 1.15.5, the fields of its protocol buffers.

    TF_CPP_MIN_LOG_LEVEL=3 TF115/bin/python tools/record_messages.py src/retrograph/framework/messages.json.gz

The file holds `modules` (module path -> the names that it defines), `messages` (full name -> fields, each
`[name, number, label, type, name of the oneof or ""]`) and `enums` (full name -> name -> number). Labels are `one`, `many`
and `map`; types are scalar types, `enum NAME`, `message NAME`, and for maps `KEY,VALUE`. Python 3.7 syntax: it runs under
that TensorFlow.
"""

import gzip
import importlib
import json
import os
import sys
import warnings

warnings.filterwarnings("ignore")
import tensorflow  # noqa: E402,F401
import tensorflow_core  # noqa: E402

SCALARS = {
    1: "double",
    2: "float",
    3: "int64",
    4: "uint64",
    5: "int32",
    6: "fixed64",
    7: "fixed32",
    8: "bool",
    9: "string",
    12: "bytes",
    13: "uint32",
    15: "sfixed32",
    16: "sfixed64",
    17: "sint32",
    18: "sint64",
}
WANTED = (
    "core/debug",
    "core/example",
    "core/framework",
    "core/protobuf",
    "core/util",
    "core/lib",
    "core/profiler",
    "contrib/tensorboard",
    "python/training",
)
SKIPPED = ("/tpu/", "trace_events", "/boosted_trees/")


def kind(field):
    """The type of one value of a field."""
    if field.type == 11:
        return "message " + field.message_type.full_name
    return "enum " + field.enum_type.full_name if field.type == 14 else SCALARS[field.type]


def row(field):
    """One field."""
    oneof = field.containing_oneof.name if field.containing_oneof else ""
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        parts = field.message_type.fields_by_name
        return [field.name, field.number, "map", kind(parts["key"]) + "," + kind(parts["value"]), oneof]
    return [field.name, field.number, "many" if field.label == 3 else "one", kind(field), oneof]


def take(messages, enums, descriptor):
    """A message and those inside it."""
    if descriptor.GetOptions().map_entry:
        return
    messages[descriptor.full_name] = [row(f) for f in sorted(descriptor.fields, key=lambda f: f.number)]
    for enum in descriptor.enum_types:
        enums[enum.full_name] = {v.name: v.number for v in enum.values}
    for inner in descriptor.nested_types:
        take(messages, enums, inner)


def main(path):
    """Writes the file."""
    base = os.path.dirname(tensorflow_core.__file__)
    modules, messages, enums = {}, {}, {}
    for root, _, files in sorted(os.walk(base)):
        for file in sorted(files):
            relative = os.path.relpath(os.path.join(root, file), base)
            wanted = relative.endswith("_pb2.py") and relative.startswith(WANTED)
            if not wanted or any(part in "/" + relative for part in SKIPPED):
                continue
            name = "tensorflow." + relative[:-3].replace("/", ".")
            found = importlib.import_module(name).DESCRIPTOR
            modules[name] = sorted([*found.message_types_by_name, *found.enum_types_by_name])
            for descriptor in found.message_types_by_name.values():
                take(messages, enums, descriptor)
            for enum in found.enum_types_by_name.values():
                enums[enum.full_name] = {v.name: v.number for v in enum.values}
            modules[name] = [found.package] + modules[name]
    from google.protobuf import any_pb2, wrappers_pb2

    for module in (any_pb2, wrappers_pb2):
        modules[module.DESCRIPTOR.name[:-6].replace("/", ".") + "_pb2"] = [
            "google.protobuf",
            *sorted(module.DESCRIPTOR.message_types_by_name),
        ]
        for descriptor in module.DESCRIPTOR.message_types_by_name.values():
            take(messages, enums, descriptor)
    text = json.dumps({"modules": modules, "messages": messages, "enums": enums}, separators=(",", ":"), sort_keys=True)
    with open(path, "wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as file:
        file.write(text.encode())


if __name__ == "__main__":
    main(sys.argv[1])
