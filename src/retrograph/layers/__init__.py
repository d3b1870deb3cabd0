"""`tf.layers`: layers as classes and as functions."""

from retrograph._namespace import package_namespace

# The package is the public namespace `tf.layers` too; no module in it may bear a public name.
__getattr__, __dir__ = package_namespace("layers", globals())
