"""Writes ten models as files - checkpoint, meta graph, frozen graph, SavedModel - or reads such files and compares.

    TF_CPP_MIN_LOG_LEVEL=3 TF115/bin/python tools/record_models.py write tests/golden/models
    python tools/record_models.py write DIR           (with Retrograph)
    TF115/bin/python tools/record_models.py read DIR  (either way round)

`write` puts what the other side has to find into `facts.npz` beside the files: feeds, outputs, values of variables, and
for `dense` the values after a step of training from the imported graph. `read` compares values bit by bit and outputs within
1e-5. Python 3.7 syntax: it runs under TensorFlow 1.15.5 and under Retrograph.
"""

import os
import shutil
import sys
import tempfile

import numpy as np

try:
    import tensorflow as tf
except ImportError:
    import retrograph

    retrograph.install()
    import tensorflow as tf

TABLES = "tables_init"
VOCABULARY = ("red", "green", "blue")


def dense():
    """Two layers, and a step of Adam."""
    x = tf.placeholder(tf.float32, [None, 4], name="x")
    hidden = tf.layers.dense(x, 6, tf.nn.relu, name="hidden")
    y = tf.layers.dense(hidden, 3, name="out")
    step = tf.train.get_or_create_global_step()
    train = tf.train.AdamOptimizer(0.1).minimize(tf.reduce_mean(tf.square(y)), global_step=step, name="train")
    tf.add_to_collection("train_op", train)
    return {x: np.linspace(-1, 1, 8).reshape(2, 4)}, tf.nn.softmax(y, name="y")


def conv_bn():
    """A convolution, batch normalization and pooling."""
    x = tf.placeholder(tf.float32, [None, 8, 8, 2], name="x")
    training = tf.placeholder_with_default(False, [], name="training")
    net = tf.layers.conv2d(x, 4, 3, padding="same", use_bias=False)
    net = tf.layers.batch_normalization(net, training=training)
    net = tf.layers.max_pooling2d(tf.nn.relu(net), 2, 2)
    return {x: np.sin(np.arange(256.0)).reshape(2, 8, 8, 2)}, tf.reduce_mean(net, [1, 2], name="y")


def partitioned():
    """Variables in slices, reference and resource ones."""
    x = tf.placeholder(tf.float32, [None, 6], name="x")
    with tf.variable_scope("part", partitioner=tf.fixed_size_partitioner(3)):
        w = tf.get_variable("w", [6, 4])
        v = tf.get_variable("v", [4, 2], use_resource=True, partitioner=tf.fixed_size_partitioner(2))
    return {x: np.cos(np.arange(12.0)).reshape(2, 6)}, tf.matmul(tf.matmul(x, w), v, name="y")


def lstm():
    """A recurrent network over sequences of different lengths."""
    x = tf.placeholder(tf.float32, [None, 4, 3], name="x")
    lengths = tf.placeholder(tf.int32, [None], name="lengths")
    cell = tf.nn.rnn_cell.LSTMCell(5)
    outputs, state = tf.nn.dynamic_rnn(cell, x, sequence_length=lengths, dtype=tf.float32)
    y = tf.concat([tf.reduce_sum(outputs, 1), state.h], 1, name="y")
    return {x: np.sin(np.arange(24.0)).reshape(2, 4, 3), lengths: np.array([4, 2], np.int32)}, y


def while_loop():
    """A loop in a loop, over a tensor that grows."""
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    w = tf.get_variable("w", [2, 2])

    def body(i, a):
        _, b = tf.while_loop(lambda j, b: j < i, lambda j, b: (j + 1, b * 0.5 + 1.0), [0, a])
        return i + 1, tf.concat([b, tf.matmul(b[-1:], w)], 0)

    shapes = [tf.TensorShape([]), tf.TensorShape([None, 2])]
    _, y = tf.while_loop(lambda i, a: i < 3, body, [0, x], shape_invariants=shapes)
    return {x: np.array([[1.0, -2.0]])}, tf.identity(y, name="y")


def embedding():
    """Rows of a table, weighted and summed."""
    ids = tf.placeholder(tf.int64, [None, 3], name="ids")
    table = tf.get_variable("table", [10, 4])
    return {ids: np.array([[1, 9, 1], [0, 3, 4]])}, tf.reduce_sum(tf.nn.embedding_lookup(table, ids), 1, name="y")


def string_table():
    """Words to numbers by a vocabulary in a file, and on to rows."""
    words = tf.placeholder(tf.string, [None], name="words")
    path = os.path.join(tempfile.mkdtemp(), "vocabulary.txt")
    with open(path, "w") as file:
        file.write("\n".join(VOCABULARY) + "\n")
    table = tf.contrib.lookup.index_table_from_file(path, num_oov_buckets=2)
    rows = tf.get_variable("rows", [5, 2])
    return {words: np.array([b"blue", b"red", b"mauve"])}, tf.gather(rows, table.lookup(words), name="y")


