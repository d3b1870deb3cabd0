"""What the cases beside this file share: they are functions that make tensors, run under TensorFlow 1.15.5 and Retrograph.

`facts()` gives what a module made of each: operations, static shapes, values, or the error.
"""

import importlib
import os
import sys
import tempfile

import numpy as np

tf = importlib.import_module(os.environ.get("CASES_MODULE", "retrograph"))
CASES = {}
# Files of vocabularies, at a path that is the same wherever the cases run.
FOLDER = os.path.join(tempfile.gettempdir(), "retrograph_sparse_cases")


def case(function):
    """Declares a case: it gives a structure of tensors, or ("FEED", feeds, structure)."""
    CASES.setdefault(function.__module__, {})[function.__name__] = function
    return function


def named(name, function):
    """Declares a case that has no name of its own."""
    function.__name__ = name
    sys.modules[function.__module__].__dict__.setdefault("_kept", []).append(function)
    return case(function)


def write(name, text):
    """The path of a file with this text."""
    os.makedirs(FOLDER, exist_ok=True)
    path = os.path.join(FOLDER, name)
    with open(path, "w") as file:
        file.write(text)
    return path


def _nested(value):
    if isinstance(value, list):
        return [_nested(v) for v in value]
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def plain(value):
    """A fetched value as JSON."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in sorted(value.items(), key=lambda item: str(item[0]))}
    if hasattr(value, "flat_values"):
        return ["Ragged", str(value.to_list())]
    if hasattr(value, "_fields"):
        return [type(value).__name__] + [plain(v) for v in value]
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if value is None:
        return None
    array = np.asarray(value)
    if array.dtype.kind == "S":
        array = array.astype(object) if array.ndim else np.array(value, object)
    if array.dtype == object:
        return ["string", list(array.shape), _nested(array.tolist())]
    if array.dtype.kind == "f":
        return [array.dtype.name, list(array.shape), ["%.4g" % x for x in array.ravel()]]
    values = [str(x) for x in array.ravel().tolist()] if array.dtype.kind == "c" else array.ravel().tolist()
    return [array.dtype.name, list(array.shape), values]


def shapes(value):
    """The static shapes and dtypes of a structure."""
    if isinstance(value, dict):
        return {str(k): shapes(v) for k, v in sorted(value.items(), key=lambda item: str(item[0]))}
    if isinstance(value, (list, tuple)):
        return [shapes(v) for v in value]
    if hasattr(value, "dense_shape"):
        parts = [value.indices, value.values, value.dense_shape]
        return ["sparse"] + [shapes(p) for p in parts] + [str(value.get_shape()) if hasattr(value, "get_shape") else ""]
    if hasattr(value, "flat_values"):
        return ["ragged", str(value.shape), value.dtype.name]
    return [str(value.get_shape()), value.dtype.name] if hasattr(value, "get_shape") else None


def _run(function, graph, result):
    made = function()
    feed = None
    if isinstance(made, tuple) and len(made) == 3 and isinstance(made[0], str) and made[0] == "FEED":
        feed, made = made[1:]
    result["shapes"] = shapes(made)
    result["ops"] = [[o.type, o.name] for o in graph.get_operations()]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(tf.tables_initializer())
        result["value"] = plain(session.run(made, feed))


def facts(function):
    """What a case makes in a graph of its own."""
    result = {}
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(1)
        try:
            _run(function, graph, result)
        except Exception as error:
            result["error"] = [type(error).__name__, str(error).replace(FOLDER, "<folder>").split("\n\t [[")[0][:60]]
            result.setdefault("ops", [[o.type, o.name] for o in graph.get_operations()])
    return result
