"""`tf.train`: optimizers, their slots, moving averages, learning-rate schedules, the global step."""
