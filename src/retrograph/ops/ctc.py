"""`tf.nn.ctc_loss` and its kin: sequences of labels without a known alignment."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.apply import apply_op
from retrograph.framework.exports import export
from retrograph.ops import ctc_rows  # noqa: F401 (the operations)


def _one_of(new: str, new_value: Any, old: str, old_value: Any) -> Any:
    if old_value is not None:
        if new_value is not None:
            raise ValueError(f"Cannot specify both '{old}' and '{new}'")
        return old_value
    return new_value


@export("nn.ctc_loss")
def ctc_loss(
    labels: Any, inputs: Any = None, sequence_length: Any = None, preprocess_collapse_repeated: bool = False, ctc_merge_repeated: bool = True,
    ignore_longer_outputs_than_inputs: bool = False, time_major: bool = True, logits: Any = None,
) -> Any:  # fmt: skip
    """The losses f[batch] of sparse labels i32[batch, length] for logits f[time, batch, classes]; the last class is the blank.

    Raises: TypeError: labels that are not sparse; InvalidArgumentError: rows shorter than their labels.
    Source: TF 1.15 `tf.nn.ctc_loss`. It runs on the host.
    """
    if not isinstance(labels, tf.SparseTensor):
        raise TypeError("Expected labels (first argument) to be a SparseTensor")
    inputs = _one_of("logits", logits, "inputs", inputs)
    if not time_major:
        inputs = tf.transpose(inputs, [1, 0, 2])
    return apply_op(
        "CTCLoss", None, inputs=inputs, labels_indices=labels.indices, labels_values=labels.values,
        sequence_length=sequence_length, preprocess_collapse_repeated=preprocess_collapse_repeated,
        ctc_merge_repeated=ctc_merge_repeated, ignore_longer_outputs_than_inputs=ignore_longer_outputs_than_inputs,
    ).loss  # fmt: skip


@export("nn.ctc_greedy_decoder")
def ctc_greedy_decoder(inputs: Any, sequence_length: Any, merge_repeated: bool = True) -> tuple[list[Any], Any]:
    """([the likeliest labels as a sparse i64[batch, length]], minus their logits f[batch, 1]) for f[time, batch, classes]. Source: TF 1.15 `tf.nn.ctc_greedy_decoder`."""
    found = apply_op(
        "CTCGreedyDecoder", None, inputs=inputs, sequence_length=sequence_length, merge_repeated=merge_repeated
    )
    return [tf.SparseTensor(found[0], found[1], found[2])], found[3]


@export("nn.ctc_beam_search_decoder")
def ctc_beam_search_decoder(
    inputs: Any, sequence_length: Any, beam_width: int = 100, top_paths: int = 1, merge_repeated: bool = True
) -> tuple[list[Any], Any]:
    """(the `top_paths` likeliest sequences as sparse i64[batch, length], their log probabilities f[batch, top_paths]). Source: TF 1.15 `tf.nn.ctc_beam_search_decoder`."""
    indices, values, shapes, scores = apply_op(
        "CTCBeamSearchDecoder", None, inputs=inputs, sequence_length=sequence_length, beam_width=beam_width,
        top_paths=top_paths, merge_repeated=merge_repeated,
    )  # fmt: skip
    return [tf.SparseTensor(*parts) for parts in zip(indices, values, shapes, strict=True)], scores


@export("nn.ctc_beam_search_decoder_v2")
def ctc_beam_search_decoder_v2(
    inputs: Any, sequence_length: Any, beam_width: int = 100, top_paths: int = 1
) -> tuple[list[Any], Any]:
    """`ctc_beam_search_decoder` that leaves repeated labels as they are. Source: TF 1.15 `tf.nn.ctc_beam_search_decoder_v2`."""
    return ctc_beam_search_decoder(inputs, sequence_length, beam_width, top_paths, merge_repeated=False)


def _size(tensor: Any, i: int) -> Any:
    return tensor.shape.as_list()[i] or tf.shape(tensor)[i]


def _sparse_labels(labels: Any, lengths: Any) -> Any:
    inside = tf.sequence_mask(lengths, maxlen=tf.shape(labels)[1])
    places = tf.where(inside)
    return tf.SparseTensor(places, tf.cast(tf.gather_nd(labels, places), tf.int32), tf.shape(labels, out_type=tf.int64))


@export("nn.ctc_loss_v2")
def ctc_loss_v2(
    labels: Any, logits: Any, label_length: Any, logit_length: Any, logits_time_major: bool = True, unique: Any = None, blank_index: Any = None, name: Any = None,
) -> Any:  # fmt: skip
    """The losses f[batch] of labels i[batch, length] or sparse ones, for logits f[time, batch, classes].

    Raises ValueError: sparse labels without `blank_index`. Source: TF 1.15 `tf.nn.ctc_loss_v2`; `unique` changes nothing.
    """
    sparse = isinstance(labels, tf.SparseTensor)
    if sparse and blank_index is None:
        raise ValueError("blank_index must be given when using SparseTensor labels.")
    with tf.name_scope(name, "ctc_loss_dense", [logits, label_length, logit_length]):
        logits = tf.convert_to_tensor(logits, name="logits")
        if not sparse:
            labels = _sparse_labels(tf.convert_to_tensor(labels, name="labels"), label_length)
        logits, labels = _blank_last(logits, labels, blank_index or 0)
        loss = ctc_loss(labels, logits, logit_length, time_major=logits_time_major)
        return loss if sparse else loss + _past_end(logits, logit_length, logits_time_major)


def _past_end(logits: Any, lengths: Any, time_major: bool) -> Any:
    """Zeros; as in TF 1.15, whose gradient of dense losses is the softmax itself in steps past a row's length."""
    axis = 0 if time_major else 1
    past = 1.0 - tf.sequence_mask(lengths, maxlen=tf.shape(logits)[axis], dtype=logits.dtype)
    each = tf.reduce_logsumexp(logits, axis=2) * (tf.transpose(past) if time_major else past)
    total = tf.reduce_sum(each, axis=axis)
    return total - tf.stop_gradient(total)


