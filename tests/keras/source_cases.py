"""Models that train, evaluate and predict on generators and datasets, under TF 1.15 (Python 3.7) and under Retrograph.

`tools/record_keras_sources.py` writes what TF says into `tests/golden/keras_sources.json`.
"""

import numpy as np

X = np.arange(10.0, dtype=np.float32).reshape(5, 2) / 10
Y = np.arange(5.0, dtype=np.float32).reshape(5, 1)


def model(tf):
    tf.keras.backend.clear_session()
    made = tf.keras.Sequential([tf.keras.layers.Dense(1, kernel_initializer="ones", input_shape=(2,))])
    made.compile(tf.keras.optimizers.SGD(0.01), "mse", metrics=["mae"])
    return made


def log(tf):
    """A callback, and the list of what it hears."""
    seen = []

    def listener(name):
        def hear(*args):
            logs = args[-1] or {}
            seen.append([name, *args[:-1], {k: rounded(v) for k, v in sorted(logs.items()) if np.ndim(v) == 0}])

        return hear

    made = tf.keras.callbacks.Callback()
    for kind in ("train", "test", "predict"):
        for when in ("begin", "end"):
            name = f"on_{kind}_{when}"
            setattr(made, name, lambda logs=None, tell=listener(name): tell({}))
            setattr(made, f"on_{kind}_batch_{when}", listener(f"on_{kind}_batch_{when}"))
    return made, seen


def rounded(value):
    return round(float(value), 5)


def several(values):
    return [rounded(v) for v in np.ravel(values)]


def batches():
    while True:
        yield X[:3], Y[:3]
        yield X[3:], Y[3:]


def sequence(tf):
    class Rows(tf.keras.utils.Sequence):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return (X[3:], Y[3:]) if index else (X[:3], Y[:3])

    return Rows()


def dataset(tf, size=3, repeat=None, told=True):
    made = tf.data.Dataset.from_tensor_slices((X, Y)).batch(size)
    made = made if told else made.filter(lambda x, y: True)
    return made if repeat is None else made.repeat(repeat)


def fitted(tf, source, validation=None, **arguments):
    made, (callback, seen) = model(tf), log(tf)
    if validation is not None:
        arguments["validation_data"] = validation()
    history = made.fit(source(), verbose=0, callbacks=[callback], **arguments)
    params = {k: v for k, v in history.params.items() if k != "metrics"}
    values = {k: several(v) for k, v in history.history.items()}
    return {"history": values, "epochs": list(history.epoch), "calls": seen, "params": params}


def evaluated(tf, source, **arguments):
    made, (callback, seen) = model(tf), log(tf)
    return [several(made.evaluate(source(), verbose=0, callbacks=[callback], **arguments)), seen]


def predicted(tf, source, **arguments):
    made, (callback, seen) = model(tf), log(tf)
    return [several(made.predict(source(), callbacks=[callback], **arguments)), seen]


def all_cases():
    """Name -> (function, source, arguments)."""

    def ds(*args, **kwargs):
        return lambda tf: dataset(tf, *args, **kwargs)

    endless, validating = ds(2, -1), {"steps_per_epoch": 2, "epochs": 2}
    return {
        "fit a generator": (fitted, lambda tf: batches(), {"steps_per_epoch": 2, "epochs": 2}),
        "fit a sequence": (fitted, sequence, {"epochs": 2, "shuffle": False}),
        "fit a dataset": (fitted, ds(), {"epochs": 2}),
        "fit steps of a dataset": (fitted, ds(2, 4), {"steps_per_epoch": 2, "epochs": 3}),
        "fit a dataset that ends": (fitted, ds(2), {"steps_per_epoch": 2, "epochs": 3}),
        "fit a dataset of unknown size": (fitted, ds(2, told=False), {"epochs": 2}),
        "fit an endless dataset": (fitted, endless, {}),
        "validate on a dataset": (fitted, endless, dict(validating, validation=ds(2))),
        "validate on steps": (fitted, endless, dict(validating, validation=endless, validation_steps=2)),
        "validate on an endless dataset": (fitted, endless, dict(validating, validation=endless)),
        "fit arrays, validate on a dataset": (
            fitted, lambda tf: X, {"y": Y, "epochs": 2, "batch_size": 2, "shuffle": False, "validation": ds(2)}
        ),
        "targets beside a dataset": (fitted, ds(), {"y": Y}),
        "batch size beside a dataset": (fitted, ds(), {"batch_size": 2}),
        "a part of a dataset": (fitted, ds(), {"validation_split": 0.5}),
        "weights beside a dataset": (fitted, ds(), {"sample_weight": Y}),
        "fit an iterator": (fitted, lambda tf: tf.compat.v1.data.make_one_shot_iterator(dataset(tf)), {}),
        "fit a dataset of rows": (fitted, lambda tf: tf.data.Dataset.from_tensor_slices((X, Y)), {}),
        "evaluate a generator": (evaluated, lambda tf: batches(), {"steps": 2}),
        "evaluate a sequence": (evaluated, sequence, {}),
        "evaluate a dataset": (evaluated, ds(), {}),
        "evaluate a dataset of unknown size": (evaluated, ds(told=False), {}),
        "evaluate steps of a dataset": (evaluated, endless, {"steps": 4}),
        "evaluate an endless dataset": (evaluated, endless, {}),
        "predict a sequence": (predicted, sequence, {}),
        "predict a generator": (predicted, lambda tf: batches(), {"steps": 1}),
        "predict a dataset": (predicted, ds(), {}),
        "predict a dataset of inputs": (predicted, lambda tf: tf.data.Dataset.from_tensor_slices(X).batch(2), {}),
        "train on a dataset's first batch": (
            lambda tf, source: several(model(tf).train_on_batch(source())), ds(), {}
        ),
    }  # fmt: skip


def run(tf, case):
    """What a case gives, or the class and opening words of its error."""
    function, source, arguments = case
    arguments = dict(arguments)
    if "validation" in arguments:
        arguments["validation"] = lambda make=arguments["validation"]: make(tf)
    try:
        return function(tf, lambda: source(tf), **arguments)
    except Exception as error:
        return [type(error).__name__, str(error)[:70]]