def control_flow():
    """Branches in branches, and a loop in one."""
    x = tf.placeholder(tf.float32, [3], name="x")
    w = tf.get_variable("w", [3], use_resource=True)
    total = tf.reduce_sum(x)

    def small():
        return tf.while_loop(lambda a: tf.reduce_sum(a) < 10.0, lambda a: a * 2.0 + 1.0, [x * w + 1.0])

    y = tf.cond(total > 5.0, lambda: x * 3.0, lambda: tf.cond(total < -5.0, lambda: x - w, small))
    z = tf.case([(total > 1.0, lambda: y + 1.0)], default=lambda: y - 1.0)
    return {x: np.array([0.5, 0.25, 1.0])}, tf.identity(z, name="y")


def slim():
    """Layers of slim in argument scopes."""
    slim = tf.contrib.slim
    x = tf.placeholder(tf.float32, [None, 6, 6, 1], name="x")
    params = {"is_training": False, "scale": True}
    with slim.arg_scope([slim.conv2d], normalizer_fn=slim.batch_norm, normalizer_params=params):
        net = slim.conv2d(x, 3, [3, 3], scope="conv1")
        net = slim.repeat(net, 2, slim.conv2d, 3, [3, 3], scope="conv2")
    net = slim.fully_connected(slim.flatten(net), 4, activation_fn=None, scope="logits")
    return {x: np.sin(np.arange(36.0)).reshape(1, 6, 6, 1)}, tf.nn.sigmoid(net, name="y")


def estimator():
    """A model function with features by name, moving averages and resource variables."""
    a = tf.placeholder(tf.float32, [None, 1], name="a")
    b = tf.placeholder(tf.int64, [None], name="b")
    with tf.variable_scope("model", use_resource=True):
        features = tf.concat([a, tf.one_hot(b, 3)], 1)
        logits = tf.layers.dense(features, 2, name="logits")
    step = tf.train.get_or_create_global_step()
    average = tf.train.ExponentialMovingAverage(0.9, step)
    with tf.control_dependencies([tf.train.AdagradOptimizer(0.1).minimize(tf.reduce_mean(tf.square(logits)), step)]):
        tf.add_to_collection("train_op", average.apply(tf.trainable_variables()))
    return {a: np.array([[0.5], [-1.0]]), b: np.array([2, 0])}, tf.nn.softmax(logits, name="y")


MODELS = (
    dense,
    conv_bn,
    partitioned,
    lstm,
    while_loop,
    embedding,
    string_table,
    control_flow,
    slim,
    estimator,
)


def values(sess):
    """The global variables by name."""
    return {v.op.name: np.asarray(sess.run(v)) for v in tf.global_variables()}


def write(model, directory):
    """Writes the files of one model."""
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.set_random_seed(3)
        feeds, y = model()
        inits = tf.get_collection(tf.GraphKeys.TABLE_INITIALIZERS)
        tables = tf.group(*inits, name=TABLES) if inits else None
        saver = tf.train.Saver()
        initializer = tf.global_variables_initializer()
        sess.run(initializer)
        if tables is not None:
            sess.run(tables)
        facts = {"feed:" + t.name: np.asarray(v) for t, v in feeds.items()}
        facts["out:" + y.name] = sess.run(y, feeds)
        facts.update(("var:" + name, v) for name, v in values(sess).items())
        saver.save(sess, os.path.join(directory, "model"), write_state=False)
        outputs = [y.op.name] + ([TABLES] if tables is not None else [])
        frozen = tf.graph_util.convert_variables_to_constants(sess, tf.get_default_graph().as_graph_def(), outputs)
        with open(os.path.join(directory, "frozen.pb"), "wb") as file:
            file.write(frozen.SerializeToString())
        inputs = {t.op.name: t for t in feeds}
        tf.saved_model.simple_save(sess, os.path.join(directory, "saved"), inputs, {"y": y}, legacy_init_op=tables)
        trained = tf.get_collection("train_op")
        if trained:
            sess.run(trained[0], feeds)
            facts.update(("after:" + name, v) for name, v in values(sess).items())
        np.savez_compressed(os.path.join(directory, "facts.npz"), **{k.replace("/", "|"): v for k, v in facts.items()})


def facts_of(directory):
    """What a model's files must give, by kind and name."""
    found = {}
    with np.load(os.path.join(directory, "facts.npz")) as file:
        for key in file.files:
            kind, _, name = key.replace("|", "/").partition(":")
            found.setdefault(kind, {})[name] = file[key]
    return found


