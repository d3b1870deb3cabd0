"""`tf.contrib.opt`: more optimizers, and wrappers around others."""

from retrograph._namespace import package_namespace

# The package is the public namespace `tf.contrib.opt` too; no module in it may bear a public name.
__getattr__, __dir__ = package_namespace("contrib.opt", globals())