def _blank_last(logits: Any, labels: Any, blank: int) -> tuple[Any, Any]:
    classes = _size(logits, 2)
    if blank < 0:
        blank += classes
    if isinstance(classes, int) and blank == classes - 1:
        return logits, labels
    parts = [logits[:, :, :blank], logits[:, :, blank + 1 :], logits[:, :, blank : blank + 1]]
    values = tf.where(labels.values < blank, labels.values, labels.values - 1)
    return tf.concat(parts, axis=2), tf.SparseTensor(labels.indices, values, labels.dense_shape)


@export("nn.ctc_unique_labels")
def ctc_unique_labels(labels: Any, name: Any = None) -> Any:
    """[the different labels of each row i64[batch, length], padded with zeros; the place of each label among them i32]. Source: TF 1.15 `tf.nn.ctc_unique_labels`."""
    with tf.name_scope(name, "ctc_unique_labels", [labels]):
        labels = tf.convert_to_tensor(labels, name="labels")

        def one(row: Any) -> list[Any]:
            found = tf.unique(row)
            y = tf.pad(found.y, [[0, _size(found.idx, 0) - _size(found.y, 0)]])
            return [tf.cast(y, tf.int64), found.idx]

        return tf.map_fn(one, labels, dtype=[tf.int64, tf.int32])


@export("nn.collapse_repeated")
def collapse_repeated(labels: Any, seq_length: Any, name: Any = None) -> tuple[Any, Any]:
    """(labels i[batch, length] without what repeats the one before, their lengths i[batch]). Source: TF 1.15 `tf.nn.collapse_repeated`."""
    with tf.name_scope(name, "collapse_repeated_labels", [labels, seq_length]):
        labels = tf.convert_to_tensor(labels, name="labels")
        seq_length = tf.convert_to_tensor(seq_length, name="seq_length")
        first = tf.ones_like(labels[:, :1], tf.bool)
        new = tf.concat([first, tf.not_equal(labels[:, 1:], labels[:, :-1])], axis=1)
        new = tf.logical_and(new, tf.sequence_mask(seq_length, maxlen=_size(labels, 1)))
        lengths = tf.reduce_sum(tf.cast(new, tf.int32), axis=1)
        longest = tf.reduce_max(lengths)
        kept = tf.reshape(tf.sequence_mask(lengths, maxlen=longest), [-1])
        places = tf.boolean_mask(tf.range(_size(kept, 0)), kept)
        values = tf.boolean_mask(tf.reshape(labels, [-1]), tf.reshape(new, [-1]))
        flat = tf.scatter_nd(indices=tf.expand_dims(places, axis=1), updates=values, shape=tf.shape(kept))
        return tf.reshape(flat, [_size(labels, 0), longest]), tf.cast(lengths, seq_length.dtype)
