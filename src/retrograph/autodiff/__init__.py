"""`tf.gradients` and what belongs to it: registry, custom gradients, tape, numeric checks."""
