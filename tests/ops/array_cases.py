"""Expressions over array functions, and the recorder of what they give.

Run by TensorFlow 1.15.5's Python it writes the golden files beside the other recorded data:
`python tests/ops/array_cases.py FOLDER [MODULE]`. The test suite runs the same functions on Retrograph.
"""

import importlib
import json
import os
import sys

import numpy as np

SHAPES = r"""
tf.reshape(p23, [-1])
tf.reshape(pN3, [-1])
tf.reshape(pN3, [-1, 3, 1])
tf.reshape(pN3, [3, -1])
tf.reshape(p23, [-1, 4])
tf.reshape(p23, [2, 2])
tf.reshape(pN3, [2, 2])
tf.reshape(p23, [tf.shape(pN3)[0], -1])
tf.reshape(pN3, tf.stack([-1, k]))
tf.reshape(u, [2, -1])
tf.reshape(p23, [-2, 3])
tf.reshape(p23, [[1]])
tf.reshape(p23, [-1, -1])
tf.reshape(pN3, [-1, 0])
tf.reshape(pNN, [2, 3])
tf.reshape(pNN, [-1, 3])
tf.reshape(pN3, pN3.shape)
tf.expand_dims(p23, 3)
tf.expand_dims(p23, -4)
tf.expand_dims(p23, [0])
tf.expand_dims(p23, [0, 1])
tf.expand_dims(u, 0)
tf.expand_dims(p23, k)
tf.expand_dims(p23)
tf.expand_dims(p23, dim=1)
tf.expand_dims(p23, 0, dim=1)
tf.squeeze(p131)
tf.squeeze(p131, 0)
tf.squeeze(p131, [0, 2])
tf.squeeze(p131, -1)
tf.squeeze(p131, 1)
tf.squeeze(p131, 5)
tf.squeeze(pN3)
tf.squeeze(pN3, 0)
tf.squeeze(u)
tf.squeeze(u, [1])
tf.squeeze(p131, squeeze_dims=[0])
tf.transpose(p23)
tf.transpose(p23, [1, 0])
tf.transpose(p23, [0, 2])
tf.transpose(p23, [0])
tf.transpose(u)
tf.transpose(u, [0])
tf.transpose(u, [1, 0])
tf.transpose(p23, I2)
tf.transpose(pN3)
tf.transpose(tf.constant(1.0))
tf.matrix_transpose(p131)
tf.matrix_transpose(u)
tf.matrix_transpose(I2)
tf.concat([p23, pN3], 0)
tf.concat([p23, pN3], 1)
tf.concat([p23, pN3], -1)
tf.concat([p23, u], 0)
tf.concat([p23, pN3], k)
tf.concat([p23, p131], 0)
tf.concat([p23, p131], k)
tf.concat([k, k], 0)
tf.concat([k, k], k)
tf.concat([p23, p23], 2)
tf.concat([p23, p23], -3)
tf.concat([p23, I2], 0)
tf.concat([p23], 0)
tf.concat([p23], [0])
tf.concat(p23, 0)
tf.concat([], 0)
tf.concat([p23, p23], [0])
tf.concat([p23, p23], 1.5)
tf.stack([p23, pN3])
tf.stack([p23, u])
tf.stack([p23, p23], 3)
tf.stack([p23, p23], -3)
tf.stack([p23, p23], -4)
tf.stack([p23, p131], 1)
tf.stack([])
tf.stack([1, 2.5])
tf.stack([1, k])
tf.stack([k, 2.5])
tf.stack(p23)
tf.stack([[k, 1], [2, 3]])
tf.stack([p23, I2])
tf.unstack(p23)
tf.unstack(p23, axis=1)
tf.unstack(p23, axis=-1)
tf.unstack(p23, axis=2)
tf.unstack(p23, num=3)
tf.unstack(pN3)
tf.unstack(pN3, 4)
tf.unstack(u)
tf.unstack(u, 2)
tf.unstack(k)
tf.split(p23, 3, 1)
tf.split(p23, 2, 1)
tf.split(p23, 3, -1)
tf.split(p23, 3, 2)
tf.split(p23, 2, k)
tf.split(pN3, 2)
tf.split(u, 2)
tf.split(p23, [1, 2], 1)
tf.split(p23, [1, 3], 1)
tf.split(p23, [1, -1], 1)
tf.split(p23, [-1, -1], 1)
tf.split(p23, [1, -1], k)
tf.split(p23, I2, 1)
tf.split(pN3, [1, -1], 0)
tf.split(p23, k, 1)
tf.split(k, [1, -1], 0)
tf.split(p23, [4, -1], 1)
tf.slice(p23, [0, 1], [2, -1])
tf.slice(pN3, [0, 1], [-1, -1])
tf.slice(pN3, [0, 1], [2, 2])
tf.slice(p23, [0], [1])
tf.slice(p23, [0, 1], [-2, 1])
tf.slice(p23, [0, 1], [1])
tf.slice(p23, [0, k], [1, 2])
tf.slice(p23, [0, k], [1, -1])
tf.slice(p23, [0, 0], [1, k])
tf.slice(p23, I2, I2)
tf.slice(u, [0, 0], [1, 2])
tf.slice(p23, [0, 4], [1, -1])
p23[0]
p23[0, 1]
p23[5]
p23[-3]
p23[:, 1:]
p23[::-1]
p23[:, ::2]
p23[..., 0]
p23[0, ..., 0]
p23[..., ..., 0]
p23[tf.newaxis, ..., tf.newaxis]
p23[k]
p23[:, k]
p23[k:]
p23[:k]
p23[0:k, 1]
p23[1:0]
p23[::0]
pN3[0]
pN3[:2]
pN3[::2]
pN3[-1, 0]
pN3[:, -1:]
u[0]
u[0, :]
u[..., 0]
p23[True]
p23[[True, False]]
p23[np.array([True, False])]
p23[B2]
p23[1.0]
p23["x"]
p23[[0, 1]]
p23[I2]
p23[0:1.5]
p23[p23]
p131[0][0][0]
p131[:, 1, None]
p131[0, 0, 0, 0]
p23[0].assign(1.0)
tf.strided_slice(p23, [0, 0], [2, 3])
tf.strided_slice(p23, [0, 0], [2, 3], [1, 2])
tf.strided_slice(p23, [0], [2, 3])
tf.strided_slice(p23, [[0]], [2])
tf.strided_slice(p23, [0, 1], [1, 2], shrink_axis_mask=3)
tf.strided_slice(p23, [0, 1], [1, 2], [1, -1], shrink_axis_mask=2)
tf.gather(p23, [0, 1])
tf.gather(p23, 0)
tf.gather(p23, [[0, 1]], axis=1)
tf.gather(p23, [0], axis=2)
tf.gather(p23, [0], axis=-1)
tf.gather(p23, [0], axis=-3)
tf.gather(p23, I2, axis=k)
tf.gather(u, [0])
tf.gather(u, [[0]], axis=1)
tf.gather(pN3, B2)
tf.gather(k, [0])
tf.gather(p23, [[0, 1], [1, 2]], batch_dims=1)
tf.gather(p23, [[0], [1]], axis=1, batch_dims=1)
tf.batch_gather(p23, [[0, 1], [1, 2]])
tf.batch_gather(p23, [0, 1])
tf.gather_nd(p23, [[0, 1]])
tf.gather_nd(p23, [[0]])
tf.gather_nd(p23, [[0, 1, 2]])
tf.gather_nd(u, [[0]])
tf.gather_nd(p23, [0])
tf.gather_nd(p23, 0)
tf.gather_nd(p23, [[0], [1]], batch_dims=1)
tf.scatter_nd([[0]], [1.0], [3])
tf.scatter_nd([[0]], [[1.0, 2.0]], [3, 2])
tf.scatter_nd([[0]], [[1.0, 2.0]], [3, 3])
tf.scatter_nd([[0], [1]], [1.0], [3])
tf.scatter_nd([[0]], [1.0], [0])
tf.scatter_nd([[0]], [1.0], I2)
tf.tensor_scatter_update(p23, [[0]], [[1.0, 2.0, 3.0]])
tf.tensor_scatter_add(p23, [[0, 0]], [1.0])
tf.tensor_scatter_sub(p23, [[0, 0]], [[1.0]])
tf.tile(p23, [2, 1])
tf.tile(p23, [2])
tf.tile(pN3, [2, 2])
tf.tile(p23, [k, 2])
tf.tile(u, [2, 2])
tf.tile(p23, I2)
tf.pad(p23, [[1, 1], [0, 2]])
tf.pad(p23, [[1, 1]])
tf.pad(p23, [[1, -1], [0, 0]])
tf.pad(pN3, [[1, 1], [0, 2]])
tf.pad(p23, [[1, 1], [k, 2]])
tf.pad(pN3, [[1, 1], [k, 2]])
tf.pad(u, [[1, 1], [0, 2]])
tf.pad(p23, [[1, 1], [0, 2]], "REFLECT")
tf.pad(p23, [[1, 1], [0, 2]], "symmetric")
tf.pad(p23, [[1, 1], [0, 2]], "foo")
tf.pad(p23, [[1, 1], [0, 2]], constant_values=1.0)
tf.pad(p23, [1, 1])
tf.pad(p23, [[1, 1, 1], [1, 1, 1]])
tf.reverse(p23, [0])
tf.reverse(p23, [2])
tf.reverse(p23, [0, -2])
tf.reverse(p23, 0)
tf.reverse_sequence(p23, [1, 2], 1)
tf.reverse_sequence(p23, [1, 2], 1, 0)
tf.reverse_sequence(pN3, [1, 2], 1, 0)
tf.reverse_sequence(p23, [1, 2], 2, 0)
tf.reverse_sequence(p23, [1, 2], seq_dim=0, batch_dim=1)
tf.reverse_sequence(p23, [1, 2], seq_dim=1, seq_axis=1)
tf.roll(p23, 1, 0)
tf.roll(p23, [1, 2], [0, 1])
tf.roll(p23, [1, 2], 0)
tf.roll(k, 1, 0)
tf.zeros([2, 3])
tf.zeros([])
tf.zeros(5)
tf.zeros([None, 2])
tf.zeros(p23.shape)
tf.zeros(pN3.shape)
tf.zeros([2000, 2])
tf.zeros([-1])
tf.zeros(I2)
tf.zeros(k)
tf.zeros([k, 3], tf.int64)
tf.zeros([2], tf.bool)
tf.zeros([2], tf.string)
tf.zeros("x")
tf.zeros(np.array([2, 3]))
tf.zeros((p23.shape[0], 4))
tf.zeros((pN3.shape[0], 4))
tf.zeros([1.5])
tf.ones([2, 3], tf.bool)
tf.ones([2], tf.string)
tf.ones(tf.shape(pN3))
tf.ones([k])
tf.zeros_like(p23)
tf.zeros_like(pN3)
tf.zeros_like(pN3, tf.int32)
tf.zeros_like(p23, tf.int32)
tf.zeros_like(u, optimize=False)
tf.ones_like(pN3)
tf.ones_like(p23, tf.bool)
tf.ones_like([1, 2])
tf.zeros_like(["a"])
tf.fill([2, 3], 1)
tf.fill([2, -3], 1)
tf.fill([2, 3], [1])
tf.fill(2, 1)
tf.fill([k, 2], 1)
tf.fill(I2, 1.0)
tf.one_hot([0, 1], 3)
tf.one_hot(I2, k)
tf.one_hot(I2, 3, axis=0)
tf.one_hot(I2, 3, axis=-2)
tf.one_hot(I2, -1)
tf.one_hot(I2, [3])
tf.one_hot(I2, 3, 1)
tf.one_hot(I2, 3, 1, 0.0)
tf.one_hot(I2, 3, on_value=1.0, dtype=tf.int32)
tf.one_hot(I2, 3, "a", "b")
tf.one_hot(p23, 3)
tf.where(p23 > 0, p23, p23)
tf.where(B2, p23, p23)
tf.where(B2, p131, p131)
tf.where([True, False, True], p23, p23)
tf.where(True, p23, p23)
tf.where(B2, p23, I2)
tf.where(p23 > 0, I2, I2)
tf.where(B2)
tf.where(p23)
tf.where(u)
tf.where(B2, p23)
tf.where_v2(B2, 1.0, 2.0)
tf.where_v2(True, p23, [1.0, 2.0, 3.0])
tf.where_v2(B2, p23, 1.0)
tf.boolean_mask(p23, B2)
tf.boolean_mask(p23, p23 > 0)
tf.boolean_mask(p23, [True, False, True], axis=1)
tf.boolean_mask(p23, [True, False, True])
tf.boolean_mask(p23, True)
tf.boolean_mask(p23, tf.placeholder(tf.bool))
tf.unique(I2)
tf.unique(p23)
tf.unique_with_counts(I2)
tf.setdiff1d(I2, [1])
tf.setdiff1d(p23, I2)
tf.dynamic_partition(p23, [0, 1], 2)
tf.dynamic_partition(p23, [0, 1, 2], 2)
tf.dynamic_partition(pN3, I2, 2)
tf.dynamic_partition(u, I2, 3)
tf.dynamic_stitch([[0], [3]], [tf.ones([1, 3]), tf.ones([1, 3])])
tf.dynamic_stitch([I2, [3]], [p23, tf.ones([1, 3])])
tf.dynamic_stitch([I2, [3]], [p23, tf.ones([1, 4])])
tf.dynamic_stitch([0, [1]], [tf.ones([3]), tf.ones([1, 3])])
tf.sequence_mask([1, 2, 3])
tf.sequence_mask(I2)
tf.sequence_mask(I2, 4)
tf.sequence_mask(I2, 4, tf.float32)
tf.sequence_mask(I2, [4])
tf.broadcast_to(p23, [4, 2, 3])
tf.broadcast_to(p131, [1, 3, 5])
tf.broadcast_to(p23, [2])
tf.broadcast_to(p23, [5, 3])
tf.broadcast_static_shape(tf.TensorShape([2, 1]), tf.TensorShape([3]))
tf.broadcast_static_shape(tf.TensorShape([2, 2]), tf.TensorShape([3]))
tf.broadcast_static_shape(tf.TensorShape([None, 1]), tf.TensorShape([3]))
tf.broadcast_dynamic_shape(tf.shape(p23), tf.shape(pN3))
tf.invert_permutation([1, 0])
tf.invert_permutation([[1, 0]])
tf.meshgrid([1, 2], [3, 4, 5])
tf.meshgrid([1, 2], [3, 4, 5], indexing="ij")
tf.meshgrid([1, 2], foo=1)
tf.meshgrid([1, 2], indexing="z")
tf.repeat([1, 2], 2)
tf.repeat([1, 2], [2, 3])
tf.repeat(p23, 2, axis=1)
tf.repeat(p23, [1, 2, 3], axis=1)
tf.repeat(p23, [1, 2], axis=1)
tf.repeat(p23, 2, axis=2)
tf.repeat(p23, 1.5, axis=1)
tf.searchsorted([1.0, 2.0], [1.5])
tf.searchsorted(p23, p23, "right")
tf.searchsorted(p23, p23, "up")
tf.space_to_batch(x, [[0, 0], [0, 0]], 2)
tf.space_to_batch(x, [[0, 1], [0, 0]], 2)
tf.space_to_batch(x, [[1, 1], [0, 0]], block_shape=2)
tf.space_to_batch_nd(x, [2, 2], [[0, 0], [0, 0]])
tf.space_to_batch_nd(x, [2], [[0, 0], [0, 0]])
tf.space_to_batch_nd(x, [2, 0], [[0, 0], [0, 0]])
tf.space_to_batch_nd(x, I2, [[0, 0], [0, 0]])
tf.space_to_batch_nd(x, [2, 2], [[0, -1], [0, 0]])
tf.batch_to_space(tf.ones([4, 2, 2, 1]), [[0, 1], [0, 0]], 2)
tf.batch_to_space(tf.ones([3, 2, 2, 1]), [[0, 1], [0, 0]], 2)
tf.batch_to_space_nd(tf.ones([4, 2, 2, 1]), [2, 2], [[3, 3], [0, 0]])
tf.space_to_depth(x, 2)
tf.space_to_depth(x, 3)
tf.space_to_depth(x, 2, data_format="NCHW")
tf.depth_to_space(tf.ones([1, 2, 2, 8]), 2)
tf.depth_to_space(x, 2)
tf.depth_to_space(tf.ones([1, 8, 2, 2]), 2, data_format="NCHW")
tf.space_to_depth(x, 1)
tf.extract_image_patches(x, [1, 2, 2, 1], [1, 1, 1, 1], [1, 1, 1, 1], "SAME")
tf.extract_image_patches(x, [1, 2, 2, 1], [1, 2, 2, 1], [1, 1, 1, 1], "VALID")
tf.extract_image_patches(x, [1, 2, 2, 1], [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
tf.extract_image_patches(x, [1, 2, 2], [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
tf.image.extract_patches(x, [1, 2, 2, 1], [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
tf.required_space_to_batch_paddings([5, 6], [2, 2])
tf.required_space_to_batch_paddings(I2, [2, 2])
tf.parallel_stack([p23, p23])
tf.parallel_stack([pN3, p23])
tf.identity(p23)
tf.identity_n([p23, I2])
tf.identity_n([])
tf.placeholder(tf.float32, [])
tf.placeholder_with_default(p23, [None, 3])
tf.placeholder_with_default(p23, [4, 3])
tf.placeholder_with_default([1, 2], None)
tf.shape(p23)
tf.shape(pN3)
tf.shape(u)
tf.shape(u, out_type=tf.int64)
tf.shape([[1, 2]])
tf.shape_n([p23, u])
tf.size(p23)
tf.size(pN3)
tf.size(tf.placeholder(tf.float32, [0, None]))
tf.size(u, out_type=tf.int64)
tf.rank(pN3)
tf.rank(u)
tf.rank([1])
tf.stop_gradient(p23)
tf.check_numerics(p23, "x")
tf.check_numerics(I2, "x")
tf.nn.embedding_lookup(p23, [0, 1])
tf.nn.embedding_lookup([p23, p23], [[0, 1]])
tf.nn.embedding_lookup([p23, p23], [[0, 1]], "div")
tf.nn.embedding_lookup([p23, p23], [[0, 1]], "foo")
tf.nn.embedding_lookup([], [[0, 1]])
tf.nn.embedding_lookup(None, [[0, 1]])
tf.nn.embedding_lookup(pN3, I2)
tf.nn.embedding_lookup([pN3, p23], I2, "div")
tf.nn.embedding_lookup(p23, [0, 1], max_norm=1.0)
tf.unravel_index([3, 4], [2, 3])
tf.unravel_index(3, [2, 3])
tf.sort(p23, axis=0)
tf.sort(p23, direction="X")
tf.argsort(p23, axis=0, direction="DESCENDING")
tf.sort(u)
tf.sparse_placeholder(tf.float32, [2, 3])
tf.sparse_placeholder(tf.float32, [None, 3], name="sp")
tf.guarantee_const(p23)
tf.edit_distance(1, 2)
tf.convert_to_tensor([[k, 1], [2, 3]])
tf.convert_to_tensor([k, [1]])
tf.convert_to_tensor([k, 1.5])
tf.convert_to_tensor([k, 2], tf.float32)
tf.convert_to_tensor([p23, p23])
tf.convert_to_tensor([k, "a"])
tf.convert_to_tensor([k, None])
"""

