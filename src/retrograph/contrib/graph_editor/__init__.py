"""`tf.contrib.graph_editor`: looking through the operations of a graph, copying parts of it, connecting them anew."""

from retrograph._namespace import package_namespace

# The package is the public namespace too; no module in it may bear a public name.
__getattr__, __dir__ = package_namespace("contrib.graph_editor", globals())
