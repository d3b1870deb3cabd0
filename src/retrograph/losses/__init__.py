"""`tf.losses`: losses with weights and reductions, kept in the collection of losses."""

from retrograph._namespace import package_namespace

# The package is the public namespace `tf.losses` too; no module in it may bear a public name.
__getattr__, __dir__ = package_namespace("losses", globals())
