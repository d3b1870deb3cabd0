"""Asks a case's questions of one implementation and tells the answers as JSON. Runs under Python 3.7 too."""

import hashlib

import numpy as np


def told(value):
    """A value as JSON: arrays as dtype, shape and numbers."""
    if isinstance(value, (list, tuple)):
        return [told(part) for part in value]
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        numbers = array.ravel().tolist()
        if array.dtype.kind == "f":
            numbers = [float(f"{number:.9g}") if np.isfinite(number) else str(number) for number in numbers]
        return {"dtype": array.dtype.name, "shape": list(array.shape), "values": numbers}
    return value


def error_text(error):
    return type(error).__name__ + ": " + " ".join(str(error).split())[:70]


def listing(tf):
    return [f"{op.name} {op.type}" for op in tf.get_default_graph().get_operations()]


def digest(lines):
    return hashlib.md5("\n".join(lines).encode()).hexdigest()[:10]


class Asker:
    def __init__(self, tf):
        self.tf = tf
        self.ds = tf.contrib.distributions

    def scope(self, d=None, v=None):
        tf = self.tf

        def grad(y, x):
            return tf.gradients(y, x)[0] if tf.gradients(y, x)[0] is not None else "None"

        def grad_of_sample(d):
            parents = [p for p in d._graph_parents if p.dtype.is_floating]
            return ["None" if g is None else g for g in tf.gradients(d.sample(3, seed=5), parents)]

        return {"tf": tf, "np": np, "ds": self.ds, "bs": getattr(self.ds, "bijectors", None), "d": d, "v": v, "grad": grad,
                "grad_of_sample": grad_of_sample}  # fmt: skip

    def evaluate(self, fetched):
        tf = self.tf
        if isinstance(fetched, (list, tuple)):
            return [self.evaluate(part) for part in fetched]
        if not tf.contrib.framework.is_tensor(fetched):
            return told(fetched)
        with tf.Session() as session:
            return dict(told(session.run(fetched)), static=str(fetched.shape))

    def answer(self, expression, scope, lines=False):
        """What an expression gives, and (a digest of) the operations that it made."""
        try:
            made = eval(expression, scope)
            ops = listing(self.tf)
            result = self.evaluate(made)
        except Exception as error:
            return {"error": error_text(error)}
        found = {"value": result, "ops": len(ops), "names": digest(ops)}
        if lines:
            found["lines"] = ops
        return found

    def plain(self, expression, scope):
        try:
            return str(eval(expression, scope))
        except Exception as error:
            return {"error": error_text(error)}

    def case(self, made, value, questions, plain, lines=False):
        """Answers to the questions, each in a graph of its own."""
        found = {}
        for question in questions:
            with self.tf.Graph().as_default():
                self.tf.set_random_seed(11)
                try:
                    d = eval(made, self.scope())
                    v = self.tf.convert_to_tensor(eval(value, self.scope())) if value is not None else None
                except Exception as error:
                    return {"error": error_text(error)}
                if not found:
                    found["made"] = digest(listing(self.tf))
                    if lines:
                        found["made_lines"] = listing(self.tf)
                    found["plain"] = [self.plain(text, self.scope(d, v)) for text in plain]
                    continue_in = self.tf.Graph()
                    with continue_in.as_default():
                        self.tf.set_random_seed(11)
                        d = eval(made, self.scope())
                        v = self.tf.convert_to_tensor(eval(value, self.scope())) if value is not None else None
                        found[question] = self.answer(question, self.scope(d, v), lines)
                    continue
                found[question] = self.answer(question, self.scope(d, v), lines)
        return found
