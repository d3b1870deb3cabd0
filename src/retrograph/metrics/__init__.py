"""`tf.metrics`: figures gathered over many batches in local variables."""

from retrograph._namespace import package_namespace

# The package is the public namespace `tf.metrics` too; no module in it may bear a public name.
__getattr__, __dir__ = package_namespace("metrics", globals())
