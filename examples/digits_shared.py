"""Handwritten digits, the way it was written in 2018: one set of weights, two towers.

The training tower creates the variables; the validation tower, built with reuse=True, shares
them. Nothing here knows about Retrograph: the same file runs on TensorFlow 1.15.

    retrograph run examples/digits_shared.py
"""
from __future__ import print_function

import os

import numpy as np
import tensorflow as tf

flags = tf.app.flags
flags.DEFINE_integer("epochs", 20, "Passes over the training images.")
flags.DEFINE_integer("batch_size", 50, "Images per training step.")
flags.DEFINE_float("learning_rate", 0.002, "Step size of Adam.")
FLAGS = flags.FLAGS

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "digits.npz")


def load():
    """The 8x8 digits (UCI, as scikit-learn ships them): every fifth one is held out."""
    with np.load(DATA) as data:
        images = data["images"].reshape(-1, 64).astype(np.float32) / 16.0
        labels = data["labels"].astype(np.int64)
    held_out = np.arange(len(labels)) % 5 == 0
    return images[~held_out], labels[~held_out], images[held_out], labels[held_out]


def dense(x, size, name, activation=None):
    with tf.variable_scope(name):
        w = tf.get_variable("weights", [x.get_shape()[1], size],
                            initializer=tf.truncated_normal_initializer(stddev=0.1))
        b = tf.get_variable("biases", [size], initializer=tf.constant_initializer(0.0))
        y = tf.nn.xw_plus_b(x, w, b)
        return activation(y) if activation is not None else y


def tower(x, y, keep_prob, reuse=None):
    with tf.variable_scope("digits", reuse=reuse):
        hidden = dense(x, 128, "hidden1", tf.nn.relu)
        hidden = tf.nn.dropout(hidden, keep_prob)
        hidden = dense(hidden, 64, "hidden2", tf.nn.relu)
        logits = dense(hidden, 10, "softmax")
    loss = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits), name="loss")
    accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), y), tf.float32), name="accuracy")
    return loss, accuracy


def main(_):
    tf.set_random_seed(1)
    np.random.seed(1)
    train_images, train_labels, test_images, test_labels = load()

    x = tf.placeholder(tf.float32, [None, 64], name="images")
    y = tf.placeholder(tf.int64, [None], name="labels")
    with tf.name_scope("train"):
        loss, _ = tower(x, y, keep_prob=0.9)
    with tf.name_scope("validation"):
        _, accuracy = tower(x, y, keep_prob=1.0, reuse=True)

    global_step = tf.Variable(0, trainable=False, name="global_step")
    train_op = tf.train.AdamOptimizer(FLAGS.learning_rate).minimize(loss, global_step=global_step)

    for v in tf.trainable_variables():
        print("%-28s %s" % (v.name, v.get_shape()))

    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for epoch in range(FLAGS.epochs):
            order = np.random.permutation(len(train_labels))
            for i in range(0, len(order), FLAGS.batch_size):
                batch = order[i:i + FLAGS.batch_size]
                _, value, step = sess.run([train_op, loss, global_step],
                                          {x: train_images[batch], y: train_labels[batch]})
            print("epoch %2d  step %4d  loss %.4f" % (epoch + 1, step, value))
        result = sess.run(accuracy, {x: test_images, y: test_labels})
        print("held-out accuracy: %.4f" % result)


if __name__ == "__main__":
    tf.app.run()
