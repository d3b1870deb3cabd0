"""Calls of `tf.image` on boxes, quality and turns. Run under TF 1.15's Python to record: python image_box_cases.py OUT.json"""

import sys

import golden_facts
import numpy as np

R = np.random.RandomState(0)
BATCH = R.rand(2, 6, 5, 3).astype(np.float32)
OTHER = R.rand(2, 6, 5, 3).astype(np.float32)
LARGE = R.rand(1, 27, 30, 1).astype(np.float32)
LARGER = np.clip(LARGE + 0.1 * R.randn(1, 27, 30, 1), 0, 1).astype(np.float32)
BYTES = R.randint(0, 255, (6, 4, 3)).astype(np.uint8)
CROPS = np.array([[0, 0, 1, 1], [0.1, 0.2, 0.7, 0.9], [-0.2, 0.3, 1.3, 0.5], [0.9, 0.8, 0.1, 0.2]], np.float32)
BOXES = R.rand(12, 4).astype(np.float32)
BOXES[5] = BOXES[4]
BOXES[6, 2] = BOXES[6, 0]
SCORES = np.round(R.rand(12), 1).astype(np.float32)
SQUARE = np.array([[0, 0, 1, 1], [0, 0, 0.5, 1], [0, 0, 1, 1]], np.float32)


def cases(tf):
    """Name -> a function that builds the tensors."""
    found = {}
    for make in (suppressions, combined, drawings, samples, glimpses, crops, turns, differences, comparisons):
        found.update(make(tf, tf.image, lambda v, shape=None: tf.placeholder_with_default(v, shape)))
    return found


def suppressions(tf, image, fed):
    plain, scored = image.non_max_suppression, image.non_max_suppression_with_scores
    found = {
        "nms": lambda: plain(BOXES, SCORES, 8),
        "nms few": lambda: plain(BOXES, SCORES, 2, 0.1, 0.2, name="few"),
        "nms all alike": lambda: plain(BOXES, np.ones(12, np.float32), 20, 0.3),
        "nms unknown": lambda: plain(fed(BOXES), fed(SCORES), fed(np.int32(3)), 0.5),
        "nms zero": lambda: plain(BOXES, SCORES, 0),
        "nms of an empty box": lambda: plain(BOXES[6:7], SCORES[6:7], 3),
        "nms one": lambda: plain(SQUARE, [0.9, 0.8, 0.7], 3, 1.0),
        "nms half": lambda: plain(
            tf.constant(BOXES, tf.float16), tf.constant(SCORES, tf.float16), 5, np.float16(0.5), np.float16(0)
        ),
        "scores": lambda: scored(BOXES, SCORES, 8, 0.4),
        "scores soft": lambda: scored(BOXES, SCORES, 12, 0.6, 0.05, 0.5),
        "scores soft equal": lambda: scored(BOXES, np.ones(12, np.float32), 12, 1.0, 0.1, 0.3),
        "padded": lambda: image.non_max_suppression_padded(BOXES, SCORES, 15, 0.2, pad_to_max_output_size=True),
        "not padded": lambda: image.non_max_suppression_padded(BOXES, SCORES, 15, 0.2),
        "overlaps": lambda: image.non_max_suppression_overlaps(np.outer(SCORES, SCORES), SCORES, 9, 0.3),
        "error: threshold": lambda: plain(BOXES, SCORES, 8, 1.5),
        "error: rank": lambda: plain(SCORES, SCORES, 8),
        "error: columns": lambda: plain(BOXES[:, :3], SCORES, 8),
        "error: scores": lambda: plain(BOXES, SCORES[:3], 8),
        "error: fed columns": lambda: plain(fed(BOXES[:, :3]), SCORES, 8),
        "error: fed scores": lambda: plain(BOXES, fed(SCORES[:3]), 8),
        "error: fed rank": lambda: plain(fed(SCORES), SCORES, 8),
        "error: overlaps": lambda: image.non_max_suppression_overlaps(fed(np.ones((3, 2), np.float32)), SCORES, 9),
    }
    for i in range(4):
        boxes, scores = R.rand(30, 4).astype(np.float32), np.round(R.rand(30), 1).astype(np.float32)
        found[f"nms many {i}"] = lambda b=boxes, s=scores, i=i: scored(b, s, 20, 0.2 + 0.1 * i, 0.0, 0.2 * i)
    return found


