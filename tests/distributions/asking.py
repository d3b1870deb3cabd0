"""Asks a case's questions of one implementation and tells the answers as JSON. Runs under Python 3.7 too."""

import hashlib

import distribution_cases as cases
import numpy as np


def told(value):
    """A value as JSON: arrays as dtype, shape and numbers."""
    if isinstance(value, (list, tuple)):
        return [told(part) for part in value]
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        numbers = array.ravel().tolist()
        if array.dtype.kind == "f":
            numbers = [float(f"{number:.7g}") if np.isfinite(number) else str(number) for number in numbers]
        return {"is": f"{array.dtype.name}{list(array.shape)}", "of": numbers}
    return value


def error_text(error):
    return type(error).__name__ + ": " + " ".join(str(error).split())[:70]


def listing(tf):
    return [f"{op.name} {op.type}" for op in tf.get_default_graph().get_operations()]


def digest(lines):
    """Of names and types, in whatever order they were made."""
    return hashlib.md5("\n".join(sorted(lines)).encode()).hexdigest()[:8]


class Asker:
    def __init__(self, tf):
        self.tf = tf
        self.ds = tf.contrib.distributions

    def scope(self, d=None, v=None):
        tf = self.tf

        def grad(y, x):
            (found,) = tf.gradients(y, x)
            return "None" if found is None else found

        def grad_of_sample(d):
            parents = [p for p in d._graph_parents if p.dtype.is_floating]
            return ["None" if g is None else g for g in tf.gradients(d.sample(3, seed=5), parents)]

        helpers = {"grad": grad, "grad_of_sample": grad_of_sample}
        return dict(helpers, tf=tf, np=np, ds=self.ds, bs=getattr(self.ds, "bijectors", None), d=d, v=v)

    def evaluate(self, session, fetched):
        if isinstance(fetched, (list, tuple)):
            return [self.evaluate(session, part) for part in fetched]
        if not self.tf.contrib.framework.is_tensor(fetched):
            return told(fetched)
        return dict(told(session.run(fetched)), static=str(fetched.shape))

    def made(self, made, value):
        """The distribution of a case and its value, in the current graph."""
        self.tf.set_random_seed(11)
        d = eval(made, self.scope())
        return d, None if value is None else self.tf.convert_to_tensor(eval(value, self.scope()))

    def answer(self, session, question, d, v, run=True):
        try:
            made = eval(question, self.scope(d, v))
            return self.evaluate(session, made) if run else "not run"
        except Exception as error:
            return error_text(error)

    def plain(self, question, d, v):
        try:
            return str(eval(question, self.scope(d, v)))
        except Exception as error:
            return error_text(error)

    def case(self, made, value, questions, plain=(), unrun=()):
        """All answers of a case, asked one after the other in one graph, and a digest of its operations.

        The operations of the questions in `unrun` are made, but not run.
        """
        with self.tf.Graph().as_default():
            try:
                d, v = self.made(made, value)
            except Exception as error:
                return {"error": error_text(error)}
            with self.tf.Session() as session:
                answers = [self.answer(session, question, d, v, question not in unrun) for question in questions]
                operations = listing(self.tf)
            plainly = [self.plain(question, d, v) for question in plain]
        return {"answers": answers, "plain": plainly, "count": len(operations), "names": digest(operations)}

    def table(self, name):
        """All cases of a table of `cases`."""
        return {case: self.case(*arguments) for case, arguments in cases.asked(name).items()}
