"""`tf.contrib.learn`'s estimators: variables, metrics and predictions after a few steps from known values."""

import tempfile

import numpy as np

X = np.array([[0.5, -1.0], [1.5, 2.0], [-0.5, 0.25], [2.0, -2.0], [0.0, 1.0], [-1.0, -1.5]], np.float32)
Y = np.array([0, 1, 0, 1, 2, 2], np.int64)
CASES = {}


def case(f):
    CASES[f.__name__] = f
    return f


def _plain(value):
    if isinstance(value, dict):
        return {str(key): _plain(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode()
    value = np.asarray(value)
    return value.tolist() if value.dtype.kind in "iu" else [float(f"{v:.6g}") for v in value.ravel()]


class Preset:
    """Starts variables from numbers that follow from their shapes: drawn ones would follow the seeds of operations."""

    def __init__(self, tf):
        self.tf = tf

    def hook(self):
        tf = self.tf

        class Hook(tf.train.SessionRunHook):
            def begin(self):
                self.ops = []
                for v in tf.trainable_variables():
                    count = int(np.prod(v.shape.as_list()))
                    start = ((np.arange(count) * 7 % 11) - 4.7).reshape(v.shape.as_list()) / 10
                    self.ops.append(v.assign(start.astype("f")))

            def after_create_session(self, session, coord):
                if session.run(tf.train.get_global_step()) == 0:
                    session.run(self.ops)

        return Hook()


def trained(tf, model, x=X, y=Y, steps=3, **evaluation):
    model.fit(x, y, steps=steps, batch_size=4, monitors=[Preset(tf).hook()])
    names = model.get_variable_names()
    return {
        "variables": {name: _plain(model.get_variable_value(name)) for name in names},
        "metrics": _plain(model.evaluate(x, y, batch_size=2, **evaluation)),
        "predicted": _plain(
            list(model.predict(x[:3] if not isinstance(x, dict) else {k: v[:3] for k, v in x.items()}))
        ),
    }


def columns(tf):
    return [tf.contrib.layers.real_valued_column("", dimension=2)]


@case
def dnn_classes(tf):
    learn = tf.contrib.learn
    metrics = {
        "mine": learn.MetricSpec(tf.contrib.metrics.streaming_accuracy, prediction_key="classes"),
    }
    return trained(tf, learn.DNNClassifier([3], columns(tf), n_classes=3), metrics=metrics)


@case
def dnn_binary(tf):
    model = tf.contrib.learn.DNNClassifier([3], columns(tf))
    pair = {("pair", "classes"): tf.contrib.metrics.streaming_accuracy}
    return trained(tf, model, y=Y % 2, metrics=pair)


@case
def names_with_centered_bias(tf):
    model = tf.contrib.learn.DNNClassifier([3], columns(tf), enable_centered_bias=True)
    model.fit(X, Y % 2, steps=1)
    return sorted(model.get_variable_names())


@case
def dnn_regression(tf):
    optimizer = tf.train.GradientDescentOptimizer(0.05)
    model = tf.contrib.learn.DNNRegressor(
        [3, 2],
        tf.contrib.learn.infer_real_valued_columns_from_input(X),
        optimizer=optimizer,
        activation_fn=tf.tanh,
        gradient_clip_norm=0.5,
    )
    return trained(tf, model, y=Y.astype(np.float32))


@case
def linear_weighted(tf):
    layers = tf.contrib.layers
    given = {"a": X[:, :1], "b": X[:, 1:], "w": np.array([1, 2, 3, 1, 0.5, 1], np.float32)}
    both = [layers.real_valued_column("a"), layers.bucketized_column(layers.real_valued_column("b"), [-1.0, 0.5])]
    model = tf.contrib.learn.LinearRegressor(both, weight_column_name="w", optimizer="Adam")
    return trained(tf, model, x=given, y=Y[:, None])


@case
def combined(tf):
    model = tf.contrib.learn.DNNLinearCombinedClassifier(
        n_classes=3, linear_feature_columns=columns(tf), dnn_feature_columns=columns(tf), dnn_hidden_units=[2]
    )
    return trained(tf, model)


@case
def own_model(tf):
    def model_fn(features, labels, mode, params):
        w = tf.get_variable("w", [2, 1])
        scores = tf.matmul(features, w)
        if mode == tf.contrib.learn.ModeKeys.INFER:
            return tf.contrib.learn.ModelFnOps(mode, predictions=scores)
        loss = tf.reduce_mean((scores[:, 0] - tf.cast(labels, tf.float32)) ** 2)
        step = tf.train.GradientDescentOptimizer(params["rate"]).minimize(loss, tf.train.get_global_step())
        return scores, loss, step

    model = tf.contrib.learn.Estimator(model_fn, params={"rate": 0.1}, model_dir=tempfile.mkdtemp())
    found = trained(tf, model)
    compat = tf.contrib.learn.SKCompat(model)
    found["compat"] = [_plain(compat.score(X, Y)), _plain(compat.predict(X, batch_size=4))]
    return found


@case
def input_functions(tf):
    def input_fn():
        return {"x": tf.constant(X)}, tf.constant(Y)

    column = tf.contrib.layers.real_valued_column("x", dimension=2)
    model = tf.contrib.learn.DNNClassifier([2], [column], n_classes=3)
    model.fit(input_fn=input_fn, steps=2, monitors=[Preset(tf).hook()])
    scores = list(model.predict_proba(input_fn=lambda: {"x": tf.constant(X[:2])}))
    together = model.predict(input_fn=lambda: {"x": tf.constant(X)}, as_iterable=False)
    return [_plain(model.evaluate(input_fn=input_fn, steps=1)), _plain(scores), _plain(together)]


def _refused(call):
    def run(tf):
        with tempfile.TemporaryDirectory() as folder:
            try:
                call(tf, folder)
            except Exception as error:
                return [type(error).__name__, str(error).split(":")[0].split(" (<")[0].replace(folder, "")]
        return None

    return run


def _dnn(tf, folder):
    return tf.contrib.learn.DNNClassifier([2], columns(tf), model_dir=folder)


CASES["nothing_given"] = _refused(lambda tf, d: _dnn(tf, d).fit(steps=1))
CASES["both_given"] = _refused(lambda tf, d: _dnn(tf, d).fit(x=X, input_fn=lambda: None, steps=1))
CASES["two_counts"] = _refused(lambda tf, d: _dnn(tf, d).fit(x=X, y=Y, steps=1, max_steps=2))
CASES["one_class"] = _refused(lambda tf, d: tf.contrib.learn.DNNClassifier([2], columns(tf), n_classes=1))
CASES["not_trained"] = _refused(lambda tf, d: _dnn(tf, d).evaluate(x=X, y=Y, steps=1))
CASES["not_trained_to_predict"] = _refused(lambda tf, d: list(_dnn(tf, d).predict(x=X)))
CASES["no_params"] = _refused(lambda tf, d: tf.contrib.learn.Estimator(lambda features, labels: 0, params={"a": 1}))
CASES["metrics_no_dict"] = _refused(lambda tf, d: _dnn(tf, d).evaluate(x=X, y=Y, metrics=[1]))
CASES["keys_of_two"] = _refused(lambda tf, d: tf.contrib.learn.multi_class_head(2, label_keys=["a", "b"]))
CASES["bad_activation"] = _refused(
    lambda tf, d: tf.contrib.learn.DNNClassifier([2], columns(tf), activation_fn="x", model_dir=d).fit(X, Y, steps=1)
)


def recorded(tf, name):
    tf.logging.set_verbosity(tf.logging.FATAL)
    with tf.Graph().as_default():
        return CASES[name](tf)
