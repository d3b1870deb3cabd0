"""`tf.raw_ops`: a function for each op type of the core; arguments by name alone."""

import pytest

import retrograph as tf


def test_functions_and_results() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        total = tf.raw_ops.Add(x=1, y=2, name="total")
        assert (total.op.type, total.name) == ("Add", "total:0")
        assert sess.run(total) == 3
        assert tf.raw_ops.TopKV2(input=[1.0, 3.0], k=1)._fields == ("values", "indices")
        assert tf.raw_ops.Add.__name__ == "Add"
        assert tf.raw_ops.NoOp(name="n").name == "n"


def test_op_types_of_the_core_only() -> None:
    assert len(dir(tf.raw_ops)) == 1201
    assert not {"GatherTree", "NearestNeighbors", "Foo"} & set(dir(tf.raw_ops))
    with pytest.raises(AttributeError, match="has no attribute 'GatherTree'"):
        tf.raw_ops.GatherTree  # noqa: B018


@pytest.mark.parametrize(
    ("args", "given", "text"),
    [
        ((1, 2), {}, r"Add only takes keyword args \(possible keys: \['x', 'y', 'name'\]\). Please pass"),
        ((), {"x": 1}, r"Add\(\) missing 1 required positional argument: 'y'"),
        ((), {"x": 1, "y": 2, "z": 3}, r"Add\(\) got an unexpected keyword argument 'z'"),
        ((), {"x": 1, "y": 2.5}, "Expected int32 passed to parameter 'y' of op 'Add', got 2.5"),
    ],
)
def test_wrong_arguments(args: tuple[int, ...], given: dict[str, float], text: str) -> None:
    with tf.Graph().as_default(), pytest.raises(TypeError, match=text):
        tf.raw_ops.Add(*args, **given)


def test_op_types_that_were_removed() -> None:
    text = r"Op TopK is not available in GraphDef version 134. It has been removed in version 7. Use TopKV2 instead."
    with tf.Graph().as_default(), pytest.raises(NotImplementedError, match=text):
        tf.raw_ops.TopK(input=[1.0], k=1)
