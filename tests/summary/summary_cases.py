"""Expressions over `tf.summary`, `tf.train.Example` and event files, and the recorder of what they give.

Run by TensorFlow 1.15.5's Python it writes the golden file: `python tests/summary/summary_cases.py FILE`. The test suite
runs the same functions on Retrograph.
"""

import json
import sys

import numpy as np

EXPRESSIONS = """
tf.summary.scalar('a', tf.constant(3.0))
tf.summary.scalar('a b:c/d', 4)
tf.summary.scalar('/lead', tf.constant(2**40 + 1, tf.int64))
tf.summary.scalar('s', tf.constant(0.1, tf.float64), family='fam')
tf.summary.scalar('s', tf.constant(0.1, tf.float16), collections=['one', 'two'])
tf.summary.scalar('s', float('nan'))
tf.summary.scalar('s', tf.constant(1e300, tf.float64))
tf.summary.scalar('vec', [1., 2.])
tf.summary.scalar('vec', [[1.]])
tf.summary.scalar('vec', n(0))
tf.summary.scalar('s', 'text')
tf.summary.scalar('s', tf.constant(1j))
tf.summary.scalar('s', tf.constant(True))
tf.summary.scalar(None, 1.)
tf.summary.scalar('', 1.)
tf.summary.histogram('h', [1., 2.])
tf.summary.histogram(None, [1., 2.])
tf.summary.histogram('h', [1, 2, 3, 3])
tf.summary.histogram('h', n(0))
tf.summary.histogram('h', n(1000))
tf.summary.histogram('h', n(7, 5, 3) * 1e-13)
tf.summary.histogram('h', tf.constant(n(300) * 1e25, tf.float64))
tf.summary.histogram('h', tf.constant(n(50), tf.float16))
tf.summary.histogram('h', tf.constant([0., -0., 1e-12, -1e-12, 1e20, -1e20]))
tf.summary.histogram('h', u(200), family='fam')
tf.summary.histogram('h', [1., float('nan')])
tf.summary.histogram('h', [1., -float('inf')])
tf.summary.image('i', u(2, 4, 5, 3))
tf.summary.image('i', u(5, 3, 2, 1))
tf.summary.image('i', u(2, 6, 7, 4), max_outputs=1)
tf.summary.image('i', u(1, 9, 1, 3))
tf.summary.image('i', u(1, 1, 9, 3))
tf.summary.image('i', u(1, 40, 33, 3))
tf.summary.image('i', tf.zeros([1, 20, 20, 1]))
tf.summary.image('i', n(2, 8, 9, 3))
tf.summary.image('i', abs(n(2, 8, 9, 1)))
tf.summary.image('i', abs(n(1, 12, 12, 4)) * 1e-8)
tf.summary.image('i', tf.constant(n(1, 8, 9, 3), tf.float64))
tf.summary.image('i', tf.constant(abs(n(1, 8, 9, 3)), tf.float64))
tf.summary.image('i', tf.constant(n(1, 8, 9, 3), tf.float16))
tf.summary.image('i', tf.constant(abs(n(1, 8, 9, 3)), tf.float16))
tf.summary.image('i', tf.concat([n(1, 4, 4, 3), [[[[1., float('nan'), 2.]] * 4]]], 1))
tf.summary.image('i', tf.fill([1, 3, 3, 1], float('inf')))
tf.summary.image('i', tf.zeros([2, 2, 2, 2]))
tf.summary.image('i', tf.zeros([1, 0, 2, 1]))
tf.summary.image('i', tf.zeros([0, 2, 2, 1]))
tf.summary.image('i', tf.zeros([2, 2]))
tf.summary.image('i', tf.zeros([1, 2, 2, 1], tf.int32))
tf.summary.image('i', tf.zeros([1, 2, 2, 1]), max_outputs=0)
tf.summary.audio('a', n(2, 30, 2) * 0.3, 44100)
tf.summary.audio('a', n(1, 25), 100.4, max_outputs=1)
tf.summary.audio('a', [[0.1, 1.0, -1.0, 2.0, -2., float('nan'), .5, 1.5 / 32768, -2.5 / 32768]], tf.constant(8000.))
tf.summary.audio('a', tf.zeros([1, 3]), 0.2)
tf.summary.audio('a', tf.zeros([3]), 44100)
tf.summary.audio('a', tf.zeros([1, 3]), 0)
tf.summary.audio('a', tf.zeros([1, 3]), 100, max_outputs=0)
tf.summary.audio('a', tf.zeros([1, 3, 0]), 3)
tf.summary.audio('a', tf.zeros([0, 3]), 3)
tf.summary.text('t', tf.constant(['a', 'b']))
tf.summary.text('t', tf.constant(1))
tf.summary.text('t', 'text')
tf.summary.tensor_summary('t', tf.constant([[1.5, 2], [3, 4]]), summary_description='d', display_name='n', family='f')
tf.summary.tensor_summary('t', tf.constant(1 + 2j))
tf.summary.tensor_summary('t', tf.constant([1, 1, 1, 1], tf.int64))
tf.summary.tensor_summary('t', tf.constant(''))
tf.summary.tensor_summary('t', tf.constant([True, False]))
tf.summary.tensor_summary('t', tf.zeros([0, 3]))
tf.summary.tensor_summary('t', tf.constant([1, 2], tf.bfloat16))
tf.summary.merge([tf.summary.scalar('a', 1.), tf.summary.histogram('b', [1.])])
tf.summary.merge([tf.summary.scalar('a', 1.), tf.constant(''), tf.constant(['', ''])], name='m n')
tf.summary.merge([tf.summary.scalar('a', 1.)] * 2)
tf.summary.merge([tf.constant(b'\\x0a\\x05abc')])
tf.summary.merge([])
tf.summary.merge([tf.constant(1.)])
tf.summary.merge_all()
[tf.summary.scalar('x', 1.), tf.summary.scalar('x', 2.), tf.summary.merge_all()][-1]
[tf.summary.scalar('x', 1.), tf.summary.scalar('y/z', 2.), tf.summary.merge_all(scope='y')][-1]
tf.contrib.deprecated.scalar_summary(['a', 'b'], [1., 2.])
tf.contrib.deprecated.histogram_summary('a b', [1., 2.], name='h')
tf.contrib.deprecated.image_summary('t', u(1, 2, 2, 1), max_images=1)
tf.contrib.deprecated.audio_summary('t', n(1, 4), 10., max_outputs=1)
tf.contrib.deprecated.merge_summary([tf.contrib.deprecated.scalar_summary('a', 1.)])
""".strip().splitlines()

