"""`tf.data`: datasets, their transformations and iterators; `host` holds what runs.

Each transformation is an operation that makes a variant; iterators are resources of the session.
"""

from retrograph._namespace import package_namespace

# The package is the public namespace `tf.data` too; no module in it may bear a public name.
__getattr__, __dir__ = package_namespace("data", globals())
