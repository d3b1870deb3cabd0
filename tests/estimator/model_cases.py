"""Programs with ready-made models, heads and strategies: TF 1.15 (Python 3.7) and Retrograph run the same ones."""

# ruff: noqa: UP031, E731, RET504 - it runs under Python 3.7 too, and the cases are short

import json
import os
import shutil
import tempfile

import numpy as np

_RANDOM = np.random.RandomState(0)
_N = 12
_DATA = {
    "x": _RANDOM.randn(_N, 2).astype(np.float32),
    "y": _RANDOM.randn(_N).astype(np.float32),
    "c": np.array(["a", "b", "z", "q"] * 3),
    "h": np.array(["u%d" % (i % 5) for i in range(_N)]),
    "w": (_RANDOM.rand(_N) + 0.5).astype(np.float32),
}
_LABELS = {
    "bin": np.array([0, 1] * 6),
    "multi": np.array([0, 1, 2] * 4),
    "reg": _RANDOM.randn(_N).astype(np.float32),
    "reg2": _RANDOM.randn(_N, 2).astype(np.float32),
    "voc": np.array(["no", "yes"] * 6),
    "one": np.array([[1, 0, 1]] * 6 + [[0, 1, 1]] * 6),
    "prob": _RANDOM.rand(_N).astype(np.float32),
    "count": np.arange(_N),
}


def _rounded(values):
    return {str(k): round(float(v), 4) for k, v in sorted(values.items(), key=str)}


def _error(call):
    try:
        call()
    except Exception as error:
        return "%s: %s" % (type(error).__name__, str(error)[:45])
    return "none"


def _columns(tf):
    fc = tf.feature_column
    number = fc.numeric_column("x", shape=(2,))
    words = fc.categorical_column_with_vocabulary_list("c", ["a", "b", "z"])
    hashed = fc.categorical_column_with_hash_bucket("h", 7)
    buckets = fc.bucketized_column(fc.numeric_column("y"), [0.0, 1.0])
    crossed = fc.crossed_column(["c", "h"], 5)
    shared = fc.shared_embedding_columns([words, fc.categorical_column_with_vocabulary_list("d", ["a", "b", "z"])], 2)
    return {
        "dnn": [number, fc.embedding_column(words, 3), fc.indicator_column(words)],
        "linear": [number, words, hashed, buckets, crossed],
        "embedded": [fc.embedding_column(hashed, 2), words],
        "shared": [number] + shared,
        "number": [number],
    }


def _models(tf):
    e, c, columns = tf.estimator, tf.contrib.estimator, _columns(tf)
    dnn, linear = columns["dnn"], columns["linear"]
    both = {"linear_feature_columns": linear, "dnn_feature_columns": dnn, "dnn_hidden_units": [4]}
    vocabulary = {"label_vocabulary": ["no", "yes"]}
    mean = tf.losses.Reduction.SUM_OVER_BATCH_SIZE
    return {
        "dnn": ("bin", lambda **k: e.DNNClassifier([4, 3], dnn, **k)),
        "dnn_norm": (
            "multi",
            lambda **k: e.DNNClassifier(
                [4, 3], dnn, n_classes=3, batch_norm=True, weight_column="w", optimizer="Adam", **k
            ),
        ),
        "dnn_dropout": (
            "voc",
            lambda **k: e.DNNClassifier(
                [4], dnn, dropout=0.3, optimizer="SGD", activation_fn=tf.tanh, **dict(k, **vocabulary)
            ),
        ),
        "dnn_shared": ("reg", lambda **k: e.DNNRegressor([4], columns["shared"], weight_column="w", **k)),
        "dnn_two": ("reg2", lambda **k: e.DNNRegressor([4], dnn, label_dimension=2, loss_reduction=mean, **k)),
        "linear": ("bin", lambda **k: e.LinearClassifier(linear, **k)),
        "linear_multi": ("multi", lambda **k: e.LinearClassifier(linear, n_classes=3, weight_column="w", **k)),
        "linear_embedded": ("reg", lambda **k: e.LinearRegressor(columns["embedded"], sparse_combiner="mean", **k)),
        "linear_shared": ("reg", lambda **k: e.LinearRegressor(columns["shared"], **k)),
        "both": ("bin", lambda **k: e.DNNLinearCombinedClassifier(**dict(k, **both))),
        "both_regression": ("reg", lambda **k: e.DNNLinearCombinedRegressor(dnn_dropout=0.2, **dict(k, **both))),
        "constant": ("multi", lambda **k: e.BaselineClassifier(n_classes=3, **k)),
        "constant_number": ("reg", lambda **k: e.BaselineRegressor(weight_column="w", **k)),
        "multi_label": (
            "one",
            lambda **k: e.DNNEstimator(
                c.multi_label_head(
                    3, weight_column="w", thresholds=[0.3], name="m", classes_for_class_based_metrics=[0, 2]
                ),
                [4],
                columns["number"],
                **k,
            ),
        ),
        "thresholds": (
            "bin",
            lambda **k: e.LinearEstimator(c.binary_classification_head(thresholds=[0.25], name="b"), linear, **k),
        ),
        "poisson": ("bin", lambda **k: e.LinearEstimator(c.poisson_regression_head(), columns["number"], **k)),
        "logistic": ("bin", lambda **k: e.BaselineEstimator(c.logistic_regression_head(), **k)),
    }


