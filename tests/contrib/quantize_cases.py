"""`tf.contrib.quantize`: layers with and without batch norms, sums beside layers, activations after sums."""

CASES = {}


def case(f):
    CASES[f.__name__] = f
    return f


def images(tf):
    return tf.constant(
        [[[[float((7 * i + 5 * j + 3 * k) % 11 - 5) for k in range(3)] for j in range(6)] for i in range(6)]] * 2
    )


def numbered(tf):
    """An initializer of a few different numbers: random ones would differ by the seeds of operations."""

    def init(shape, dtype=None, partition_info=None):
        count = 1
        for size in shape:
            count *= int(size)
        return tf.reshape(tf.constant([((37 * i) % 101 - 51.3) / 83.0 for i in range(count)]), shape)

    return init


def network(tf, training, resource=False, plain=False):
    slim = tf.contrib.slim
    tf.get_variable_scope().set_use_resource(resource)
    norm = None if plain else slim.batch_norm
    params = {} if plain else {"is_training": training, "decay": 0.9, "scale": True}
    with slim.arg_scope([slim.conv2d, slim.separable_conv2d, slim.fully_connected], weights_initializer=numbered(tf)):
        with slim.arg_scope([slim.conv2d, slim.separable_conv2d], normalizer_fn=norm, normalizer_params=params):
            x = slim.conv2d(images(tf), 4, 3, activation_fn=tf.nn.relu6, scope="conv")
            x = slim.separable_conv2d(x, None, 3, 1, scope="depthwise")
            beside = slim.conv2d(x, 4, 1, activation_fn=None, scope="beside")
            x = tf.nn.relu(beside + x, name="sum")
            x = slim.conv2d(x, 4, 1, scope="more") + x
        x = tf.reduce_mean(x, [1, 2])
        return slim.fully_connected(x, 3, activation_fn=None, scope="logits")


@case
def train(tf):
    y = network(tf, True)
    tf.contrib.quantize.create_training_graph()
    return ([y], [v for v in tf.global_variables() if "quant" in v.op.name])


@case
def delayed_dense(tf):
    y = tf.layers.dense(tf.constant([[1.0, -2.0]]), 3, tf.nn.relu, kernel_initializer=numbered(tf))
    tf.contrib.quantize.create_training_graph(quant_delay=2)
    return ([y], [y])


@case
def gradients(tf):
    x = tf.layers.conv2d(images(tf), 4, 3, use_bias=False, kernel_initializer=numbered(tf))
    x = tf.nn.relu(tf.layers.batch_normalization(x, training=True))
    tf.contrib.quantize.create_training_graph(tf.get_default_graph())
    return [tf.norm(g) for g in tf.gradients(tf.reduce_sum(x * x), tf.trainable_variables())]


def unfused(tf, training, **params):
    slim = tf.contrib.slim
    params = dict(params, is_training=training, fused=False, decay=0.9)
    with (
        slim.arg_scope([slim.conv2d, slim.separable_conv2d], weights_initializer=numbered(tf)),
        slim.arg_scope([slim.conv2d, slim.separable_conv2d], normalizer_fn=slim.batch_norm, normalizer_params=params),
    ):
        x = slim.conv2d(images(tf), 4, 3, scope="conv")
        x = slim.separable_conv2d(x, None, 3, 1, scope="depthwise")
        return slim.fully_connected(x[:, 0, 0], 2, activation_fn=tf.nn.relu6, scope="dense")


@case
def unfused_train(tf):
    unfused(tf, True, scale=True)
    tf.contrib.quantize.create_training_graph()


@case
def unfused_frozen(tf):
    unfused(tf, True)
    tf.contrib.quantize.experimental_create_training_graph(freeze_bn_delay=3)


@case
def unfused_eval(tf):
    y = unfused(tf, False)
    tf.contrib.quantize.create_eval_graph()
    return [y]


@case
def delayed(tf):
    network(tf, True)
    tf.contrib.quantize.create_training_graph(quant_delay=2)


@case
def frozen(tf):
    network(tf, True)
    tf.contrib.quantize.experimental_create_training_graph(freeze_bn_delay=2, weight_bits=4, symmetric=True)


@case
def evaluated(tf):
    y = network(tf, False)
    tf.contrib.quantize.create_eval_graph()
    return [y]


@case
def resources(tf):
    network(tf, True, resource=True)
    tf.contrib.quantize.create_training_graph()


@case
def without_batch_norms(tf):
    y = network(tf, True, plain=True)
    tf.contrib.quantize.experimental_create_training_graph(activation_bits=6)
    return ([y], [y])


@case
def in_scope(tf):
    with tf.variable_scope("net"):
        network(tf, True)
    tf.contrib.quantize.experimental_create_training_graph(scope="net/conv")


@case
def in_scope_eval(tf):
    with tf.variable_scope("net"):
        network(tf, False)
    tf.contrib.quantize.experimental_create_eval_graph(scope="net", symmetric=True)


@case
def dense(tf):
    x = tf.constant([[1.0, -2.0], [0.5, 3.0]])
    y = tf.layers.dense(x, 3, tf.nn.relu, kernel_initializer=numbered(tf))
    y = tf.layers.batch_normalization(tf.layers.dense(y, 2, kernel_initializer=numbered(tf)))
    tf.contrib.quantize.create_eval_graph()
    return [y]


@case
def convolutions(tf):
    x = tf.layers.conv2d(images(tf), 4, 3, use_bias=False, kernel_initializer=numbered(tf), name="a")
    x = tf.layers.batch_normalization(x, training=True, name="b")
    x = tf.layers.conv2d(tf.nn.relu(x), 2, 2, kernel_initializer=numbered(tf), name="c")
    tf.contrib.quantize.create_training_graph()
    return ([x], [x])


@case
def with_an_optimizer(tf):
    y = network(tf, True)
    tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_sum(y))
    tf.contrib.quantize.create_training_graph()


# Of gradients, operations differ where the gradient is the one of the lowering.
VALUES_ONLY = ("gradients",)
