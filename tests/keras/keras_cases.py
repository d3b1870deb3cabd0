"""Programs of tf.keras that run under TF 1.15 (Python 3.7) and under Retrograph; each returns facts that JSON can hold.

`tools/record_keras.py` writes what TF says into `tests/golden/keras.json`.
"""

import hashlib

import numpy as np


def numbers(value):
    """A few numbers that tell an array."""
    array = np.asarray(value)
    if array.dtype == bool or array.dtype.kind in "iu":
        array = array.astype(np.int64)
    flat = array.ravel()
    return [list(array.shape), [round(float(x), 5) for x in flat[:6]], round(float(flat.astype(np.float64).sum()), 5)]


def operations(tf):
    """(how many, a hash of all names and types)."""
    rows = [f"{o.name}:{o.type}" for o in tf.get_default_graph().get_operations()]
    return [len(rows), hashlib.md5("\n".join(rows).encode()).hexdigest()]


def variables(tf):
    return [f"{v.name} {v.shape.as_list()}" for v in tf.global_variables()]


def facts(tf, tensors, feeds=None):
    """Names, operations, variables and values of tensors."""
    tensors = tensors if isinstance(tensors, (list, tuple)) else [tensors]
    made = {"names": [t.name for t in tensors], "shapes": [str(t.shape) for t in tensors], "ops": operations(tf)}
    made["variables"] = variables(tf)
    session = tf.keras.backend.get_session()
    made["values"] = [numbers(v) for v in session.run(list(tensors), feeds)]
    return made


# name, class, arguments, shape of the input
LAYERS = [
    ("dense", "Dense", {"units": 3, "activation": "relu", "kernel_regularizer": "l2"}, (2, 4)),
    ("dense_3d", "Dense", {"units": 3, "use_bias": False}, (2, 5, 4)),
    ("conv1d", "Conv1D", {"filters": 2, "kernel_size": 3, "padding": "causal"}, (2, 6, 3)),
    ("conv1d_dilated", "Conv1D", {"filters": 2, "kernel_size": 3, "dilation_rate": 2}, (2, 6, 3)),
    ("conv2d", "Conv2D", {"filters": 2, "kernel_size": 3, "strides": 2, "activation": "tanh"}, (2, 7, 7, 3)),
    ("conv2d_dilated", "Conv2D", {"filters": 2, "kernel_size": 3, "dilation_rate": 2, "padding": "same"}, (2, 7, 7, 3)),
    ("conv3d", "Conv3D", {"filters": 2, "kernel_size": 2}, (1, 3, 3, 3, 2)),
    (
        "conv2d_transpose",
        "Conv2DTranspose",
        {"filters": 2, "kernel_size": 3, "strides": 2, "output_padding": 1},
        (1, 3, 3, 2),
    ),
    ("conv3d_transpose", "Conv3DTranspose", {"filters": 2, "kernel_size": 2, "padding": "same"}, (1, 2, 2, 2, 2)),
    ("separable1d", "SeparableConv1D", {"filters": 2, "kernel_size": 2}, (2, 5, 3)),
    ("separable2d", "SeparableConv2D", {"filters": 2, "kernel_size": 2, "depth_multiplier": 2}, (2, 5, 5, 3)),
    ("depthwise", "DepthwiseConv2D", {"kernel_size": 2, "padding": "same"}, (2, 5, 5, 3)),
    ("max_pool1d", "MaxPooling1D", {"pool_size": 2}, (2, 5, 3)),
    ("avg_pool1d", "AveragePooling1D", {"pool_size": 2, "padding": "same"}, (2, 5, 3)),
    ("max_pool2d", "MaxPooling2D", {"pool_size": 2, "strides": 1}, (2, 5, 5, 3)),
    ("avg_pool2d", "AveragePooling2D", {}, (2, 5, 5, 3)),
    ("max_pool3d", "MaxPooling3D", {}, (1, 4, 4, 4, 2)),
    ("avg_pool3d_first", "AveragePooling3D", {"data_format": "channels_first"}, (1, 2, 4, 4, 4)),
    ("global_max1d", "GlobalMaxPooling1D", {}, (2, 5, 3)),
    ("global_avg2d", "GlobalAveragePooling2D", {}, (2, 5, 5, 3)),
    ("flatten", "Flatten", {}, (2, 3, 4)),
    ("reshape", "Reshape", {"target_shape": (-1, 2)}, (2, 3, 4)),
    ("permute", "Permute", {"dims": (2, 1)}, (2, 3, 4)),
    ("repeat", "RepeatVector", {"n": 3}, (2, 4)),
    ("activation", "Activation", {"activation": "hard_sigmoid"}, (2, 4)),
    ("selu", "Activation", {"activation": "selu"}, (2, 4)),
    ("leaky", "LeakyReLU", {"alpha": 0.2}, (2, 4)),
    ("prelu", "PReLU", {"shared_axes": [1]}, (2, 3, 4)),
    ("elu", "ELU", {"alpha": 0.5}, (2, 4)),
    ("thresholded", "ThresholdedReLU", {"theta": 0.1}, (2, 4)),
    ("relu", "ReLU", {"max_value": 1.0, "negative_slope": 0.1, "threshold": 0.2}, (2, 4)),
    ("softmax", "Softmax", {"axis": 1}, (2, 3, 4)),
    ("batch_norm", "BatchNormalization", {}, (4, 3)),
    ("batch_norm_image", "BatchNormalization", {"center": False}, (2, 3, 3, 2)),
    ("layer_norm", "LayerNormalization", {}, (2, 3, 4)),
    ("layer_norm_axes", "LayerNormalization", {"axis": [1, 2]}, (2, 3, 4)),
    ("dropout", "Dropout", {"rate": 0.4, "seed": 3}, (4, 5)),
    ("spatial_dropout", "SpatialDropout1D", {"rate": 0.4, "seed": 3}, (4, 5, 3)),
    ("zero_pad1d", "ZeroPadding1D", {"padding": (1, 2)}, (2, 3, 4)),
    ("zero_pad2d", "ZeroPadding2D", {"padding": ((1, 0), (2, 1))}, (1, 2, 2, 2)),
    ("cropping1d", "Cropping1D", {"cropping": (1, 0)}, (2, 3, 4)),
    ("cropping2d", "Cropping2D", {"cropping": 1}, (1, 4, 4, 2)),
    ("upsampling1d", "UpSampling1D", {"size": 2}, (2, 3, 4)),
    ("upsampling2d", "UpSampling2D", {"size": (2, 3)}, (1, 2, 2, 2)),
    ("upsampling3d", "UpSampling3D", {}, (1, 2, 2, 2, 2)),
    ("embedding", "Embedding", {"input_dim": 7, "output_dim": 3}, (2, 4)),
    ("simple_rnn", "SimpleRNN", {"units": 3, "return_sequences": True}, (2, 4, 3)),
    ("lstm", "LSTM", {"units": 3, "return_state": True}, (2, 4, 3)),
    ("lstm_at_once", "LSTM", {"units": 3, "implementation": 2, "unroll": True, "go_backwards": True}, (2, 4, 3)),
    ("gru", "GRU", {"units": 3}, (2, 4, 3)),
    ("gru_after", "GRU", {"units": 3, "reset_after": True, "implementation": 2, "unroll": True}, (2, 4, 3)),
]


