"""Records what TF 1.15's candidate samplers draw, in tests/golden/candidates.json (runs with TF 1.15)."""

import json
import sys

import tensorflow as tf

EXPRESSIONS = """
tf.nn.uniform_candidate_sampler([[1, 2], [3, 0]], 2, 5, True, 10, seed=3)
tf.nn.uniform_candidate_sampler([[1], [3]], 1, 5, False, 16, seed=3)
tf.nn.uniform_candidate_sampler([[1], [3]], 1, 16, True, 16, seed=3)
tf.nn.log_uniform_candidate_sampler([[1, 2], [3, 0]], 2, 5, True, 10, seed=3)
tf.nn.log_uniform_candidate_sampler([[1], [300]], 1, 64, True, 5000, seed=3)
tf.nn.log_uniform_candidate_sampler([[1], [300]], 1, 8, False, 5000, seed=3)
tf.nn.log_uniform_candidate_sampler([[1]], 1, 9, True, 10, seed=5)
tf.nn.fixed_unigram_candidate_sampler([[1, 2], [3, 0]], 2, 3, True, 4, unigrams=[1., 2., 3., 10.], seed=3)
tf.nn.fixed_unigram_candidate_sampler([[1], [3]], 1, 9, False, 5, distortion=.75, num_reserved_ids=1, unigrams=[1., 2., 3., 10.], seed=3)
tf.nn.fixed_unigram_candidate_sampler([[1]], 1, 9, False, 3, num_shards=2, shard=1, unigrams=[1., 2., 3., 10., 2., 7.], seed=3)
tf.nn.learned_unigram_candidate_sampler([[1, 2], [1, 0]], 2, 6, False, 7, seed=3)
tf.nn.learned_unigram_candidate_sampler([[1], [3], [3], [3], [3]], 1, 3, True, 4, seed=3)
tf.nn.all_candidate_sampler([[1, 2]], 2, 4, True, seed=3)
tf.nn.compute_accidental_hits([[1, 2], [3, 0], [5, 5]], [3, 2, 5, 5], 2)
""".strip().splitlines()


def record(expression):
    with tf.Graph().as_default(), tf.Session() as session:
        outputs = eval(expression)
        runs = [[v.tolist() for v in session.run(list(outputs))] for _ in range(3 if "learned" in expression else 2)]
        return {
            "expr": expression,
            "fields": list(outputs._fields),
            "names": [t.name for t in outputs],
            "shapes": [t.shape.as_list() for t in outputs],
            "runs": runs,
        }


def main():
    with open(sys.argv[1], "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(record(e)) for e in EXPRESSIONS) + "\n]\n")


if __name__ == "__main__":
    main()