def combined(tf, image, fed):
    boxes, scores = R.rand(2, 9, 1, 4).astype(np.float32) * 1.2, R.rand(2, 9, 3).astype(np.float32)
    own = R.rand(2, 9, 3, 4).astype(np.float32)
    run = image.combined_non_max_suppression
    return {
        "combined": lambda: run(boxes, scores, 3, 5),
        "combined padded": lambda: run(own, scores, 2, 50, 0.3, 0.2, pad_per_class=True, clip_boxes=False),
        "combined fed": lambda: run(fed(own), fed(scores), fed(np.int32(4)), 4, 0.3, 0.8, name="many"),
        "error: total": lambda: run(boxes, scores, 3, 0),
        "error: fed total": lambda: run(boxes, scores, 3, fed(np.int32(0), [])),
        "error: classes": lambda: run(own[:, :, :2], scores, 3, 5),
        "error: combined threshold": lambda: run(own, scores, 3, 5, 2.0),
        "error: combined fed boxes": lambda: run(fed(own[0]), scores, 3, 5),
    }


def drawings(tf, image, fed):
    pale = np.zeros((2, 6, 8, 3), np.float32)
    boxes = np.stack([CROPS, CROPS[::-1]])
    draw = image.draw_bounding_boxes
    return {
        "drawn": lambda: draw(pale, boxes),
        "drawn grey": lambda: draw(pale[..., :1], boxes, name="grey"),
        "drawn half": lambda: draw(np.zeros((2, 4, 4, 4), np.float16), boxes),
        "drawn colors": lambda: draw(pale, boxes, colors=[[0.1, 0.2, 0.3, 0.4], [5, 6, 7, 8]]),
        "error: depth": lambda: draw(pale[..., :2], boxes),
        "error: batch": lambda: draw(pale[:1], boxes),
        "error: colors": lambda: draw(pale, boxes, colors=[1.0, 2.0]),
        "error: few colors": lambda: draw(pale, boxes, colors=[[1.0, 2.0]]),
        "error: fed boxes": lambda: draw(pale, fed(boxes[0])),
    }


def samples(tf, image, fed):
    boxes = np.array([[[0.1, 0.2, 0.8, 0.9], [0.5, 0.5, 0.7, 0.6]]], np.float32)
    sample = image.sample_distorted_bounding_box
    none = np.zeros((1, 0, 4), np.float32)
    found = {
        "sampled long": lambda: sample(np.array([300, 400, 3], np.int64), boxes, seed=3, min_object_covered=0.9),
        "sampled none": lambda: sample([50, 70, 3], none, seed=3, use_image_if_no_bounding_boxes=True),
        "sampled failing": lambda: sample([50, 70, 3], boxes, seed=3, min_object_covered=1.0, area_range=[0.05, 0.06]),
        "sampled wide": lambda: sample([50, 700, 3], boxes, seed2=4, aspect_ratio_range=[5.0, 9.0], max_attempts=20),
        "error: no boxes": lambda: sample([50, 70, 3], none, seed=3),
        "error: outside": lambda: sample([50, 70, 3], boxes + 1, seed=3),
        "error: area": lambda: sample([50, 70, 3], boxes, area_range=[0, 1]),
        "error: large area": lambda: sample([50, 70, 3], boxes, area_range=[0.5, 2]),
        "error: ratios": lambda: sample([50, 70, 3], boxes, aspect_ratio_range=[1]),
        "error: attempts": lambda: sample([50, 70, 3], boxes, max_attempts=-3),
        "error: covered": lambda: sample([50, 70, 3], boxes, min_object_covered=-1.0),
        "error: size": lambda: sample([50, 70], boxes),
    }
    for seed in range(1, 9):
        found[f"sampled {seed}"] = lambda s=seed: sample([33 * s, 320 - s, 3], boxes, s, 5, area_range=[0.1, 0.9])
    return found


def glimpses(tf, image, fed):
    offsets = np.array([[0, 0], [0.1, -0.2]], np.float32)
    cut = image.extract_glimpse
    return {
        "glimpse": lambda: cut(BATCH, [3, 2], offsets),
        "glimpse corner": lambda: cut(BATCH, [2, 2], offsets + 0.3, centered=False),
        "glimpse pixels": lambda: cut(BATCH, [2, 3], offsets * 5 + 2, False, False, name="pixels"),
        "glimpse fed": lambda: cut(fed(BATCH), fed(np.array([2, 2], np.int32), [2]), fed(offsets)),
        "error: glimpse batch": lambda: cut(BATCH, [3, 2], offsets[:1]),
        "error: glimpse size": lambda: cut(BATCH, [3, 2, 1], offsets),
    }


