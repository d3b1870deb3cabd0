"""Non-maximum suppression: of boxes that overlap, those with the best scores. How many remain depends on data: all on the host."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from retrograph.framework import dtypes
from retrograph.framework.apply import apply_op
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, merge_dim, with_rank
from retrograph.ops.rows import Dim, multiply, refuse, with_value

Array = Any
_LOWEST = -np.inf


class _Candidate(NamedTuple):
    """A box that may still be chosen, and how many of the chosen it was compared with."""

    box: int
    score: Any
    compared: int = 0


class _Heap:
    """A binary heap that orders equal scores as the C++ standard library's does: TF's choice among them depends on it."""

    def __init__(self) -> None:
        self._items: list[_Candidate] = []

    def __bool__(self) -> bool:
        return bool(self._items)

    def push(self, item: _Candidate) -> None:
        """Puts a candidate in."""
        self._items.append(item)
        self._rise(len(self._items) - 1, item)

    def _rise(self, hole: int, item: _Candidate) -> None:
        items = self._items
        while hole and items[(hole - 1) // 2].score < item.score:
            items[hole] = items[(hole - 1) // 2]
            hole = (hole - 1) // 2
        items[hole] = item

    def pop(self) -> _Candidate:
        """Takes the best out."""
        items = self._items
        best, last = items[0], items.pop()
        if items:
            self._rise(self._sink(len(items)), last)
        return best

    def _sink(self, size: int) -> int:
        items, hole = self._items, 0
        while 2 * hole + 2 < size:
            left, right = 2 * hole + 1, 2 * hole + 2
            larger = left if items[right].score < items[left].score else right
            items[hole] = items[larger]
            hole = larger
        if 2 * hole + 2 == size:
            items[hole] = items[size - 1]
            hole = size - 1
        return hole


def _areas(boxes: Array) -> tuple[Array, Array, Array]:
    """(lower corners, upper corners, areas)."""
    low, high = np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])
    sides = high - low
    return low, high, sides[:, 0] * sides[:, 1]


def _overlaps_with(boxes: Array) -> Callable[[int], Array]:
    """A function of a box: its intersection over union with each box."""
    low, high, areas = _areas(boxes)

    def overlaps(i: int) -> Array:
        sides = np.maximum(np.minimum(high, high[i]) - np.maximum(low, low[i]), boxes.dtype.type(0))
        shared = sides[:, 0] * sides[:, 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            found = shared / (areas[i] + areas - shared)
        return np.where((areas > 0) & (areas[i] > 0), found, boxes.dtype.type(0))

    return overlaps


class _Limits(NamedTuple):
    """When a box is refused: too much overlap, too low a score; and how fast overlap lowers scores."""

    overlap: Any
    score: Any
    sigma: Any


def _weigh(similarity: Any, limits: _Limits) -> Any:
    kind = type(limits.overlap)
    scale = kind(-0.5) / limits.sigma if limits.sigma > 0 else kind(0)
    weight = kind(np.exp(np.float32(scale * similarity * similarity)))
    return weight if similarity <= limits.overlap else kind(0)


def _reconsider(item: _Candidate, chosen: list[int], overlaps: Array, limits: _Limits) -> _Candidate | None:
    """The candidate with the score that the chosen leave it; None if one of them is too near."""
    score = item.score
    for other in reversed(chosen[item.compared :]):
        similarity = overlaps[other]
        score = score * _weigh(similarity, limits)
        if similarity >= limits.overlap:
            return None
        if score <= limits.score:
            break
    return _Candidate(item.box, score, len(chosen))


def _choose(
    scores: Array, count: int, limits: _Limits, overlaps: Callable[[int], Array]
) -> tuple[list[int], list[Any]]:
    """(boxes, scores) of those that remain, best first."""
    heap = _Heap()
    for box, score in enumerate(scores):
        if score > limits.score:
            heap.push(_Candidate(box, score))
    chosen: list[int] = []
    kept: list[Any] = []
    while len(chosen) < count and heap:
        item = heap.pop()
        after = _reconsider(item, chosen, overlaps(item.box) if chosen else None, limits)
        if after is None:
            continue
        if after.score == item.score:
            chosen.append(item.box)
            kept.append(after.score)
        # TF puts what it has chosen back too: a box that does not overlap itself, as it is empty, comes again.
        if after.score > limits.score:
            heap.push(after)
    return chosen, kept


def _check_scalar(op: Any, name: str, value: Array) -> None:
    if value.ndim:
        refuse(op, f"{name} must be 0-D, got shape {_shape_text(value)}")


def _shape_text(value: Array) -> str:
    return str(list(value.shape)).replace(" ", "")


def _check_boxes(op: Any, boxes: Array, scores: Array) -> None:
    if boxes.ndim != 2:
        refuse(op, f"boxes must be 2-D{_shape_text(boxes)}")
    if boxes.shape[1] != 4:
        refuse(op, "boxes must have 4 columns")
    _check_scores(op, len(boxes), scores)


def _check_scores(op: Any, count: int, scores: Array) -> None:
    if scores.ndim != 1:
        refuse(op, f"scores must be 1-D{_shape_text(scores)}")
    if len(scores) != count:
        refuse(op, "scores has incompatible shape")


def _check_overlap(op: Any, threshold: Any) -> None:
    if not 0 <= threshold <= 1:
        refuse(op, "iou_threshold must be in [0, 1]")


def _limits(kind: Any, overlap: Any, score: Any = _LOWEST, sigma: Any = 0.0) -> _Limits:
    return _Limits(kind(overlap), kind(score), kind(sigma))


def _suppress(op: Any, boxes: Array, scores: Array, size: Array, *thresholds: Array) -> tuple[list[int], list[Any]]:
    names = ("max_output_size", "iou_threshold", "score_threshold", "soft_nms_sigma")
    for name, value in zip(names, (size, *thresholds), strict=False):
        _check_scalar(op, name, np.asarray(value))
    _check_overlap(op, thresholds[0])
    _check_boxes(op, boxes, scores)
    limits = _limits(scores.dtype.type, *thresholds)
    return _choose(scores, int(size), limits, _overlaps_with(boxes))


def _padded(op: Any, size: Array, values: list[Any], dtype: Any) -> Array:
    missing = int(size) - len(values) if op.attrs.get("pad_to_max_output_size") else 0
    return np.array(list(values) + [0] * missing, dtype)


def _indices(op: Any, boxes: Array, scores: Array, size: Array, *thresholds: Array) -> Array:
    thresholds = thresholds or (np.float32(op.attrs["iou_threshold"]),)
    return np.array(_suppress(op, boxes, scores, size, *thresholds)[0], np.int32)


def _indices_and_count(op: Any, boxes: Array, scores: Array, size: Array, *thresholds: Array) -> tuple[Array, Array]:
    chosen, _ = _suppress(op, boxes, scores, size, *thresholds)
    return _padded(op, size, chosen, np.int32), np.int32(len(chosen))


def _with_scores(op: Any, boxes: Array, scores: Array, size: Array, *thresholds: Array) -> tuple[Array, Array, Array]:
    chosen, kept = _suppress(op, boxes, scores, size, *thresholds)
    return _padded(op, size, chosen, np.int32), _padded(op, size, kept, scores.dtype), np.int32(len(chosen))


def _by_overlaps(op: Any, overlaps: Array, scores: Array, size: Array, threshold: Array, lowest: Array) -> Array:
    if overlaps.ndim != 2:
        refuse(op, f"overlaps must be 2-D{_shape_text(overlaps)}")
    if overlaps.shape[0] != overlaps.shape[1]:
        refuse(op, f"overlaps must be square{_shape_text(overlaps)}")
    _check_scores(op, len(overlaps), scores)
    limits = _limits(np.float32, threshold, lowest)
    return np.array(_choose(scores, int(size), limits, lambda i: overlaps[i])[0], np.int32)


def _suppression_shape(scalars: int, padded: int = 0, count: bool = False) -> Callable[[ShapeContext], list[Shape]]:
    """`scalars` inputs after boxes and scores; the first `padded` outputs may have a known size; the last may count."""

    def shape(c: ShapeContext) -> list[Shape]:
        boxes, scores = with_rank(c, c.input(0), 2), with_rank(c, c.input(1), 1)
        for i in range(scalars):
            with_rank(c, c.input(2 + i), 0)
        merge_dim(c, boxes[0], scores[0])
        if c.op_type == "NonMaxSuppressionWithOverlaps":
            merge_dim(c, boxes[0], boxes[1])
        else:
            with_value(boxes[1], 4)
        size = c.constant(2) if padded and c.attr("pad_to_max_output_size") else None
        rows: list[Shape] = [(None if size is None else int(size),)] * max(padded, 1)
        return [*rows, ()] if count else rows

    return shape


_HOST: dict[str, Any] = {"host": True, "gradient": NO_GRADIENT}
register_op("NonMaxSuppression", shape=_suppression_shape(1), numpy=_indices, **_HOST)
register_op("NonMaxSuppressionV2", shape=_suppression_shape(2), numpy=_indices, **_HOST)
register_op("NonMaxSuppressionV3", shape=_suppression_shape(3), numpy=_indices, **_HOST)
register_op("NonMaxSuppressionV4", shape=_suppression_shape(3, 1, count=True), numpy=_indices_and_count, **_HOST)
register_op("NonMaxSuppressionV5", shape=_suppression_shape(4, 2, count=True), numpy=_with_scores, **_HOST)
register_op("NonMaxSuppressionWithOverlaps", shape=_suppression_shape(3), numpy=_by_overlaps, **_HOST)


# ---- several classes at once


def _combined_shape(c: ShapeContext) -> list[Shape]:
    boxes, scores = with_rank(c, c.input(0), 4), with_rank(c, c.input(1), 3)
    for i in range(2, 6):
        with_rank(c, c.input(i), 0)
    batch = merge_dim(c, boxes[0], scores[0])
    merge_dim(c, boxes[1], scores[1])
    with_value(boxes[3], 4)
    if boxes[2] is not None and scores[2] is not None and boxes[2] not in (1, scores[2]):
        c.fail("third dimension of boxes must be either 1 or equal to the third dimension of scores")
    size = _combined_size(c, scores[2])
    return [(batch, size, 4), (batch, size), (batch, size), (batch,)]


def _positive(c: ShapeContext, index: int, text: str) -> Dim:
    value = c.constant(index)
    if value is not None and int(value) <= 0:
        c.fail(text)
    return None if value is None else int(value)


def _combined_size(c: ShapeContext, classes: Dim) -> Dim:
    total = _positive(c, 3, "max_total_size should be > 0 ")
    if not c.attr("pad_per_class"):
        c.constant(2)
        return total
    each = _positive(c, 2, "max_output_size_per_class must be > 0 if pad_per_class is set to true ")
    some = multiply(each, classes)
    return None if total is None or some is None else min(total, some)


class _Detection(NamedTuple):
    score: Any
    group: int
    box: Array


def _of_group(boxes: Array, scores: Array, group: int, size: int, limits: _Limits) -> list[_Detection]:
    """The boxes of one class that remain, best first."""
    overlaps, chosen = _overlaps_with(boxes), list[int]()
    order = np.argsort(-scores, kind="stable")
    for box in order[scores[order] > limits.score].tolist():
        if len(chosen) >= size:
            break
        if not chosen or not (overlaps(box)[chosen] > limits.overlap).any():
            chosen.append(box)
    return [_Detection(scores[box], group, boxes[box]) for box in chosen]


def _best_of_image(op: Any, boxes: Array, scores: Array, size: int, limits: _Limits) -> list[_Detection]:
    groups = range(scores.shape[1])
    found = [_of_group(boxes[:, g % boxes.shape[1]], scores[:, g], g, size, limits) for g in groups]
    return sorted(itertools.chain(*found), key=lambda detection: -detection.score)


def _combined(
    op: Any, boxes: Array, scores: Array, per_class: Array, total: Array, overlap: Array, lowest: Array
) -> tuple[Array, Array, Array, Array]:
    _check_combined(op, boxes, scores, (per_class, total, overlap, lowest))
    size, each = int(total), int(per_class)
    if op.attrs["pad_per_class"]:
        size = min(size, each * scores.shape[2])
    limits = _limits(np.float32, overlap, lowest)
    pairs = zip(boxes, scores, strict=True)
    found = [_best_of_image(op, b, s, min(each, boxes.shape[1]), limits)[:size] for b, s in pairs]
    return _as_arrays(op, found, size)


def _as_arrays(op: Any, found: Sequence[list[_Detection]], size: int) -> tuple[Array, Array, Array, Array]:
    boxes, scores, groups = (np.zeros((len(found), size, *rest), np.float32) for rest in ((4,), (), ()))
    for i, detections in enumerate(found):
        for j, detection in enumerate(detections):
            boxes[i, j], scores[i, j], groups[i, j] = detection.box, detection.score, detection.group
    if op.attrs["clip_boxes"]:
        boxes = np.clip(boxes, np.float32(0), np.float32(1))
    return boxes, scores, groups, np.array([len(detections) for detections in found], np.int32)


def _check_combined(op: Any, boxes: Array, scores: Array, scalars: Sequence[Array]) -> None:
    names = ("max_size_per_class", "max_total_size", "iou_threshold", "score_threshold")
    for name, value in zip(names, scalars, strict=True):
        _check_scalar(op, name, np.asarray(value))
    if int(scalars[1]) <= 0:
        refuse(op, "max_total_size must be > 0")
    _check_overlap(op, scalars[2])
    if boxes.shape[0] != scores.shape[0]:
        refuse(op, "boxes and scores must have same batch size")
    for name, value, rank in (("boxes", boxes, 4), ("scores", scores, 3)):
        if value.ndim != rank:
            refuse(op, f"{name} must be {rank}-D{_shape_text(value)}")
    if boxes.shape[2] not in (1, scores.shape[2]):
        refuse(op, "third dimension of boxes must be either 1 or num classes")
    if boxes.shape[3] != 4:
        refuse(op, "boxes must have 4 columns")
    if scores.shape[1] != boxes.shape[1]:
        refuse(op, "scores has incompatible shape")


register_op("CombinedNonMaxSuppression", shape=_combined_shape, numpy=_combined, **_HOST)


# ---- functions


def _thresholds(**values: Any) -> dict[str, Tensor]:
    return {name: convert_to_tensor(value, name=name) for name, value in values.items()}


@export("image.non_max_suppression")
def non_max_suppression(
    boxes: Any,
    scores: Any,
    max_output_size: Any,
    iou_threshold: Any = 0.5,
    score_threshold: Any = _LOWEST,
    name: Any = None,
) -> Tensor:
    """Indices `i32[m]` of at most `max_output_size` boxes `f32[n, 4]` that do not overlap, those of best scores first.

    Raises InvalidArgumentError: boxes and scores that do not match, a threshold outside of [0, 1].
    Source: TF 1.15 `tf.image.non_max_suppression`.
    """
    with name_scope(name, "non_max_suppression"):
        thresholds = _thresholds(iou_threshold=iou_threshold, score_threshold=score_threshold)
        arguments = {"boxes": boxes, "scores": scores, "max_output_size": max_output_size}
        found: Tensor = apply_op("NonMaxSuppressionV3", None, **arguments, **thresholds)
        return found


@export("image.non_max_suppression_with_scores")
def non_max_suppression_with_scores(
    boxes: Any,
    scores: Any,
    max_output_size: Any,
    iou_threshold: Any = 0.5,
    score_threshold: Any = _LOWEST,
    soft_nms_sigma: Any = 0.0,
    name: Any = None,
) -> tuple[Tensor, Tensor]:
    """(indices, scores) as `non_max_suppression`; with a sigma above zero, overlap lowers scores.

    Source: TF 1.15 `tf.image.non_max_suppression_with_scores`.
    """
    with name_scope(name, "non_max_suppression_with_scores"):
        limits = {"iou_threshold": iou_threshold, "score_threshold": score_threshold, "soft_nms_sigma": soft_nms_sigma}
        arguments = {"boxes": boxes, "scores": scores, "max_output_size": max_output_size}
        found = apply_op(
            "NonMaxSuppressionV5", None, **arguments, **_thresholds(**limits), pad_to_max_output_size=False
        )
        return found.selected_indices, found.selected_scores


@export("image.non_max_suppression_padded")
def non_max_suppression_padded(
    boxes: Any,
    scores: Any,
    max_output_size: Any,
    iou_threshold: Any = 0.5,
    score_threshold: Any = _LOWEST,
    pad_to_max_output_size: bool = False,
    name: Any = None,
) -> Any:
    """(indices, how many of them are valid) as `non_max_suppression`, filled up with zeros if that is asked for.

    Source: TF 1.15 `tf.image.non_max_suppression_padded`.
    """
    with name_scope(name, "non_max_suppression_padded"):
        thresholds = _thresholds(iou_threshold=iou_threshold, score_threshold=score_threshold)
        arguments = {"boxes": boxes, "scores": scores, "max_output_size": max_output_size, **thresholds}
        return apply_op("NonMaxSuppressionV4", None, **arguments, pad_to_max_output_size=pad_to_max_output_size)


@export("image.non_max_suppression_overlaps")
def non_max_suppression_with_overlaps(
    overlaps: Any,
    scores: Any,
    max_output_size: Any,
    overlap_threshold: Any = 0.5,
    score_threshold: Any = _LOWEST,
    name: Any = None,
) -> Tensor:
    """Indices as `non_max_suppression`, by overlaps `f32[n, n]` that are given.

    Source: TF 1.15 `tf.image.non_max_suppression_overlaps`.
    """
    with name_scope(name, "non_max_suppression_overlaps"):
        arguments = {"overlaps": overlaps, "scores": scores, "max_output_size": max_output_size}
        threshold = _thresholds(overlap_threshold=overlap_threshold)
        op_type = "NonMaxSuppressionWithOverlaps"
        found: Tensor = apply_op(op_type, None, **arguments, **threshold, score_threshold=score_threshold)
        return found


@export("image.combined_non_max_suppression")
def combined_non_max_suppression(
    boxes: Any,
    scores: Any,
    max_output_size_per_class: Any,
    max_total_size: Any,
    iou_threshold: Any = 0.5,
    score_threshold: Any = _LOWEST,
    pad_per_class: bool = False,
    clip_boxes: bool = True,
    name: Any = None,
) -> Any:
    """Boxes `f32[batch, n, q, 4]` of several classes at once: (boxes, scores, classes, how many are valid) of each image.

    Raises ValueError, InvalidArgumentError: sizes that do not match. Source: TF 1.15 `tf.image.combined_non_max_suppression`.
    """
    with name_scope(name, "combined_non_max_suppression"):
        limits = {"iou_threshold": iou_threshold, "score_threshold": score_threshold}
        thresholds = {key: convert_to_tensor(value, dtypes.float32, name=key) for key, value in limits.items()}
        sizes = {"max_output_size_per_class": max_output_size_per_class, "max_total_size": max_total_size}
        options = {"pad_per_class": pad_per_class, "clip_boxes": clip_boxes}
        return apply_op("CombinedNonMaxSuppression", None, boxes=boxes, scores=scores, **sizes, **thresholds, **options)
