"""One engine in its own process: reads requests as JSON lines, answers with seconds. Runs under Python 3.7 too."""

from __future__ import annotations

import json
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)


def load_tensorflow(engine):
    """The `tf` of an engine: retrograph, tf115 or tfv1 (TensorFlow 2's `compat.v1`)."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if engine == "retrograph":
        sys.path.insert(0, os.path.join(os.path.dirname(HERE), "src"))
        import retrograph as tf

        return tf
    if engine == "tfv1":
        import tensorflow.compat.v1 as tf

        tf.disable_v2_behavior()
        return tf
    import tensorflow as tf

    tf.logging.set_verbosity(tf.logging.ERROR)
    return tf


class Engine:
    """Makes the trainers of an engine and times their steps."""

    def __init__(self, name):
        self.name = name
        self.tf = load_tensorflow(name) if name not in ("jax", "torch") else None
        self.trainers = {}

    def _make(self, model):
        if self.name == "jax":
            from jax_models import trainer

            return trainer(model)
        if self.name == "torch":
            from torch_models import Trainer as TorchTrainer

            return TorchTrainer(model)
        from tf1_models import Trainer as TensorflowTrainer

        return TensorflowTrainer(self.tf, model)

    def steps(self, model, count):
        first = None
        if model not in self.trainers:
            start = time.perf_counter()
            trainer = self._make(model)
            trainer.step()
            first = time.perf_counter() - start
            trainer.step()
            self.trainers[model] = trainer
        trainer, seconds = self.trainers[model], []
        for _ in range(count):
            start = time.perf_counter()
            loss = trainer.step()
            seconds.append(time.perf_counter() - start)
        return {"seconds": seconds, "first": first, "loss": loss}

    def micro(self, name):
        import micro

        if self.name == "jax":
            return {"seconds": [micro.jax_run_one()]}
        return {"seconds": [micro.MICRO[name](self.tf)]}

    def files(self, name):
        import files

        return {"seconds": [files.copy() if name == files.COPY else files.FILES[name](self.tf)]}

    def limit(self):
        from jax_models import product_gflops

        return {"gflops": product_gflops()}


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not mix with the answers
    try:
        engine = Engine(sys.argv[1])
    except ImportError as error:
        print(json.dumps({"missing": str(error)}), file=answers, flush=True)
        return
    print(json.dumps({"ready": sys.argv[1]}), file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(engine, request.pop("do"))(**request)
        except Exception as error:  # reported for this request; the next one may work
            answer = {"error": "%s: %s" % (type(error).__name__, error)}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
