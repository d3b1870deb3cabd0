"""The models as TensorFlow 1 programs of 2018. `tf` is an argument, so that every TensorFlow can run them.

Runs under Python 3.7 too.
"""

from __future__ import annotations

import math

import data


def _dense(tf, name, x, size, activation=None, decay=0.0):
    with tf.variable_scope(name):
        inputs = x.get_shape().as_list()[-1]
        stddev = math.sqrt(2.0 / inputs)
        w = tf.get_variable("w", [inputs, size], initializer=tf.truncated_normal_initializer(stddev=stddev))
        b = tf.get_variable("b", [size], initializer=tf.zeros_initializer())
        if decay:
            tf.add_to_collection("losses", decay * tf.nn.l2_loss(w))
        y = tf.nn.bias_add(tf.matmul(x, w), b)
        return y if activation is None else activation(y)


def _mean_xent(tf, labels, logits):
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))


def mlp(tf):
    sizes = data.MLP["sizes"]
    x = tf.placeholder(tf.float32, [None, sizes[0]], name="x")
    y = tf.placeholder(tf.int32, [None], name="y")
    h = x
    for i, size in enumerate(sizes[1:-1]):
        h = _dense(tf, "hidden_%d" % i, h, size, tf.nn.relu)
    loss = _mean_xent(tf, y, _dense(tf, "logits", h, sizes[-1]))
    train_op = tf.train.AdamOptimizer(data.MLP["learning_rate"]).minimize(loss)
    return (x, y), train_op, loss


def _conv(tf, name, x, channels, stddev):
    with tf.variable_scope(name):
        depth = x.get_shape().as_list()[-1]
        w = tf.get_variable("w", [5, 5, depth, channels], initializer=tf.truncated_normal_initializer(stddev=stddev))
        b = tf.get_variable("b", [channels], initializer=tf.constant_initializer(0.1))
        y = tf.nn.conv2d(x, w, [1, 1, 1, 1], padding="SAME")
        return tf.nn.relu(tf.nn.bias_add(y, b))


def _pool(tf, x, name):
    return tf.nn.max_pool(x, ksize=[1, 3, 3, 1], strides=[1, 2, 2, 1], padding="SAME", name=name)


def _norm(tf, x, name):
    return tf.nn.lrn(x, 4, bias=1.0, alpha=0.001 / 9.0, beta=0.75, name=name)


def convnet(tf):
    """The CIFAR-10 tutorial's network."""
    side, decay = data.CONVNET["side"], data.CONVNET["decay"]
    x = tf.placeholder(tf.float32, [data.CONVNET["batch"], side, side, 3], name="x")
    y = tf.placeholder(tf.int32, [data.CONVNET["batch"]], name="y")
    h = _norm(tf, _pool(tf, _conv(tf, "conv1", x, 64, 0.05), "pool1"), "norm1")
    h = _pool(tf, _norm(tf, _conv(tf, "conv2", h, 64, 0.05), "norm2"), "pool2")
    h = tf.reshape(h, [data.CONVNET["batch"], -1])
    h = _dense(tf, "local3", h, 384, tf.nn.relu, decay)
    h = _dense(tf, "local4", h, 192, tf.nn.relu, decay)
    tf.add_to_collection("losses", _mean_xent(tf, y, _dense(tf, "softmax_linear", h, 10)))
    loss = tf.add_n(tf.get_collection("losses"), name="total_loss")
    train_op = tf.train.GradientDescentOptimizer(data.CONVNET["learning_rate"]).minimize(loss)
    return (x, y), train_op, loss


def _layer_norm(tf, name, x):
    with tf.variable_scope(name):
        n = x.get_shape().as_list()[-1]
        g = tf.get_variable("g", [n], initializer=tf.ones_initializer())
        b = tf.get_variable("b", [n], initializer=tf.zeros_initializer())
        u = tf.reduce_mean(x, axis=-1, keepdims=True)
        s = tf.reduce_mean(tf.square(x - u), axis=-1, keepdims=True)
        return (x - u) * tf.rsqrt(s + 1e-5) * g + b


def _project(tf, name, x, size):
    """A dense layer on the last axis of a rank-3 tensor."""
    with tf.variable_scope(name):
        _, length, width = x.get_shape().as_list()
        w = tf.get_variable("w", [width, size], initializer=tf.random_normal_initializer(stddev=0.02))
        b = tf.get_variable("b", [size], initializer=tf.zeros_initializer())
        flat = tf.matmul(tf.reshape(x, [-1, width]), w) + b
        return tf.reshape(flat, [-1, length, size])


