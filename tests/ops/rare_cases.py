"""Calls of functions that few programs use. Run under TF 1.15's Python to record: python rare_cases.py OUT.json"""

import struct
import sys

import golden_facts
import numpy as np

R = np.random.RandomState(0)
IMAGES = R.randn(2, 11, 9, 3).astype(np.float32)
LOSSES = R.rand(4, 3).astype(np.float32)
SOUND = (R.rand(9, 2) * 2.4 - 1.2).astype(np.float32)
BYTES = R.randint(0, 256, (1, 6, 5, 2)).astype(np.uint8)
FILTERS = R.randint(0, 256, (3, 2, 2, 4)).astype(np.uint8)


def cases(tf):
    """Name -> a function that builds the tensors."""
    found = {}
    for make in (fractional, quantized, sounds, texts, averages):
        found.update(make(tf, lambda v, shape=None: tf.placeholder_with_default(v, shape)))
    return found


def fractional(tf, fed):
    found = {}
    ratio = [1.0, 1.44, 1.73, 1.0]

    def gradient(pool, **options):
        x = tf.constant(IMAGES)
        y = pool(x, ratio, deterministic=True, seed=3, seed2=9, **options)[0]
        return tf.gradients(y * y, x)

    for name in ("max", "avg"):
        pool = getattr(tf.nn, "fractional_" + name + "_pool")
        for pseudo in (False, True):
            for overlapping in (False, True):
                options = {"pseudo_random": pseudo, "overlapping": overlapping}
                key = f"{name} pool {pseudo} {overlapping}"
                found[key] = lambda p=pool, o=options: p(IMAGES, ratio, deterministic=True, seed=5, seed2=2, **o)
                found["gradient of " + key] = lambda p=pool, o=options: gradient(p, **o)
        found[name + " pool of integers"] = lambda p=pool: p(
            (IMAGES * 50).astype(np.int32), ratio, deterministic=True, seed=5, seed2=2
        )
        found["error: ratios " + name] = lambda p=pool: p(IMAGES, [1.0, 2.0])
        found["error: depth " + name] = lambda p=pool: p(IMAGES, [2.0, 1.0, 1.0, 1.5])
        found["error: seeds " + name] = lambda p=pool: p(IMAGES, ratio, seed=3)
    return found


def quantized(tf, fed):
    def of(value, dtype=tf.quint8):
        return tf.constant(value, dtype)

    def shown(made):
        return [tf.cast(made[0], tf.int32)] + list(made[1:])

    layers = tf.nn
    found = {}
    for padding in ("SAME", "VALID"):
        for stride in (1, 2):
            key = f"{padding} {stride}"
            sides = [1, stride, stride, 1]
            found["convolution " + key] = lambda p=padding, s=sides: shown(
                layers.quantized_conv2d(of(BYTES), of(FILTERS), -1.0, 2.0, -0.5, 0.7, s, p)
            )
            found["mean " + key] = lambda p=padding, s=sides: shown(
                layers.quantized_avg_pool(of(BYTES), 0.0, 1.0, [1, 3, 2, 1], s, p)
            )
            found["greatest " + key] = lambda p=padding, s=sides: shown(
                layers.quantized_max_pool(of(BYTES), 0.0, 1.0, [1, 3, 2, 1], s, p)
            )
    join = tf.quantization.quantized_concat
    found.update({
        "joined": lambda: shown(join(1, [of(BYTES), of(BYTES)], [0.0, -1.0], [1.0, 2.5])),
        "joined alike": lambda: shown(join(2, [of(BYTES), of(BYTES[:, :, :2])], [-1.0, -1.0], [2.0, 2.0])),
        "error: axis": lambda: join(4, [of(BYTES), of(BYTES)], [0.0, -1.0], [1.0, 2.5]),
        "error: joined": lambda: join(1, [of(BYTES), of(BYTES[:, :, :2])], [0.0, -1.0], [1.0, 2.5]),
        "error: strides": lambda: layers.quantized_conv2d(of(BYTES), of(FILTERS), 0.0, 1.0, 0.0, 1.0, [1, 1, 2, 1], "SAME"),
        "error: depths": lambda: layers.quantized_conv2d(
            of(BYTES), of(FILTERS[:, :, :1]), 0.0, 1.0, 0.0, 1.0, [1, 1, 1, 1], "SAME"
        ),
    })  # fmt: skip
    return found