def _input_fn(tf, label):
    def input_fn():
        features = dict(_DATA, d=_DATA["c"])
        return tf.data.Dataset.from_tensor_slices((features, _LABELS[label])).batch(6)

    return input_fn


def _graph_of(tf, name, mode):
    """The names of what a model makes."""
    label, make = _models(tf)[name]
    estimator = make(model_dir=tempfile.gettempdir())
    with tf.Graph().as_default():
        tf.train.create_global_step()
        features = {
            k: tf.placeholder((v.dtype.kind == "U" and tf.string) or v.dtype, (None,) + v.shape[1:], name="in_" + k)
            for k, v in dict(_DATA, d=_DATA["c"]).items()
        }
        labels = _LABELS[label]
        labels = tf.placeholder(
            (labels.dtype.kind == "U" and tf.string) or labels.dtype, (None,) + labels.shape[1:], name="labels"
        )
        spec = estimator.model_fn(features, None if mode == "infer" else labels, mode, estimator.config)
        found = {
            "variables": [[v.name, v.op.type, v.shape.as_list()] for v in tf.global_variables()],
            "trained": [v.name for v in tf.trainable_variables()],
            "local": [v.name for v in tf.local_variables()],
            "summaries": [s.op.name for s in tf.get_collection("summaries")],
            "metrics": sorted(spec.eval_metric_ops or ()),
            "predictions": sorted(spec.predictions),
            "exports": sorted([k, type(v).__name__] for k, v in (spec.export_outputs or {}).items()),
            "tables": len(tf.get_collection("table_initializer")),
        }
    return found


def _graphs(name):
    def case(tf):
        found = {mode: _graph_of(tf, name, mode) for mode in ("train", "eval", "infer")}
        for mode in ("eval", "infer"):
            for key in ("variables", "trained", "summaries"):
                del found[mode][key]
        del found["train"]["local"], found["train"]["metrics"], found["train"]["exports"]
        return found

    return case


def _trained(name, steps):
    def case(tf):
        label, make = _models(tf)[name]
        folder = tempfile.mkdtemp()
        estimator = make(config=tf.estimator.RunConfig(folder, tf_random_seed=7))
        estimator.train(_input_fn(tf, label), steps=steps)
        found = {"eval": _rounded(estimator.evaluate(_input_fn(tf, label)))}
        prediction = next(estimator.predict(_input_fn(tf, label)))
        key = "predictions" if "predictions" in prediction else "probabilities"
        found["prediction"] = np.round(prediction[key].astype(float), 4).tolist()
        found["sums"] = _rounded({v: np.sum(estimator.get_variable_value(v)) for v in estimator.get_variable_names()})
        shutil.rmtree(folder, ignore_errors=True)
        return found

    return case


# ---- heads


def _heads(tf):
    e = tf.estimator
    two = lambda: e.MultiHead(
        [e.BinaryClassHead(name="bin"), e.MultiClassHead(3, name="multi")], head_weights=[1.0, 0.5]
    )
    return {
        "binary": ("voc", lambda: e.BinaryClassHead("w", [0.25], ["no", "yes"], name="h")),
        "multi": ("multi", lambda: e.MultiClassHead(3, weight_column="w")),
        "number": ("reg", lambda: e.RegressionHead(weight_column="w")),
        "poisson": ("count", lambda: e.PoissonRegressionHead()),
        "logistic": ("prob", lambda: e.LogisticRegressionHead()),
        "multi_label": ("one", lambda: e.MultiLabelHead(3, "w", [0.4], classes_for_class_based_metrics=[0, 2])),
        "several": (("bin", "multi"), two),
    }


