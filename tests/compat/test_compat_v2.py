"""`tensorflow.compat.v2`: TF 2's names as TF 1.15 had them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograph as tf1
from retrograph.compat import hook, resolve

ROWS = json.loads((Path(__file__).parents[1] / "golden" / "compat_v2.json").read_text())
V2 = hook.Shadow("tensorflow.compat.v2")


class _Tf2:
    """The namespace without the import hook: tests of other files must find no `tensorflow`."""

    def __init__(self, path: str = "tensorflow.compat.v2"):
        self._path = path

    def __getattr__(self, name: str) -> Any:
        found = resolve.find(self._path, name)
        if found is not resolve.MISSING:
            return found
        assert resolve.is_module(f"{self._path}.{name}"), name
        return _Tf2(f"{self._path}.{name}")


tf = _Tf2()


def _plain(value: Any) -> Any:
    array = np.asarray(value)
    return [str(v) for v in array.ravel()] if array.dtype == object else array.tolist()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["expr"])
def test_functions(row: dict[str, Any]) -> None:
    result = eval(row["expr"], {"tf": tf, "np": np})
    ops = [[o.name, o.type] for o in tf1.get_default_graph().get_operations()]
    assert ops == row["ops"]
    with tf1.Session() as session:
        session.run(tf1.global_variables_initializer())
        values = session.run([r for r in tf1.contrib.framework.nest.flatten(result) if r is not None])
    for value, want in zip(values, row["values"], strict=True):
        if value is None:
            assert want is None
        elif np.asarray(value).dtype == object:
            assert _plain(value) == want
        else:
            np.testing.assert_allclose(value, want, rtol=1e-5, atol=1e-6)


def test_what_is_the_same_is_the_same_object() -> None:
    assert tf.matmul is tf1.matmul and tf.nn.relu is tf1.nn.relu and tf.math.exp is tf1.exp
    assert tf.compat.v1.Session is tf1.Session and tf.__version__ == tf1.__version__


def test_names_are_listed() -> None:
    assert {"nn", "Variable", "reduce_sum"} <= set(dir(V2)) and "placeholder" not in dir(V2)


@pytest.mark.parametrize("name", ["placeholder", "Session", "no_such_name"])
def test_names_of_tf_1_only_are_not_there(name: str) -> None:
    with pytest.raises(AttributeError, match=f"has no attribute '{name}'"):
        getattr(V2, name)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(AttributeError, match=r"compat\.v2\.image\.resize_with_pad: TensorFlow 1\.15 has it"):
        hook.Shadow("tensorflow.compat.v2.image").resize_with_pad  # noqa: B018


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda f: f(1, 2, 3, 4, 5, 6), "positional arguments"),
        (lambda f: f(1, 2, data=[1]), "unexpected keyword argument 'data'"),
        (lambda f: f(1, 2, x=1), "multiple values for argument 'x'"),
    ],
)
def test_arguments_are_those_of_tf_2(call: Any, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        call(tf.debugging.assert_equal)


def test_initializers_draw_by_their_seed() -> None:
    with pytest.raises(ValueError, match="Expected floating point type"):
        tf.random_normal_initializer()([2], tf1.int32)
    first, second = (tf.random_normal_initializer(seed=3)([2]) for _ in range(2))
    with tf1.Session() as session:
        np.testing.assert_allclose(session.run([first, second]), [[-0.03357924, 0.08380252]] * 2, rtol=1e-5)


def test_arguments_are_shown_as_tf_shows_them() -> None:
    spec = resolve.find("tensorflow.python.util.tf_inspect", "getfullargspec")
    assert spec(tf.ones_like)[:4] == (["input", "dtype", "name"], None, None, (None, None))
    assert spec(tf.argmax)[:4] == (["input", "axis", "output_type", "name"], None, None, (None, tf1.int64, None))
    assert spec(tf.nn.conv1d).args[:3] == ["input", "filters", "stride"]
    shown = spec(tf1.concat)
    assert shown[:4] == (["values", "axis", "name"], None, None, ("concat",)) and shown.annotations == {}
    assert (
        spec(tf1.reduce_sum).args[-1] == "keep_dims" and spec(tf.reduce_sum).args[:4] == spec(tf1.reduce_sum).args[:4]
    )


def test_namespaces_of_keras_are_there() -> None:
    assert tf.keras.layers.Dense is tf1.keras.layers.Dense
    assert tf.losses.MeanSquaredError is tf1.keras.losses.MeanSquaredError