VALUES = r"""
tf.reshape(p, [3, -1])
tf.reshape(u, [-1])
tf.expand_dims(u, 1)
tf.squeeze(q)
tf.squeeze(q, [0])
tf.transpose(u)
tf.transpose(p, [1, 0])
tf.transpose(w, [2, 0, 1])
tf.matrix_transpose(w)
tf.concat([p, p * 2], 0)
tf.concat([p, u], 1)
tf.concat([w, w], -2)
tf.concat([p] * 17, 0)
tf.stack([p, p * 2], 1)
tf.stack([p, u])
tf.unstack(p, axis=1)
tf.unstack(u, 2)
tf.split(p, 3, 1)
tf.split(w, [1, -1], 2)
tf.split(u, 2)
tf.slice(p, [0, 1], [2, 2])
tf.slice(p, [0, k], [2, 1])
tf.slice(w, [0, 0, 1], [-1, 1, -1])
tf.slice(p, tf.stack([k, 0]), [1, 3])
tf.slice(w, [k, 0, 0], [1, -1, 2])
tf.slice(p, [0, 0], tf.stack([2, k]))
tf.slice(p, [0, k], [-1, -1])
p[0]
p[:, 1]
p[1:, ::-1]
p[::-1, ::2]
w[..., 1]
w[:, None, 1:2, ...]
w[-1, ::-1, 1:]
p[k]
p[:, k]
p[k, k]
w[:, k, 1:]
w[0:1, k]
p[k:]
p[:k]
p[-k]
w[k, :, ::2]
w[k, :, ::-1]
w[1, 0:2, k]
u[0]
u[:, 1:]
p[k:k+1]
tf.gather(p, [1, 0, 1])
tf.gather(p, idx)
tf.gather(w, idx, axis=2)
tf.gather(w, idx, axis=-2)
tf.gather(w, [[0, 1], [1, 1]], axis=1, batch_dims=1)
tf.gather(w, [[0], [1]], axis=2, batch_dims=1)
tf.gather(p, k)
tf.gather(p, 1, axis=1)
tf.batch_gather(p, [[0, 2], [1, 1]])
tf.gather_nd(w, [[0, 1], [1, 0]])
tf.gather_nd(w, [[[0, 1, 2]], [[1, 0, 1]]])
tf.gather_nd(p, [[1], [0], [1]])
tf.gather_nd(w, [[0], [1]], batch_dims=1)
tf.gather_nd(p, tf.expand_dims(idx, 1))
tf.scatter_nd([[1], [3], [1]], tf.reshape(p, [3, 2]), [4, 2])
tf.scatter_nd(tf.expand_dims(idx, 1), p[:, 0:1] * tf.ones([2, 3]), [2, 3])
tf.tensor_scatter_update(p, [[1]], [[1.0, 2.0, 3.0]])
tf.tensor_scatter_add(p, [[0, 0], [0, 0]], [1.0, 2.0])
tf.tensor_scatter_sub(p, [[0, 0], [1, 0]], [1.0, 2.0])
tf.tile(p, [2, 3])
tf.tile(u, [1, k + 1])
tf.pad(p, [[1, 0], [0, 2]])
tf.pad(p, [[1, 0], [0, 2]], constant_values=7.0)
tf.pad(p, [[1, 1], [2, 1]], "REFLECT")
tf.pad(p, [[1, 2], [2, 3]], "SYMMETRIC")
tf.pad(u, [[0, 1], [0, 0]])
tf.reverse(w, [0, -1])
tf.reverse_sequence(w, [1, 2], seq_axis=2, batch_axis=0)
tf.reverse_sequence(w, idx + 1, seq_axis=0, batch_axis=1)
tf.roll(p, 1, 1)
tf.roll(w, [1, k], [0, 2])
tf.roll(p, -k, 0)
tf.zeros_like(p)
tf.ones_like(u)
tf.fill([2, k], 3.5)
tf.fill([2, 2], p[0, 0])
tf.zeros([k, 2])
tf.one_hot(idx, 3)
tf.one_hot(idx, 3, axis=0)
tf.one_hot([[0, 2], [5, -1]], 3, 5, 2, axis=1)
tf.one_hot(idx, 2, True, False)
tf.where(p > 2.5, p, -p)
tf.where([True, False], p, -p)
tf.where(k > 0, p, -p)
tf.where(p > 2.5)
tf.where_v2([[True], [False]], p, [1.0, 2.0, 3.0])
tf.boolean_mask(p, [True, False])
tf.boolean_mask(p, p > 1.5)
tf.boolean_mask(w, p[:, :2] > 0.5)
tf.boolean_mask(p, [True, False, True], axis=1)
tf.unique([3, 1, 3, 2, 1])
tf.unique_with_counts(["b", "a", "b"])
tf.setdiff1d([1, 2, 3, 4], [2, 4])
tf.dynamic_partition(p, [1, 0], 3)
tf.dynamic_partition(w, idx, 2)
tf.dynamic_stitch([[0, 2], [1, 2]], [p, p * 10])
tf.dynamic_stitch([idx, [2]], [p, [[7.0, 8.0, 9.0]]])
tf.sequence_mask([1, 3, 0])
tf.sequence_mask(idx, 4, tf.float32)
tf.sequence_mask(idx)
tf.broadcast_to(p, [2, 2, 3])
tf.broadcast_to(q, [2, 3, 3])
tf.broadcast_dynamic_shape(tf.shape(q), tf.shape(p))
tf.invert_permutation([2, 0, 1])
tf.invert_permutation(tf.concat([idx, [2]], 0))
tf.meshgrid([1, 2], [3, 4, 5])
tf.meshgrid([1, 2], idx, indexing="ij")
tf.repeat(p, 2, axis=1)
tf.repeat(p, [1, 0, 3], axis=1)
tf.repeat([1, 2, 3], 2)
tf.searchsorted([[1.0, 2.0, 2.0, 5.0]], [[0.0, 2.0, 6.0]])
tf.searchsorted(p, p, "right")
tf.space_to_batch(x, [[0, 0], [1, 1]], 2)
tf.space_to_batch_nd(x, [4, 2], [[0, 0], [0, 0]])
tf.batch_to_space(tf.reshape(x, [4, 2, 2, 1]), [[0, 1], [1, 0]], 2)
tf.space_to_depth(x, 2)
tf.depth_to_space(tf.reshape(x, [1, 2, 2, 4]), 2)
tf.space_to_depth(tf.reshape(x, [1, 1, 4, 4]), 2, data_format="NHWC")
tf.extract_image_patches(x, [1, 2, 2, 1], [1, 1, 1, 1], [1, 1, 1, 1], "SAME")
tf.extract_image_patches(x, [1, 3, 2, 1], [1, 2, 1, 1], [1, 1, 2, 1], "VALID")
tf.extract_volume_patches(tf.reshape(x, [1, 2, 2, 4, 1]), [1, 2, 1, 2, 1], [1, 1, 1, 2, 1], "SAME")
tf.required_space_to_batch_paddings([5, 6], [2, 4])
tf.identity_n([p, idx])
tf.shape(u)
tf.shape_n([p, u])
tf.size(u)
tf.rank(u)
tf.stop_gradient(p) * p
tf.check_numerics(p, "x")
tf.nn.embedding_lookup(p, idx)
tf.nn.embedding_lookup([p, p * 2], [[0, 1, 2, 3]])
tf.nn.embedding_lookup([p, p * 2], [0, 1, 2, 3], "div")
tf.nn.embedding_lookup(p, idx, max_norm=1.0)
tf.unravel_index([3, 4], [2, 3])
tf.sort(p, axis=0)
tf.sort(-p)
tf.argsort(p, axis=1, direction="DESCENDING")
tf.placeholder_with_default(p, [None, 3])
tf.convert_to_tensor([[k, 1], [2, 3]])
tf.stack(["a", "b"])
tf.concat([["a"], ["b", "c"]], 0)
tf.gather(["a", "b"], [1, 1])
tf.reshape(["a", "b"], [2, 1])
tf.where([True, False], ["a", "b"], ["c", "d"])
tf.fill([2], "z")
tf.tile(["a"], [3])
tf.constant(["x", "y"])[1]
tf.pad([[1, 2]], [[0, 0], [1, 1]])
tf.reverse(["a", "b"], [0])
tf.zeros([2], tf.string)
tf.edit_distance(tf.SparseTensor([[0, 0], [0, 1], [1, 0]], [1, 2, 3], [2, 2]), tf.SparseTensor([[0, 0], [1, 0], [1, 1]], [1, 3, 4], [2, 2]))
tf.gather(p, [5])
tf.gather_nd(p, [[0, 5]])
tf.reshape(u, [4])
tf.squeeze(u, [0])
p[5:]
u[5]
tf.slice(u, [0, 2], [1, 2])
tf.concat([p, u[:1]], 1)
tf.stack([p, u[:1]])
tf.check_numerics(p / 0.0, "msg")
tf.dynamic_partition(p, [0, 5], 2)
tf.broadcast_to(u, [3, 3])
tf.reshape(u, [-1, 4])
tf.guarantee_const(k)
tf.zeros([2], tf.complex64)
tf.ones_like(tf.constant([1, 2], tf.int8))
tf.fill([2], True)
tf.pad(tf.constant([[True, False]]), [[1, 0], [0, 1]])
tf.concat([tf.constant([1], tf.int64), tf.constant([2], tf.int64)], 0)
tf.gather(tf.constant([1, 2, 3], tf.int64), idx)
tf.gather(tf.constant([True, False]), idx)
tf.gather(tf.cast(p, tf.float64), tf.cast(idx, tf.int64))
tf.cast(tf.gather(tf.cast(p, tf.float16), idx), tf.float32)
tf.scatter_nd([[0], [0]], tf.constant([1, 2], tf.int64), [3])
tf.scatter_nd(tf.constant([[0], [1]], tf.int64), tf.constant([1.0, 2.0], tf.float64), tf.constant([3], tf.int64))
tf.one_hot(tf.cast(idx, tf.int64), 3, dtype=tf.int32)
tf.one_hot(tf.cast(idx, tf.uint8), 3)
tf.where(p > 1, tf.cast(p, tf.int32), tf.zeros([2, 3], tf.int32))
tf.transpose(tf.complex(p, p), conjugate=True)
tf.reverse(tf.constant([True, False]), [0])
tf.roll(tf.constant([1, 2, 3]), 1, 0)
tf.roll(idx, -1, 0)
tf.tile(tf.constant([True]), [2])
tf.sort(idx)
tf.sort(tf.constant([3, 1, 2], tf.int64), direction="DESCENDING")
tf.searchsorted([1, 3, 5], idx)
tf.unique(idx)
tf.unique(tf.constant([1.5, 0.5, 1.5]))
tf.setdiff1d(idx, [1])
tf.where(tf.constant([0.0, 2.0]))
tf.where(idx)
tf.space_to_depth(tf.cast(x, tf.int32), 2)
tf.batch_to_space(tf.cast(tf.reshape(x, [4, 2, 2, 1]), tf.uint8), [[0, 0], [0, 0]], 2)
tf.extract_image_patches(tf.cast(x, tf.int32), [1, 2, 2, 1], [1, 2, 2, 1], [1, 1, 1, 1], "VALID")
tf.cast(p, tf.int32)[k]
tf.cast(p, tf.bool)[:, ::-1]
tf.cast(p, tf.float64)[k, ::-1]
tf.gradients(tf.reduce_sum(tf.gradients(tf.reduce_sum(p[0] ** 3), p)[0] ** 2), p)[0]
tf.gradients(tf.reduce_sum(tf.convert_to_tensor(tf.gradients(tf.reduce_sum(tf.gather(p, idx) ** 3), p)[0]) ** 2), p)[0]
tf.gradients(tf.reduce_sum(tf.gradients(tf.reduce_sum(tf.pad(p, [[1, 1], [1, 1]], "REFLECT") ** 3), p)[0] ** 2), p)[0]
tf.gradients(tf.reduce_sum(tf.gradients(tf.reduce_sum(p[k] ** 3), p)[0] ** 2), p)[0]
tf.gradients(tf.reduce_sum(tf.gradients(tf.reduce_sum(tf.concat([p, p[:, :1]], 1) ** 3), p)[0] ** 2), p)[0]
tf.gradients(tf.reduce_sum(tf.gradients(tf.reduce_sum(tf.tile(p, [2, 1]) ** 3), p)[0] ** 2), p)[0]
tf.gradients(tf.reduce_sum(tf.gradients(tf.reduce_sum(tf.extract_image_patches(x, [1, 2, 2, 1], [1, 1, 1, 1], [1, 1, 1, 1], "SAME") ** 2), x)[0] ** 2), x)[0]
tf.while_loop(lambda i, s: i < 2, lambda i, s: (i + 1, s + p[i] * p[i, 1:2]), [0, tf.zeros([3])])[1]
tf.while_loop(lambda i, s: i < 2, lambda i, s: (i + 1, s + tf.reduce_sum(tf.slice(p, [i, 0], [1, 2]))), [0, 0.0])[1]
tf.while_loop(lambda i, s: i < k + 1, lambda i, s: (i + 1, s + p[i] * w[i, 0]), [0, tf.zeros([3])])[1]
tf.while_loop(lambda i, s: i < 2, lambda i, s: (i + 1, s * tf.one_hot(i, 3) + tf.reverse(s, [0]) + w[i, :, 1:][0, 0]), [0, tf.ones([3])])[1]
tf.cond(k > 0, lambda: p[k], lambda: p[0] * 2.0)
tf.cond(k > 1, lambda: p[:, k], lambda: p[:, 0] * 2.0)
tf.map_fn(lambda r: r[0] * r, p)
tf.scan(lambda a, r: a + r[k] * r, p)
tf.map_fn(lambda i: p[i], tf.range(2), dtype=tf.float32)
tf.map_fn(lambda i: tf.concat([p[i], u[i]], 0), idx, dtype=tf.float32)
tf.gather(tf.gather(p, idx), idx)
tf.boolean_mask(p, tf.gather(p[:, 0], idx) > 1)
tf.dynamic_stitch(tf.dynamic_partition(tf.range(2), idx, 2), tf.dynamic_partition(p, idx, 2))
tf.reduce_sum(tf.boolean_mask(p, p > 2) ** 2)
tf.split(p, [k, -1], 1)
tf.reshape(p, tf.stack([k * 3, -1]))
tf.reshape(p, [k * 3, 2])
tf.transpose(w, tf.concat([[2], idx], 0))
tf.expand_dims(p, k)
tf.tile(p, [k + 1, k])
tf.fill(idx + 1, 2.0)
tf.zeros(idx + 1)
tf.concat([p, p], k)
tf.concat([p, p], k - 1)
tf.stack([k, 2, k + 1])
tf.pad(p, [[k, k], [0, 0]])
tf.one_hot(idx, k + 2)
tf.slice(p, [k, 0], [k, 2])
p[:, k:]
p[k - 1:k + 1, ::k]
tf.space_to_batch_nd(x, idx + 1, [[0, 0], [0, 0]])
tf.broadcast_to(q, [k, 3, 2])
tf.reverse(p, [k])
tf.unstack(w, axis=-1)
tf.gather(w, [1], axis=k)
tf.sequence_mask(idx, k + 2)
tf.meshgrid(tf.range(k + 1), tf.range(3))
tf.matrix_transpose(w)[k]
tf.fake_quant_with_min_max_args(p - 3.0)
tf.fake_quant_with_min_max_vars(p - 3.0, -1.3, 2.0)
tf.fake_quant_with_min_max_vars(p - 3.0, -1.3, 2.0, 4, True)
tf.fake_quant_with_min_max_vars_per_channel(p - 2.5, [-1.0, 0.0, -2.0], [1.0, 0.0, 0.5])
tf.quantization.quantize_and_dequantize(p - 2.5, -1.0, 1.5, range_given=True)
tf.quantization.quantize_and_dequantize(p - 2.5, 0.0, 0.0, False, 4, False, "HALF_UP")
tf.dequantize(tf.quantization.quantize(p, 0.0, 5.0, tf.quint8)[0], 0.0, 5.0)
tf.dequantize(tf.quantization.quantize(p, -1.0, 5.0, tf.qint8, mode="SCALED")[0], -1.0, 5.0, mode="SCALED")
tf.ensure_shape(u, [2, None])
tf.verify_tensor_all_finite(p, "m")
tf.transpose(u, [0, 0])
tf.split(u, 2, 1)
tf.split(u, [1, 1], 1)
tf.unstack(u, 3)
tf.gather(u, [2])
tf.gather(u, [[0, -1]])
tf.gather(u, [3], axis=1)
tf.gather_nd(u, [[0, 0, 0]])
tf.scatter_nd([[5]], [1.0], [3])
tf.tile(u, [-1, 1])
tf.pad(u, [[1, 1]])
tf.pad(u, [[2, 2], [0, 0]], "REFLECT")
tf.pad(u, [[3, 2], [0, 0]], "SYMMETRIC")
tf.reverse(u, [5])
tf.reverse_sequence(u, [5, 1], 1)
tf.roll(u, 1, 3)
tf.expand_dims(u, 4)
tf.fill(tf.constant([-1]) * k, 1.0)
tf.one_hot(u, 3)
tf.where(tf.placeholder_with_default([True], None), u, u)
tf.dynamic_partition(u, [0, 1, 1], 2)
tf.space_to_depth(tf.reshape(u, [1, 2, 3, 1]), 2)
tf.batch_to_space_nd(tf.placeholder_with_default(np.ones([3, 1, 1, 1]), None), [2, 2], [[0, 0], [0, 0]])
tf.strided_slice(u, [0], [1], [k - 1])
u[0, 0, 0]
tf.slice(u, [0], [1])
tf.slice(u, [3, 0], [1, 1])
tf.slice(u, [-1, 0], [1, 1])
tf.concat([u, tf.expand_dims(u, 0)], 0)
tf.concat([u, u], 2)
tf.stack([u, tf.expand_dims(u, 0)])
tf.broadcast_dynamic_shape([2, 3], [3, 3])
tf.unravel_index([7], [2, 3])
tf.setdiff1d([[1]], [1])
tf.unique(u)
tf.placeholder(tf.float32, [2], name="zz")
tf.placeholder(tf.float32, name="zz")
tf.searchsorted(tf.reshape(u, [2, 3]), tf.ones([3, 1]))
"""


