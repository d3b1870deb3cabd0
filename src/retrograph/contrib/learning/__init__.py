"""The estimators of `tf.contrib.learn`, which were there before `tf.estimator`."""