def same(found, wanted, what):
    """Raises AssertionError unless arrays are the same bit by bit."""
    assert sorted(found) == sorted(wanted), (what, sorted(found), sorted(wanted))
    for name, value in wanted.items():
        assert np.asarray(found[name]).dtype == value.dtype, (what, name)
        assert np.asarray(found[name]).tobytes() == value.tobytes(), (what, name)


def close(found, wanted, what):
    """Raises AssertionError unless arrays agree within 1e-5; gives how far they are apart."""
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5, err_msg=what)
    return float(np.max(np.abs(np.asarray(found, np.float64) - wanted))) if np.size(wanted) else 0.0


def check_checkpoint(directory, facts):
    """The checkpoint by its reader: whole variables, slices put together by name."""
    reader = tf.train.NewCheckpointReader(os.path.join(directory, "model"))
    for name in reader.get_variable_to_shape_map():
        found = np.asarray(reader.get_tensor(name))
        wanted = facts["var"].get(name)
        if wanted is None:
            parts = [facts["var"][n] for n in sorted(facts["var"]) if n.startswith(name + "/part_")]
            wanted = np.concatenate(parts)
        same({name: found}, {name: wanted}, "checkpoint")


def check_meta(directory, facts):
    """The meta graph: variables restored, outputs, a step of training."""
    with tf.Graph().as_default(), tf.Session() as sess:
        saver = tf.train.import_meta_graph(os.path.join(directory, "model.meta"))
        saver.restore(sess, os.path.join(directory, "model"))
        sess.run(tf.get_collection(tf.GraphKeys.TABLE_INITIALIZERS), vocabulary_feeds(directory))
        same(values(sess), facts["var"], "meta graph")
        ((name, wanted),) = facts["out"].items()
        worst = close(sess.run(name, facts["feed"]), wanted, "meta graph " + name)
        if "after" in facts:
            sess.run(tf.get_collection("train_op")[0], facts["feed"])
            for variable, value in values(sess).items():
                worst = max(worst, close(value, facts["after"][variable], "after training " + variable))
        return worst


def vocabulary_feeds(directory):
    """The vocabulary's path is that of the machine that wrote the graph: feeds the one in the SavedModel."""
    asset = os.path.join(directory, "saved", "assets", "vocabulary.txt")
    tensors = tf.get_collection(tf.GraphKeys.ASSET_FILEPATHS)
    return dict.fromkeys(tensors, asset) if os.path.exists(asset) else {}


def check_frozen(directory, facts):
    """The frozen graph: outputs."""
    graph_def = tf.GraphDef()
    with open(os.path.join(directory, "frozen.pb"), "rb") as file:
        graph_def.ParseFromString(file.read())
    with tf.Graph().as_default() as graph, tf.Session() as sess:
        tf.import_graph_def(graph_def, name="")
        if TABLES in [node.name for node in graph_def.node]:
            paths = [op.inputs[1] for op in graph.get_operations() if op.type == "InitializeTableFromTextFileV2"]
            asset = os.path.join(directory, "saved", "assets", "vocabulary.txt")
            sess.run(TABLES, dict.fromkeys(paths, asset))
        ((name, wanted),) = facts["out"].items()
        return close(sess.run(name, facts["feed"]), wanted, "frozen graph " + name)


def check_saved(directory, facts):
    """The SavedModel: variables, and outputs by its signature."""
    with tf.Graph().as_default(), tf.Session() as sess:
        meta = tf.saved_model.loader.load(
            sess, [tf.saved_model.tag_constants.SERVING], os.path.join(directory, "saved")
        )
        same(values(sess), facts["var"], "SavedModel")
        signature = meta.signature_def[tf.saved_model.signature_constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY]
        feeds = {info.name: facts["feed"][info.name] for info in signature.inputs.values()}
        ((name, wanted),) = facts["out"].items()
        return close(sess.run(signature.outputs["y"].name, feeds), wanted, "SavedModel " + name)


def read(directory):
    """Compares the files of one model with their facts; gives how far outputs are apart at most."""
    facts = facts_of(directory)
    check_checkpoint(directory, facts)
    return max(check(directory, facts) for check in (check_meta, check_frozen, check_saved))


def main(action, directory, *names):
    """Writes or reads all models, or those named."""
    failed = 0
    for model in MODELS:
        name = model.__name__
        if names and name not in names:
            continue
        place = os.path.join(directory, name)
        try:
            if action == "write":
                shutil.rmtree(place, ignore_errors=True)
                os.makedirs(place)
                write(model, place)
                print(name, "written")
            else:
                print(name, "read; outputs differ by at most", read(place))
        except Exception as error:
            failed += 1
            print(name, "FAILED:", type(error).__name__, str(error)[:2000])
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
