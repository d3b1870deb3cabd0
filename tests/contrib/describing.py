"""What a program made and computed, said the same way by Retrograph and, when it is recorded, by TensorFlow 1.15."""

import hashlib

FAMILIES = [
    "cluster",
    "column",
    "critical",
    "layer",
    "meeting",
    "loss",
    "nn",
    "norm",
    "quantize",
    "replica",
    "slim_data",
    "streaming",
    "target",
    "training",
]


def _said(item):
    """A collected thing without what depends on the run."""
    return getattr(item, "name", None) or type(item).__name__


def _values(found):
    if hasattr(found, "tolist"):
        found = found.tolist()
    if isinstance(found, dict):
        return {str(key): _values(found[key]) for key in sorted(found)}
    if isinstance(found, (list, tuple)):
        return [_values(one) for one in found]
    if isinstance(found, float):
        return float(f"{found:.7g}")
    return found.decode("utf-8", "replace") if isinstance(found, bytes) else found


def digest(lines):
    """How many lines there are, and which."""
    return [len(lines), hashlib.sha256("\n".join(lines).encode("utf-8")).hexdigest()[:16]]


def described(tf, build, whole=False):
    """Operations, variables, collections and twice the values of what `build(tf)` gives.

    A tuple is run step by step. Or the error it raises.
    """
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(7)
        try:
            fetches = build(tf)
        except Exception as error:
            return {"error": [type(error).__name__, str(error)]}
        ops = [f"{op.name} {op.type}" for op in graph.get_operations()]
        made = {
            "ops": ops if whole else digest(ops),
            "variables": [f"{v.name} {v.shape} {v.dtype.name}" for v in tf.global_variables() + tf.local_variables()],
            "collections": {
                str(key): [_said(item) for item in graph.get_collection(key)]
                for key in sorted(graph.get_all_collection_keys(), key=str)
                if not str(key).startswith("(")
            },
        }
        if fetches is not None:
            with tf.Session() as session:
                session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
                session.run(tf.tables_initializer())
                steps = fetches if isinstance(fetches, tuple) else (fetches,)
                made["values"] = [[_values(session.run(step)) for step in steps] for _ in range(2)]
        return made
