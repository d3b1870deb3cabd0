"""`tf.keras`, as far as programs use it inside TF 1 graphs: layers, models, losses, metrics, optimizers, `backend`."""

from retrograph._namespace import package_namespace

# The package is the public namespace `tf.keras` too; no module in it may bear a public name.
__getattr__, __dir__ = package_namespace("keras", globals())