def _head(name):
    def case(tf):
        label, make = _heads(tf)[name]
        found = {}
        for mode in ("train", "eval", "infer"):
            with tf.Graph().as_default():
                head = make()
                size = head.logits_dimension
                start = np.linspace(-1, 1, 2 * size).reshape(2, size).astype(np.float32)
                weights = tf.get_variable("w", initializer=start, use_resource=True)
                features = {"x": tf.constant(_DATA["x"]), "w": tf.constant(_DATA["w"])}
                labels = (
                    {k: tf.constant(_LABELS[k]) for k in label}
                    if isinstance(label, tuple)
                    else tf.constant(_LABELS[label])
                )
                logits = tf.matmul(features["x"], weights)
                more = {}
                if mode == "train":
                    tf.train.create_global_step()
                    more["train_op_fn"] = lambda loss: tf.train.GradientDescentOptimizer(0.1).minimize(loss)
                spec = head.create_estimator_spec(features, mode, logits, None if mode == "infer" else labels, **more)
                found.update(_of_spec(tf, spec, mode))
        return found

    return case


def _of_spec(tf, spec, mode):
    if mode == "infer":
        return {
            "exports": sorted([k, type(v).__name__] for k, v in spec.export_outputs.items()),
            "predictions": sorted(str(k) for k in spec.predictions),
        }
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer(), tf.tables_initializer()])
        if mode == "train":
            loss = round(float(session.run(spec.loss)), 4)
            session.run(spec.train_op)
            return {
                "losses": [loss, round(float(session.run(spec.loss)), 4)],
                "summaries": [s.op.name for s in tf.get_collection("summaries")],
            }
        session.run([pair[1] for pair in spec.eval_metric_ops.values()])
        metrics = session.run({k: pair[0] for k, pair in spec.eval_metric_ops.items()})
        return {"metrics": _rounded(metrics), "local": sorted(v.name for v in tf.local_variables())}


def _head_errors(tf):
    e, c = tf.estimator, tf.contrib.estimator
    column = [tf.feature_column.numeric_column("x")]
    zeros = tf.zeros([2, 1])
    spec = lambda head, logits=zeros, labels=zeros, mode="train", **k: head.create_estimator_spec(
        {}, mode, logits, labels, **k
    )
    return [
        _error(call)
        for call in (
            lambda: e.BinaryClassHead(thresholds=[2.0]),
            lambda: e.BinaryClassHead(label_vocabulary="ab"),
            lambda: e.BinaryClassHead(loss_reduction="none"),
            lambda: e.BinaryClassHead(loss_fn=lambda a: a),
            lambda: e.MultiClassHead(2),
            lambda: e.MultiClassHead(None),
            lambda: e.MultiClassHead(3, label_vocabulary=["a"]),
            lambda: e.RegressionHead(0),
            lambda: e.MultiLabelHead(1),
            lambda: e.MultiLabelHead(3, thresholds=[0.0]),
            lambda: e.MultiLabelHead(3, classes_for_class_based_metrics=[3]),
            lambda: e.MultiHead([]),
            lambda: e.MultiHead([e.RegressionHead()]),
            lambda: e.MultiHead([e.RegressionHead(name="a")], head_weights=[1.0, 2.0]),
            lambda: e.BinaryClassHead().predictions(zeros, ["zz"]),
            lambda: spec(e.RegressionHead(), optimizer=tf.train.AdamOptimizer()),
            lambda: c.binary_classification_head(thresholds=[0.0]),
            lambda: c.binary_classification_head(label_vocabulary="a"),
            lambda: c.multi_class_head(2),
            lambda: c.multi_class_head(3, label_vocabulary="a"),
            lambda: c.regression_head(label_dimension=0),
            lambda: c.regression_head(loss_reduction="x"),
            lambda: c.multi_label_head(1),
            lambda: spec(c.regression_head()),
            lambda: spec(c.regression_head(), logits=tf.zeros([2, 2])),
            lambda: spec(c.regression_head(), labels=tf.zeros([2, 3])),
            lambda: spec(c.regression_head(), labels=None),
            lambda: spec(c.multi_class_head(3), logits=tf.zeros([2, 3])),
            lambda: spec(c.regression_head(weight_column=3), mode="eval"),
            lambda: e.DNNClassifier([3], column, optimizer="x").model_fn({"x": zeros}, zeros, "train", None),
            lambda: e.DNNClassifier([3], column).model_fn(zeros, zeros, "train", None),
            lambda: e.DNNLinearCombinedClassifier(),
            lambda: e.classifier_parse_example_spec(column, "x"),
            lambda: e.classifier_parse_example_spec(column, "y", weight_column="x"),
            lambda: e.classifier_parse_example_spec(column, "y", weight_column=3),
            lambda: e.experimental.make_early_stopping_hook(3, lambda: True),
            lambda: e.add_metrics(None, lambda q: {}),
        )
    ]


