"""Connectionist temporal classification on NumPy: losses and best paths. TF 1.15 has kernels of these for CPUs alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Operation
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, merge_dim, with_rank

_NEVER = -np.inf


def _log_softmax(x: Any) -> Any:
    shifted = x - x.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def _refuse(op: Operation, text: str) -> errors.OpError:
    return errors.InvalidArgumentError(None, op, text)  # type: ignore[no-any-return]


def _joined(values: Any, by: str) -> str:
    return by.join(str(int(v)) for v in values)


def _labels(op: Operation, given: Any, row: int, classes: int) -> list[int]:
    """The labels of a row; those from `classes - 1` on end it."""
    found: list[int] = []
    ended = False
    collapse = op._attrs["preprocess_collapse_repeated"]
    for i, label in enumerate(given):
        if i and collapse and label == given[i - 1]:
            continue
        if label >= classes - 1:
            ended = True
        elif ended:
            raise _refuse(
                op,
                f"Saw a non-null label (index >= num_classes - 1) following a null label, batch: {row} num_classes: "
                f"{classes} labels: {_joined(given, ',')} labels seen so far: {_joined(found, ',')}",
            )
        else:
            found.append(int(label))
    if any(label < 0 for label in found):
        text = f"All labels must be nonnegative integers, batch: {row} labels: {_joined(found, ',')}"
        raise _refuse(op, text)
    return found


def _checked(op: Operation, inputs: Any, indices: Any, values: Any, lengths: Any) -> list[list[int]]:
    """The labels of each row, after all checks."""
    steps, rows, classes = inputs.shape
    if len(lengths) != rows:
        raise _refuse(
            op, f"len(sequence_length) != batch_size.  len(sequence_length):  {len(lengths)} batch_size: {rows}"
        )
    if len(indices) != len(values):
        raise _refuse(
            op,
            "labels_indices and labels_values must contain the same number of rows, but saw shapes: "
            f"[{indices.shape[0]},{indices.shape[1]}] vs. [{len(values)}]",
        )
    if not rows:
        raise _refuse(op, "batch_size must not be 0")
    given: list[list[int]] = [[] for _ in range(rows)]
    for (row, _), label in zip(indices, values, strict=True):
        if not 0 <= row < rows:
            raise _refuse(op, f"labels batch index must be between 0 and {rows} but saw: {row}")
        given[row].append(int(label))
    for row, length in enumerate(lengths):
        if length > steps:
            raise _refuse(op, f"sequence_length({row}) <= {steps}")
        if length < 0:
            raise _refuse(op, f"seq_len({row}) < 0")
    found = []
    for row, labels in enumerate(given):
        if not labels:
            raise _refuse(op, f"Labels length is zero in batch {row}")
        kept = _labels(op, labels, row, classes)
        if not op._attrs["ignore_longer_outputs_than_inputs"] and len(kept) > lengths[row]:
            raise _refuse(
                op,
                f"Not enough time for target transition sequence (required: {len(kept)}, available: {lengths[row]})"
                f"{row}You can turn this error into a warning by using the flag ignore_longer_outputs_than_inputs",
            )
        found.append(kept)
    return found


class _Paths:
    """All ways through the states of each row: a blank before, between and after the labels."""

    def __init__(self, labels: list[list[int]], blank: int, merges: bool):
        most = 2 * max(map(len, labels)) + 1
        self.states = np.full((len(labels), most), blank)
        for row, found in enumerate(labels):
            self.states[row, 1 : 2 * len(found) : 2] = found
        self.ends = np.array([2 * len(found) + 1 for found in labels])
        self.real = np.arange(most) < self.ends[:, None]
        is_label = self.states != blank
        again = np.zeros_like(is_label)
        again[:, 2:] = is_label[:, 2:] & (self.states[:, 2:] == self.states[:, :-2])
        # Whether a state may follow itself, and the one before the last.
        self.stays = (~is_label) | merges
        self.skips = is_label & ~(again & merges)
        self.skips[:, :2] = False

    def before(self, alpha: Any) -> Any:
        """The log probability of coming to each state, from that of the states a step before."""
        total = np.where(self.stays, alpha, _NEVER)
        total[:, 1:] = np.logaddexp(total[:, 1:], alpha[:, :-1])
        skipped = np.where(self.skips[:, 2:], alpha[:, :-2], _NEVER)
        total[:, 2:] = np.logaddexp(total[:, 2:], skipped)
        return np.where(self.real, total, _NEVER)

    def after(self, gamma: Any) -> Any:
        """The log probability of all that may follow each state."""
        total = np.where(self.stays, gamma, _NEVER)
        total[:, :-1] = np.logaddexp(total[:, :-1], gamma[:, 1:])
        skipped = np.where(self.skips[:, 2:], gamma[:, 2:], _NEVER)
        total[:, :-2] = np.logaddexp(total[:, :-2], skipped)
        return np.where(self.real, total, _NEVER)


def _forward_backward(paths: _Paths, emitted: Any, lengths: Any) -> tuple[Any, Any]:
    """The log probabilities f[time, row, state] of the ways up to, and from, each state."""
    steps, rows, count = emitted.shape
    alpha, beta = np.full((2, steps, rows, count), _NEVER, emitted.dtype)
    places = np.arange(count)
    alpha[0] = np.where((places < 2) & paths.real, emitted[0], _NEVER)
    for t in range(1, steps):
        alpha[t] = paths.before(alpha[t - 1]) + emitted[t]
    last = np.where((places >= paths.ends[:, None] - 2) & paths.real, 0.0, _NEVER)
    for t in range(steps - 1, -1, -1):
        follow = paths.after(beta[t + 1] + emitted[t + 1]) if t + 1 < steps else np.full_like(last, _NEVER)
        beta[t] = np.where((lengths == t + 1)[:, None], last, np.where((lengths > t + 1)[:, None], follow, _NEVER))
    return alpha, beta


def _ctc_loss(op: Operation, inputs: Any, indices: Any, values: Any, lengths: Any) -> tuple[Any, Any]:
    labels = _checked(op, inputs, indices, values, lengths)
    steps, rows, classes = inputs.shape
    # Rows that are too short for their labels have no loss.
    used = np.array([0 < n >= len(found) for n, found in zip(lengths, labels, strict=True)])
    loss, gradient = np.zeros(rows, inputs.dtype), np.zeros_like(inputs)
    if not steps or not used.any():
        return loss, gradient
    paths = _Paths(labels, classes - 1, bool(op._attrs["ctc_merge_repeated"]))
    logs = _log_softmax(inputs.astype(np.float64))
    emitted = np.take_along_axis(logs, np.broadcast_to(paths.states, (steps, *paths.states.shape)), 2)
    with np.errstate(all="ignore"):
        alpha, beta = _forward_backward(paths, emitted, lengths)
        both = alpha + beta
        total = np.logaddexp.reduce(both[0], axis=-1)
        shares = np.exp(both - np.where(np.isfinite(total), total, 0.0)[:, None])
    by_class = np.zeros(logs.shape)
    row = np.arange(rows)[:, None]
    for t in range(steps):
        np.add.at(by_class[t], (row, paths.states), shares[t])
    inside = (np.arange(steps)[:, None] < lengths) & used
    gradient[...] = np.where(inside[..., None], np.exp(logs) - by_class, 0.0)
    loss[...] = np.where(used, -total, 0.0)
    return loss, gradient


def _loss_shape(c: ShapeContext) -> list[Shape]:
    inputs, lengths = with_rank(c, c.input(0), 3), with_rank(c, c.input(3), 1)
    with_rank(c, c.input(1), 2)
    rows = merge_dim(c, inputs[1], lengths[0])
    merge_dim(c, with_rank(c, c.input(1), 2)[0], with_rank(c, c.input(2), 1)[0])
    return [(rows,), (inputs[0], rows, inputs[2])]


# ---- decoders


def _decoder_checked(op: Operation, inputs: Any, lengths: Any) -> None:
    steps, rows, _ = inputs.shape
    if len(lengths) != rows:
        raise _refuse(
            op, f"len(sequence_length) != batch_size.  len(sequence_length):  {len(lengths)} batch_size: {rows}"
        )
    for row, length in enumerate(lengths):
        if length > steps:
            raise _refuse(op, f"sequence_length({row}) <= {steps}")


def _sparse(sequences: list[list[int]]) -> tuple[Any, Any, Any]:
    """(indices, values, shape) of sequences, one a row."""
    places = [(row, i) for row, sequence in enumerate(sequences) for i in range(len(sequence))]
    values = [label for sequence in sequences for label in sequence]
    longest = max((len(sequence) for sequence in sequences), default=0)
    return (
        np.array(places, np.int64).reshape(-1, 2),
        np.array(values, np.int64),
        np.array([len(sequences), longest], np.int64),
    )


def _greedy(op: Operation, inputs: Any, lengths: Any) -> tuple[Any, ...]:
    _decoder_checked(op, inputs, lengths)
    _, rows, classes = inputs.shape
    best, merges = inputs.argmax(-1), op._attrs["merge_repeated"]
    scores = np.zeros((rows, 1), inputs.dtype)
    sequences = []
    for row, length in enumerate(lengths):
        path = best[:length, row]
        scores[row, 0] = -inputs[np.arange(length), row, path].sum()
        kept = [int(label) for i, label in enumerate(path) if label != classes - 1 and not (merges and i and label == path[i - 1])]  # fmt: skip
        sequences.append(kept)
    return (*_sparse(sequences), scores)


class _Beam:
    """A sequence of labels, with its log probabilities of ending in a label or in a blank, now and a step ago."""

    __slots__ = ("blank", "children", "label", "old", "old_blank", "parent", "total", "with_label")

    def __init__(self, parent: _Beam | None, label: int):
        self.parent, self.label = parent, label
        self.children: dict[int, _Beam] = {}
        self.reset()
        self.old = self.old_blank = _NEVER

    def reset(self) -> None:
        """Takes it out of the search."""
        self.total = self.blank = self.with_label = _NEVER

    def labels(self) -> list[int]:
        """The sequence."""
        found, beam = [], self
        while beam.parent is not None:
            found.append(beam.label)
            beam = beam.parent
        return found[::-1]


def _plus(a: float, b: float) -> float:
    return float(np.logaddexp(a, b))


class _Search:
    """The `width` likeliest sequences, step by step."""

    def __init__(self, width: int, classes: int):
        root = _Beam(None, -1)
        root.total = root.blank = 0.0
        self.width, self.classes, self.beams = width, classes, [root]

    def step(self, logs: Any) -> None:
        """Goes on by the log probabilities f[classes] of one step."""
        before = sorted(self.beams, key=lambda beam: -beam.total)
        for beam in before:
            beam.old, beam.old_blank = beam.total, beam.blank
        kept = []
        for beam in before:
            parent = beam.parent
            if parent is not None:
                if parent.total != _NEVER:
                    gained = parent.old_blank if beam.label == parent.label else parent.old
                    beam.with_label = _plus(beam.with_label, gained)
                beam.with_label += logs[beam.label]
            beam.blank = beam.old + logs[self.classes - 1]
            beam.total = _plus(beam.blank, beam.with_label)
            kept.append(beam)
        self.beams = kept
        for beam in before:
            self._grow(beam, logs)

    def _fits(self, total: float) -> bool:
        return total > _NEVER and (len(self.beams) < self.width or total > min(b.total for b in self.beams))

    def _grow(self, beam: _Beam, logs: Any) -> None:
        if not self._fits(beam.old):
            return
        for label in range(self.classes - 1):
            child = beam.children.setdefault(label, _Beam(beam, label))
            if child.total != _NEVER:
                continue
            gained = beam.old_blank if label == beam.label else beam.old
            total = logs[label] + gained
            if not self._fits(total):
                child.reset()
                child.old = child.old_blank = _NEVER
                continue
            child.blank, child.with_label, child.total = _NEVER, total, total
            if len(self.beams) >= self.width:
                worst = min(self.beams, key=lambda b: b.total)
                worst.reset()
                self.beams.remove(worst)
            self.beams.append(child)

    def best(self, count: int) -> list[_Beam]:
        """The likeliest sequences."""
        return sorted(self.beams, key=lambda beam: -beam.total)[:count]


def _without_repeats(labels: list[int]) -> list[int]:
    return [label for i, label in enumerate(labels) if not i or label != labels[i - 1]]


def _beam_search(op: Operation, inputs: Any, lengths: Any) -> tuple[Any, ...]:
    _decoder_checked(op, inputs, lengths)
    _, rows, classes = inputs.shape
    width, count, merges = op._attrs["beam_width"], op._attrs["top_paths"], op._attrs["merge_repeated"]
    logs = _log_softmax(inputs.astype(np.float64))
    sequences: list[list[list[int]]] = [[] for _ in range(count)]
    scores = np.zeros((rows, count), inputs.dtype)
    for row, length in enumerate(lengths):
        search = _Search(width, classes)
        for t in range(length):
            search.step(logs[t, row])
        if count > width:
            raise _refuse(op, "requested more paths than the beam width.")
        best = search.best(count)
        if len(best) < count:
            raise _refuse(op, "Less leaves in the beam search than requested.")
        for path, beam in enumerate(best):
            labels = beam.labels()
            sequences[path].append(_without_repeats(labels) if merges else labels)
            scores[row, path] = beam.total
    columns = zip(*(_sparse(found) for found in sequences), strict=True)
    return (*(part for column in columns for part in column), scores)


def _decoder_shape(c: ShapeContext, count: int) -> list[Shape]:
    inputs, lengths = with_rank(c, c.input(0), 3), with_rank(c, c.input(1), 1)
    rows = merge_dim(c, inputs[1], lengths[0])
    return [(None, 2)] * count + [(None,)] * count + [(2,)] * count + [(rows, count)]


def _loss_gradient(op: Operation, by_loss: Any, by_gradient: Any) -> list[Any]:
    import retrograph as tf
    from retrograph.framework.apply import apply_op

    message = (
        "Currently there is no way to take the second  derivative of ctc_loss due to the fused implementation's "
        "interaction  with tf.gradients()"
    )
    fixed = apply_op("PreventGradient", None, input=op.outputs[1], message=message)
    return [tf.reshape(by_loss, [1, -1, 1]) * fixed, None, None, None]


register_op("CTCLoss", shape=_loss_shape, numpy=_ctc_loss, host=True, gradient=_loss_gradient)
register_op("CTCGreedyDecoder", shape=lambda c: _decoder_shape(c, 1), numpy=_greedy, host=True, gradient=NO_GRADIENT)
register_op(
    "CTCBeamSearchDecoder", shape=lambda c: _decoder_shape(c, c.attr("top_paths")), numpy=_beam_search, host=True,
    gradient=NO_GRADIENT,
)  # fmt: skip
