"""What of tf.keras is not there, and what to use instead."""

from __future__ import annotations

SCOPE = "Retrograph has tf.keras only as far as programs use it inside TF 1 graphs, and this is not a part of it"
_DRAWING = "it draws with pydot; Model.summary prints the layers"
_WHOLE = "use Model.save_weights (TensorFlow's format) and Model.to_json"
_MODELS = "ready models and their weights are no part of Retrograph; tf.contrib.slim.nets has such nets"
_FEEDING = "give the Sequence or generator to fit_generator"
# The first prefix that fits says why.
INSTEAD = {
    "keras.applications": _MODELS,
    "keras.preprocessing.image": "use tf.image, or another library, to make arrays of images",
    "keras.experimental": "experiments of Keras are no part of Retrograph; decays are in tf.train",
    "keras.mixed_precision": "cast where you want to, or use tf.contrib.mixed_precision's loss scales",
    "keras.wrappers.scikit_learn": "call fit and predict of the model",
    "keras.estimator": "write a model_fn that calls the model",
    "keras.utils.plot_model": _DRAWING,
    "keras.utils.model_to_dot": _DRAWING,
    "keras.utils.multi_gpu_model": "place layers with tf.device, or shard by scope",
    "keras.utils.convert_all_kernels_in_model": "it turned kernels of Theano",
    "keras.utils.HDF5Matrix": "Retrograph reads no HDF5",
    "keras.utils.OrderedEnqueuer": _FEEDING,
    "keras.utils.GeneratorEnqueuer": _FEEDING,
    "keras.utils.SequenceEnqueuer": _FEEDING,
    "keras.models.save_model": _WHOLE,
    "keras.models.load_model": _WHOLE,
    "keras.models.model_from_yaml": "use model_from_json",
    "keras.layers.CuDNNLSTM": "use LSTM (XLA compiles it), or tf.contrib.cudnn_rnn.CudnnLSTM",
    "keras.layers.CuDNNGRU": "use GRU (XLA compiles it), or tf.contrib.cudnn_rnn.CudnnGRU",
    "keras.layers.ConvLSTM2D": "use tf.contrib.rnn.ConvLSTMCell",
    "keras.layers.LocallyConnected": "use tf.keras.backend.local_conv1d or local_conv2d",
}


def missing_text(public: str) -> str:
    """Why a name below `keras` is not there."""
    why = next((text for prefix, text in INSTEAD.items() if public.startswith(prefix)), None)
    return f"tf.{public}: {SCOPE}" + (f": {why}." if why else ".")
