"""`tf.summary`: summaries as operations, and the event files that TensorBoard reads."""

from retrograph._namespace import package_namespace

# The package is the public namespace `tf.summary` too; no module in it may bear a public name.
__getattr__, __dir__ = package_namespace("summary", globals())
