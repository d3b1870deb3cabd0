"""Calls of `tf.signal`. Run under TF 1.15's Python to record: python signal_cases.py OUT.json"""

import sys

import golden_facts
import numpy as np

R = np.random.RandomState(0)
SIGNAL = R.randn(2, 23).astype(np.float32)
FRAMES = R.randn(2, 5, 6).astype(np.float32)
SPECTRA = (R.randn(2, 4, 5) + 1j * R.randn(2, 4, 5)).astype(np.complex64)


def cases(tf):
    """Name -> a function that builds the tensors."""
    found = {}
    for make in (windows, frames, sums, transforms, cosines, mels):
        found.update(make(tf, tf.signal, lambda v, shape=None: tf.placeholder_with_default(v, shape)))
    return found


def windows(tf, signal, fed):
    found = {
        "hann fed": lambda: signal.hann_window(fed(np.int32(6), []), name="w"),
        "hann fed one": lambda: signal.hann_window(fed(np.int32(1), []), fed(False, [])),
        "hamming half": lambda: signal.hamming_window(8, dtype=tf.float16),
        "error: dtype": lambda: signal.hann_window(8, dtype=tf.int32),
        "error: rank": lambda: signal.hann_window([8]),
    }
    for length in (1, 2, 7, 8):
        for periodic in (True, False):
            found[f"hann {length} {periodic}"] = lambda n=length, p=periodic: signal.hann_window(n, p)
            found[f"hamming {length} {periodic}"] = lambda n=length, p=periodic: signal.hamming_window(n, p)
    return found


def frames(tf, signal, fed):
    def by_signal():
        x = tf.constant(SIGNAL)
        return tf.gradients(signal.frame(x, 6, 4, pad_end=True) ** 2, x)

    volume = np.arange(48, dtype=np.float32).reshape(2, 8, 3)
    return {
        "frames": lambda: signal.frame(SIGNAL, 6, 3),
        "frames apart": lambda: signal.frame(SIGNAL, 4, 7, name="cut"),
        "frames too long": lambda: signal.frame(SIGNAL, 30, 7),
        "frames padded": lambda: signal.frame(SIGNAL, 6, 4, pad_end=True, pad_value=-1),
        "frames padded long": lambda: signal.frame(SIGNAL, 30, 4, pad_end=True),
        "frames of an axis": lambda: signal.frame(volume, 3, 2, axis=1),
        "frames of the first axis": lambda: signal.frame(volume, 2, 1, True, 5.0, axis=0),
        "frames fed": lambda: signal.frame(fed(SIGNAL), fed(np.int32(6), []), fed(np.int32(4), []), pad_end=True),
        "frames of a fed axis": lambda: signal.frame(volume, 2, 1, axis=fed(np.int32(1), [])),
        "frames of a fed size": lambda: signal.frame(fed(SIGNAL, [2, None]), 6, 4),
        "frames of integers": lambda: signal.frame(tf.range(10), 4, 2, True),
        "values: gradient of frames": by_signal,
        "error: frame length": lambda: signal.frame(SIGNAL, [6], 3),
        "error: frame scalar": lambda: signal.frame(1.0, 6, 3),
    }


def sums(tf, signal, fed):
    def by_frames():
        x = tf.constant(FRAMES)
        return tf.gradients(signal.overlap_and_add(x, 4) ** 2, x)

    return {
        "sum": lambda: signal.overlap_and_add(FRAMES, 4),
        "sum half": lambda: signal.overlap_and_add(FRAMES, 3, name="half"),
        "sum one": lambda: signal.overlap_and_add(FRAMES, 1),
        "sum fast": lambda: signal.overlap_and_add(FRAMES, 6),
        "sum apart": lambda: signal.overlap_and_add(FRAMES, 8),
        "sum flat": lambda: signal.overlap_and_add(FRAMES[0], 2),
        "sum fed": lambda: signal.overlap_and_add(fed(FRAMES), fed(np.int32(4), [])),
        "values: gradient of sums": by_frames,
        "error: step": lambda: signal.overlap_and_add(FRAMES, 1.5),
        "error: steps": lambda: signal.overlap_and_add(FRAMES, [1]),
        "error: sum rank": lambda: signal.overlap_and_add(FRAMES[0, 0], 1),
    }