def lines(text):
    """The expressions of a block."""
    return text.strip().split("\n")


def _described(tf, result):
    if isinstance(result, (list, tuple)):
        return [_described(tf, r) for r in result]
    if isinstance(result, tf.Tensor):
        return [result.name, str(result.get_shape()), result.dtype.name]
    return str(result)


def shape_operands(tf):
    """Placeholders whose shapes are known in part."""
    return {
        "tf": tf,
        "np": np,
        "p23": tf.placeholder(tf.float32, [2, 3], name="p23"),
        "pN3": tf.placeholder(tf.float32, [None, 3], name="pN3"),
        "pNN": tf.placeholder(tf.float32, [None, None], name="pNN"),
        "u": tf.placeholder(tf.float32, name="u"),
        "k": tf.placeholder(tf.int32, [], name="k"),
        "I2": tf.placeholder(tf.int32, [2], name="I2"),
        "B2": tf.placeholder(tf.bool, [2], name="B2"),
        "p131": tf.placeholder(tf.float32, [1, 3, 1], name="p131"),
        "x": tf.placeholder(tf.float32, [1, 4, 4, 1], name="x"),
    }


def shapes_of(tf, expression):
    """Names, shapes and types of the results and the operations made, or the error."""
    with tf.Graph().as_default() as graph:
        scope = shape_operands(tf)
        before = len(graph.get_operations())
        try:
            result = _described(tf, eval(expression, scope))
        except Exception as error:
            return ["raises", type(error).__name__, str(error).split("\n  ")[0][:600]]
        return [result, [[o.name, o.type] for o in graph.get_operations()[before:]]]


