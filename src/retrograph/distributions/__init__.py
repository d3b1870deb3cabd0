"""`tf.distributions` and `tf.contrib.distributions`: random variables, divergences between them, and bijectors."""

from retrograph._namespace import package_namespace

# The package is the public namespace `tf.distributions` too; no module in it may bear a public name.
__getattr__, __dir__ = package_namespace("distributions", globals())