def _parsed_specs(tf):
    e, fc = tf.estimator, tf.feature_column
    found = (
        e.classifier_parse_example_spec([fc.numeric_column("x")], "y", weight_column="w"),
        e.regressor_parse_example_spec(
            [fc.numeric_column("x")], "y", label_dimension=2, weight_column=fc.numeric_column("q")
        ),
    )
    return [str(sorted(spec.items())) for spec in found]


# ---- programs around an estimator


def _plain_input(tf):
    x = _DATA["x"]
    return lambda: tf.data.Dataset.from_tensor_slices(({"x": x}, x.sum(1, keepdims=True))).batch(6).repeat(20)


def _plain_model(tf, optimizer):
    e = tf.estimator

    def model_fn(features, labels, mode):
        p = tf.layers.dense(features["x"], 1, kernel_initializer=tf.zeros_initializer())
        if mode == "infer":
            return e.EstimatorSpec(mode, predictions={"p": p})
        loss = tf.losses.mean_squared_error(labels, p)
        train_op = optimizer().minimize(loss, tf.train.get_global_step()) if mode == "train" else None
        metrics = {"mae": tf.metrics.mean_absolute_error(labels, p)}
        return e.EstimatorSpec(mode, predictions={"p": p}, loss=loss, train_op=train_op, eval_metric_ops=metrics)

    return model_fn


def _extended(tf):
    e, c, folder = tf.estimator, tf.contrib.estimator, tempfile.mkdtemp()
    input_fn = _plain_input(tf)
    clipped = lambda: c.clip_gradients_by_norm(tf.train.GradientDescentOptimizer(0.1), 0.01)
    estimator = e.Estimator(
        c.replicate_model_fn(_plain_model(tf, lambda: c.TowerOptimizer(clipped())), devices=["/cpu:0"]), folder
    )
    estimator = e.add_metrics(estimator, lambda labels, predictions: {"m": tf.metrics.mean(predictions["p"])})
    estimator = c.forward_features(estimator, "x")
    stop = lambda: [e.experimental.stop_if_lower_hook(estimator, "mae", 1e9, run_every_secs=None, run_every_steps=1)]
    estimator.train(input_fn, steps=2, hooks=stop())
    found = {"eval": _rounded(estimator.evaluate(input_fn, steps=2))}
    estimator.train(input_fn, steps=10, hooks=stop())
    found["stopped"] = int(estimator.get_variable_value("global_step"))
    found["names"] = estimator.get_variable_names()
    found["predictions"] = sorted(next(estimator.predict(input_fn)))
    shutil.rmtree(folder, ignore_errors=True)
    return found


def _experiment(tf):
    learn, folder = tf.contrib.learn, tempfile.mkdtemp()
    config = learn.RunConfig(model_dir=folder, save_checkpoints_steps=2)
    found = {
        "config": [
            config.master,
            config.is_chief,
            config.task_id,
            config.task_type,
            config.environment,
            config.save_checkpoints_secs,
            config.num_worker_replicas,
            config.keep_checkpoint_max,
        ]
    }

    def make(run_config, hparams):
        model = _plain_model(tf, lambda: tf.train.GradientDescentOptimizer(0.1))
        estimator = tf.estimator.Estimator(model, config=run_config)
        return learn.Experiment(estimator, _plain_input(tf), _plain_input(tf), train_steps=3, eval_steps=2)

    run = learn.learn_runner.run
    found["result"] = _rounded(run(make, run_config=config)[0])
    found["errors"] = [
        _error(call)
        for call in (
            lambda: run(make),
            lambda: run(3, run_config=config),
            lambda: run(make, output_dir="x", run_config=config),
            lambda: run(make, run_config=config, schedule="nope"),
            lambda: run(make, run_config=tf.estimator.RunConfig()),
            lambda: run(make, run_config=learn.RunConfig()),
            lambda: run(lambda run_config, hparams: 3, run_config=config),
        )
    ]
    shutil.rmtree(folder, ignore_errors=True)
    return found


