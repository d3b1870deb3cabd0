"""`tf.feature_column`: how features become the input of a model."""

from retrograph._namespace import package_namespace

# The package is the public namespace `tf.feature_column` too; no module in it may bear a public name.
__getattr__, __dir__ = package_namespace("feature_column", globals())
