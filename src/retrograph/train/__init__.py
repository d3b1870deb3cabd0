"""`tf.train`: optimizers, their slots, moving averages, learning-rate schedules, the global step."""

from retrograph._namespace import package_namespace

# The package is the public namespace `tf.train` too; no module in it may bear a public name.
__getattr__, __dir__ = package_namespace("train", globals())
