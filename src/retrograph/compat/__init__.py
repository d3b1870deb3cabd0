"""Running programs that were written for TensorFlow 1: the import hook, and what Python and NumPy dropped since.

The package is the namespace `tf.compat` too.
"""

from __future__ import annotations

from retrograph._namespace import package_namespace

__getattr__, __dir__ = package_namespace("compat", globals())
