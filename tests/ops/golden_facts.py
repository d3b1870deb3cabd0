"""What a case gives in TensorFlow 1.15 or in Retrograph; runs under both Pythons."""

import json
import sys

import numpy as np


def flat(made):
    """The tensors of what a case makes."""
    if isinstance(made, (list, tuple)):
        return [tensor for item in made for tensor in flat(item)]
    return [made]


def round_to_six(number):
    """Six digits of a number."""
    return float(format(number, ".6g"))


def numbers(value):
    """An array as something that JSON holds."""
    if value.dtype.kind == "c":
        return [numbers(value.real), numbers(value.imag)]
    if value.dtype.kind in "SO":
        return [item if isinstance(item, str) else item.decode("utf-8") for item in value.ravel().tolist()]
    if value.dtype.kind == "f":
        return [round_to_six(item) for item in value.ravel().astype(np.float64)]
    return value.ravel().tolist()


def operations_of(graph):
    """Types and names; a run of constants counts as one line."""
    return [op.type + " " + op.name for op in graph.get_operations()]


def facts(tf, make, names=True):
    """Operations (if asked for), static shapes, dtypes and values of one case, or its error."""
    try:
        with tf.Graph().as_default() as graph:
            tensors = flat(make())
            with tf.Session() as session:
                session.run(tf.global_variables_initializer())
                values = [np.asarray(value) for value in session.run(tensors)]
    except Exception as error:
        return {"error": [type(error).__name__, str(error).split("\n")[0][:100]]}
    found = {
        "shapes": [str(tensor.shape) for tensor in tensors], "sizes": [list(value.shape) for value in values],
        "dtypes": [tensor.dtype.name for tensor in tensors], "values": [numbers(value) for value in values],
    }  # fmt: skip
    if names:
        found["operations"] = [name for name in operations_of(graph) if not name.startswith("NoOp init")]
    return found


def with_names(case):
    """Whether the operations of a case matter."""
    return not case.startswith("values: ")


def record(cases, path):
    """Writes what TensorFlow gives for all cases."""
    import tensorflow as tf

    tf.logging.set_verbosity(tf.logging.ERROR)
    found = {name: facts(tf, make, with_names(name)) for name, make in cases(tf).items()}
    with open(path, "w") as file:
        json.dump(found, file, separators=(",", ":"), sort_keys=True)
    sys.stderr.write(str(len(found)) + " cases\n")


def compare(found, wanted, tolerance):
    """Fails where a case gives something else than TensorFlow."""
    values, expected = found.pop("values", []), wanted.get("values", [])
    assert found == {key: item for key, item in wanted.items() if key != "values"}
    assert len(values) == len(expected)
    for value, right in zip(values, expected):  # noqa: B905
        if right and isinstance(right[0], (float, int, list)):
            np.testing.assert_allclose(value, right, rtol=tolerance, atol=tolerance)
        else:
            assert value == right