def sounds(tf, fed):
    def head(channels=1, rate=8, per_second=16, per_sample=2, bits=16, kind=1, size=16):
        return b"RIFF0000WAVEfmt " + struct.pack("<IHHIIHH", size, kind, channels, rate, per_second, per_sample, bits)

    def data(numbers):
        return b"data" + struct.pack("<I", 2 * len(numbers)) + struct.pack(f"<{len(numbers)}h", *numbers)

    def read(contents, *arguments):
        return lambda: tf.audio.decode_wav(contents, *arguments)

    def there_and_back(*arguments):
        return lambda: tf.audio.decode_wav(tf.audio.encode_wav(SOUND, 8000), *arguments)

    plain = head() + data([1, -2, 32767, -32768])
    return {
        "sound": there_and_back(),
        "sound cut": there_and_back(1, 4),
        "sound longer": there_and_back(4, 12),
        "sound file": lambda: tf.io.decode_raw(tf.audio.encode_wav(SOUND, 16000, name="e"), tf.uint8),
        "plain sound": read(plain),
        "more chunks": read(head() + b"LIST" + struct.pack("<I", 3) + b"abc" + data([7]) + b"tail\0\0\0\0"),
        "long format": read(head(size=18) + b"\0\0" + data([7, 8])),
        "error: riff": read(b"RIFX" + plain[4:]),
        "error: short": read(plain[:-1]),
        "error: kind": read(head(kind=3) + data([1])),
        "error: bits": read(head(bits=8) + data([1])),
        "error: per sample": read(head(per_sample=3) + data([1])),
        "error: per second": read(head(per_second=3) + data([1])),
        "error: format size": read(head(size=20) + data([1])),
        "error: no channels": read(head(channels=0) + data([1])),
        "error: no data": read(head()),
        "error: two data": read(plain + data([1])),
        "error: channels": read(plain, -2),
        "error: rate": lambda: tf.audio.encode_wav(SOUND, 0),
        "error: sound rank": lambda: tf.audio.encode_wav(SOUND[0], 8),
    }


def texts(tf, fed):
    return {
        "scripts": lambda: tf.strings.unicode_script([[-1, 65, 0x3B1], [0x10FFFF, 0x110000, 0x4E00]], name="s"),
        "scripts of many": lambda: tf.strings.unicode_script(np.arange(0, 0x30000, 97)),
        "fingerprint": lambda: tf.fingerprint(tf.constant([["a", "bc", ""], ["d" * 70, "e", "f"]])),
        "fingerprint flat": lambda: tf.fingerprint(["a", "bc"], name="f"),
        "fingerprint column": lambda: tf.fingerprint([["a"], ["bc"]]),
        "fingerprint floats": lambda: tf.fingerprint(IMAGES),
        "fingerprint fed": lambda: tf.fingerprint(fed(LOSSES), fed(b"farmhash64", [])),
        "error: method": lambda: tf.fingerprint(["a"], "md5"),
        "error: fed method": lambda: tf.fingerprint(["a"], fed(b"md5", [])),
        "error: scalar": lambda: tf.fingerprint("a"),
    }


def averages(tf, fed):
    average = tf.nn.compute_average_loss
    return {
        "average": lambda: average(LOSSES),
        "average batch": lambda: average(LOSSES[:, 0], global_batch_size=10),
        "average weighted": lambda: average(LOSSES, LOSSES[:, :1] * 3),
        "average weights": lambda: average(LOSSES, LOSSES[:, 0]),
        "average squeezed": lambda: average(LOSSES[:, 0], LOSSES[:, :1]),
        "average scalar weight": lambda: average(LOSSES, 2.0),
        "average double": lambda: average(LOSSES.astype(np.float64), 3),
        "values: average fed": lambda: average(fed(LOSSES), fed(LOSSES)),
        "scaled": lambda: tf.nn.scale_regularization_loss(LOSSES),
        "error: loss": lambda: average(1.0),
    }


if __name__ == "__main__":
    golden_facts.record(cases, sys.argv[1])