def crops(tf, image, fed):
    def gradients(value, shape, method="bilinear", size=(3, 4)):
        x, boxes = fed(value, shape), fed(CROPS, [4, 4])
        y = image.crop_and_resize(x, boxes, [0, 1, 0, 1], size, method=method)
        return tf.gradients(tf.reduce_sum(y * y), [x, boxes] if value.dtype.kind == "f" else [boxes])

    return {
        "crop gradient": lambda: gradients(BATCH, [2, 6, 5, 3]),
        "crop gradient one": lambda: gradients(BATCH, [None, 6, 5, 3], size=(1, 1)),
        "crop gradient unknown": lambda: gradients(BATCH, [None] * 4, "nearest"),
        "crop gradient bytes": lambda: gradients((BYTES // 16)[None].repeat(2, 0), [2, 6, 4, 3]),
        "crop gradient double": lambda: gradients(BATCH.astype(np.float64), [2, 6, 5, 3]),
        "error: which": lambda: image.crop_and_resize(BATCH, CROPS, [0, 1, 2, 0], [2, 2]),
        "error: negative": lambda: image.crop_and_resize(BATCH, CROPS, [0, 1, -1, 0], [2, 2]),
        "error: crop size": lambda: image.crop_and_resize(BATCH, CROPS, [0, 1, 1, 0], [0, 2]),
        "error: crop sizes": lambda: image.crop_and_resize(BATCH, CROPS, [0, 1, 1, 0], [1, 2, 3]),
        "error: crop boxes": lambda: image.crop_and_resize(BATCH, CROPS, [0, 1], [1, 2]),
        "error: crop columns": lambda: image.crop_and_resize(BATCH, CROPS[:, :3], [0, 1, 0, 1], [1, 2]),
    }


def turns(tf, image, fed):
    found = {
        "transpose": lambda: image.transpose(BYTES),
        "transpose batch": lambda: image.transpose_image(BATCH, name="turned"),
        "transpose unknown": lambda: image.transpose(fed(BYTES)),
        "turn": lambda: image.rot90(BYTES),
        "turn batch": lambda: image.rot90(BATCH, -1, name="back"),
        "turn unknown": lambda: image.rot90(fed(BYTES, [None, None, 3]), fed(np.int32(2), [])),
        "error: turn": lambda: image.rot90(BYTES[None, None]),
        "error: times": lambda: image.rot90(BYTES, [1]),
        "error: transpose": lambda: image.transpose(BYTES[0]),
    }
    for k in (0, 2, 3, 4):
        found[f"turn {k}"] = lambda k=k: image.rot90(BYTES, k)
        found[f"turn batch {k}"] = lambda k=k: image.rot90(BATCH, k)
    return found


def differences(tf, image, fed):
    return {
        "variation": lambda: image.total_variation(tf.constant(BATCH)),
        "variation one": lambda: image.total_variation(tf.constant(BYTES), name="one"),
        "gradients": lambda: image.image_gradients(tf.constant(BATCH)),
        "gradients fed": lambda: image.image_gradients(fed(BATCH, [None] * 4)),
        "sobel": lambda: image.sobel_edges(tf.constant(BATCH)),
        "sobel fed": lambda: image.sobel_edges(fed(BATCH, [None, None, 5, 3])),
        "error: variation": lambda: image.total_variation(tf.constant(BATCH[0, 0])),
        "error: gradients": lambda: image.image_gradients(tf.constant(BATCH[0])),
    }


def comparisons(tf, image, fed):
    one, other = tf.constant, tf.constant
    similar, scales = image.ssim, image.ssim_multiscale

    def by_image():
        x = tf.constant(LARGE)
        return tf.gradients([image.ssim(x, tf.constant(LARGER), 1.0), scales(x, LARGER, 1.0, (0.4, 0.6), 5)], x)

    return {
        "psnr": lambda: image.psnr(one(BATCH), other(OTHER), 1.0),
        "psnr bytes": lambda: image.psnr(one(BYTES), other(BYTES[::-1]), 255, name="noise"),
        "psnr fed": lambda: image.psnr(fed(BATCH, [None] * 4), other(OTHER), max_val=2.0),
        "ssim": lambda: similar(one(LARGE), other(LARGER), 1.0),
        "ssim small": lambda: similar(one(BATCH), other(OTHER), 1.0, 4, 0.8, 0.02, 0.05),
        "ssim bytes": lambda: similar(one(BYTES), other(BYTES[::-1]), 255, filter_size=3),
        "ssim fed": lambda: similar(fed(LARGE), fed(LARGER), 1.0),
        "scales": lambda: scales(LARGE, LARGER, 1.0, (0.4, 0.6), 5),
        "scales three": lambda: scales(fed(LARGE, [None] * 4), LARGER, 1.0, (0.2, 0.4, 0.4), 3),
        "values: similarity gradient": by_image,
        "error: shapes": lambda: image.psnr(one(BATCH), other(BATCH[:, :3]), 1.0),
        "error: batches": lambda: image.ssim(one(BATCH), other(BATCH[[0, 0, 0]]), 1.0),
        "error: small": lambda: similar(one(BATCH), other(OTHER), 1.0),
        "error: ranks": lambda: similar(one(BATCH[0, 0]), other(OTHER), 1.0),
    }


if __name__ == "__main__":
    golden_facts.record(cases, sys.argv[1])