def _plain(value):
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    array = np.asarray(value)
    if array.dtype == object:
        return ["str", list(array.shape), [x.decode() for x in array.ravel().tolist()]]
    elements = array.ravel().tolist()
    return [array.dtype.name, list(array.shape), [str(x) if isinstance(x, complex) else x for x in elements]]


def value_operands(tf):
    """Placeholders and what is fed to them."""
    shapes = {"p": [2, 3], "u": None, "w": [2, 2, 3], "q": [1, 3, 1], "x": [1, 4, 4, 1]}
    scope = {name: tf.placeholder(tf.float32, shape, name=name) for name, shape in shapes.items()}
    scope["k"] = tf.placeholder(tf.int32, [], name="k")
    scope["idx"] = tf.placeholder(tf.int32, [2], name="idx")
    fed = {name: np.arange(np.prod(shape), dtype=np.float32).reshape(shape) for name, shape in shapes.items() if shape}
    fed["u"] = fed["p"] * 2
    fed["k"], fed["idx"] = 1, [1, 0]
    return scope, {scope[name]: value for name, value in fed.items()}


def _differentiable(tf, result):
    tensors = result if isinstance(result, (list, tuple)) else [result]
    return [t for t in tensors if t.dtype == tf.float32]


def _weighted(tf, tensor):
    weights = tf.cast(tf.range(tf.size(tensor)), tf.float32) + 1.0
    return tensor * tf.reshape(weights, tf.shape(tensor))