def layer(tf, class_name, options, shape, learning=None):
    tf.set_random_seed(7)
    if learning is not None:
        tf.keras.backend.set_learning_phase(learning)
    values = np.random.RandomState(0).randn(*shape).astype("float32")
    if class_name == "Embedding":
        values = np.abs(values * 3).astype("int32") % 7
    x = tf.constant(values)
    made = getattr(tf.keras.layers, class_name)(**options)
    outputs = made(x)
    found = facts(tf, outputs if isinstance(outputs, (list, tuple)) else [outputs])
    found["weights"] = [v.name for v in made.weights]
    found["trained"] = len(made.trainable_weights)
    found["updates"] = [u.name for u in made.updates]
    found["losses"] = [loss.name for loss in made.losses]
    found["config"] = sorted(made.get_config())
    again = type(made).from_config(made.get_config())
    found["again"] = again.name
    return found


def learning_phase_layers(tf):
    """Dropout and normalization under the placeholder of the learning phase."""
    tf.set_random_seed(2)
    x = tf.placeholder(tf.float32, (None, 3))
    y = tf.keras.layers.Dropout(0.5)(tf.keras.layers.BatchNormalization()(x))
    feeds = {x: np.arange(12).reshape(4, 3)}
    tested = facts(tf, y, feeds)
    phase = tf.keras.backend.learning_phase()
    tested["trained"] = numbers(tf.keras.backend.get_session().run(y, {x: feeds[x], phase: True}))
    return tested


