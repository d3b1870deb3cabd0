"""`tf.estimator`: models by functions, trained, evaluated and exported."""

from retrograph._namespace import package_namespace

# The package is the public namespace `tf.estimator` too; no module in it may bear a public name.
__getattr__, __dir__ = package_namespace("estimator", globals())
