"""`tf.saved_model`: graphs with their variables, signatures and files in a directory."""