def masks(tf):
    x = tf.keras.layers.Masking(0.0)(tf.constant([[[1.0, 2.0], [0.0, 0.0], [3.0, 1.0]]]))
    tf.set_random_seed(2)
    h = tf.keras.layers.LSTM(2, return_sequences=True)(x)
    g = tf.keras.layers.GlobalAveragePooling1D()(h)
    return facts(tf, [x, h, g, h._keras_mask])


def wrappers(tf):
    tf.set_random_seed(2)
    layers = tf.keras.layers
    x = tf.constant(np.random.RandomState(1).randn(2, 4, 3).astype("float32"))
    both = layers.Bidirectional(layers.LSTM(2, return_sequences=True), merge_mode="sum")(x)
    each = layers.TimeDistributed(layers.Dense(2))(x)
    stacked = layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)], return_sequences=True)(x)
    return facts(tf, [both, each, stacked])


def merging(tf):
    layers = tf.keras.layers
    a, b = tf.constant([[1.0, 2.0], [3.0, 4.0]]), tf.constant([[5.0, -6.0], [7.0, 0.5]])
    made = [getattr(layers, n)()([a, b]) for n in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")]
    made += [layers.Concatenate(axis=0)([a, b]), layers.dot([a, b], axes=1, normalize=True), layers.add([a, b, a])]
    return facts(tf, made)


def subclass(tf):
    class Scale(tf.keras.layers.Layer):
        def build(self, input_shape):
            self.factor = self.add_weight("factor", shape=[input_shape[-1]], initializer="ones", regularizer="l1")
            self.inner = tf.keras.layers.Dense(2, kernel_initializer="ones")
            super().build(input_shape)

        def call(self, inputs):
            self.add_loss(tf.reduce_sum(inputs), inputs=True)
            return self.inner(inputs * self.factor)

    with tf.name_scope("outer"):
        first, second = Scale(), Scale(trainable=False)
    x = tf.constant([[1.0, 2.0, 3.0]])
    with tf.variable_scope("v"):
        y = first(x)
    found = facts(tf, [y, second(x), first(x)])
    found["names2"] = [first.name, second.name]
    found["weights"] = [
        [v.name for v in s.weights] + [len(s.trainable_weights), len(s.losses)] for s in (first, second)
    ]
    return found


def activations(tf):
    x = tf.constant(np.linspace(-3, 3, 8).reshape(2, 4).astype("float32"))
    names = [
        "softmax",
        "elu",
        "selu",
        "softplus",
        "softsign",
        "relu",
        "tanh",
        "sigmoid",
        "exponential",
        "hard_sigmoid",
        "linear",
    ]
    return facts(tf, [tf.keras.activations.get(n)(x) for n in names])


def constraints(tf):
    w = tf.constant(np.random.RandomState(0).randn(3, 4).astype("float32"))
    found = tf.keras.constraints
    made = [found.MaxNorm(1.0)(w), found.non_neg()(w), found.UnitNorm(axis=1)(w), found.MinMaxNorm(0.5, 1.0, 0.3)(w)]
    made.append(found.get("max_norm")(w))
    return facts(tf, made)


LOSSES = "mse mae mape msle hinge squared_hinge categorical_hinge logcosh categorical_crossentropy binary_crossentropy kld poisson"
LOSS_CLASSES = "MeanSquaredError BinaryCrossentropy CategoricalCrossentropy Huber KLDivergence CosineSimilarity Hinge"


def _targets(tf):
    r = np.random.RandomState(0)
    y = (r.rand(6, 4) > 0.5).astype("float32")
    p = r.rand(6, 4).astype("float32")
    return tf.constant(y), tf.constant(p / p.sum(1, keepdims=True)), tf.constant(r.randint(0, 4, (6, 1))), tf.constant(r.rand(6).astype("float32"))  # fmt: skip


def losses(tf):
    y, p, s, w = _targets(tf)
    made = [getattr(tf.keras.losses, n)(y, p) for n in LOSSES.split()]
    made += [getattr(tf.keras.losses, n)()(y, p, sample_weight=w) for n in LOSS_CLASSES.split()]
    made.append(tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum")(s, p))
    made.append(tf.keras.losses.CategoricalCrossentropy(label_smoothing=0.1, reduction="none")(y, p))
    made.append(tf.keras.losses.sparse_categorical_crossentropy(s, tf.nn.softmax(p)))
    return facts(tf, made)


METRICS = "Accuracy BinaryAccuracy CategoricalAccuracy TopKCategoricalAccuracy MeanSquaredError RootMeanSquaredError Precision Recall AUC TruePositives FalsePositives TrueNegatives FalseNegatives CosineSimilarity"


def metrics(tf):
    y, p, s, w = _targets(tf)
    made = [getattr(tf.keras.metrics, n)() for n in METRICS.split()]
    results = [m(y, p) for m in made]
    results.append(tf.keras.metrics.SparseCategoricalAccuracy()(s, p, sample_weight=w))
    results.append(tf.keras.metrics.Mean()(p, sample_weight=w))
    results.append(tf.keras.metrics.AUC(curve="PR", num_thresholds=20)(y, p))
    results.append(tf.keras.metrics.MeanIoU(4)(s[:, 0], tf.argmax(p, -1)))
    found = facts(tf, results)
    found["variables"] = [[v.name for v in m.variables] for m in made]
    return found


OPTIMIZERS = [
    ("SGD", {"momentum": 0.9, "nesterov": True}), ("RMSprop", {"momentum": 0.5, "centered": True}), ("Adagrad", {}),
    ("Adadelta", {}), ("Adam", {"amsgrad": True, "decay": 0.1}), ("Adamax", {}), ("Nadam", {}), ("Ftrl", {}), ("SGD", {"clipvalue": 0.1}),
]  # fmt: skip


def optimizers(tf):
    K = tf.keras.backend
    x = tf.constant(np.random.RandomState(0).randn(5, 3).astype("float32"))
    made, updates = [], []
    for i, (name, options) in enumerate(OPTIMIZERS):
        v = K.variable(np.ones((3, 2)) * 0.3, name=f"v{i}")
        e = K.variable(np.ones((4, 2)) * 0.1, name=f"e{i}")
        loss = tf.reduce_sum(tf.square(tf.matmul(x, v) - 1.0)) + tf.reduce_sum(tf.gather(e, [0, 2, 2]) ** 2)
        optimizer = getattr(tf.keras.optimizers, name)(learning_rate=0.1, **options)
        updates += optimizer.get_updates(loss, [v] if "clipvalue" in options else [v, e])
        made.append((optimizer, v, e))
    session = K.get_session()
    for _ in range(3):
        session.run(updates)
    values = session.run([[v, e] for _, v, e in made])
    return [
        [[numbers(x) for x in values[i]], [w.name for w in optimizer.weights], sorted(optimizer.get_config())]
        for i, (optimizer, _, _) in enumerate(made)
    ]


def training(tf):
    """Compiling, fitting, evaluating; the names of all operations of training."""
    layers = tf.keras.layers
    tf.set_random_seed(3)
    np.random.seed(0)
    model = tf.keras.Sequential([
        layers.Dense(4, activation="relu", input_shape=(3,), kernel_regularizer="l2"), layers.Dropout(0.5), layers.BatchNormalization(), layers.Dense(2, activation="softmax"),
    ])  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy", "mse"])
    compiled = [o for o in operation_names(tf) if o.startswith(("loss", "metrics", "dense"))]
    x, y = np.random.rand(8, 3).astype("f"), np.random.randint(0, 2, (8,))
    found = {"compiled": [len(compiled), hashlib.md5("\n".join(compiled).encode()).hexdigest()]}
    history = model.fit(x, y, epochs=2, batch_size=3, validation_split=0.25, verbose=0)
    found["history"] = {k: numbers(v) for k, v in history.history.items()}
    found["names"] = model.metrics_names
    found["variables"] = variables(tf)
    found["slots"] = [w.name for w in model.optimizer.weights]
    lines = []
    model.summary(print_fn=lines.append)
    found["summary"] = lines
    return found


def operation_names(tf):
    return [f"{o.name}:{o.type}" for o in tf.get_default_graph().get_operations()]


def functional(tf):
    layers = tf.keras.layers
    tf.set_random_seed(5)
    a, b = tf.keras.Input((3,), name="a"), tf.keras.Input((3,))
    shared = layers.Dense(4, name="h")
    x = layers.Add()([shared(a), shared(b)])
    out = [layers.Dense(1, activation="sigmoid", name="o1")(x), layers.Dense(2, name="o2")(tf.nn.relu(x))]
    model = tf.keras.Model([a, b], out)
    lines = []
    model.summary(print_fn=lines.append)
    called = model([tf.ones((2, 3)), tf.zeros((2, 3))])
    model.compile(
        "sgd",
        {"o1": "binary_crossentropy", "o2": "mse"},
        loss_weights=[1.0, 0.2],
        metrics={"o2": ["mae"]},
        weighted_metrics=["mse"],
    )
    found = facts(tf, called)
    r = np.random.RandomState(0)
    batch = [r.rand(6, 3), r.rand(6, 3)], [r.randint(0, 2, (6,)), r.rand(6, 2)]
    weights = {"o1": np.linspace(0, 1, 6), "o2": np.ones(6)}
    found["test"] = numbers(model.test_on_batch(*batch, sample_weight=weights))
    found["names"] = model.metrics_names
    found["summary"] = lines
    found["layers"] = [one.name for one in model.layers]
    return found


def subclassed(tf):
    class Net(tf.keras.Model):
        def __init__(self):
            super().__init__()
            self.first = tf.keras.layers.Dense(3, activation="relu")
            self.rest = [tf.keras.layers.Dense(2), tf.keras.layers.Dropout(0.5)]

        def call(self, inputs, training=None):
            x = self.first(inputs)
            for one in self.rest:
                x = one(x)
            return x

    tf.set_random_seed(1)
    net = Net()
    made = net(tf.ones((2, 3)), training=True)
    found = facts(tf, made)
    other = Net()
    other.compile(tf.train.GradientDescentOptimizer(0.1), "mse")
    np.random.seed(2)
    history = other.fit(np.ones((4, 3)), np.zeros((4, 2)), verbose=0, epochs=2)
    found["loss"] = numbers(history.history["loss"])
    found["names"] += [net.name, other.name] + [v.name for v in other.weights] + other.input_names + other.output_names
    return found


def backend(tf):
    K = tf.keras.backend
    r = np.random.RandomState(0)
    x, y = K.constant(r.rand(2, 3, 4)), K.constant(r.rand(2, 4, 5))
    made = [
        K.batch_dot(x, y), K.batch_dot(x, y, axes=(2, 1)), K.dot(x, y[0]), K.mean(x > 0.5, axis=1), K.std(x), K.var(x, axis=1), K.clip(x, 0.2, 0.5), K.sqrt(x),
        K.repeat_elements(x, 2, 1), K.batch_flatten(x), K.any(x, axis=0), K.one_hot(K.constant([0, 2], dtype="int32"), 3), K.l2_normalize(x, 1), K.arange(5),
        K.switch(K.greater(x, 0.5), x, -x), K.in_train_phase(x, -x), K.relu(x, 0.1, 0.5, 0.2), K.categorical_crossentropy(x, x), K.bias_add(x, K.constant(r.rand(4))),
        K.squeeze(K.expand_dims(x), -1), K.concatenate([x, x]), K.resize_images(K.constant(r.rand(1, 2, 2, 1)), 2, 2, "channels_last"), K.hard_sigmoid(x), K.elu(x, 0.5),
        K.ctc_batch_cost(K.constant([[0, 1]], dtype="int32"), K.softmax(K.constant(r.rand(1, 4, 3))), K.constant([[4]], dtype="int32"), K.constant([[2]], dtype="int32")),
    ]  # fmt: skip
    found = facts(tf, made)
    found.pop("ops")  # ctc's helpers make other operations
    v = K.variable([1.0, 2.0], name="v")
    f = K.function([x], [K.sum(x)], updates=[(v, v + 1.0)])
    found["function"] = [[numbers(o) for o in f([np.ones((2, 3, 4))])] for _ in range(2)]
    K.set_value(v, [7.0, 8.0])
    found["state"] = [numbers(K.get_value(v)), K.int_shape(x), K.ndim(x), K.dtype(x), K.floatx(), K.epsilon(), K.image_data_format(), K.get_uid("a"), K.get_uid("a")]  # fmt: skip
    return found


def arrays(tf):
    """What needs no graph."""
    utils, text, sequence = tf.keras.utils, tf.keras.preprocessing.text, tf.keras.preprocessing.sequence
    tokens = text.Tokenizer(num_words=5, oov_token="?")
    texts = ["The cat, the dog.", "A cat!"]
    tokens.fit_on_texts(texts)
    return {
        "categorical": numbers(utils.to_categorical([[0], [2], [1]])), "normalize": numbers(utils.normalize(np.arange(6.0).reshape(2, 3))),
        "pad": [numbers(sequence.pad_sequences([[1], [2, 3, 4]], maxlen=2, padding=p, truncating=p)) for p in ("pre", "post")],
        "words": [tokens.word_index, tokens.texts_to_sequences(texts + ["new words"]), tokens.sequences_to_texts([[1, 2, 3]])],
        "matrix": [numbers(tokens.texts_to_matrix(texts, mode=m)) for m in ("binary", "count", "freq", "tfidf")],
        "series": numbers(sequence.TimeseriesGenerator(np.arange(10), np.arange(10), 3, batch_size=4)[0][0]),
    }  # fmt: skip


ERRORS = [
    ("dense_unknown", lambda k, tf: k.layers.Dense(2)(tf.placeholder(tf.float32, [None, None]))),
    ("dense_int", lambda k, tf: k.layers.Dense(2)(tf.constant([[1, 2]]))),
    ("keyword", lambda k, tf: k.layers.Dense(2, foo=1)),
    ("ndim", lambda k, tf: k.layers.Conv2D(2, 3)(tf.zeros((2, 3)))),
    ("add_one", lambda k, tf: k.layers.Add()([tf.zeros((2, 3))])),
    ("add_shapes", lambda k, tf: k.layers.Add()([tf.zeros((2, 3)), tf.zeros((2, 4))])),
    ("concat", lambda k, tf: k.layers.Concatenate()([tf.zeros((2, 3)), tf.zeros((1, 3))])),
    ("permute", lambda k, tf: k.layers.Permute((0, 1))),
    ("reshape", lambda k, tf: k.layers.Reshape((5,)).compute_output_shape((None, 3, 4))),
    ("activation", lambda k, tf: k.layers.Activation("foo")),
    ("initializer", lambda k, tf: k.layers.Dense(2, kernel_initializer="foo")),
    ("constraint", lambda k, tf: k.constraints.get("foo")),
    ("optimizer", lambda k, tf: k.optimizers.get("foo")),
    ("optimizer_kw", lambda k, tf: k.optimizers.SGD(foo=1)),
    ("momentum", lambda k, tf: k.optimizers.SGD(momentum=2.0)),
    ("loss", lambda k, tf: k.losses.get("foo")),
    ("metric", lambda k, tf: k.metrics.get("foo")),
    ("reduction", lambda k, tf: k.losses.MeanSquaredError(reduction="foo")),
    ("phase", lambda k, tf: k.backend.set_learning_phase(3)),
    ("floatx", lambda k, tf: k.backend.set_floatx("int8")),
    ("input", lambda k, tf: k.Input()),
    ("sequential", lambda k, tf: k.Sequential(["x"])),
    ("summary", lambda k, tf: k.Sequential([k.layers.Dense(2)]).summary()),
    ("weights", lambda k, tf: k.Sequential([k.layers.Dense(2)]).weights),
    ("not_compiled", lambda k, tf: k.Sequential([k.layers.Dense(2, input_shape=(3,))]).fit(np.ones((2, 3)), np.ones((2, 2)))),
    ("no_layer", lambda k, tf: k.Sequential([k.layers.Dense(2)]).get_layer("q")),
    ("set_weights", lambda k, tf: k.Sequential([k.layers.Dense(2, input_shape=(3,))]).set_weights([np.ones(3)])),
    ("rnn_cell", lambda k, tf: k.layers.RNN(3)),
    ("unroll", lambda k, tf: k.layers.LSTM(2, unroll=True)(tf.placeholder(tf.float32, [2, None, 3]))),
    ("stateful", lambda k, tf: k.layers.LSTM(2, stateful=True)(tf.placeholder(tf.float32, [None, 2, 3]))),
    ("merge_mode", lambda k, tf: k.layers.Bidirectional(k.layers.LSTM(2), merge_mode="foo")),
    ("placeholder", lambda k, tf: k.backend.placeholder(sparse=True, ragged=True)),
    ("disconnected", lambda k, tf: k.Model(k.Input((2,)), k.layers.Dense(2)(k.Input((2,))))),
]  # fmt: skip


def error(tf, function):
    try:
        function(tf.keras, tf)
    except Exception as e:
        return [type(e).__name__, " ".join(str(a) for a in e.args)[:60]]
    return None


def all_cases():
    cases = {"layer/" + name: (lambda tf, row=row: layer(tf, *row)) for name, *row in LAYERS}
    for name, *row in LAYERS:
        if name in ("batch_norm", "batch_norm_image", "dropout", "spatial_dropout"):
            cases["layer/" + name + "_training"] = lambda tf, row=row: layer(tf, *row, learning=1)
    plain = (learning_phase_layers, masks, wrappers, merging, subclass, activations, constraints, losses, metrics, optimizers, training, functional, subclassed, backend, arrays)  # fmt: skip
    cases.update({f.__name__: f for f in plain})
    cases["errors"] = lambda tf: {name: error(tf, f) for name, f in ERRORS}
    return cases