def _several_older_heads(tf):
    e, c, folder = tf.estimator, tf.contrib.estimator, tempfile.mkdtemp()
    column = [tf.feature_column.numeric_column("x", shape=(2,))]
    head = c.multi_head([c.binary_classification_head(name="a"), c.regression_head(name="b")], [1.0, 0.5])
    estimator = e.LinearEstimator(head, column, folder)
    labels = {"a": _LABELS["bin"], "b": _LABELS["reg"]}
    input_fn = lambda: tf.data.Dataset.from_tensor_slices(({"x": _DATA["x"]}, labels)).batch(6)
    estimator.train(input_fn)
    found = {"eval": _rounded(estimator.evaluate(input_fn))}
    receiver = e.export.build_raw_serving_input_receiver_fn({"x": tf.placeholder(tf.float32, [None, 2], name="x")})
    predict = tf.contrib.predictor.from_estimator(estimator, receiver, output_key="predict")
    outputs = predict({"x": _DATA["x"][:2]})
    found["names"] = sorted(outputs)
    found["predictions"] = np.round(outputs["b/predictions"].astype(float), 4).tolist()
    found["error"] = _error(lambda: tf.contrib.predictor.from_estimator(estimator, receiver, output_key="zz"))[:20]
    shutil.rmtree(folder, ignore_errors=True)
    return found


def _tpu(tf):
    tpu, folder, seen = tf.contrib.tpu, tempfile.mkdtemp(), []

    def model_fn(features, labels, mode, params):
        seen.append([mode, sorted(params.items())])
        logits = tf.layers.dense(features["x"], 1, kernel_initializer=tf.zeros_initializer())
        if mode == "infer":
            return tpu.TPUEstimatorSpec(mode, predictions={"p": logits})
        losses = tf.square(logits - labels)
        loss = tf.reduce_mean(losses)
        train_op = (
            tf.train.GradientDescentOptimizer(0.1).minimize(loss, tf.train.get_global_step())
            if mode == "train"
            else None
        )
        metrics = (lambda losses: {"mean": tf.metrics.mean(losses)}, [losses])
        return tpu.TPUEstimatorSpec(mode, loss=loss, train_op=train_op, eval_metrics=metrics)

    def input_fn(params):
        seen.append(sorted(params.items()))
        x = _DATA["x"]
        return (
            tf.data.Dataset.from_tensor_slices(({"x": x}, x.sum(1, keepdims=True)))
            .repeat()
            .batch(params["batch_size"], True)
        )

    config = tpu.RunConfig(model_dir=folder, tpu_config=tpu.TPUConfig(iterations_per_loop=3, num_shards=8))
    estimator = tpu.TPUEstimator(
        model_fn,
        config=config,
        use_tpu=False,
        train_batch_size=4,
        eval_batch_size=6,
        predict_batch_size=2,
        params={"k": 3},
    )
    estimator.train(input_fn, max_steps=3)
    found = {"eval": _rounded(estimator.evaluate(input_fn, steps=2)), "config": list(config.tpu_config)}
    found["prediction"] = round(float(next(estimator.predict(input_fn))["p"][0]), 4)
    found["seen"] = seen
    make = lambda **k: tpu.TPUEstimator(model_fn, config=config, **k)
    found["errors"] = [
        _error(call)
        for call in (
            lambda: tpu.TPUConfig(iterations_per_loop=0),
            lambda: tpu.TPUConfig(num_shards="a"),
            lambda: tpu.TPUConfig(num_cores_per_replica=3),
            lambda: tpu.TPUEstimator(model_fn),
            lambda: make(),
            lambda: make(train_batch_size=0),
            lambda: make(train_batch_size=4, params={"batch_size": 3}),
            lambda: estimator.train(lambda: None),
            lambda: tpu.TPUEstimatorSpec("train", eval_metrics=(lambda a: a, [1, 2])),
            lambda: tpu.TPUEstimatorSpec("train", eval_metrics=3),
            lambda: tpu.TPUEstimatorSpec("train", eval_metrics=(3, [1])),
            lambda: tpu.CrossShardOptimizer(None, reduction="x"),
        )
    ]
    shutil.rmtree(folder, ignore_errors=True)
    return found


# ---- strategies and clusters


