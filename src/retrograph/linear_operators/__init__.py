"""`tf.linalg.LinearOperator`s: matrices that are known by their structure rather than by their elements."""