MESSAGES = """
Example(features=Features(feature={'a': Feature(int64_list=Int64List(value=[1, -2, 300, 1 << 62]))}))
Example(features=Features(feature={'f': Feature(float_list=FloatList(value=[1.5, -0.0, 1e40, 0.75]))}))
Example(features=Features(feature={'b': Feature(bytes_list=BytesList(value=[b'x', b'', b'yy']))}))
Example()
SequenceExample(context=Features(feature={'l': Feature(int64_list=Int64List(value=[1]))}), feature_lists=FeatureLists(feature_list={'t': FeatureList(feature=[Feature(float_list=FloatList(value=[1])), Feature()])}))
Summary(value=[Summary.Value(tag='a', simple_value=1.5), Summary.Value(tag='', simple_value=0)])
Summary(value=[Summary.Value(image=Summary.Image(height=3, width=2, colorspace=1, encoded_image_string=b'png'))])
Summary(value=[Summary.Value(histo=HistogramProto(min=1, max=float('inf'), bucket=[1, 2.5], bucket_limit=[1e20, 1.7e308]))])
Summary(value=[Summary.Value(metadata=SummaryMetadata(display_name='d', plugin_data=SummaryMetadata.PluginData(plugin_name='p', content=b'c')))])
Event(wall_time=1.25, step=-1, file_version='brain.Event:2')
Event(step=3, session_log=SessionLog(status=SessionLog.START, checkpoint_path='p', msg='m'))
Event(log_message=LogMessage(level=LogMessage.ERROR, message='m'))
Int64List(value=[1.5])
Int64List(value=['a'])
Int64List(value=[1 << 63])
FloatList(value=['a'])
BytesList(value=['a'])
BytesList(value=[3])
Int64List(value=3)
Summary(foo=1)
Summary.Value(tag=3)
Summary.FromString(b'\\x0a\\x05abc')
""".strip().splitlines()

SCOPE = (
    "Example",
    "SequenceExample",
    "Features",
    "Feature",
    "FeatureList",
    "FeatureLists",
    "Int64List",
    "FloatList",
    "BytesList",
)


def numbers(*shape):
    """Normal numbers, the same each time."""
    return np.random.RandomState(sum(shape)).randn(*shape).astype(np.float32)


def pixels(*shape):
    """Bytes that vary a little from place to place, the same each time."""
    steps = np.random.RandomState(sum(shape)).randint(0, 9, shape)
    return (np.cumsum(steps, -1) + 5 * np.arange(shape[0]).reshape((-1,) + (1,) * (len(shape) - 1))).astype(np.uint8)


def _failure(error):
    return [type(error).__name__, str(error).split("\n")[0]]


def facts_of(tf, expression):
    """The operations that an expression makes and the bytes that it gives, or its error."""
    with tf.Graph().as_default() as graph, tf.Session() as session:
        try:
            made = eval(expression, {"tf": tf, "n": numbers, "u": pixels})
        except Exception as error:
            return {"error": _failure(error)}
        found = {"ops": [[op.type, op.name, [t.name for t in op.inputs]] for op in graph.get_operations()]}
        found["collections"] = {
            str(k): [t.name for t in graph.get_collection(k)] for k in graph.get_all_collection_keys()
        }
        if made is not None:
            try:
                found["bytes"] = session.run(made).hex()
            except tf.errors.OpError as error:
                found["failure"] = _failure(error)
        return found


def message_of(tf, expression):
    """The bytes and the text of a message, or the class of the error."""
    scope = {name: getattr(tf.train, name) for name in SCOPE}
    for name in ("Summary", "SummaryMetadata", "HistogramProto", "Event", "SessionLog", "LogMessage"):
        scope[name] = getattr(tf, name)
    try:
        made = eval(expression, scope)
    except Exception as error:
        return {"error": type(error).__name__}
    return {"bytes": made.SerializeToString().hex(), "text": str(made)}


def main(path):
    """Writes the golden file."""
    import tensorflow as tf

    golden = {e: facts_of(tf, e) for e in EXPRESSIONS}
    messages = {e: message_of(tf, e) for e in MESSAGES}
    with open(path, "w") as file:
        json.dump({"summaries": golden, "messages": messages}, file, indent=0, sort_keys=True)


if __name__ == "__main__":
    main(sys.argv[1])