def transforms(tf, signal, fed):
    def back(window_step, **options):
        spectra = signal.stft(SIGNAL, 8, window_step, pad_end=True, **options)
        return signal.inverse_stft(spectra, 8, window_step, window_fn=signal.inverse_stft_window_fn(window_step))

    def by_signal():
        x = tf.constant(SIGNAL)
        return tf.gradients(tf.abs(signal.stft(x, 8, 4)), x)

    def by_spectra():
        x = tf.constant(SPECTRA)
        return tf.gradients(signal.inverse_stft(x, 8, 4) ** 2, x)

    return {
        "stft": lambda: signal.stft(SIGNAL, 8, 4),
        "stft odd": lambda: signal.stft(SIGNAL, 6, 5, pad_end=True, name="odd"),
        "stft size": lambda: signal.stft(SIGNAL, 6, 5, fft_length=16, window_fn=None),
        "stft hamming": lambda: signal.stft(SIGNAL, 5, 3, window_fn=signal.hamming_window),
        "stft fed": lambda: signal.stft(fed(SIGNAL), fed(np.int32(6), []), fed(np.int32(3), [])),
        "inverse": lambda: signal.inverse_stft(SPECTRA, 8, 4),
        "inverse short": lambda: signal.inverse_stft(SPECTRA, 6, 3, 8),
        "inverse long": lambda: signal.inverse_stft(SPECTRA, 10, 5, 8, window_fn=None),
        "inverse fed": lambda: signal.inverse_stft(fed(SPECTRA), fed(np.int32(6), []), 3, 8),
        "there and back": lambda: back(4),
        "there and back again": lambda: back(3),
        "inverse window": lambda: signal.inverse_stft_window_fn(3, signal.hamming_window, name="w")(8, tf.float32),
        "values: gradient of spectra": by_signal,
        "values: gradient of inverse": by_spectra,
        "error: stft rank": lambda: signal.stft(1.0, 8, 4),
        "error: inverse rank": lambda: signal.inverse_stft(SPECTRA[0, 0], 8, 4),
    }


def cosines(tf, signal, fed):
    found = {
        "cosine fed": lambda: signal.dct(fed(SIGNAL), name="c"),
        "cosine fed size": lambda: signal.dct(fed(SIGNAL, [2, None]), norm="ortho"),
        "cosine cut": lambda: signal.dct(SIGNAL, n=7),
        "cosine longer": lambda: signal.dct(SIGNAL, 3, n=30),
        "error: cosine axis": lambda: signal.dct(SIGNAL, axis=0),
        "error: cosine n": lambda: signal.dct(SIGNAL, n=0),
        "error: cosine type": lambda: signal.dct(SIGNAL, type=4),
        "error: cosine norm": lambda: signal.dct(SIGNAL, norm="other"),
        "error: cosine first norm": lambda: signal.dct(SIGNAL, 1, norm="ortho"),
        "error: cosine first size": lambda: signal.dct(SIGNAL[:, :1], 1),
    }

    def gradient(kind, norm):
        x = tf.constant(SIGNAL)
        return tf.gradients(signal.dct(x, kind, norm=norm) ** 2, x)

    for kind in (1, 2, 3):
        for norm in (None, "ortho") if kind > 1 else (None,):
            key = f"{kind} {norm}"
            found["cosine " + key] = lambda k=kind, n=norm: signal.dct(SIGNAL, k, norm=n)
            found["inverse cosine " + key] = lambda k=kind, n=norm: tf.spectral.idct(SIGNAL, k, norm=n)
            found["values: cosine gradient " + key] = lambda k=kind, n=norm: gradient(k, n)
    return found


def mels(tf, signal, fed):
    mel = signal.linear_to_mel_weight_matrix
    return {
        "mels": lambda: mel(8, 33),
        "mels double": lambda: mel(5, 17, 16000, 80.0, 7600.0, tf.float64, name="m"),
        "mels constant rate": lambda: mel(5, 17, tf.constant(16000.0)),
        "coefficients": lambda: signal.mfccs_from_log_mel_spectrograms(SIGNAL),
        "coefficients fed": lambda: signal.mfccs_from_log_mel_spectrograms(fed(SIGNAL, [2, None]), name="k"),
        "error: no bins": lambda: signal.mfccs_from_log_mel_spectrograms(np.zeros((3, 0), np.float32)),
        "error: mel bins": lambda: mel(0),
        "error: rate": lambda: mel(sample_rate=0.0),
        "error: fed rate": lambda: mel(sample_rate=fed(np.float32(3))),
        "error: low": lambda: mel(lower_edge_hertz=-1),
        "error: order": lambda: mel(lower_edge_hertz=100, upper_edge_hertz=10),
        "error: nyquist": lambda: mel(upper_edge_hertz=4001),
        "error: mel dtype": lambda: mel(dtype=tf.int32),
    }


if __name__ == "__main__":
    golden_facts.record(cases, sys.argv[1])