def _strategy(make):
    def case(tf):
        d, found = tf.distribute, {}
        state = lambda: [d.has_strategy(), d.in_cross_replica_context(), d.get_replica_context() is not None]
        found["before"] = state()
        with tf.Graph().as_default():
            strategy = make(tf)
            with strategy.scope():
                found["scope"] = state()
                v, w = tf.get_variable("v", initializer=1.0), tf.Variable(2.0, name="w")
                dataset = tf.data.Dataset.from_tensor_slices(np.arange(6, dtype=np.float32)).batch(2)
                iterator = strategy.make_dataset_iterator(dataset)

                def step(x):
                    found["replica"] = state()
                    loss = tf.reduce_mean((v * x - w) ** 2)
                    with tf.control_dependencies([tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)]):
                        return tf.identity(loss)

                total = strategy.reduce(d.ReduceOp.SUM, strategy.experimental_run(step, iterator), axis=None)
                with tf.Session() as session:
                    session.run(tf.global_variables_initializer())
                    session.run(iterator.initialize())
                    found["losses"] = [round(float(session.run(total)), 4) for _ in range(3)]
                    found["values"] = [round(float(x), 4) for x in session.run([v.read_value(), w.read_value()])]
                found["variables"] = sorted(x.name for x in tf.global_variables())
        return found

    return case


def _resolvers(tf):
    r, spec = tf.distribute.cluster_resolver, tf.train.ClusterSpec
    simple = r.SimpleClusterResolver(
        spec({"a": ["h:1", "h:2"]}), master="m", rpc_layer="grpc", task_type="a", task_id=1
    )
    union = r.UnionResolver(simple, r.SimpleClusterResolver(spec({"a": ["h:3"], "b": {3: "q:1"}})))
    tpu, local = r.TPUClusterResolver("grpc://1.2.3.4:8470,grpc://1.2.3.5:8470"), r.TPUClusterResolver("local")
    found = [
        simple.master(),
        simple.master("a", 1),
        simple.num_accelerators(),
        simple.task_type,
        tpu.master(),
        tpu.cluster_spec().as_dict(),
        tpu.environment,
        local.master(),
        local.cluster_spec(),
        local.environment,
        sorted(union.cluster_spec().as_dict()),
        union.master(),
        union.master("a", 2),
        union.rpc_layer,
    ]
    before = os.environ.get("TF_CONFIG")
    os.environ["TF_CONFIG"] = json.dumps(
        {"cluster": {"w": ["a:1", "b:2"]}, "task": {"type": "w", "index": 1}, "rpc_layer": "grpc"}
    )
    try:
        config = r.TFConfigClusterResolver()
        found += [config.master(), config.task_type, config.task_id, config.master("w", 0)]
    finally:
        os.environ.pop("TF_CONFIG") if before is None else os.environ.__setitem__("TF_CONFIG", before)
    errors = (
        lambda: r.SimpleClusterResolver({}),
        lambda: r.UnionResolver(),
        lambda: r.UnionResolver(1),
        lambda: r.UnionResolver(simple, x=1),
        lambda: r.TPUClusterResolver(),
        lambda: tf.distribute.InputContext(1, 0, 2).get_per_replica_batch_size(5),
        lambda: tf.distribute.NcclAllReduce(-1),
    )
    return found + [_error(call) for call in errors]


def all_cases():
    names = [
        "dnn",
        "dnn_norm",
        "dnn_dropout",
        "dnn_shared",
        "dnn_two",
        "linear",
        "linear_multi",
        "linear_embedded",
        "linear_shared",
        "both",
        "both_regression",
        "constant",
        "constant_number",
        "multi_label",
        "thresholds",
        "poisson",
        "logistic",
    ]
    cases = {"graphs_" + name: _graphs(name) for name in names}
    cases["several_older_heads"] = _several_older_heads
    cases["trained_poisson"] = _trained("poisson", 2)
    cases.update(
        ("head_" + n, _head(n)) for n in ("binary", "multi", "number", "poisson", "logistic", "multi_label", "several")
    )
    cases.update(
        head_errors=_head_errors,
        parsed_specs=_parsed_specs,
        extended=_extended,
        experiment=_experiment,
        tpu=_tpu,
        resolvers=_resolvers,
    )
    cases["one_device"] = _strategy(lambda tf: tf.distribute.OneDeviceStrategy("/cpu:0"))
    cases["mirrored"] = _strategy(lambda tf: tf.contrib.distribute.MirroredStrategy(devices=["/cpu:0"]))
    return cases