def _split_heads(tf, x, heads):
    _, length, width = x.get_shape().as_list()
    return tf.transpose(tf.reshape(x, [-1, length, heads, width // heads]), [0, 2, 1, 3])


def _attention(tf, x, heads):
    with tf.variable_scope("attention"):
        _, length, width = x.get_shape().as_list()
        q, k, v = [_split_heads(tf, z, heads) for z in tf.split(_project(tf, "qkv", x, 3 * width), 3, axis=2)]
        scores = tf.matmul(q, k, transpose_b=True) * (1.0 / math.sqrt(width // heads))
        mask = tf.matrix_band_part(tf.ones([length, length]), -1, 0)
        weights = tf.nn.softmax(scores * mask - 1e10 * (1.0 - mask))
        merged = tf.reshape(tf.transpose(tf.matmul(weights, v), [0, 2, 1, 3]), [-1, length, width])
        return _project(tf, "out", merged, width)


def _gelu(tf, x):
    return 0.5 * x * (1.0 + tf.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * tf.pow(x, 3))))


def transformer(tf):
    """A small GPT-2 with an output layer of its own."""
    t = data.TRANSFORMER
    shape = [None, t["length"]]
    x = tf.placeholder(tf.int32, shape, name="x")
    y = tf.placeholder(tf.int32, shape, name="y")
    normal = tf.random_normal_initializer(stddev=0.02)
    tokens = tf.get_variable("tokens", [t["vocabulary"], t["width"]], initializer=normal)
    positions = tf.get_variable("positions", [t["length"], t["width"]], initializer=normal)
    h = tf.nn.embedding_lookup(tokens, x) + positions
    for i in range(t["layers"]):
        with tf.variable_scope("layer_%d" % i):
            h = h + _attention(tf, _layer_norm(tf, "norm_1", h), t["heads"])
            inner = _gelu(tf, _project(tf, "up", _layer_norm(tf, "norm_2", h), 4 * t["width"]))
            h = h + _project(tf, "down", inner, t["width"])
    logits = _project(tf, "logits", _layer_norm(tf, "norm", h), t["vocabulary"])
    loss = _mean_xent(tf, y, logits)
    train_op = tf.train.AdamOptimizer(t["learning_rate"]).minimize(loss)
    return (x, y), train_op, loss


def lstm(tf):
    """A language model: two LSTMs upon each other."""
    t = data.LSTM
    shape = [None, t["steps"]]
    x = tf.placeholder(tf.int32, shape, name="x")
    y = tf.placeholder(tf.int32, shape, name="y")
    with tf.variable_scope("model", initializer=tf.random_uniform_initializer(-0.1, 0.1)):
        words = tf.get_variable("words", [t["vocabulary"], t["units"]])
        cells = [tf.nn.rnn_cell.BasicLSTMCell(t["units"]) for _ in range(t["layers"])]
        cell = tf.nn.rnn_cell.MultiRNNCell(cells)
        outputs, _ = tf.nn.dynamic_rnn(cell, tf.nn.embedding_lookup(words, x), dtype=tf.float32)
        w = tf.get_variable("w", [t["units"], t["vocabulary"]])
        b = tf.get_variable("b", [t["vocabulary"]], initializer=tf.zeros_initializer())
    logits = tf.matmul(tf.reshape(outputs, [-1, t["units"]]), w) + b
    loss = _mean_xent(tf, tf.reshape(y, [-1]), logits)
    train_op = tf.train.AdamOptimizer(t["learning_rate"]).minimize(loss)
    return (x, y), train_op, loss


def word2vec(tf):
    """Skip-grams with noise-contrastive estimation: only rows that are looked up change."""
    t = data.WORD2VEC
    x = tf.placeholder(tf.int32, [t["batch"]], name="x")
    y = tf.placeholder(tf.int64, [t["batch"], 1], name="y")
    shape = [t["vocabulary"], t["width"]]
    embeddings = tf.get_variable("embeddings", shape, initializer=tf.random_uniform_initializer(-1.0, 1.0))
    stddev = 1.0 / math.sqrt(t["width"])
    weights = tf.get_variable("nce_w", shape, initializer=tf.truncated_normal_initializer(stddev=stddev))
    biases = tf.get_variable("nce_b", shape[:1], initializer=tf.zeros_initializer())
    losses = tf.nn.nce_loss(
        weights=weights,
        biases=biases,
        labels=y,
        inputs=tf.nn.embedding_lookup(embeddings, x),
        num_sampled=t["negatives"],
        num_classes=t["vocabulary"],
    )
    loss = tf.reduce_mean(losses)
    train_op = tf.train.AdagradOptimizer(t["learning_rate"]).minimize(loss)
    return (x, y), train_op, loss


def resnet50(tf):
    """Slim's ResNet-50, with the moving averages of its batch normalization; the mean of the logits stands for a loss."""
    from importlib import import_module

    t = data.RESNET
    if hasattr(tf, "install"):  # Retrograph: makes it what the name tensorflow stands for
        tf.install()
    nets = import_module("tensorflow.contrib.slim.nets")
    x = tf.placeholder(tf.float32, [t["batch"], t["side"], t["side"], 3], name="x")
    with tf.contrib.slim.arg_scope(nets.resnet_utils.resnet_arg_scope()):
        logits, _ = nets.resnet_v1.resnet_v1_50(x, t["classes"], is_training=False)
    loss = tf.reduce_mean(logits)
    return (x,), loss, loss


MODELS = {
    "mlp": mlp,
    "convnet": convnet,
    "transformer": transformer,
    "lstm": lstm,
    "word2vec": word2vec,
    "resnet50": resnet50,
}


class Trainer:
    """One model in a session; `step()` trains on the next batch and gives the loss."""

    def __init__(self, tf, model):
        self.batches = data.INPUTS[model]()
        self.graph = tf.Graph()
        with self.graph.as_default():
            tf.set_random_seed(0)
            self.feeds, self.train_op, self.loss = MODELS[model](tf)
            init = tf.global_variables_initializer()
        self.session = tf.Session(graph=self.graph)
        self.session.run(init)
        self.count = 0

    def step(self):
        batch = self.batches[self.count % len(self.batches)]
        self.count += 1
        return float(self.session.run([self.loss, self.train_op], dict(zip(self.feeds, batch)))[0])
