"""`tf.io`: files of records, and the messages and operations by which examples are stored in them."""

from retrograph._namespace import package_namespace

# The package is the public namespace `tf.io` too; no module in it may bear a public name.
__getattr__, __dir__ = package_namespace("io", globals())