def values_of(tf, expression):
    """The value of an expression and its gradients, or the errors."""
    with tf.Graph().as_default():
        scope, feeds = value_operands(tf)
        session = tf.Session()
        try:
            result = eval(expression, dict(scope, tf=tf, np=np))
            found = {"value": _plain(session.run(result, feeds))}
        except Exception as error:
            return {"raises": [type(error).__name__, str(error).split("\n")[0]]}
        tensors = _differentiable(tf, result)
        if tensors and not expression.startswith(("tf.gradients", "tf.fill", "tf.zeros", "tf.dequantize")):
            gradients = tf.gradients([_weighted(tf, t) for t in tensors], [scope[n] for n in "puwqx"])
            found["kinds"] = [None if g is None else type(g).__name__ for g in gradients]
            dense = [tf.convert_to_tensor(g) for g in gradients if g is not None]
            found["gradients"] = _plain(session.run(dense, feeds))
        return found


def main(folder, module="tensorflow"):
    """Records what a module gives."""
    tf = importlib.import_module(module)
    records = {
        "array_shapes": {e: shapes_of(tf, e) for e in lines(SHAPES)},
        "array_values": {e: values_of(tf, e) for e in lines(VALUES)},
    }
    for name, record in records.items():
        with open(os.path.join(folder, name + ".json"), "w") as file:
            json.dump(record, file, indent=0, sort_keys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
