"""`tf.contrib`: what real programs use of it."""

from retrograph._namespace import package_namespace

# The package is the public namespace `tf.contrib` too; no module in it may bear a public name.
__getattr__, __dir__ = package_namespace("contrib", globals())
